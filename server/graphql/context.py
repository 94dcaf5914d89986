"""Interfaces between the GraphQL endpoint, its sockets and the context of an operation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from server.graphql.limits import TransportLimits
from server.graphql.persisted import PersistedDocuments


class OperationContext(Protocol):
    """The context of one operation: created for it, and closed after it."""

    @property
    def expires_at(self) -> datetime | None:
        """Time at which the viewer's token expires; None without a token."""

    async def close(self) -> None:
        """Releases the resources of the operation."""


OpenContext = Callable[[HTTPConnection, Mapping[str, Any] | None], Awaitable[OperationContext]]
"""Creates a context from a request, or from a socket and the payload of its `connection_init`.

Raises `DomainError`, such as `NotAuthenticated`.
"""


@dataclass
class ConnectionInit:
    """A socket, the payload of its `connection_init`, and the time at which its token expires."""

    socket: WebSocket
    connection_params: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None


class SocketEndpoint(Protocol):
    """The endpoint as its sockets use it."""

    limits: TransportLimits
    documents: PersistedDocuments
    open_context: OpenContext

    async def close_context(self, context: OperationContext) -> None:
        """Closes a context, even if the operation was cancelled."""

    async def authenticate(self, connection: ConnectionInit) -> None:
        """Verifies the token of a socket and sets `expires_at`. Raises `DomainError`."""
