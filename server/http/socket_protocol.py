"""The WebSocket protocol of uvicorn, with pings that all sockets of a process share a timer for."""

import asyncio
import logging
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame

log = logging.getLogger(__name__)
log.setLevel(logging.WARNING)

SLOTS, SLOT_SECONDS = 40, 1.0
"""Every socket is pinged once in so many seconds, below the usual timeout of proxies (60 seconds). A client
that has not replied to one ping before the next is gone."""

PING = b"\x89\x00"


class Pings:
    """Pings the sockets of a process: those of one slot at a time."""

    def __init__(self) -> None:
        self._slots: list[dict[SocketProtocol, None]] = [{} for _ in range(SLOTS)]
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, socket: "SocketProtocol") -> None:
        """Pings a socket from now on, last those of the other slots."""
        socket.slot = self._slots[self._next - 1]
        socket.slot[socket] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SLOT_SECONDS, self._ping_next)

    def _ping_next(self) -> None:
        slot, self._next = self._slots[self._next], (self._next + 1) % len(self._slots)
        for socket in list(slot):
            socket.ping()
        is_used = any(self._slots)
        self._timer = (
            asyncio.get_running_loop().call_later(SLOT_SECONDS, self._ping_next) if is_used else None
        )


class SocketProtocol(WebSocketsSansIOProtocol):
    """A socket that holds no more than it needs while nothing happens on it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        pings: Pings,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = log  # of no line for each socket
        self.pings = pings
        self.slot: dict[SocketProtocol, None] | None = None
        self.awaits_pong = False

    def start_keepalive(self) -> None:
        """The handshake is over: forgets it."""
        del self.request, self.response
        self.pings.add(self)

    def stop_keepalive(self) -> None:
        """Is pinged no more."""
        if self.slot is not None:
            self.slot.pop(self, None)
            self.slot = None

    def handle_pong(self, event: Frame) -> None:
        """The client is there."""
        self.awaits_pong = False

    def ping(self) -> None:
        """Closes the socket if the client has not replied to the last ping, unless it could not be read."""
        if self.close_sent or self.transport.is_closing():
            return
        if self.awaits_pong and not self.read_paused:
            self.keepalive_timeout()
            return
        self.awaits_pong = True
        self.transport.write(PING)

    def keepalive_timeout(self) -> None:
        """Closes the socket; at once if the client does not read either."""
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size() > 0:
            self.transport.abort()
