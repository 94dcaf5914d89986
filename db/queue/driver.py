"""pgqueuer's driver over the application's connection pool and listener, which both reconnect."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

import structlog
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.models import Job as PickedEntry
from pgqueuer.domain.models import TableChangedEvent, TracebackRecord, utc_now
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.driver import Driver, NotifyCallback
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries
from sqlalchemy import CursorResult
from sqlalchemy.ext.asyncio import AsyncEngine

from db.events import Listener
from db.queue.entries import QUEUE_SETTINGS, builders
from db.queue.errors import is_transient

log = structlog.get_logger(__name__)

TABLE_CHANGED = '"table_changed_event"'
WAKE_UP_INTERVAL_SECONDS = 0.02
"""Minimum time between two wake-ups of the loop, each of which costs four statements."""

RETRY_DELAYS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Seconds to wait before each retry of a statement."""


class EngineDriver(Driver):
    """Statements in autocommit mode, retried after transient errors.

    Retries are safe: an entry that is picked twice becomes stale and is picked again.
    """

    def __init__(self, engine: AsyncEngine, listener: Listener) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._listener = listener
        self._shutdown = asyncio.Event()
        self._listeners: list[tuple[str, Callable[[str], None]]] = []

    async def _run(self, query: str, arguments: tuple[object, ...]) -> CursorResult[Any]:
        for delay in RETRY_DELAYS:
            try:
                return await self._execute_once(query, arguments)
            except Exception as error:
                if self._shutdown.is_set() or not is_transient(error):
                    raise
                log.warning("queue_statement_failed", error=str(error))
            await asyncio.sleep(delay)
        return await self._execute_once(query, arguments)

    async def _execute_once(self, query: str, arguments: tuple[object, ...]) -> CursorResult[Any]:
        async with self._engine.connect() as connection:
            return await connection.exec_driver_sql(query, arguments or None)

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return [dict(row) for row in (await self._run(query, args)).mappings()]

    async def execute(self, query: str, *args: object) -> str:
        return str((await self._run(query, args)).rowcount)

    async def notify(self, channel: str, payload: str) -> None:
        await self._run("SELECT pg_notify($1, $2)", (channel, payload))

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        on_notification = throttle(callback)
        self._listeners.append((channel, on_notification))
        await self._listener.add(channel, on_notification, lambda: on_notification(table_changed()))

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        return TaskManager()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel, on_notification in self._listeners:
            self._listener.remove(channel, on_notification)
        self._listeners.clear()


class LimitedQueries(Queries):
    """pgqueuer's statements, with a limit of entries per worker and notifications of requeued entries."""

    limit = 1

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[PickedEntry]:
        return await super().dequeue(batch_size, entrypoints, queue_manager_id, self.limit, heartbeat_timeout)

    async def retry_job(
        self, job: PickedEntry, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        await super().retry_job(job, delay, traceback_record)
        await self.driver.notify(QUEUE_SETTINGS.channel, table_changed())


def limited_queries(driver: EngineDriver, limit: int) -> LimitedQueries:
    """The statements of a worker that holds at most `limit` entries at a time."""
    queries = LimitedQueries(driver, **builders())
    queries.limit = limit
    return queries


def table_changed() -> str:
    """The notification that wakes pgqueuer's loop."""
    event = TableChangedEvent(
        channel=QUEUE_SETTINGS.channel,
        operation="update",
        sent_at=utc_now(),
        table=QUEUE_SETTINGS.queue_table,
        type="table_changed_event",
    )
    return event.model_dump_json()


def throttle(callback: NotifyCallback) -> Callable[[str], None]:
    """Throttles table changes to one call per interval; other notifications are passed on immediately."""
    clock = asyncio.get_running_loop()
    next_at = 0.0
    waiting = False

    def pass_on(payload: str) -> None:
        nonlocal next_at, waiting
        waiting, next_at = False, clock.time() + WAKE_UP_INTERVAL_SECONDS
        callback(payload)

    def throttled(payload: str) -> None:
        nonlocal waiting
        if TABLE_CHANGED not in payload:
            callback(payload)
        elif clock.time() >= next_at:
            pass_on(payload)
        elif not waiting:
            waiting = True
            clock.call_at(next_at, pass_on, payload)

    return throttled
