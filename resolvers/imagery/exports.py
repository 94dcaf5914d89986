"""Exports of images: thrown away."""

from uuid import UUID

from sqlalchemy import delete

from core.errors import Conflict
from db import queue
from db.models import ExportJob
from db.uow import UnitOfWork
from resolvers import access, activity
from resolvers.access import Viewer
from resolvers.upkeep import remove_objects


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete an export that is not under way; its package goes afterwards, by a job."""
    access.require(viewer, "images:delete")
    export = await access.find(uow, viewer, ExportJob, id, lock=True)
    if await queue.queued(uow, id):
        raise Conflict("Cancel it first.", "id")
    await uow.execute(delete(ExportJob).where(ExportJob.id == id))
    if export.download_url is not None:
        await remove_objects(uow, viewer, export.download_url)
    await activity.record(uow, viewer.user_id, "EXPORT_JOB_DELETE", "ExportJob", id)
