"""Authentication of requests and sockets by access token."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import HTTPConnection

from core.errors import NotAuthenticated
from resolvers.access import Viewer
from resolvers.identity.credentials import Credential
from resolvers.identity.jwt import AccessClaims
from schema.framework.context import Context, Services
from server.graphql.clients import client_host
from server.graphql.headers import header

SCHEME = "bearer "

VERIFIED = "seshat.verified"
"""Key of the claims of a request's token, in its scope, from when its caller was identified."""
NOBODY = AccessClaims(UUID(int=0), datetime.min.replace(tzinfo=UTC))

MAX_KNOWN_USERS = 10_000
"""Users whose company is remembered, to identify callers."""


class Authentication:
    """Creates the contexts of operations, and identifies their callers."""

    def __init__(self, services: Callable[[], Services]) -> None:
        self._services = services
        self._companies: OrderedDict[UUID, UUID] = OrderedDict()

    def identify_caller(self, connection: HTTPConnection, params: Mapping[str, Any] | None) -> Hashable:
        """The company of a valid token, the user if the company is not known yet, else the client's host."""
        token = bearer_token(connection, params)
        if token is not None:
            with suppress(NotAuthenticated):
                claims = self._services().token_signer.verify(token)
                if connection.scope["type"] == "http":
                    connection.scope[VERIFIED] = claims
                return self._companies.get(claims.user_id, claims.user_id)
        return client_host(connection, params)

    async def open_context(self, connection: HTTPConnection, params: Mapping[str, Any] | None) -> Context:
        """The context of a request, or of a socket from its `connection_init` payload."""
        shared = self._services()
        address = connection.client.host if connection.client else None
        user_agent = header(connection.scope, b"user-agent")
        claims = connection.scope.pop(VERIFIED, NOBODY)
        try:
            if claims.expires_at <= datetime.now(UTC):
                token = bearer_token(connection, params)
                if token is None:
                    return Context(shared, None, address=address, user_agent=user_agent)
                claims = shared.token_signer.verify(token)
            credential = Credential(claims.user_id, claims.session_id)
            viewer = await shared.viewers.load(credential, claims.expires_at)
            self._remember(viewer)
            return Context(shared, viewer, address=address, user_agent=user_agent)
        except NotAuthenticated as error:
            if connection.scope["type"] == "websocket":
                raise
            # signing in must work with an expired token
            return Context(shared, None, error, address=address, user_agent=user_agent)

    def _remember(self, viewer: Viewer) -> None:
        self._companies[viewer.user_id] = viewer.company_id
        self._companies.move_to_end(viewer.user_id)
        if len(self._companies) > MAX_KNOWN_USERS:
            self._companies.popitem(last=False)


def bearer_token(connection: HTTPConnection, params: Mapping[str, Any] | None) -> str | None:
    """The bearer token of the `Authorization` header, or of the `connection_init` payload (in any case)."""
    parameters = {str(name).lower(): value for name, value in params.items()} if params else {}
    credentials = parameters.get("authorization") or header(connection.scope, b"authorization")
    if not isinstance(credentials, str) or credentials[: len(SCHEME)].lower() != SCHEME:
        return None
    return credentials[len(SCHEME) :].strip() or None
