"""Change notifications with LISTEN and NOTIFY, over one listening connection per process.

A notification has a topic, such as `job:<id>`, `session:<id>` or `company:<id>`, and no data: subscribers
read the tables.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.engine import URL

from core.settings import driverless_url
from db.uow import UnitOfWork

log = structlog.get_logger(__name__)

CHANNEL = "seshat"
PUBLISH = text(f"SELECT pg_notify('{CHANNEL}', topic) FROM unnest(CAST(:topics AS text[])) AS topic")
POLL_SECONDS = 15.0
"""Seconds after which a subscriber polls without a notification."""

KEEPALIVE_SECONDS, TIMEOUT_SECONDS = 10.0, 5.0
MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 0.1, 5.0
CONNECTION_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

OnNotification = Callable[[str], None]
OnReconnect = Callable[[], None]


async def publish(uow: UnitOfWork, *topics: str) -> None:
    """Publishes a change of these topics at commit."""
    await uow.execute(PUBLISH, {"topics": list(topics)})


class Listener:
    """A listening connection. It reconnects, and then calls every `on_reconnect`."""

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

    async def add(self, channel: str, on_notification: OnNotification, on_reconnect: OnReconnect) -> None:
        """Calls `on_notification` with each payload, `on_reconnect` when notifications may be lost."""
        async with self._lock:
            first = channel not in self._channels
            self._channels.setdefault(channel, {})[on_notification] = on_reconnect
            if first and self._connection is not None:
                with suppress(*CONNECTION_ERRORS):  # a reconnect listens to all channels
                    await self._connection.add_listener(channel, self._relay)

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
                log.warning(
                    "listener_failed", exc_info=not isinstance(error, CONNECTION_ERRORS), error=str(error)
                )
                delay = min(delay * 2, MAX_RECONNECT_SECONDS)
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))

    async def _listen(self) -> None:
        """Listens until the connection is lost."""
        connection = await asyncpg.connect(
            self._address, timeout=TIMEOUT_SECONDS, server_settings={"application_name": self._application}
        )
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            async with self._lock:
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
                    await asyncio.wait_for(lost.wait(), KEEPALIVE_SECONDS)
                    return
                async with self._lock:  # detects a connection that is half open
                    await connection.execute("SELECT 1", timeout=TIMEOUT_SECONDS)
        finally:
            self._connection = None
            connection.terminate()


class Events:
    """Subscribers of topics in this process."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._subscribers: dict[str, set[asyncio.Event]] = {}

    async def __aenter__(self) -> Self:
        await self.listener.add(CHANNEL, self._on_notification, self._on_reconnect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.remove(CHANNEL, self._on_notification)

    async def listen(self, topic: str) -> AsyncGenerator[None, None]:
        """Yields immediately, then after each change, and at least every 15 seconds. Changes are coalesced.

        The subscriber is registered before the first yield, so that reads after a yield miss no change.
        """
        changed = asyncio.Event()
        self._subscribers.setdefault(topic, set()).add(changed)
        try:
            while True:
                changed.clear()
                yield
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), POLL_SECONDS)
        finally:
            subscribers = self._subscribers[topic]
            subscribers.discard(changed)
            if not subscribers:
                del self._subscribers[topic]

    def _on_notification(self, topic: str) -> None:
        for changed in self._subscribers.get(topic, ()):
            changed.set()

    def _on_reconnect(self) -> None:
        for topic in self._subscribers:
            self._on_notification(topic)
