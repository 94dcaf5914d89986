"""The clients of requests: whether they have been answered before, and whether they are still there."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Scope


def client_host(connection: HTTPConnection, params: Mapping[str, Any] | None) -> Hashable:
    """The address of a client."""
    return connection.client.host if connection.client else None


def note_answer(scope: Scope, response: Response) -> None:
    """Notes on the connection that a request was answered, or refused for some seconds."""
    connection = scope.get("state", {}).get("connection")
    if connection is None:
        return
    if response.status_code == 503:
        seconds = float(response.headers.get("retry-after", 0))
        connection.refused_until = asyncio.get_running_loop().time() + seconds
    elif response.status_code < 500:
        connection.answered = True


GRACE_SECONDS = 0.5
"""Time to complete an operation whose client has left: interrupting a statement costs a connection."""

UNWATCHED_SECONDS = 0.05
"""Time from which on a client is watched by a task, if its connection tells nobody when it is lost."""


class ClientConnection(Protocol):
    """What the server says of the connection of a request, in its `state`."""

    is_lost: bool
    on_lost: Callable[[], None] | None


class ClientWatch:
    """Cancels the operation that it encloses when the client leaves: `ClientDisconnect`.

    The body must have been read: from then on, only the departure of the client is received.
    """

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._connection: ClientConnection | None = request.scope.get("state", {}).get("connection")
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._left = False
        self.grace: float = 0
        """Seconds from the departure to the cancellation."""

    def __enter__(self) -> Self:
        if self._connection is None:
            self._timer = self._loop.call_later(UNWATCHED_SECONDS, self._watch)
        elif self._connection.is_lost:
            raise ClientDisconnect
        else:
            self._connection.on_lost = self._on_lost
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.on_lost = None
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._left and kind is asyncio.CancelledError and self._task and self._task.uncancel() == 0:
            raise ClientDisconnect from None

    def _watch(self) -> None:
        self._watcher = asyncio.create_task(self._await_departure())

    async def _await_departure(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._on_lost()

    def _on_lost(self) -> None:
        self._timer = self._loop.call_later(self.grace, self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._left = True
            self._task.cancel()
