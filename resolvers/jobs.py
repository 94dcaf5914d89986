"""What people do with jobs, whatever kind they are."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from core.errors import Conflict
from db import queue
from db.models import TERMINAL, JobStatus, ProcessingJob
from db.queue import JobModel, UnknownTask
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer

AFTER_ANOTHER = "It begins by itself when what comes before it is done."
NO_WORKER = "No worker of this installation does this kind of job."


async def start(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID) -> Row[Any]:
    """Queue what waits to be started. Starting what is queued or running changes nothing."""
    access.require(viewer, "jobs:run")
    row = await access.find(uow, viewer, model, id, lock=True)
    if row.status in TERMINAL:
        raise Conflict("It has ended.", "id")
    if row.status is JobStatus.RUNNING or await queue.queued(uow, id):
        return row
    try:
        await queue.enqueue(uow, queue.revive(row.task, row.arguments), id)
    except UnknownTask as error:
        waits = model is ProcessingJob and row.task is None
        raise Conflict(AFTER_ANOTHER if waits else NO_WORKER, "id") from error
    return await _changed(uow, viewer, model, id, "JOB_START")


async def cancel(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID) -> Row[Any]:
    """End what waits, and stop what runs within a second. Cancelling what has ended changes nothing."""
    access.require(viewer, "jobs:run")
    await queue.hold_parts(uow, model, id)
    row = await access.find(uow, viewer, model, id, lock=True)
    if row.status in TERMINAL:
        return row
    await queue.cancel(uow, model, id)
    return await _changed(uow, viewer, model, id, "JOB_CANCEL")


async def retry(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID) -> Row[Any]:
    """Begin a failed or cancelled job anew; it goes on where it was, with its counters at zero."""
    access.require(viewer, "jobs:run")
    await queue.hold_parts(uow, model, id)
    row = await access.find(uow, viewer, model, id, lock=True)
    if row.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise Conflict(f"It is {row.status.value}; only a failed or cancelled job can be retried.", "id")
    try:
        await queue.restart(uow, model, id)
    except UnknownTask as error:
        raise Conflict("It was never begun, so it cannot be begun again.", "id") from error
    return await _changed(uow, viewer, model, id, "JOB_RETRY")


async def _changed(uow: UnitOfWork, viewer: Viewer, model: JobModel, id: UUID, action: str) -> Row[Any]:
    await activity_log.record(uow, viewer.user_id, action, model.__name__, id)
    return await uow.one(select(model).where(model.id == id))
