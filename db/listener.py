"""A connection that listens for notifications, one per process and database."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import asyncpg
import structlog
from sqlalchemy.engine import URL

from core.settings import driverless_url

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS, TIMEOUT_SECONDS = 10.0, 5.0
MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 0.1, 1.0
CONNECTION_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

OnNotification = Callable[[str], None]
OnReconnect = Callable[[], None]


class Listener:
    """A listening connection. It reconnects, and then calls every `on_reconnect`.

    It notifies itself of heartbeats: a connection on which one does not arrive is replaced, so that nobody
    has to poll in case a notification is lost.
    """

    def __init__(self, url: URL, *, application: str = "seshat listener") -> None:
        self._address = driverless_url(url.render_as_string(hide_password=False))
        self._application = application
        self._channels: dict[str, dict[OnNotification, OnReconnect]] = {}
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._listens = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Returns once the connection listens."""
        self._task = asyncio.create_task(self._keep_listening())
        await self._listens.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    @property
    def is_listening(self) -> bool:
        """Whether notifications arrive. When they do again, `on_reconnect` is called before anything else."""
        return self._connection is not None and not self._connection.is_closed()

    async def add(self, channel: str, on_notification: OnNotification, on_reconnect: OnReconnect) -> None:
        """Calls `on_notification` with each payload, `on_reconnect` when notifications may be lost."""
        async with self._lock:
            first = channel not in self._channels
            self._channels.setdefault(channel, {})[on_notification] = on_reconnect
            if first and self._connection is not None:
                try:
                    async with asyncio.timeout(TIMEOUT_SECONDS):
                        await self._connection.add_listener(channel, self._relay)
                except CONNECTION_ERRORS:
                    self._connection.terminate()  # a reconnect listens to all channels

    def remove(self, channel: str, on_notification: OnNotification) -> None:
        """Stops calling `on_notification`."""
        self._channels.get(channel, {}).pop(on_notification, None)

    def _relay(self, connection: Any, process: int, channel: str, payload: object) -> None:
        for on_notification in list(self._channels.get(channel, ())):
            on_notification(str(payload))

    async def _keep_listening(self) -> None:
        delay = MIN_RECONNECT_SECONDS
        while True:
            try:
                await self._listen()
                delay = MIN_RECONNECT_SECONDS
            except Exception as error:
                log.warning("listener_failed", exc_info=not isinstance(error, CONNECTION_ERRORS), error=error)
                delay = min(delay * 2, MAX_RECONNECT_SECONDS)
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))

    async def _listen(self) -> None:
        """Listens until the connection is lost."""
        connection = await asyncpg.connect(
            self._address, timeout=TIMEOUT_SECONDS, server_settings={"application_name": self._application}
        )
        lost, heartbeat, own_channel = asyncio.Event(), asyncio.Event(), f"seshat_{uuid4().hex}"
        try:
            connection.add_termination_listener(lambda _: lost.set())
            async with self._lock, asyncio.timeout(TIMEOUT_SECONDS):
                await connection.add_listener(own_channel, lambda *_: heartbeat.set())
                for channel in self._channels:
                    await connection.add_listener(channel, self._relay)
                self._connection = connection
            self._listens.set()
            for on_reconnect in [
                callback for channel in self._channels.values() for callback in channel.values()
            ]:
                on_reconnect()
            while not lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), HEARTBEAT_SECONDS)
                    return
                heartbeat.clear()
                async with self._lock, asyncio.timeout(TIMEOUT_SECONDS):
                    await connection.execute(f"NOTIFY {own_channel}")
                    await heartbeat.wait()
        finally:
            self._connection = None
            connection.terminate()
