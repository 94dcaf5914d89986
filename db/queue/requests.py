"""Enqueueing, cancelling and restarting jobs in the caller's transaction.

Lock order: the rows of a job's parts, the job's row, leases, entries.
"""

from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from db import outbox
from db.errors import is_transient
from db.events import publish
from db.models import TERMINAL, CrawlChunk, CrawlJob, JobRow, JobStatus, Lease, LeaseState
from db.queue import entries
from db.queue.entries import Entry
from db.queue.jobs import Job, JobModel, UnknownTask, deserialize, topics
from db.queue.messages import UNASSIGNED, AddEntry, CancelEntry, NotifyCancellation
from db.uow import UnitOfWork

log = structlog.get_logger(__name__)

CANCELLATION_REASON = "The job was cancelled."

PARTS: dict[JobModel, tuple[InstrumentedAttribute[UUID], JobModel]] = {
    CrawlJob: (CrawlChunk.crawl_job_id, CrawlChunk)
}
"""Job models that fan out into parts: the part's foreign key to the job, and its model."""


class NotPending(RuntimeError):
    """The job row to enqueue does not exist or is not PENDING."""


async def prepare(uow: UnitOfWork, job: Job, id: UUID) -> None:
    """Writes the job to its PENDING row `id`, without enqueueing it."""
    model = job.row
    values = {"task": job.task, "arguments": job.arguments, "max_attempts": job.max_attempts}
    ready = update(model).where(model.id == id, model.status == JobStatus.PENDING).values(values)
    if await uow.scalar(ready.returning(model.id)) is None:
        raise NotPending(f"{model.__tablename__} {id}")


async def enqueue(uow: UnitOfWork, job: Job, id: UUID) -> None:
    """Enqueues `job`, whose row `id` (of the model `job.row`) is PENDING. Takes effect at commit."""
    await prepare(uow, job, id)
    await _enqueue(uow, job, id)


async def resume(uow: UnitOfWork, model: JobModel, id: UUID) -> None:
    """Enqueues a job again whose parts have ended. Its row must be locked, RUNNING and without a lease."""
    values = {"attempts": 0, "version": model.version + 1}
    row = await uow.one(update(model).where(model.id == id).values(values).returning(model))
    await _enqueue(uow, deserialize(row.task, row.arguments), id)


async def _enqueue(uow: UnitOfWork, job: Job, id: UUID) -> None:
    is_split = await uow.is_split()
    entry = Entry(id, uow.company_id, job.task)
    entry_id = UNASSIGNED if is_split else await entries.add(uow, entry, job.queue)
    lease = {"id": id, "company_id": uow.company_id, "task": job.task, "queue": job.queue}
    await uow.execute(insert(Lease).values(lease | {"entry_id": entry_id}))
    if is_split:
        await outbox.send(uow, AddEntry(id, uow.company_id, job.task, job.queue))
    await publish(uow, *topics(id, job))


async def is_queued(uow: UnitOfWork, id: UUID) -> bool:
    """Whether the job waits for a worker or is held by one."""
    return await uow.scalar(select(Lease.id).where(Lease.id == id)) is not None


async def lock_parts(uow: UnitOfWork, model: JobModel, id: UUID) -> None:
    """Locks the live parts of a job. Parts lock their own row before the job's, and so must callers.

    A locked part creates no further parts; those that were created meanwhile are found by repeating.
    """
    part = PARTS.get(model)
    if part is None:
        return
    job_id, rows = part
    live = select(rows.id).where(job_id == id, rows.status.not_in(TERMINAL)).order_by(rows.id)
    locked = 0
    while (count := len(await uow.all(live.with_for_update()))) > locked:
        locked = count


async def cancel(uow: UnitOfWork, model: JobModel, id: UUID) -> JobRow:
    """Cancels a waiting job, or notifies the worker of a running job. An ended job does not change.

    The caller must lock the job's parts first (`lock_parts`); the job's `ended` hook updates them.
    """
    row = await uow.one(select(model).where(model.id == id).with_for_update())
    if row.status in TERMINAL:
        return row
    lease = await uow.first(select(Lease.state, Lease.entry_id).where(Lease.id == id).with_for_update())
    if lease is not None and lease.state is LeaseState.RUNNING:
        await uow.execute(update(Lease).where(Lease.id == id).values(state=LeaseState.CANCELLING))
        await outbox.send(uow, NotifyCancellation(lease.entry_id))
    if lease is not None and lease.state is not LeaseState.QUEUED:
        return row
    if lease is not None:
        await uow.execute(delete(Lease).where(Lease.id == id))
        await outbox.send(uow, CancelEntry(lease.entry_id))
    return await end(uow, model, row, JobStatus.CANCELLED, CANCELLATION_REASON)


async def end(uow: UnitOfWork, model: JobModel, row: JobRow, status: JobStatus, reason: str) -> JobRow:
    """Ends a job, whose row is locked, as FAILED or CANCELLED, and runs its `ended` hook."""
    values = {
        "status": status,
        "error_message": reason if status is JobStatus.FAILED else None,
        "completed_at": func.now(),
        "waiting_for": None,
        "next_attempt_at": None,
        "version": model.version + 1,
    }
    ended = await uow.one(update(model).where(model.id == row.id).values(values).returning(model))
    job: Job | None = None
    with suppress(UnknownTask):
        job = deserialize(row.task, row.arguments)
    if job is not None:
        await _run_end_hook(uow, job, status, reason)
    await publish(uow, *topics(row.id, job))
    return ended


async def _run_end_hook(uow: UnitOfWork, job: Job, status: JobStatus, reason: str) -> None:
    """Runs the `ended` hook of a job. An error is logged and does not keep the job from ending."""
    await uow.driver_sql("SAVEPOINT end_hook")
    try:
        await job.ended(uow, status, reason)
    except Exception as error:
        if is_transient(error):
            raise
        log.exception("job_end_hook_failed", task=job.task, status=status.value)
        await uow.driver_sql("ROLLBACK TO SAVEPOINT end_hook")


async def restart(uow: UnitOfWork, model: JobModel, id: UUID) -> JobRow:
    """Restarts a FAILED or CANCELLED job from its checkpoint with its attempts reset.

    Raises `UnknownTask`.
    """
    values = {
        "status": JobStatus.PENDING,
        "progress": 0,
        "attempts": 0,
        "started_at": None,
        "completed_at": None,
        "error_message": None,
        "waiting_for": None,
        "next_attempt_at": None,
        "version": model.version + 1,
    }
    row = await uow.one(update(model).where(model.id == id).values(values).returning(model))
    job = deserialize(row.task, row.arguments)
    await job.restarted(uow)
    await enqueue(uow, job, id)
    return row
