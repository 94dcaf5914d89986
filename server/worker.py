"""Worker: claims jobs from the queue and runs their handlers, inside the server or in its own process."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import structlog
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context
from pgqueuer.domain.models import Job as PickedEntry

from core.garbage_collection import freeze_heap
from core.settings import Settings
from db.database import Database
from db.listener import Listener
from db.placement import Placement
from db.queue import (
    Attempt,
    HeldElsewhere,
    UnknownTask,
    claim,
    is_transient,
    leases,
)
from db.queue.driver import EngineDriver, SlotQueueManager, Slots
from db.queue.entries import Entry
from pipelines import cleanup
from pipelines.chat import cleanup as chat_cleanup
from pipelines.handler_modules import queues as all_queues
from pipelines.imagery import crawl_cleanup
from pipelines.imagery.exporting import cleanup as export_cleanup
from pipelines.knowledge import cleanup as knowledge_cleanup
from pipelines.runtime.handlers import Services
from pipelines.runtime.periodic import PERIODIC_TASKS, PeriodicTask
from pipelines.runtime.process_pool import ProcessPool
from providers.storage import open_store
from server.attempts import Result, RunningJob, record_outcome, run_handler
from server.installation import database_urls
from server.isolation import run_isolated
from server.provider_factory import open_embedders, open_sources, open_vectors, worker_services
from server.slots import require_known_queues, slot_pools

log = structlog.get_logger(__name__)

PERIODIC_MODULES = (chat_cleanup, cleanup, crawl_cleanup, export_cleanup, knowledge_cleanup)
"""Modules that register periodic tasks when they are imported."""

UNKNOWN_TASK_RETRY = timedelta(seconds=30)
CLAIM_RETRY = timedelta(seconds=2)
CANCEL_RETRY_SECONDS = 5.0
"""Seconds after which a handler that ignores its cancellation is cancelled again."""


class Worker:
    """Runs the jobs of `queues` (default: all queues) for the duration of an `async with` block.

    On exit it claims no more jobs, waits `JOB_GRACE` seconds for running jobs, and requeues the others.
    """

    def __init__(self, services: Services, listener: Listener, *, queues: Collection[str] = ()) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"[-100:]
        self._services, self._listener = services, listener
        self._queues = frozenset(queues) or all_queues()
        self._settings = services.settings
        self._pools = slot_pools(self._queues, self._settings)
        self._bulk, self._interactive = ProcessPool.for_bulk_and_interactive(process_limit(self._settings))
        self._isolation = asyncio.Lock()
        self._running: dict[tuple[UUID, int], RunningJob] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        """Runs until stopped."""
        log.info("worker_started", worker=self.name, queues=sorted(self._queues))
        background = [asyncio.create_task(self._send_heartbeats())]
        background += [asyncio.create_task(self._run_periodic(*item)) for item in PERIODIC_TASKS.items()]
        try:
            await self._serve()
        finally:
            for task in background:
                task.cancel()
            await asyncio.wait(background)
            await self._bulk.close()
            log.info("worker_stopped", worker=self.name)

    async def _serve(self) -> None:
        """Runs pgqueuer's loop until stopped; restarts it after an error."""
        while not self._stopping.is_set():
            try:
                await self._cycle()
            except Exception:
                log.exception("worker_cycle_failed", worker=self.name)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), random.uniform(0.5, 2.0))

    async def _cycle(self) -> None:
        primary, stale = self._services.database.placement.primary, self._settings.job_stale
        driver, slots = EngineDriver(primary, self._listener, silence=stale / 2), Slots(self._pools)
        manager = SlotQueueManager.over(driver, slots)
        for queue in self._queues:
            limit = self._settings.queue_limits.get(queue, 0)
            manager.entrypoint(queue, concurrency_limit=limit, accepts_context=True)(self._process_entry)
        serving = asyncio.create_task(
            manager.run(
                dequeue_timeout=timedelta(seconds=self._settings.job_heartbeat),
                batch_size=1,
                max_concurrent_tasks=max(2, slots.count),
                heartbeat_timeout=timedelta(seconds=stale),
                log_aggregation_interval=timedelta(0),
            )
        )
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            manager.shutdown.set()
            if not serving.done():
                await asyncio.wait({serving}, timeout=self._settings.job_grace)
                driver.shutdown.set()
                for running in self._running.values():
                    running.interrupt()
                await asyncio.wait({serving}, timeout=CANCEL_RETRY_SECONDS)
        finally:
            for task in (serving, stopping):
                task.cancel()
            await asyncio.wait({serving, stopping})
        if not serving.cancelled():
            serving.result()

    async def _process_entry(self, entry: PickedEntry, context: Context) -> None:
        """Called by pgqueuer for each entry. Raises `RetryRequested` to requeue the entry."""
        try:
            attempt = await claim(
                self._services.database,
                Entry.unpack(entry.payload),
                int(entry.id),
                self.name,
                timedelta(seconds=self._settings.job_stale),
            )
        except HeldElsewhere as error:
            raise RetryRequested(CLAIM_RETRY) from error
        except UnknownTask as error:
            log.warning("unknown_task", entry=entry.id, error=error)
            raise RetryRequested(UNKNOWN_TASK_RETRY) from error
        except Exception as error:
            log.warning("job_claim_failed", entry=entry.id, exc_info=not is_transient(error))
            raise RetryRequested(CLAIM_RETRY) from error
        if attempt is None:
            return
        running = RunningJob(attempt, asyncio.create_task(self._run_handler(attempt)))
        key = (attempt.id, attempt.epoch)
        self._running[key] = running
        try:
            with context.cancellation:
                await asyncio.wait({running.task})
            while not running.task.done():
                running.interrupt()
                await asyncio.wait({running.task}, timeout=CANCEL_RETRY_SECONDS)
            delay = await record_outcome(running)
            log.info("job_attempt_ended", job=str(attempt.id), task=attempt.job.task, retry_in=delay)
        finally:
            running.task.cancel()
            del self._running[key]
        if delay is not None:
            raise RetryRequested(delay)

    async def _run_handler(self, attempt: Attempt) -> Result:
        if attempt.is_suspect:
            async with self._isolation:
                return await run_isolated(attempt, self._services)
        processes = self._interactive if attempt.job.is_interactive else self._bulk
        return await run_handler(attempt, self._services, processes)

    async def _send_heartbeats(self) -> None:
        """Sends heartbeats for running jobs; interrupts those that are lost or to be cancelled."""
        while True:
            await asyncio.sleep(self._settings.job_heartbeat)
            jobs = dict(self._running)
            if not jobs:
                continue
            begin = monotonic()
            try:
                companies = {id: running.attempt.company_id for (id, _), running in jobs.items()}
                heartbeat = await leases.heartbeat(self._services.database, self.name, companies)
            except Exception as error:
                log.warning("heartbeat_failed", error=error)
                continue
            for (id, _), running in jobs.items():
                if id not in heartbeat.owned or id in heartbeat.cancelling:
                    running.interrupt()
                else:
                    running.attempt.owned_at = max(begin, running.attempt.owned_at)

    async def _run_periodic(self, name: str, task: PeriodicTask) -> None:
        """Runs a periodic task in the periods that this worker claims."""
        period = task.every.total_seconds()
        await asyncio.sleep(random.uniform(0, min(period, 5)))
        while True:
            try:
                if task.per_worker or await leases.claim_period(self._services.database, name, task.every):
                    await task.run(self._services)
            except Exception:
                log.exception("periodic_task_failed", name=name)
            await asyncio.sleep(period * random.uniform(1.0, 1.1))


def process_limit(settings: Settings) -> int:
    """The number of child processes for bulk jobs: that of the processor cores by default."""
    return settings.job_processes or os.cpu_count() or 1


async def run_worker(settings: Settings, queues: Collection[str] = ()) -> None:
    """Runs a standalone worker until SIGTERM or SIGINT. Raises `SettingsError`."""
    require_known_queues("--queues", queues)
    application, _ = database_urls(settings)
    database = Database(Placement(settings, application, application="seshat worker"))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        embedders, vectors = open_embedders(settings, stack), open_vectors(settings, stack)
        store, sources = open_store(settings.object_store_url), open_sources(database, settings, stack)
        services = worker_services(database, settings, store, embedders, vectors, sources)
        listener = Listener(database.placement.listen_url, application="seshat worker listener")
        async with listener, database.placement.watch(listener), Worker(services, listener, queues=queues):
            freeze_heap()
            await stop.wait()
