"""Images: thrown away."""

from uuid import UUID

from sqlalchemy import delete, func, update

from core.errors import Conflict
from db.models import CrawlJob, Image, JobStatus
from db.uow import UnitOfWork
from resolvers import access, activity
from resolvers.access import Viewer
from resolvers.upkeep import remove_objects


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Take an image out of its crawl, whose counts of downloaded and valid images follow."""
    access.require(viewer, "images:delete")
    image = await access.find(uow, viewer, Image, id)
    crawl = await access.find(uow, viewer, CrawlJob, image.crawl_job_id, lock=True)
    if crawl.status is JobStatus.RUNNING:
        raise Conflict("Its crawl is under way.", "id")
    image = await access.find(uow, viewer, Image, id, lock=True)
    await uow.execute(delete(Image).where(Image.id == id))
    downloaded = CrawlJob.downloaded_images - int(image.storage_url is not None)
    valid = CrawlJob.valid_images - int(image.is_valid is True)
    counted = {
        "downloaded_images": func.greatest(downloaded, 0),
        "valid_images": func.greatest(func.least(valid, downloaded), 0),
        "version": CrawlJob.version + 1,
    }
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(counted))
    if image.storage_url is not None:
        await remove_objects(uow, viewer, image.storage_url)
    await activity.record(uow, viewer.user_id, "IMAGE_DELETE", "Image", id, crawl_job_id=str(crawl.id))
