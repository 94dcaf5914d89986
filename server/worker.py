"""The worker: takes jobs from the queue and runs their handlers, inside the API or in its own process."""

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
from db.queue import Attempt, CancellationRequested, CompletionHook, LostLease, FanOut, UnknownTask, claim, leases, is_transient
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
from pipelines.runtime.process_pool import ProcessPool, ProcessDied
from providers.storage import open_store
from server.installation import database_urls
from server.provider_factory import open_embedders, open_sources, open_vectors, working

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
"""Imported for what they register: the handlers of jobs, and upkeep."""

T = TypeVar("T")

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 300.0
UNKNOWN_TASK_RETRY = timedelta(seconds=30)
CLAIM_RETRY = timedelta(seconds=2)
CANCEL_RETRY_SECONDS = 5.0
"""Seconds after which a handler that ignored its cancellation is cancelled again."""

WRITE_RETRY_DELAYS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to write down how a job went."""


class RunningJob:
    """A running handler."""

    def __init__(self, attempt: Attempt, task: asyncio.Task[CompletionHook | FanOut | None]) -> None:
        self.attempt, self.task = attempt, task
        self.interrupted = False

    def interrupt(self) -> None:
        """Cancel the handler, with its computing."""
        self.interrupted = True
        self.task.cancel()


@dataclass
class SlotPool:
    """Queues whose jobs share `slots` of this worker, and its computing; they wait for no other lane's."""

    queues: frozenset[str]
    slots: int
    processes: ProcessPool
    held: dict[tuple[UUID, int], RunningJob] = field(default_factory=dict)


def slot_pools(queues: frozenset[str], settings: Settings) -> Iterator[SlotPool]:
    """One for each of the queues with slots of its own, one for all the others.

    Raises `SettingsError` for a setting of a queue that has no handler.
    """
    for name, counted in (("QUEUE_SLOTS", settings.queue_slots), ("QUEUE_LIMITS", settings.queue_limits)):
        require_known_queues(name, counted)
    for queue in sorted(queues & settings.queue_slots.keys()):
        slots = settings.queue_slots[queue]
        yield SlotPool(frozenset({queue}), slots, ProcessPool(slots))
    if shared := queues - settings.queue_slots.keys():
        yield SlotPool(shared, settings.job_concurrency, ProcessPool(settings.job_concurrency))


def require_known_queues(name: str, queues: Collection[str]) -> None:
    """Raises `SettingsError` for queues that have no handler; `name` is where they were said."""
    if unknown := set(queues) - {kind.queue for kind in HANDLERS}:
        raise SettingsError(f"{name}: nobody works on {', '.join(sorted(unknown))}")


