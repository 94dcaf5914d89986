"""Authentication of requests and sockets by access token."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import HTTPConnection

from core.errors import NotAuthenticated
from resolvers.access import Viewer
from resolvers.identity import accounts
from schema.framework.context import Context, Services

SCHEME = "bearer "


def context_factory(services: Callable[[], Services]) -> Any:
    """A function that creates the context of a request, or of a socket from its `connection_init` payload."""

    async def open_context(connection: HTTPConnection, params: Mapping[str, Any] | None) -> Context:
        shared = services()
        token = bearer_token(connection, params)
        base = connection.base_url
        base_url = str(base.replace(scheme=base.scheme.replace("ws", "http"))).rstrip("/")
        if token is None:
            return Context(shared, None, base_url)
        try:
            return Context(shared, await viewer_of(shared, token), base_url)
        except NotAuthenticated as error:
            if connection.scope["type"] == "websocket":
                raise
            return Context(shared, None, base_url, error)  # signing in must work with an expired token

    return open_context


async def viewer_of(services: Services, token: str) -> Viewer:
    """The viewer of an access token. Raises `NotAuthenticated`."""
    user_id, expires_at = services.token_signer.verify(token)
    return await accounts.load_viewer(services.database, user_id, expires_at)


def bearer_token(connection: HTTPConnection, params: Mapping[str, Any] | None) -> str | None:
    """The bearer token of the `Authorization` header, or of the `connection_init` payload (in any case)."""
    parameters = {str(name).lower(): value for name, value in (params or {}).items()}
    header = parameters.get("authorization") or connection.headers.get("authorization")
    if not isinstance(header, str) or not header.lower().startswith(SCHEME):
        return None
    return header[len(SCHEME) :].strip() or None
