"""Connections that go from one unit of work to the next without a way through the pool."""

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import Any

from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import greenlet_spawn

READY = 4
"""Most connections of a pool that are ready."""
READY_SECONDS = 60.0
"""Seconds after which a connection that was ready goes back to the pool."""
LINGER_SECONDS = 0.005
"""Seconds after which a transaction that lingers is rolled back by itself."""


class ReadyConnections:
    """A few idle connections of a pool, the last one first.

    The way through the pool costs as much as a statement. For the pool they are checked out: none is kept
    while somebody waits for a connection, and none is taken that was ready for longer than `READY_SECONDS`.
    A transaction that lingers on one of them is rolled back by the next one, or after `LINGER_SECONDS`.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting = 0
        """Those that wait for the pool."""
        self._connections: list[tuple[Any, float]] = []
        self._ending: set[asyncio.Task[None]] = set()
        """Tasks that each roll a transaction back."""
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._connections) + len(self._ending)

    def take(self) -> Any:
        """A connection of the pool that is still idle, or None."""
        if not self._connections:
            return None
        pooled, since = self._connections[-1]
        if monotonic() - since > READY_SECONDS or not pooled.driver_connection.is_idle():
            return None
        return self._connections.pop()[0]

    def give(self, pooled: Any) -> bool:
        """Keeps a connection if it is idle; False if it has to go back to the pool."""
        driver = pooled.driver_connection
        if self.waiting or len(self) >= self.limit or not driver.is_idle():
            return False
        self._connections.append((pooled, monotonic()))
        if driver.lingers:
            self._start_timer()
        return True

    def drop(self) -> Any:
        """A connection that is kept no longer; None if there is none. A transaction of it does not linger."""
        if not self._connections:
            return None
        pooled, _ = self._connections.pop()
        driver = pooled.driver_connection
        if driver.lingers and not driver.is_closed():  # the pool rolls it back
            pooled.dbapi_connection._transaction = driver.adopt(read_only=True)
        return pooled

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Rolls back what has lingered for too long."""
        self._timer = None
        latest, kept = monotonic() - LINGER_SECONDS, list[tuple[Any, float]]()
        for pooled, since in self._connections:
            if not pooled.driver_connection.lingers or since > latest:
                kept.append((pooled, since))
                continue
            self._ending.add(asyncio.create_task(self._end(pooled, since)))
        self._connections = kept
        if any(pooled.driver_connection.lingers for pooled, _ in kept):
            self._start_timer()

    async def _end(self, pooled: Any, since: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        driver = pooled.driver_connection
        try:
            with suppress(Exception):  # what it does to the connection is seen below
                await driver.rollback()
        finally:
            if not self.waiting and len(self) <= self.limit and driver.is_idle():
                self._connections.insert(0, (pooled, since))
            else:
                await greenlet_spawn(pooled.close)
            self._ending.discard(task)


class ReadyPool(AsyncAdaptedQueuePool):
    """A pool that takes its ready connections back whenever somebody asks it for one."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = logging.getLogger("sqlalchemy.pool")  # whose level is that of SQLAlchemy's pools
        self.ready = ReadyConnections(min(READY, self.size() // 2))
        self._disposed = False

    def _do_get(self) -> ConnectionPoolEntry:
        self.ready.waiting += 1
        try:
            while (pooled := self.ready.drop()) is not None:
                pooled.close()
            return super()._do_get()
        finally:
            self.ready.waiting -= 1

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        if self._disposed:
            super().dispose()

    def dispose(self) -> None:
        """Closes all connections: idle ones now, those in use when they come back."""
        self._disposed, self.ready.limit = True, 0
        while (pooled := self.ready.drop()) is not None:
            pooled.invalidate()
        super().dispose()


def ready_connections(engine: AsyncEngine) -> ReadyConnections:
    """The ready connections of an engine that `make_engine` made."""
    ready: ReadyConnections = engine.pool.ready  # type: ignore[attr-defined]
    return ready


def connections_in_use(engine: AsyncEngine) -> int:
    """How many connections are used: checked out of the pool, and not ready for the next unit."""
    checked_out: int = engine.pool.checkedout()  # type: ignore[attr-defined]
    return checked_out - len(ready_connections(engine))
