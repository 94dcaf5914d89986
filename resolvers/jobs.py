"""Jobs of every kind: starting, cancelling and retrying them."""

from uuid import UUID

from sqlalchemy import insert, select

from core.errors import Conflict
from db import queue
from db.ids import new_id
from db.models import TERMINAL, JobRow, JobStatus, ProcessingJob, ProcessingJobType
from db.queue import Job, JobModel, UnknownTask
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer

STARTS_ALONE = "This job starts automatically when the previous stage has finished."
NO_WORKER = "No worker of this installation runs this type of job."


async def start_processing(
    uow: UnitOfWork,
    job: Job,
    job_type: ProcessingJobType,
    subject: str,
    requested_by_id: UUID | None,
    *,
    id: UUID | None = None,
    start: bool = True,
) -> UUID:
    """Insert the row of a processing job and enqueue the job; returns the row's id.

    With `start=False` the job waits for `jobStart`.
    """
    values = {
        "id": id or new_id(),
        "job_type": job_type,
        "subject": subject,
        "requested_by_id": requested_by_id,
    }
    row: UUID = await uow.scalar(insert(ProcessingJob).values(values).returning(ProcessingJob.id))
    await (queue.enqueue if start else queue.prepare)(uow, job, row)
    return row


async def start(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID) -> JobRow:
    """Enqueue a job that waits to be started. No effect on a queued or running job."""
    access.require(viewer, "jobs:run")
    row = await access.find(uow, viewer, model, id, lock=True)
    if row.status in TERMINAL:
        raise Conflict("This job has ended.", "id")
    if row.status is JobStatus.RUNNING or await queue.is_queued(uow, id):
        return row
    try:
        await queue.enqueue(uow, queue.deserialize(row.task, row.arguments), id)
    except UnknownTask as error:
        waits = model is ProcessingJob and row.task is None
        raise Conflict(STARTS_ALONE if waits else NO_WORKER, "id") from error
    return await _record(uow, viewer, model, id, "JOB_START")


async def cancel(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID) -> JobRow:
    """Cancel a waiting job, or stop a running one within a second. No effect on a job that has ended."""
    access.require(viewer, "jobs:run")
    await queue.lock_parts(uow, model, id)
    row = await access.find(uow, viewer, model, id, lock=True)
    if row.status in TERMINAL:
        return row
    await queue.cancel(uow, model, id)
    return await _record(uow, viewer, model, id, "JOB_CANCEL")


async def retry(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID) -> JobRow:
    """Restart a failed or cancelled job from its checkpoint, with its attempts reset."""
    access.require(viewer, "jobs:run")
    await queue.lock_parts(uow, model, id)
    row = await access.find(uow, viewer, model, id, lock=True)
    if row.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise Conflict(f"This job is {row.status.value}. Only failed or cancelled jobs can be retried.", "id")
    try:
        await queue.restart(uow, model, id)
    except UnknownTask as error:
        raise Conflict("This job was never started, so it cannot be retried.", "id") from error
    return await _record(uow, viewer, model, id, "JOB_RETRY")


async def _record(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID, action: str) -> JobRow:
    await activity_log.record(uow, viewer.user_id, action, model.__name__, id)
    row: JobRow = await uow.one(select(*model.__table__.c).where(model.id == id))
    return row
