"""What the endpoint needs to know of an operation's context."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import HTTPConnection


class OperationContext(Protocol):
    """What one operation works with: made for it, closed after it, shared with no other."""

    @property
    def expires_at(self) -> datetime | None:
        """When the viewer's token ends, None for those who have none."""

    async def close(self) -> None:
        """Give back what the operation held."""


OpenContext = Callable[[HTTPConnection, Mapping[str, Any] | None], Awaitable[OperationContext]]
"""Makes a context from a request, or from a socket and the payload of its `connection_init`.

Raises a DomainError, such as Unauthenticated, when there is to be none.
"""
