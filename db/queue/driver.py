"""pgqueuer's driver over the application's connection pool and listener, which both reconnect."""

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import chain, repeat
from typing import Any, Self

import structlog
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.models import Job as PickedEntry
from pgqueuer.domain.models import TableChangedEvent, TracebackRecord, utc_now
from pgqueuer.domain.types import Channel, JobId, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.driver import Driver, NotifyCallback
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from sqlalchemy import CursorResult
from sqlalchemy.ext.asyncio import AsyncEngine

from db.errors import is_transient
from db.listener import Listener
from db.queue.entries import QUEUE_SETTINGS, builders

log = structlog.get_logger(__name__)

TABLE_CHANGED = '"table_changed_event"'
WAKE_UP_INTERVAL_SECONDS = 0.02
"""Minimum time between two wake-ups of the loop, each of which costs four statements."""

RETRY_DELAYS = (0.1, 0.2, 0.5, 1.0)
MAX_RETRY_DELAY = 2.0
"""Seconds to wait before each retry of a statement, and before all further ones."""

NO_TAKEOVER = timedelta(days=10_000)
"""Age of heartbeats from which entries are taken over while the database may just have come back."""


class EngineDriver(Driver):
    """Statements in autocommit mode, retried after transient errors until the driver shuts down.

    Retries are safe: an entry that is picked twice becomes stale and is picked again. A statement that takes
    longer than `silence` seconds is an outage too.
    """

    def __init__(self, engine: AsyncEngine, listener: Listener, silence: float) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._listener, self._silence = listener, silence
        self._shutdown = asyncio.Event()
        self._listeners: list[tuple[str, Callable[[str], None]]] = []
        self._in_touch_since: float | None = None

    def is_in_touch_for(self, seconds: float) -> bool:
        """Whether the database has answered without interruption for so long."""
        since = self._in_touch_since
        return since is not None and asyncio.get_running_loop().time() - since >= seconds

    def wake(self) -> None:
        """Makes pgqueuer look for entries."""
        for _, on_notification in self._listeners:
            on_notification(table_changed())

    async def _run(self, query: str, arguments: tuple[object, ...]) -> CursorResult[Any]:
        clock = asyncio.get_running_loop()
        for delay in chain(RETRY_DELAYS, repeat(MAX_RETRY_DELAY)):
            started = clock.time()
            try:
                result = await self._execute_once(query, arguments)
            except Exception as error:
                if self._shutdown.is_set() or not is_transient(error):
                    raise
                self._in_touch_since = None
                log.warning("queue_statement_failed", error=error)
            else:
                if self._in_touch_since is None or clock.time() - started > self._silence:
                    self._in_touch_since = clock.time()
                return result
            await asyncio.sleep(delay)
        raise AssertionError("unreachable")

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


class Slots:
    """The slots of a worker: each pool of queues has so many, which entries in flight occupy."""

    def __init__(self, pools: Sequence[tuple[frozenset[str], int]]) -> None:
        self._pools = pools
        self._queues: dict[JobId, str] = {}
        self.in_flight: Mapping[JobId, Any] = {}
        """Entries in flight, by id: pgqueuer's own record."""

    @property
    def count(self) -> int:
        """The number of slots."""
        return sum(slots for _, slots in self._pools)

    def occupy(self, entries: Iterable[PickedEntry]) -> None:
        """Records the queues of entries that were picked."""
        self._queues = {id: queue for id, queue in self._queues.items() if id in self.in_flight}
        self._queues |= {entry.id: entry.entrypoint for entry in entries}

    def free_queues(self) -> Container[str]:
        """The queues that have a free slot."""
        occupied = [queue for id, queue in self._queues.items() if id in self.in_flight]
        return {
            queue
            for queues, slots in self._pools
            if sum(taken in queues for taken in occupied) < slots
            for queue in queues
        }


class SlotQueries(Queries):
    """pgqueuer's statements, for the queues that have a free slot in this worker.

    Requeued entries are notified. Entries are taken over from another worker only if the database has
    answered for as long as heartbeats may be missing: after an outage, all of them are late.
    """

    driver: EngineDriver
    slots: Slots

    def _free(self, queues: Iterable[QueueEntrypoint]) -> list[QueueEntrypoint]:
        free = self.slots.free_queues()
        return [queue for queue in queues if queue in free]

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[PickedEntry]:
        free = {queue: entrypoints[queue] for queue in self._free(entrypoints)}
        if not free:
            return []
        timeout = heartbeat_timeout
        if not self.driver.is_in_touch_for(heartbeat_timeout.total_seconds()):
            timeout = NO_TAKEOVER
        picked = await super().dequeue(batch_size, free, queue_manager_id, None, timeout)
        self.slots.occupy(picked)
        return picked

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        return await super().eligible_queued_work(self._free(entrypoints))

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        return await super().queued_work(self._free(entrypoints))

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:
        return await super().next_deferred_eta(self._free(entrypoints))

    async def retry_job(
        self, job: PickedEntry, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        await super().retry_job(job, delay, None)  # tracebacks quote content; the log has what they say
        await self.driver.notify(QUEUE_SETTINGS.channel, table_changed())


class SlotQueueManager(QueueManager):
    """pgqueuer's loop, which looks for entries as soon as a slot is free again."""

    @classmethod
    def over(cls, driver: EngineDriver, slots: Slots) -> "SlotQueueManager":
        """The loop of a worker with these slots."""
        queries = SlotQueries(driver, **builders())
        queries.slots = slots
        manager = cls(queries, Channel(QUEUE_SETTINGS.channel))
        slots.in_flight = manager.job_context
        return manager

    def forget_job(self, *args: Any) -> None:
        super().forget_job(*args)
        driver: Any = self.queries.driver
        driver.wake()


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
