"""Checks of images: thrown away."""

from uuid import UUID

from sqlalchemy import delete

from core.errors import Conflict
from db import queue
from db.models import ValidationJob
from db.uow import UnitOfWork
from resolvers import access, activity
from resolvers.access import Viewer


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a check that is not under way; what it said of the images stays on them."""
    access.require(viewer, "images:delete")
    await access.find(uow, viewer, ValidationJob, id, lock=True)
    if await queue.queued(uow, id):
        raise Conflict("Cancel it first.", "id")
    await uow.execute(delete(ValidationJob).where(ValidationJob.id == id))
    await activity.record(uow, viewer.user_id, "VALIDATION_JOB_DELETE", "ValidationJob", id)
