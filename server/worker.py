"""Worker: claims jobs from the queue and runs their handlers, inside the server or in its own process."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID, uuid4

import structlog
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context
from pgqueuer.domain.models import Job as PickedEntry
from pgqueuer.domain.types import Channel
from pgqueuer.qm import QueueManager

from core.errors import DomainError
from core.settings import Settings, SettingsError
from db.engines import Placement
from db.events import Listener
from db.queue import (
    Attempt,
    CancellationRequested,
    CompletionHook,
    FanOut,
    LostLease,
    UnknownTask,
    claim,
    is_transient,
    leases,
)
from db.queue.driver import EngineDriver, limited_queries
from db.queue.entries import QUEUE_SETTINGS, Entry
from db.uow import Database
from pipelines import cleanup
from pipelines.chat import handlers as answers
from pipelines.drawings import analysis
from pipelines.drawings import handlers as drawings
from pipelines.evaluation import handlers as evaluations
from pipelines.imagery import crawl_cleanup, handlers
from pipelines.imagery import validation as image_checks
from pipelines.imagery.exporting import handlers as exports
from pipelines.insights import handlers as imports
from pipelines.insights import report_files, report_job
from pipelines.knowledge import handlers as documents
from pipelines.knowledge import reembedding
from pipelines.requirements import handlers as requirements
from pipelines.runtime.handlers import HANDLERS, Retry, Run, Services
from pipelines.runtime.periodic import PERIODIC_TASKS, PeriodicTask
from pipelines.runtime.process_pool import ProcessDied, ProcessPool
from providers.storage import open_store
from server.installation import database_urls
from server.provider_factory import open_embedders, open_sources, open_vectors, worker_services

log = structlog.get_logger(__name__)

HANDLER_MODULES = (
    analysis,
    reembedding,
    answers,
    cleanup,
    crawl_cleanup,
    handlers,
    documents,
    drawings,
    evaluations,
    exports,
    image_checks,
    imports,
    report_files,
    report_job,
    requirements,
)
"""Modules that register job handlers and periodic tasks when they are imported."""

T = TypeVar("T")

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 300.0
UNKNOWN_TASK_RETRY = timedelta(seconds=30)
CLAIM_RETRY = timedelta(seconds=2)
CANCEL_RETRY_SECONDS = 5.0
"""Seconds after which a handler that ignores its cancellation is cancelled again."""

WRITE_RETRY_DELAYS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each retry of writing a job's outcome."""


class RunningJob:
    """A job attempt and the task of its handler."""

    def __init__(self, attempt: Attempt, task: asyncio.Task[CompletionHook | FanOut | None]) -> None:
        self.attempt, self.task = attempt, task
        self.interrupted = False

    def interrupt(self) -> None:
        """Cancels the handler and its computations."""
        self.interrupted = True
        self.task.cancel()


@dataclass
class SlotPool:
    """Queues whose jobs share `slots` and child processes of this worker, independently of other pools."""

    queues: frozenset[str]
    slots: int
    processes: ProcessPool
    running: dict[tuple[UUID, int], RunningJob] = field(default_factory=dict)


def slot_pools(queues: frozenset[str], settings: Settings) -> Iterator[SlotPool]:
    """A pool for each queue with its own slots, and one for all other queues.

    Raises `SettingsError` for a setting of a queue without a handler.
    """
    for name, counted in (("QUEUE_SLOTS", settings.queue_slots), ("QUEUE_LIMITS", settings.queue_limits)):
        require_known_queues(name, counted)
    for queue in sorted(queues & settings.queue_slots.keys()):
        slots = settings.queue_slots[queue]
        yield SlotPool(frozenset({queue}), slots, ProcessPool(slots))
    if shared := queues - settings.queue_slots.keys():
        yield SlotPool(shared, settings.job_concurrency, ProcessPool(settings.job_concurrency))


