"""An attempt to run a job by the worker that claimed it. Every write is fenced by the attempt's epoch."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from db.database import Database
from db.events import publish
from db.models import TERMINAL, JobStatus, Lease, LeaseState
from db.queue.entries import Entry
from db.queue.faults import Fault, delay_until_next_attempt
from db.queue.jobs import TASKS, Job, UnknownTask, deserialize, topics
from db.queue.messages import UNASSIGNED
from db.queue.requests import CANCELLATION_REASON, end
from db.uow import UnitOfWork

CompletionHook = Callable[[UnitOfWork], Awaitable[None]]
"""Writes results in the transaction that completes a job."""


@dataclass(frozen=True)
class FanOut:
    """Returned by a handler whose job continues in parts, which `enqueue_parts` enqueues.

    The job stays RUNNING without a worker until its last part resumes it (`db.queue.resume`) or it is
    cancelled.
    """

    enqueue_parts: CompletionHook


SUSPECT_DEATHS = 5
"""Workers that die in a row while they run a job without progress, before it runs in isolation."""

MAX_WORKER_DEATHS = 32
"""Workers that may die in a row while they run a job without progress, before the job fails."""

MAY_WRITE = (LeaseState.RUNNING, LeaseState.CANCELLING)


class LostLease(asyncio.CancelledError):
    """The attempt no longer owns its job and must not write."""


class HeldElsewhere(Exception):
    """Another worker runs the job and is alive."""


class PoisonousJob(Exception):
    """The workers that run the job keep dying; the message, which is for users, says so."""


class CancellationRequested(Exception):
    """Cancellation of the job was requested."""


@dataclass(eq=False)
class Attempt:
    """A claimed job. `number` counts from 1; `epoch` is the fencing token.

    `failures` counts earlier attempts that failed for a reason of the job's own, and `deaths` the workers
    that died since the job last made progress. `had_setbacks` says whether deaths or faults were counted
    since then.
    """

    database: Database
    id: UUID
    company_id: UUID
    job: Job
    epoch: int
    number: int
    failures: int
    checkpoint: Mapping[str, Any] | None
    deaths: int = 0
    had_setbacks: bool = False
    is_last: bool = False
    """Whether no attempt follows a transient fault of this one, because the retry deadline has passed."""
    owned_at: float = field(default_factory=monotonic)
    """When the worker was last known to own the job, on its own monotonic clock."""

    @property
    def is_suspect(self) -> bool:
        """Whether so many workers have died while they ran the job that it may have been the cause."""
        return self.deaths >= SUSPECT_DEATHS

    @property
    def is_last_failure(self) -> bool:
        """Whether no attempt follows if this one fails for a reason of the job's own."""
        return self.failures + 1 >= self.job.max_attempts

    @asynccontextmanager
    async def write(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work in the job's company, for the owner of the job only. Raises `LostLease`.

        The job's row is locked, so that a worker that takes over the job waits for the end of the unit.
        """
        async with self.database.tenant(self.company_id) as uow:
            model = self.job.row
            mine = select(model.id).where(
                model.id == self.id, model.epoch == self.epoch, model.status == JobStatus.RUNNING
            )
            if await uow.scalar(mine.with_for_update(key_share=True)) is None:
                raise LostLease
            self.owned_at = monotonic()
            yield uow

    async def require_owned(self, seconds: float) -> None:
        """Raises `LostLease` if another worker owns the job. Asks the database if it was not seen lately."""
        if monotonic() - self.owned_at > seconds:
            async with self.write():
                pass

    async def update(self, uow: UnitOfWork, **values: Any) -> None:
        """Updates columns of the job's row in a unit from `write`, and publishes the change."""
        model = self.job.row
        statement = update(model).where(model.id == self.id)
        await uow.execute(statement.values(**values, version=model.version + 1))
        await publish(uow, *topics(self.id, self.job))

    async def complete(self, hook: CompletionHook | None) -> None:
        """Ends as COMPLETED and runs `hook`. Raises `LostLease`, `CancellationRequested`."""
        async with self.write() as uow:
            if await self._delete_lease(uow) is LeaseState.CANCELLING:
                raise CancellationRequested
            await self.update(
                uow,
                status=JobStatus.COMPLETED,
                progress=100,
                error_message=None,
                completed_at=func.now(),
            )
            if hook is not None:
                await hook(uow)

    async def fan_out(self, parts: FanOut) -> None:
        """Releases the job and enqueues its parts. Raises `LostLease`, `CancellationRequested`."""
        async with self.write() as uow:
            if await self._delete_lease(uow) is LeaseState.CANCELLING:
                raise CancellationRequested
            await self.update(uow)
            await parts.enqueue_parts(uow)

    async def fail(self, reason: str) -> None:
        """Ends as FAILED, or as CANCELLED if cancellation was requested. Raises `LostLease`."""
        async with self.write() as uow:
            row = await uow.one(select(self.job.row).where(self.job.row.id == self.id))
            if await self._delete_lease(uow) is LeaseState.CANCELLING:
                await end(uow, self.job.row, row, JobStatus.CANCELLED, CANCELLATION_REASON)
            else:
                await end(uow, self.job.row, row, JobStatus.FAILED, reason)

    async def postpone(self, fault: Fault) -> timedelta:
        """Requeues the job; returns the delay of the next attempt.

        Raises `LostLease`, `CancellationRequested`.
        """
        if fault.is_transient:
            since = func.coalesce(Lease.waiting_since, func.now())
            counted = {"faults": Lease.faults + 1, "waiting_since": since}
        else:
            counted = {"failures": Lease.failures + 1}
        async with self.write() as uow:
            lease = await self._requeue_lease(uow, **counted)
            count = lease.faults if fault.is_transient else lease.failures
            deadline = self.job.retry_deadline
            delay = delay_until_next_attempt(fault, count, lease.waited or timedelta(0), deadline)
            waiting = {"waiting_for": fault.reason, "next_attempt_at": func.now() + delay}
            await self.update(uow, status=JobStatus.PENDING, **waiting)
        return delay

    async def mark_progress(self, uow: UnitOfWork) -> None:
        """Restarts the retry deadline and the count of dead workers, as a part of the work is stored."""
        if self.had_setbacks:
            forgotten = {"faults": 0, "waiting_since": None, "deaths": 0}
            await uow.execute(update(Lease).where(Lease.id == self.id).values(forgotten))
            self.had_setbacks = self.is_last = False

    async def settle(self) -> bool:
        """After an interruption: ends as CANCELLED if that was requested, else requeues the job.

        A requeued job does not lose an attempt. Returns whether it was requeued. Raises `LostLease`.
        """
        async with self.write() as uow:
            model = self.job.row
            row = await uow.one(select(model).where(model.id == self.id))
            try:
                await self._requeue_lease(uow)
            except CancellationRequested:
                await self._delete_lease(uow)
                await end(uow, model, row, JobStatus.CANCELLED, CANCELLATION_REASON)
                return False
            await self.update(uow, status=JobStatus.PENDING, attempts=model.attempts - 1)
            return True

    async def _requeue_lease(self, uow: UnitOfWork, **counted: Any) -> Any:
        requeued = update(Lease).where(Lease.id == self.id, Lease.state == LeaseState.RUNNING)
        values = {"state": LeaseState.QUEUED, "worker": None, "heartbeat_at": func.now(), **counted}
        waited = (func.now() - Lease.waiting_since).label("waited")
        lease = await uow.first(requeued.values(values).returning(Lease.faults, Lease.failures, waited))
        if lease is None:
            raise CancellationRequested
        return lease

    async def _delete_lease(self, uow: UnitOfWork) -> LeaseState:
        deleted = delete(Lease).where(Lease.id == self.id, Lease.state.in_(MAY_WRITE)).returning(Lease.state)
        state: LeaseState | None = await uow.scalar(deleted)
        if state is None:
            raise LostLease
        return state


async def claim(
    database: Database, entry: Entry, entry_id: int, worker: str, stale: timedelta = timedelta(0)
) -> Attempt | None:
    """Starts the next attempt of the entry's job; None if there is nothing to do.

    Ends a job that is to be cancelled, or whose workers keep dying. Raises `HeldElsewhere` if another worker
    runs the job and has sent a heartbeat within `stale`, and `UnknownTask` for a task of another release.
    """
    kind = TASKS.get(entry.task)
    if kind is None:
        raise UnknownTask(f"Unknown task {entry.task}.")
    model = kind.row
    async with database.tenant(entry.company_id) as uow:
        row = await uow.first(select(model).where(model.id == entry.job_id).with_for_update())
        is_of_entry = or_(Lease.entry_id == entry_id, Lease.entry_id == UNASSIGNED)
        owned = Lease.id == entry.job_id, is_of_entry
        waited = (func.now() - Lease.waiting_since).label("waited")
        is_alive = (Lease.heartbeat_at > func.now() - stale).label("is_alive")
        lease = await uow.first(select(*Lease.__table__.c, waited, is_alive).where(*owned).with_for_update())
        if lease is None:
            return None
        if row is None or row.status in TERMINAL:
            await uow.execute(delete(Lease).where(Lease.id == entry.job_id))
            return None
        is_takeover = lease.state is not LeaseState.QUEUED and lease.worker != worker
        if is_takeover and lease.is_alive:
            raise HeldElsewhere
        if lease.state is LeaseState.CANCELLING:
            await uow.execute(delete(Lease).where(Lease.id == entry.job_id))
            await end(uow, model, row, JobStatus.CANCELLED, CANCELLATION_REASON)
            return None
        deaths = lease.deaths + is_takeover
        try:
            job = deserialize(row.task, row.arguments)
            if deaths >= MAX_WORKER_DEATHS:
                raise PoisonousJob(f"The worker stopped unexpectedly in each of {deaths} attempts.")
        except (UnknownTask, PoisonousJob) as error:
            await uow.execute(delete(Lease).where(Lease.id == entry.job_id))
            await end(uow, model, row, JobStatus.FAILED, str(error))
            return None
        running = {
            "state": LeaseState.RUNNING,
            "entry_id": entry_id,
            "worker": worker,
            "heartbeat_at": func.now(),
            "deaths": deaths,
        }
        await uow.execute(update(Lease).where(Lease.id == entry.job_id).values(running))
        attempt = Attempt(
            database=database,
            id=entry.job_id,
            company_id=entry.company_id,
            job=job,
            epoch=row.epoch + 1,
            number=row.attempts + 1,
            failures=lease.failures,
            checkpoint=row.checkpoint,
            deaths=deaths,
            had_setbacks=bool(lease.faults or deaths),
            is_last=(lease.waited or timedelta(0)) >= job.retry_deadline,
        )
        started = {
            "status": JobStatus.RUNNING,
            "attempts": attempt.number,
            "epoch": attempt.epoch,
            "started_at": func.coalesce(model.started_at, func.now()),
            "waiting_for": None,
            "next_attempt_at": None,
        }
        await attempt.update(uow, **started)
    return attempt