class Worker:
    """Works on `queues` (all that handlers exist for, unless said) from `async with` until its end.

    On leaving it takes no more jobs, gives those that run `JOB_GRACE` seconds, and hands the others back.
    """

    def __init__(self, services: Services, listener: Listener, *, queues: Collection[str] = ()) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"[-100:]
        self._services, self._listener = services, listener
        self._queues = frozenset(queues) or frozenset(kind.queue for kind in HANDLERS)
        self._settings = services.settings
        self._lanes = list(slot_pools(self._queues, self._settings))
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
        """Serve until stopped."""
        log.info("worker_started", worker=self.name, queues=sorted(self._queues))
        around = [asyncio.create_task(self._send_heartbeats())]
        around += [asyncio.create_task(self._run_periodic(name, chore)) for name, chore in PERIODIC_TASKS.items()]
        try:
            await asyncio.gather(*map(self._serve, self._lanes))
        finally:
            for task in around:
                task.cancel()
            await asyncio.wait(around)
            for lane in self._lanes:
                await lane.processes.close()
            log.info("worker_stopped", worker=self.name)

    async def _serve(self, lane: SlotPool) -> None:
        """Serve cycle after cycle until stopped; a cycle that a fault ends is followed by another."""
        while not self._stopping.is_set():
            try:
                await self._cycle(lane)
            except Exception:
                log.exception("worker_cycle_failed", worker=self.name, queues=sorted(lane.queues))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), random.uniform(0.5, 2.0))

    async def _cycle(self, lane: SlotPool) -> None:
        driver = EngineDriver(self._services.database.placement.primary, self._listener)
        manager = QueueManager(limited_queries(driver, lane.slots), Channel(QUEUE_SETTINGS.channel))
        work = partial(self._process_entry, lane)
        for queue in lane.queues:
            limit = self._settings.queue_limits.get(queue, 0)
            manager.entrypoint(queue, concurrency_limit=limit, accepts_context=True)(work)
        serving = asyncio.create_task(
            manager.run(
                dequeue_timeout=timedelta(seconds=self._settings.job_heartbeat),
                batch_size=1,
                max_concurrent_tasks=max(2, lane.slots),
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
                for held in lane.held.values():
                    held.interrupt()
                await asyncio.wait({serving}, timeout=CANCEL_RETRY_SECONDS)
        finally:
            for task in (serving, stopping):
                task.cancel()
            await asyncio.wait({serving, stopping})
        if not serving.cancelled():
            serving.result()

    async def _process_entry(self, lane: SlotPool, entry: PickedEntry, context: Context) -> None:
        """What pgqueuer calls for each entry. Raises `RetryRequested` where the entry is to go back."""
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
        held = RunningJob(attempt, asyncio.create_task(self._handle(attempt, lane.processes)))
        key = (attempt.id, attempt.epoch)
        lane.held[key] = held
        try:
            with context.cancellation:
                await asyncio.wait({held.task})
            while not held.task.done():
                held.interrupt()
                await asyncio.wait({held.task}, timeout=CANCEL_RETRY_SECONDS)
            delay = await self._record_outcome(held)
            log.info("job_attempt_ended", job=str(attempt.id), task=attempt.job.task, again_in=delay)
        finally:
            held.task.cancel()
            del lane.held[key]
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

    async def _record_outcome(self, held: RunningJob) -> timedelta | None:
        """Write down how it went. Answers after how long the job is to be tried again, if it is."""
        attempt, task = held.attempt, held.task
        try:
            if task.cancelled() and held.interrupted:
                return await self._settle(attempt)
            try:
                if task.cancelled():
                    raise RuntimeError("a handler cancelled itself")
                answer = task.result()
                if isinstance(answer, FanOut):
                    await retry_transient(lambda: attempt.fan_out(answer))
                else:
                    await retry_transient(lambda: attempt.complete(answer))
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
        """Say that the held jobs' worker is alive; interrupt those that are lost or to be cancelled."""
        while True:
            await asyncio.sleep(self._settings.job_heartbeat)
            held = {key: running for lane in self._lanes for key, running in lane.held.items()}
            if not held:
                continue
            try:
                heartbeat = await leases.heartbeat(self._services.database, self.name, [id for id, _ in held])
            except Exception as error:
                log.warning("heartbeat_failed", error=str(error))
                continue
            for (id, _), running in held.items():
                if id not in heartbeat.owned or id in heartbeat.cancelling:
                    running.interrupt()

    async def _run_periodic(self, name: str, upkeep: PeriodicTask) -> None:
        """Do a chore whenever it is this worker's turn."""
        period = upkeep.every.total_seconds()
        await asyncio.sleep(random.uniform(0, min(period, 5)))
        while True:
            try:
                if await leases.claim_period(self._services.database, name, upkeep.every):
                    await upkeep.chore(self._services)
            except Exception:
                log.exception("periodic_task_failed", chore=name)
            await asyncio.sleep(period * random.uniform(1.0, 1.1))


async def retry_transient(write: Callable[[], Awaitable[T]]) -> T:
    """Do it, again and again while the database cannot be reached."""
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
    """What the row says of an error: its own words if they are for people, else a number to look for."""
    if isinstance(error, DomainError | Retry | ProcessDied):
        return str(error)
    id = uuid4().hex[:12]
    log.error("job_failed", job=str(attempt.id), id=id, exc_info=error)
    return f"Internal error (id {id})."


def backoff(number: int, error: Exception) -> timedelta:
    """How long to wait after attempt `number`: twice as long each time, but not less than was asked for."""
    seconds = min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2 ** (number - 1)) * random.uniform(0.8, 1.2)
    return timedelta(seconds=max(seconds, error.after if isinstance(error, Retry) else 0))


async def run_worker(settings: Settings, queues: Collection[str] = ()) -> None:
    """A worker alone, until SIGTERM or SIGINT, on a database that is ready. Raises `SettingsError`."""
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
        services = working(database, settings, store, embedders, vectors, sources)
        listener = Listener(database.placement.primary.url, application="seshat worker listener")
        async with listener, Worker(services, listener, queues=queues):
            await stop.wait()
