"""Changes, told to whoever waits for them: NOTIFY in the transaction, one listening connection per process.

A notification is a hint; the tables are the truth. It carries a topic and nothing else: `job:<id>`,
`session:<id>`, `company:<id>`.
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
"""Seconds after which a watcher looks again although nothing was heard."""

KEEPALIVE_SECONDS, TIMEOUT_SECONDS = 10.0, 5.0
MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 0.1, 5.0
CONNECTION_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

OnNotification = Callable[[str], None]
OnReconnect = Callable[[], None]


async def publish(uow: UnitOfWork, *topics: str) -> None:
    """Tell, at commit, that what the topics stand for has changed."""
    await uow.execute(PUBLISH, {"topics": list(topics)})


class Listener:
    """One connection that listens. It heals: once it listens again after a loss, every `missed` is called."""

    def __init__(self, url: URL, *, application: str = "seshat listener") -> None:
        self._address = driverless_url(url.render_as_string(hide_password=False))
        self._application = application
        self._channels: dict[str, dict[OnNotification, OnReconnect]] = {}
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._listens = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Returns once it listens."""
        self._task = asyncio.create_task(self._keep_listening())
        await self._listens.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def add(self, channel: str, heard: OnNotification, missed: OnReconnect) -> None:
        """Call `heard` with each payload of the channel, and `missed` whenever some may have been lost."""
        async with self._lock:
            first = channel not in self._channels
            self._channels.setdefault(channel, {})[heard] = missed
            if first and self._connection is not None:
                with suppress(*CONNECTION_ERRORS):  # if it is lost just now, healing listens to every channel
                    await self._connection.add_listener(channel, self._relay)

    def remove(self, channel: str, heard: OnNotification) -> None:
        """Stop calling `heard`."""
        self._channels.get(channel, {}).pop(heard, None)

    def _relay(self, connection: Any, process: int, channel: str, payload: object) -> None:
        for heard in list(self._channels.get(channel, ())):
            heard(str(payload))

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
        """Listen until the connection is lost."""
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
            for missed in [missed for channel in self._channels.values() for missed in channel.values()]:
                missed()
            while not lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), KEEPALIVE_SECONDS)
                    return
                async with self._lock:  # finds a connection that is dead without having said so
                    await connection.execute("SELECT 1", timeout=TIMEOUT_SECONDS)
        finally:
            self._connection = None
            connection.terminate()


class Events:
    """Watchers of topics in this process."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._watchers: dict[str, set[asyncio.Event]] = {}

    async def __aenter__(self) -> Self:
        await self.listener.add(CHANNEL, self._heard, self._missed)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.remove(CHANNEL, self._heard)

    async def listen(self, topic: str) -> AsyncGenerator[None, None]:
        """Yields at once, then after each change; changes during one step of the caller's are one.

        The watcher is registered before the first yield, so what is read after a yield misses nothing. At the
        latest after 15 seconds it yields again, whatever was heard.
        """
        changed = asyncio.Event()
        self._watchers.setdefault(topic, set()).add(changed)
        try:
            while True:
                changed.clear()
                yield
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), POLL_SECONDS)
        finally:
            watchers = self._watchers[topic]
            watchers.discard(changed)
            if not watchers:
                del self._watchers[topic]

    def _heard(self, topic: str) -> None:
        for changed in self._watchers.get(topic, ()):
            changed.set()

    def _missed(self) -> None:
        for topic in self._watchers:
            self._heard(topic)
