"""Sessions of browsers: the refresh token is in a cookie, which scripts cannot read.

The cookie goes to this path only. A page signs in by the contract and hands its refresh token over once; it
keeps access tokens in memory, and gets another one here after a reload and before the last one expires.
"""

from collections.abc import Callable
from contextlib import suppress

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.errors import ErrorCode, NotAuthenticated
from resolvers.identity import accounts
from resolvers.identity.refresh_tokens import TokenPair
from resolvers.identity.sign_in_limits import Origin
from schema.framework.context import Services
from server.graphql.refusals import Refusal, refusal

PATH = "/auth/session"
COOKIE = "seshat_session"
REQUIRED_HEADER = "X-Seshat-Session"
"""Header of every request. Pages of other sites cannot send it."""
MAX_BODY_BYTES = 4_096
NO_STORE = {"Cache-Control": "no-store"}


def route(services: Callable[[], Services]) -> Route:
    """The route of the session; `services` is called for each request."""

    async def session(request: Request) -> Response:
        if REQUIRED_HEADER not in request.headers:
            message = f"Sessions of browsers require the header {REQUIRED_HEADER}."
            raise Refusal(403, ErrorCode.CSRF_PREVENTION, message)
        if request.method == "DELETE":
            return await sign_out(request, services())
        return await refresh(request, services())

    return Route(PATH, session, methods=["POST", "DELETE"], name="session")


async def refresh(request: Request, services: Services) -> Response:
    """A new access token for the refresh token of the cookie, or of the body after a sign-in."""
    token = await handed_over(request) or request.cookies.get(COOKIE)
    if not token:
        return JSONResponse({"accessToken": None}, headers=NO_STORE)
    try:
        origin = Origin(
            request.client.host if request.client else None, user_agent=request.headers.get("user-agent")
        )
        tokens = await accounts.refresh(services.database, services.token_signer, token, origin)
    except NotAuthenticated as error:
        refused = refusal(error).response("application/json")
        refused.headers.update(NO_STORE)
        return without_cookie(request, refused)
    response = JSONResponse({"accessToken": tokens.access_token}, headers=NO_STORE)
    response.set_cookie(
        COOKIE,
        tokens.refresh_token,
        max_age=services.settings.refresh_token_ttl,
        path=PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


async def sign_out(request: Request, services: Services) -> Response:
    """Ends the session of the cookie, with its access tokens, sockets and streams, and removes the cookie."""
    token = request.cookies.get(COOKIE)
    if token:
        with suppress(NotAuthenticated):
            await end(services, await accounts.refresh(services.database, services.token_signer, token))
    return without_cookie(request, Response(status_code=204, headers=NO_STORE))


async def end(services: Services, tokens: TokenPair) -> None:
    """Ends the session of a pair of tokens."""
    viewer = await accounts.load_viewer(services.database, tokens.user_id, None)
    await accounts.sign_out(services.database, viewer, tokens.refresh_token)
    services.viewers.forget(tokens.user_id)


async def handed_over(request: Request) -> str | None:
    """The refresh token in the body, if there is one."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refusal(413, ErrorCode.PAYLOAD_TOO_LARGE, f"The body may have {MAX_BODY_BYTES} bytes.")
    if not body:
        return None
    try:
        token = orjson.loads(body)["refreshToken"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        token = None
    if not isinstance(token, str):
        raise Refusal(400, ErrorCode.BAD_REQUEST, 'The body must be empty or {"refreshToken": "…"}.')
    return token


def without_cookie(request: Request, response: Response) -> Response:
    """The response, which removes the cookie."""
    secure = request.url.scheme == "https"
    response.delete_cookie(COOKIE, path=PATH, secure=secure, httponly=True, samesite="strict")
    return response