def require_known_queues(name: str, queues: Collection[str]) -> None:
    """Raises `SettingsError`, which begins with `name`, for queues without a handler."""
    if unknown := set(queues) - {kind.queue for kind in HANDLERS}:
        raise SettingsError(f"{name}: unknown queue {', '.join(sorted(unknown))}")


class Worker:
    """Runs the jobs of `queues` (default: all queues) for the duration of an `async with` block.

    On exit it claims no more jobs, waits `JOB_GRACE` seconds for running jobs, and requeues the others.
    """

    def __init__(self, services: Services, listener: Listener, *, queues: Collection[str] = ()) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"[-100:]
        self._services, self._listener = services, listener
        self._queues = frozenset(queues) or frozenset(kind.queue for kind in HANDLERS)
        self._settings = services.settings
        self._pools = list(slot_pools(self._queues, self._settings))
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
            await asyncio.gather(*map(self._serve, self._pools))
        finally:
            for task in background:
                task.cancel()
            await asyncio.wait(background)
            for pool in self._pools:
                await pool.processes.close()
            log.info("worker_stopped", worker=self.name)

    async def _serve(self, pool: SlotPool) -> None:
        """Runs pgqueuer's loop until stopped; restarts it after an error."""
        while not self._stopping.is_set():
            try:
                await self._cycle(pool)
            except Exception:
                log.exception("worker_cycle_failed", worker=self.name, queues=sorted(pool.queues))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), random.uniform(0.5, 2.0))

    async def _cycle(self, pool: SlotPool) -> None:
        driver = EngineDriver(self._services.database.placement.primary, self._listener)
        manager = QueueManager(limited_queries(driver, pool.slots), Channel(QUEUE_SETTINGS.channel))
        process_entry = partial(self._process_entry, pool)
        for queue in pool.queues:
            limit = self._settings.queue_limits.get(queue, 0)
            manager.entrypoint(queue, concurrency_limit=limit, accepts_context=True)(process_entry)
        serving = asyncio.create_task(
            manager.run(
                dequeue_timeout=timedelta(seconds=self._settings.job_heartbeat),
                batch_size=1,
                max_concurrent_tasks=max(2, pool.slots),
                heartbeat_timeout=timedelta(seconds=self._settings.job_stale),
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
                for running in pool.running.values():
                    running.interrupt()
                await asyncio.wait({serving}, timeout=CANCEL_RETRY_SECONDS)
        finally:
            for task in (serving, stopping):
                task.cancel()
            await asyncio.wait({serving, stopping})
        if not serving.cancelled():
            serving.result()

    async def _process_entry(self, pool: SlotPool, entry: PickedEntry, context: Context) -> None:
        """Called by pgqueuer for each entry. Raises `RetryRequested` to requeue the entry."""
        try:
            attempt = await claim(
                self._services.database, Entry.unpack(entry.payload), int(entry.id), self.name
            )
        except UnknownTask as error:
            log.warning("unknown_task", entry=entry.id, error=str(error))
            raise RetryRequested(UNKNOWN_TASK_RETRY) from error
        except Exception as error:
            log.warning("job_claim_failed", entry=entry.id, exc_info=not is_transient(error))
            raise RetryRequested(CLAIM_RETRY) from error
        if attempt is None:
            return
        running = RunningJob(attempt, asyncio.create_task(self._handle(attempt, pool.processes)))
        key = (attempt.id, attempt.epoch)
        pool.running[key] = running
        try:
            with context.cancellation:
                await asyncio.wait({running.task})
            while not running.task.done():
                running.interrupt()
                await asyncio.wait({running.task}, timeout=CANCEL_RETRY_SECONDS)
            delay = await self._record_outcome(running)
            log.info("job_attempt_ended", job=str(attempt.id), task=attempt.job.task, retry_in=delay)
        finally:
            running.task.cancel()
            del pool.running[key]
        if delay is not None:
            raise RetryRequested(delay)

    async def _handle(self, attempt: Attempt, processes: ProcessPool) -> CompletionHook | FanOut | None:
        with structlog.contextvars.bound_contextvars(
            job=str(attempt.id), task=attempt.job.task, company=str(attempt.company_id)
        ):
            run = Run(attempt, self._services, processes)
            try:
                return await HANDLERS[type(attempt.job)](attempt.job, run)
            finally:
                await run.close()

    async def _record_outcome(self, running: RunningJob) -> timedelta | None:
        """Writes the outcome of an attempt. Returns the delay before the next attempt, if there is one."""
        attempt, task = running.attempt, running.task
        try:
            if task.cancelled() and running.interrupted:
                return await self._settle(attempt)
            try:
                if task.cancelled():
                    raise RuntimeError("the handler cancelled itself")
                result = task.result()
                if isinstance(result, FanOut):
                    await retry_transient(lambda: attempt.fan_out(result))
                else:
                    await retry_transient(lambda: attempt.complete(result))
                return None
            except CancellationRequested:
                return await self._settle(attempt)
            except Exception as error:
                return await self._record_failure(attempt, error)
        except LostLease:
            log.warning("job_lease_lost", job=str(attempt.id), epoch=attempt.epoch)
            return None

    async def _settle(self, attempt: Attempt) -> timedelta | None:
        return timedelta(0) if await retry_transient(attempt.settle) else None

    async def _record_failure(self, attempt: Attempt, error: Exception) -> timedelta | None:
        reason = failure_reason(error, attempt)
        if attempt.is_last or not (isinstance(error, Retry) or is_transient(error)):
            await retry_transient(lambda: attempt.fail(reason))
            return None
        try:
            await retry_transient(lambda: attempt.postpone(reason))
        except CancellationRequested:
            return await self._settle(attempt)
        return backoff(attempt.number, error)

    async def _send_heartbeats(self) -> None:
        """Sends heartbeats for running jobs; interrupts those that are lost or to be cancelled."""
        while True:
            await asyncio.sleep(self._settings.job_heartbeat)
            jobs = {key: running for pool in self._pools for key, running in pool.running.items()}
            if not jobs:
                continue
            try:
                heartbeat = await leases.heartbeat(self._services.database, self.name, [id for id, _ in jobs])
            except Exception as error:
                log.warning("heartbeat_failed", error=str(error))
                continue
            for (id, _), running in jobs.items():
                if id not in heartbeat.owned or id in heartbeat.cancelling:
                    running.interrupt()

    async def _run_periodic(self, name: str, task: PeriodicTask) -> None:
        """Runs a periodic task in the periods that this worker claims."""
        period = task.every.total_seconds()
        await asyncio.sleep(random.uniform(0, min(period, 5)))
        while True:
            try:
                if await leases.claim_period(self._services.database, name, task.every):
                    await task.run(self._services)
            except Exception:
                log.exception("periodic_task_failed", name=name)
            await asyncio.sleep(period * random.uniform(1.0, 1.1))


async def retry_transient(write: Callable[[], Awaitable[T]]) -> T:
    """Writes to the database, with retries after transient errors."""
    for delay in WRITE_RETRY_DELAYS:
        try:
            return await write()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("job_outcome_write_failed", error=str(error))
        await asyncio.sleep(delay)
    return await write()


def failure_reason(error: Exception, attempt: Attempt) -> str:
    """The error message of the job's row: the message of errors meant for users, else a logged error ID."""
    if isinstance(error, DomainError | Retry | ProcessDied):
        return str(error)
    id = uuid4().hex[:12]
    log.error("job_failed", job=str(attempt.id), error_id=id, exc_info=error)
    return f"Internal error (id {id})."


def backoff(number: int, error: Exception) -> timedelta:
    """The delay after attempt `number`: exponential backoff with jitter, at least the error's `after`."""
    seconds = min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2 ** (number - 1)) * random.uniform(0.8, 1.2)
    return timedelta(seconds=max(seconds, error.after if isinstance(error, Retry) else 0))


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
        listener = Listener(database.placement.primary.url, application="seshat worker listener")
        async with listener, Worker(services, listener, queues=queues):
            await stop.wait()
