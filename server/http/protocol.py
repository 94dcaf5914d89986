"""The HTTP/1.1 protocol of uvicorn, with a timeout of requests and a state for each connection."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from server.graphql.admission import Admission
from server.http.application import ENDPOINT

TIMEOUT_BODY = (
    b'{"errors":[{"message":"The request was not received in time.",'
    b'"extensions":{"code":"REQUEST_TIMEOUT"}}]}'
)
TIMEOUT_RESPONSE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(TIMEOUT_BODY), TIMEOUT_BODY)
)


class Connection:
    """The client's connection, in the `state` of each of its requests.

    Beside it is `is_here`: whether the whole body has been received.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answered = False
        """Whether a request has been answered on it."""
        self.refused_until = 0.0
        """Time of the event loop until which its client was asked to wait."""
        self.is_lost = False
        self.on_lost: Callable[[], None] | None = None
        """Called when the client leaves before the operation on it has ended."""

    def abort(self) -> None:
        """Closes it at once."""
        if self.transport is not None:
            self.transport.abort()


@dataclass
class HeaderLimits:
    """Limits of requests that are incomplete, and those requests of a process, oldest first."""

    seconds: float
    connections: int
    incomplete: dict["TimedHttpProtocol", asyncio.TimerHandle] = field(default_factory=dict)


class TimedHttpProtocol(HttpToolsProtocol):
    """Starts an operation when its request is complete or large, and closes connections that are late.

    Requests of other paths start with their headers. The time of the rest is up to the application until it
    has responded.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: HeaderLimits,
    ) -> None:
        self.connection, self.limits = Connection(), limits
        super().__init__(config, server_state, {**app_state, "connection": self.connection}, _loop)
        self.admission: Admission | None = app_state.get("admission")
        self.incomplete_operation: Callable[[], None] | None = None
        self.is_request_begun, self.message_complete = False, True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connection.transport = transport
        self.start_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_timeout()
        self.incomplete_operation = None
        if self.admission is not None:
            self.admission.drop(self)
        super().connection_lost(exc)
        self.connection.is_lost = True
        if self.connection.on_lost is not None:
            self.connection.on_lost()

    def shutdown(self) -> None:
        super().shutdown()
        if self.incomplete_operation is not None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_request_begun and not self.transport.is_closing():
            self.start_timeout()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_request_begun, self.message_complete = True, False

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.incomplete_operation is not None and len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.start_operation()

    def on_message_complete(self) -> None:
        self.message_complete = True
        super().on_message_complete()
        self.start_operation()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.message_complete:
            self.start_timeout()

    def handle_websocket_upgrade(self) -> None:
        self.stop_timeout()
        super().handle_websocket_upgrade()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        start = partial(self._start, cycle, app)
        if cycle.scope["path"] != ENDPOINT:
            self.stop_timeout()
            start()
            return
        self.incomplete_operation = partial(self.admit, start)
        if not cycle.more_body or cycle.waiting_for_100_continue:
            self.start_operation()

    def _start(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.scope["state"]["is_here"] = not cycle.more_body
        super()._start_asgi_task(cycle, app)

    def start_operation(self) -> None:
        """Starts the operation whose headers are complete, if there is one."""
        start, self.incomplete_operation = self.incomplete_operation, None
        if start is not None:
            self.stop_timeout()
            start()

    def admit(self, start: Callable[[], None]) -> None:
        """Starts an operation; the first one of a connection and hasty retries may be held back."""
        admission, early = self.admission, self.connection.refused_until - self.loop.time()
        if admission is not None and early > 0:
            is_held = admission.hold(self, start, early)
        elif admission is not None and not self.connection.answered:
            is_held = admission.hold(self, start, admission.limits.held_seconds)
        else:
            is_held = False
        if not is_held:
            start()

    def start_timeout(self) -> None:
        """Starts the time for a request. Closes the oldest incomplete request if there are too many."""
        incomplete = self.limits.incomplete
        if self in incomplete or self.is_responding():
            return
        if len(incomplete) >= self.limits.connections:
            next(iter(incomplete)).time_out()
        incomplete[self] = self.loop.call_later(self.limits.seconds, self.time_out)

    def is_responding(self) -> bool:
        """Whether the response to an earlier request is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def stop_timeout(self) -> None:
        """The request is complete enough, or the connection is closed."""
        self.is_request_begun = False
        timer = self.limits.incomplete.pop(self, None)
        if timer is not None:
            timer.cancel()

    def time_out(self) -> None:
        """Closes the connection; a client that has begun a request is told why."""
        is_begun = self.is_request_begun
        self.stop_timeout()
        if not self.transport.is_closing():
            if is_begun:
                self.transport.write(TIMEOUT_RESPONSE)
            self.transport.close()
