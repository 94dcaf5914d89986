"""What a job's handler is given, and how handlers are found."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import structlog

from core.ports import ChatModel, DrawingAnalyser, Embedders, ObjectStore, Sources, VectorStores
from core.prices import Prices
from core.settings import Settings
from db.queue import Attempt, CompletionHook, Job, LostLease, FanOut, is_transient
from db.uow import Database, UnitOfWork
from pipelines.runtime.process_pool import ProcessPool

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
J = TypeVar("J", bound=Job)

REPORT_INTERVAL_SECONDS = 0.25
"""Seconds at least between two reports of progress that are written."""


class Retry(Exception):
    """Raised by a handler for what time may cure: the job is tried again, `after` seconds at the earliest."""

    def __init__(self, message: str = "It will be tried again.", *, after: float = 0) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Services:
    """What handlers and upkeep work with."""

    database: Database
    settings: Settings
    store: ObjectStore
    analyser: DrawingAnalyser
    embedders: Embedders
    vectors: VectorStores
    sources: Sources
    chat: ChatModel
    prices: Prices


class Run:
    """One attempt at a job, as its handler sees it."""

    def __init__(self, attempt: Attempt, services: Services, processes: ProcessPool) -> None:
        self.services, self._attempt, self._processes = services, attempt, processes
        self._progress = self._reported = 0
        self._closing = asyncio.Event()
        self._report_task: asyncio.Task[None] | None = None

    @property
    def id(self) -> UUID:
        """The job row's."""
        return self._attempt.id

    @property
    def company_id(self) -> UUID:
        """Whose job it is."""
        return self._attempt.company_id

    @property
    def number(self) -> int:
        """Which attempt this is, from 1."""
        return self._attempt.number

    @property
    def epoch(self) -> int:
        """Greater than that of every earlier attempt at this job."""
        return self._attempt.epoch

    @property
    def checkpoint(self) -> Mapping[str, Any] | None:
        """What an earlier attempt saved last."""
        return self._attempt.checkpoint

    @property
    def is_last(self) -> bool:
        """Whether a failure of this attempt is final."""
        return self._attempt.is_last

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A read-only unit of the job's company."""
        return self.services.database.tenant(self.company_id, read_only=True)

    def write(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A unit of the job's company, for the job's owner only. Raises `LostLease`, as a cancellation."""
        return self._attempt.write()

    async def report(self, progress: float) -> None:
        """Say how much is done, from 0 to 1. Costs nothing: the latest is written a few times a second."""
        self._progress = min(99, max(0, int(progress * 100)))
        if self._report_task is None or self._report_task.done():
            self._report_task = asyncio.create_task(self._write_progress())

    async def save(self, checkpoint: Mapping[str, Any], uow: UnitOfWork | None = None) -> None:
        """Keep what the next attempt goes on from. Inside a unit from `write`, that unit must be given."""
        if uow is not None:
            await self._attempt.update(uow, checkpoint=dict(checkpoint))
            return
        async with self.write() as own:
            await self._attempt.update(own, checkpoint=dict(checkpoint))

    async def cpu(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute in a child process; cancelling kills it: `Processes.run`."""
        return await self._processes.run(function, *args, **kwargs)

    async def cpu_within(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Compute in a child process that is killed after so many seconds: `Processes.run_within`."""
        return await self._processes.run_within(seconds, function, *args, **kwargs)

    async def close(self) -> None:
        """Report no more, once what is being reported is written."""
        self._closing.set()
        if self._report_task is not None:
            await asyncio.wait({self._report_task})

    async def _write_progress(self) -> None:
        while self._reported != self._progress and not self._closing.is_set():
            progress = self._progress
            try:
                async with self.write() as uow:
                    await self._attempt.update(uow, progress=progress)
            except LostLease:  # the handler learns of it by itself
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
"""Does a job. What it answers, if anything, is awaited with the unit in which the job becomes COMPLETED,
or goes on in parts."""

HANDLERS: dict[type[Job], Handler[Any]] = {}


def handles(kind: type[J]) -> Callable[[Handler[J]], Handler[J]]:
    """The decorated coroutine function does jobs of this kind. It may run twice and die anywhere."""

    def register(handler: Handler[J]) -> Handler[J]:
        if kind in HANDLERS:
            raise TypeError(f"{kind.__name__} is handled twice")
        HANDLERS[kind] = handler
        return handler

    return register
