"""Interfaces between the GraphQL endpoint, its sockets and the context of an operation."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from core.errors import DomainError
from schema.framework.progress import Progress


class OperationContext(Protocol):
    """The context of one operation: created for it, and closed after it."""

    @property
    def expires_at(self) -> datetime | None:
        """Time at which the viewer's token expires; None without a token."""

    @property
    def identity(self) -> Hashable:
        """The user; None if nobody is signed in."""

    @property
    def credential(self) -> Hashable:
        """The user and the session of the token, which lose access together; None if nobody is signed in."""

    @property
    def refused(self) -> DomainError | None:
        """Why the token of the request is not accepted; None without a token."""

    @property
    def issued_token(self) -> str | None:
        """The access token that the operation has issued, if it has."""

    @property
    def audience(self) -> Hashable:
        """Those who share the results of subscriptions with the viewer; None if nobody does."""

    def require_viewer(self) -> object:
        """Raises `NotAuthenticated` if nobody is signed in."""

    async def refresh(self) -> bool:
        """Checks the viewer's access. Returns whether it has changed. Raises `NotAuthenticated`."""

    def for_pass(self, progress: Progress, *, shared: bool) -> "OperationContext":
        """The context of one pass of a subscription, on behalf of the audience if it is shared."""

    async def close(self) -> None:
        """Releases the resources of the operation."""


IdentifyCaller = Callable[[HTTPConnection, Mapping[str, Any] | None], Hashable]
"""Who sends an operation, without a look into the database: callers take turns when the server is busy."""

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
    viewer: OperationContext | None = None
    """The closed context of the authentication."""
