"""Who asks: from a request's or a socket's token to an operation's context."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import HTTPConnection

from core.errors import NotAuthenticated
from resolvers.access import Viewer
from resolvers.identity import accounts
from schema.framework.context import Context, Services

SCHEME = "bearer "


def context_factory(services: Callable[[], Services]) -> Any:
    """Makes a context from a request, or from a socket and the payload of its `connection_init`."""

    async def open_context(connection: HTTPConnection, params: Mapping[str, Any] | None) -> Context:
        shared = services()
        token = bearer(connection, params)
        base = connection.base_url
        base_url = str(base.replace(scheme=base.scheme.replace("ws", "http"))).rstrip("/")
        if token is None:
            return Context(shared, None, base_url)
        try:
            return Context(shared, await viewer_of(shared, token), base_url)
        except NotAuthenticated as refused:
            if connection.scope["type"] == "websocket":
                raise
            return Context(shared, None, base_url, refused)  # signing in again must not need a valid token

    return open_context


async def viewer_of(services: Services, token: str) -> Viewer:
    """Who an access token stands for now. Raises `NotAuthenticated`."""
    user_id, expires_at = services.token_signer.verify(token)
    return await accounts.load_viewer(services.database, user_id, expires_at)


def bearer(connection: HTTPConnection, params: Mapping[str, Any] | None) -> str | None:
    """The token of the `Authorization` header, or of `connection_init`'s `Authorization` in whatever case."""
    parameters = {str(name).lower(): value for name, value in (params or {}).items()}
    header = parameters.get("authorization") or connection.headers.get("authorization")
    if not isinstance(header, str) or not header.lower().startswith(SCHEME):
        return None
    return header[len(SCHEME) :].strip() or None
