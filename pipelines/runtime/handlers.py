"""Job handlers: their registry, and the run that a handler receives."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import structlog

from core.ports import (
    AnswerProbability,
    ChatModel,
    DrawingAnalyser,
    Embedders,
    Mailer,
    ObjectStore,
    PushTargets,
    Sources,
    StoredObject,
    VectorStores,
)
from core.prices import Prices
from core.settings import Settings
from db.database import Database
from db.errors import is_outage
from db.queue import Attempt, CompletionHook, FanOut, Job, LostLease, is_transient
from db.uow import UnitOfWork
from pipelines.runtime.process_pool import (
    LibraryCrashed,
    Limits,
    MemoryExceeded,
    ProcessDied,
    ProcessPool,
)

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
J = TypeVar("J", bound=Job)

OPENING_DELAYS = (0.1, 0.5, 1.0, 2.0, 4.0, *[8.0] * 6)
"""Seconds before each further try to open a unit of work."""

REPORT_INTERVAL_SECONDS = 0.25
"""Minimum time between two writes of a job's progress."""


@dataclass(frozen=True)
class Services:
    """Services that job handlers and periodic tasks use."""

    database: Database
    settings: Settings
    store: ObjectStore
    analyser: DrawingAnalyser
    embedders: Embedders
    vectors: VectorStores
    sources: Sources
    chat: ChatModel
    answer_probability: AnswerProbability
    """For passages, without a language model."""
    prices: Prices
    mailer: Mailer
    push_targets: PushTargets


class Run:
    """An attempt to run a job, as passed to its handler."""

    def __init__(self, attempt: Attempt, services: Services, processes: ProcessPool) -> None:
        self.services, self._attempt = services, attempt
        self._processes = processes.owned_by(attempt.id)
        self._progress = self._reported = 0
        self._closing = asyncio.Event()
        self._report_task: asyncio.Task[None] | None = None

    @property
    def id(self) -> UUID:
        """ID of the job's row."""
        return self._attempt.id

    @property
    def company_id(self) -> UUID:
        """Company of the job."""
        return self._attempt.company_id

    @property
    def number(self) -> int:
        """Number of the attempt, from 1."""
        return self._attempt.number

    @property
    def epoch(self) -> int:
        """Fencing token: greater than that of every earlier attempt of the job."""
        return self._attempt.epoch

    @property
    def checkpoint(self) -> Mapping[str, Any] | None:
        """The last checkpoint that an earlier attempt has saved."""
        return self._attempt.checkpoint

    @property
    def is_last(self) -> bool:
        """Whether no attempt follows a transient fault of this one."""
        return self._attempt.is_last

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A read-only unit of work in the job's company."""
        return self.services.database.tenant(self.company_id, read_only=True)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work in the job's company, for the job's owner only. Raises `LostLease`.

        While the database is away, it waits for about a minute, so that the work so far is not lost.
        """
        async with AsyncExitStack() as stack:
            yield await self._open(stack)

    async def _open(self, stack: AsyncExitStack) -> UnitOfWork:
        for delay in OPENING_DELAYS:
            try:
                return await stack.enter_async_context(self._attempt.write())
            except Exception as error:
                if not is_outage(error):
                    raise
            await asyncio.sleep(delay)
        return await stack.enter_async_context(self._attempt.write())

    async def put(self, key: str, content: AsyncIterable[bytes] | bytes) -> StoredObject:
        """Stores an object as `ObjectStore.put`, for the job's owner only. Raises `LostLease`.

        A worker that was frozen stores nothing after another one has ended the job, and maybe removed it.
        """
        await self._attempt.require_owned(self.services.settings.job_stale / 2)
        return await self.services.store.put(key, content)

    async def put_file(self, key: str, path: Path) -> StoredObject:
        """Stores the content of a local file as `put`."""
        await self._attempt.require_owned(self.services.settings.job_stale / 2)
        return await self.services.store.put_file(key, path)

    async def report(self, progress: float) -> None:
        """Reports progress, from 0 to 1. Cheap: the latest value is written a few times per second."""
        self._progress = min(99, max(0, int(progress * 100)))
        if self._report_task is None or self._report_task.done():
            self._report_task = asyncio.create_task(self._write_progress())

    async def save(self, checkpoint: Mapping[str, Any], uow: UnitOfWork | None = None) -> None:
        """Saves the checkpoint for the next attempt. Inside a unit from `write`, pass that unit."""
        if uow is None:
            async with self.write() as unit:
                await self.save(checkpoint, unit)
            return
        if checkpoint != self.checkpoint:
            await self.mark_progress(uow)
        await self._attempt.update(uow, checkpoint=dict(checkpoint))

    async def mark_progress(self, uow: UnitOfWork) -> None:
        """Restarts the retry deadline, in a unit from `write` that stores a part of the job's work.

        Saving another checkpoint than that of the earlier attempt does so as well.
        """
        await self._attempt.mark_progress(uow)

    async def cpu(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs the function in a child process: `ProcessPool.run`. If the process dies, runs it once more."""
        return await self.cpu_within(Limits(), function, *args, **kwargs)

    async def cpu_within(
        self, limits: float | Limits, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `cpu`, with limits, or a limit in CPU seconds: `ProcessPool.run_within`."""
        try:
            return await self._processes.run_within(limits, function, *args, **kwargs)
        except (MemoryExceeded, LibraryCrashed):
            raise
        except ProcessDied:
            return await self._processes.run_within(limits, function, *args, **kwargs)

    async def close(self) -> None:
        """Stops reporting after a pending write."""
        self._closing.set()
        if self._report_task is not None:
            await asyncio.wait({self._report_task})

    async def _write_progress(self) -> None:
        while self._reported != self._progress and not self._closing.is_set():
            progress = self._progress
            try:
                async with self._attempt.write() as uow:
                    await self._attempt.update(uow, progress=progress)
            except LostLease:  # the handler's next write raises it as well
                return
            except Exception as error:
                if not is_transient(error):
                    log.exception("progress_report_failed", job=str(self.id))
                    return
            else:
                self._reported = progress
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), REPORT_INTERVAL_SECONDS)


Handler = Callable[[J, Run], Awaitable[CompletionHook | FanOut | None]]
"""Runs a job. Returns a hook for the transaction that completes the job, or the job's parts, or None."""

HANDLERS: dict[type[Job], Handler[Any]] = {}


def handles(kind: type[J]) -> Callable[[Handler[J]], Handler[J]]:
    """Registers the decorated coroutine function as the handler of a job. It may be interrupted and rerun."""

    def register(handler: Handler[J]) -> Handler[J]:
        if kind in HANDLERS:
            raise TypeError(f"duplicate handler of {kind.__name__}")
        HANDLERS[kind] = handler
        return handler

    return register
