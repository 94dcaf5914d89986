"""Quarantine of images: set aside, restored, and at last deleted with their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select

from core.errors import Conflict
from db.arrays import any_id
from db.models import CrawlJob, Image, JobStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.imagery import image_review, images
from resolvers.imagery.image_review import Where

BY_PERSON = "person"
"""The reason of images that a person has set aside."""
MAX_DELETED = 20_000
"""Images that one operation deletes."""


@dataclass(frozen=True)
class RemovalResult:
    """What was deleted from a quarantine, and how many images are left in it."""

    images: int
    bytes: int
    remaining: int


async def quarantine_all(uow: UnitOfWork, viewer: Viewer, where: Where) -> int:
    """Move all images that a filter matches to the quarantine; returns their number."""
    access.require(viewer, "images:create")
    found = await image_review.find_all(uow, viewer, where, Image.id, Image.crawl_job_id)
    values = {
        "quarantined": True,
        "quarantine_reason": BY_PERSON,
        "quarantined_at": func.now(),
        "restored": False,
    }
    await _update(uow, found, values)
    await image_review.record(uow, viewer, "IMAGES_QUARANTINE", found)
    return len(found)


async def restore_all(uow: UnitOfWork, viewer: Viewer, where: Where) -> int:
    """Restore all images that a filter matches from the quarantine; returns their number.

    Rules leave restored images, whose earlier verdict is void.
    """
    access.require(viewer, "images:create")
    found = await image_review.find_all(uow, viewer, where, Image.id, Image.crawl_job_id)
    values = {
        "quarantined": False,
        "quarantine_reason": None,
        "quarantined_at": None,
        "restored": True,
        "is_valid": None,
    }
    await _update(uow, found, values)
    await image_review.record(uow, viewer, "IMAGES_RESTORE", found)
    return len(found)


async def restore(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Image:
    """Restore an image from the quarantine."""
    access.require(viewer, "images:create")
    image = await access.find(uow, viewer, Image, id)
    if not image.quarantined:
        raise Conflict("The image is not in quarantine.", "id")
    await restore_all(uow, viewer, lambda entity: [entity.id == id])
    return await access.find(uow, viewer, Image, id)


async def _update(uow: UnitOfWork, found: Sequence[Image], values: Mapping[str, Any]) -> None:
    """Change images, and count the valid ones of their crawls."""
    ids = [image.id for image in found]
    await uow.execute(sa.update(Image).where(Image.id == any_id(ids)).values(values))
    await images.count_valid(uow, *sorted({image.crawl_job_id for image in found}))


async def empty(uow: UnitOfWork, viewer: Viewer, crawl_job_id: UUID) -> RemovalResult:
    """Delete the images in the quarantine of a crawl that is not in progress; a job deletes their files."""
    access.require(viewer, "images:delete")
    crawl = await access.find(uow, viewer, CrawlJob, crawl_job_id, "crawlJobId", lock=True)
    if crawl.status is JobStatus.RUNNING:
        raise Conflict("The crawl is in progress. Cancel it first.", "crawlJobId")
    inside = Image.crawl_job_id == crawl_job_id, Image.quarantined.is_(True)
    first = select(Image.id).where(*inside).order_by(Image.id).limit(MAX_DELETED).with_for_update()
    columns = Image.id, Image.storage_url, Image.thumbnail_key, Image.file_size
    deleted = await uow.all(sa.delete(Image).where(Image.id.in_(first)).returning(*columns))
    if deleted:
        stored = sum(image.storage_url is not None for image in deleted)
        downloaded = func.greatest(CrawlJob.downloaded_images - stored, CrawlJob.valid_images)
        counters = {"downloaded_images": downloaded, "version": CrawlJob.version + 1}
        await uow.execute(sa.update(CrawlJob).where(CrawlJob.id == crawl_job_id).values(counters))
        await images.enqueue_file_removal(uow, requester_id(uow, viewer), deleted)
        user_id, action = requester_id(uow, viewer), "QUARANTINE_EMPTY"
        await activity_log.record(uow, user_id, action, "CrawlJob", crawl_job_id, images=len(deleted))
    remaining = await uow.scalar(select(func.count()).where(*inside)) or 0
    return RemovalResult(len(deleted), sum(image.file_size or 0 for image in deleted), remaining)
