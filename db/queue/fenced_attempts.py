"""An attempt to run a job by the worker that claimed it. Every write is fenced by the attempt's epoch."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from db.events import publish
from db.models import TERMINAL, JobStatus, Lease, LeaseState
from db.queue.entries import Entry
from db.queue.jobs import TASKS, Job, UnknownTask, deserialize, topics
from db.queue.requests import CANCELLATION_REASON, end
from db.uow import Database, UnitOfWork

CompletionHook = Callable[[UnitOfWork], Awaitable[None]]
"""Writes results in the transaction that completes a job."""


@dataclass(frozen=True)
class FanOut:
    """Returned by a handler whose job continues in parts, which `enqueue_parts` enqueues.

    The job stays RUNNING without a worker until its last part resumes it (`db.queue.resume`) or it is
    cancelled.
    """

    enqueue_parts: CompletionHook


MAY_WRITE = (LeaseState.RUNNING, LeaseState.CANCELLING)


class LostLease(asyncio.CancelledError):
    """The attempt no longer owns its job and must not write."""


class CancellationRequested(Exception):
    """Cancellation of the job was requested."""


@dataclass(frozen=True)
class Attempt:
    """A claimed job. `number` counts from 1; `epoch` is the fencing token."""

    database: Database
    id: UUID
    company_id: UUID
    job: Job
    epoch: int
    number: int
    max_attempts: int
    checkpoint: Mapping[str, Any] | None

    @property
    def is_last(self) -> bool:
        """Whether no attempt follows a failure of this one."""
        return self.number >= self.max_attempts

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
            yield uow

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

    async def postpone(self, reason: str) -> None:
        """Requeues the job for another attempt. Raises `LostLease`, `CancellationRequested`."""
        async with self.write() as uow:
            await self._requeue_lease(uow)
            await self.update(uow, status=JobStatus.PENDING, error_message=reason)

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

    async def _requeue_lease(self, uow: UnitOfWork) -> None:
        requeued = update(Lease).where(Lease.id == self.id, Lease.state == LeaseState.RUNNING)
        values = {"state": LeaseState.QUEUED, "worker": None, "heartbeat_at": func.now()}
        if await uow.scalar(requeued.values(values).returning(Lease.id)) is None:
            raise CancellationRequested

    async def _delete_lease(self, uow: UnitOfWork) -> LeaseState:
        deleted = delete(Lease).where(Lease.id == self.id, Lease.state.in_(MAY_WRITE)).returning(Lease.state)
        state: LeaseState | None = await uow.scalar(deleted)
        if state is None:
            raise LostLease
        return state


async def claim(database: Database, entry: Entry, entry_id: int, worker: str) -> Attempt | None:
    """Starts the next attempt of the entry's job; None if there is nothing to do.

    Ends a job that is to be cancelled, or that has no attempts left because its workers died. Raises
    `UnknownTask` for a task of another release.
    """
    kind = TASKS.get(entry.task)
    if kind is None:
        raise UnknownTask(f"Unknown task {entry.task}.")
    model = kind.row
    async with database.tenant(entry.company_id) as uow:
        row = await uow.first(select(model).where(model.id == entry.job_id).with_for_update())
        values = {"worker": worker, "heartbeat_at": func.now()}
        owned = update(Lease).where(Lease.id == entry.job_id, Lease.entry_id == entry_id).values(values)
        state = await uow.scalar(owned.returning(Lease.state))
        if state is None:
            return None
        if row is None or row.status in TERMINAL:
            await uow.execute(delete(Lease).where(Lease.id == entry.job_id))
            return None
        if state is LeaseState.CANCELLING or row.attempts >= row.max_attempts:
            await uow.execute(delete(Lease).where(Lease.id == entry.job_id))
            if state is LeaseState.CANCELLING:
                await end(uow, model, row, JobStatus.CANCELLED, CANCELLATION_REASON)
            else:
                reason = f"The worker stopped unexpectedly in each of {row.attempts} attempts."
                await end(uow, model, row, JobStatus.FAILED, reason)
            return None
        await uow.execute(update(Lease).where(Lease.id == entry.job_id).values(state=LeaseState.RUNNING))
        try:
            job = deserialize(row.task, row.arguments)
        except UnknownTask as error:
            await uow.execute(delete(Lease).where(Lease.id == entry.job_id))
            await end(uow, model, row, JobStatus.FAILED, str(error))
            return None
        running = {
            "status": JobStatus.RUNNING,
            "attempts": row.attempts + 1,
            "epoch": row.epoch + 1,
            "started_at": func.coalesce(model.started_at, func.now()),
            "version": row.version + 1,
        }
        await uow.execute(update(model).where(model.id == entry.job_id).values(running))
        await publish(uow, *topics(entry.job_id, job))
    return Attempt(
        database=database,
        id=entry.job_id,
        company_id=entry.company_id,
        job=job,
        epoch=row.epoch + 1,
        number=row.attempts + 1,
        max_attempts=row.max_attempts,
        checkpoint=row.checkpoint,
    )
