"""Images of crawls: file locks, duplicate groups and deletion."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, literal, select, text

from core.errors import Conflict
from db.arrays import UUIDS, any_id, any_text
from db.models import CrawlJob, DatasetImage, Image, JobStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.object_removal import (
    enqueue_removal,
    enqueue_unused_image_removal,
    images_prefix,
    thumbnails_prefix,
)

LOCK_KEY = "hashtextextended('pictures of ' || CAST(:company_id AS text), 0)"
SHARED_LOCK = text(f"SELECT pg_advisory_xact_lock_shared({LOCK_KEY})")
EXCLUSIVE_LOCK = text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")


async def lock_image_files(uow: UnitOfWork, *, exclusive: bool = False) -> None:
    """Block the deletion of the company's image files in this transaction, or if `exclusive` their use."""
    await uow.execute(EXCLUSIVE_LOCK if exclusive else SHARED_LOCK, {"company_id": str(uow.company_id)})


async def hashes_in_use(uow: UnitOfWork, hashes: Sequence[str]) -> set[str]:
    """The hashes that are used by an image of the company, or listed by a version of a data set."""
    found = select(Image.hash).where(Image.hash == any_text(hashes))
    listed = select(DatasetImage.hash).where(DatasetImage.hash == any_text(hashes))
    return {row.hash for row in await uow.all(found.union(listed))}


async def enqueue_file_removal(
    uow: UnitOfWork, requested_by_id: UUID | None, deleted: Sequence[Image]
) -> None:
    """Queue the removal of deleted images' files, unless other images use them."""
    stored = {key for row in deleted for key in (row.storage_url, row.thumbnail_key) if key is not None}
    shared = (images_prefix(uow.company_id), thumbnails_prefix(uow.company_id))
    by_content = sorted(key for key in stored if key.startswith(shared))
    if by_content:
        await enqueue_unused_image_removal(uow, requested_by_id, *by_content)
    await enqueue_removal(uow, requested_by_id, *sorted(stored.difference(by_content)))


def active(crawl_job_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """Conditions for the images of a crawl that are not in quarantine."""
    return Image.crawl_job_id == crawl_job_id, Image.quarantined.is_(False)


async def count_valid(uow: UnitOfWork, *crawl_job_ids: UUID) -> None:
    """Update the number of valid images of crawls. Images in quarantine do not count."""
    valid = select(func.count()).where(
        Image.crawl_job_id == CrawlJob.id, Image.is_valid.is_(True), Image.quarantined.is_(False)
    )
    counted = func.least(CrawlJob.downloaded_images, valid.correlate(CrawlJob).scalar_subquery())
    crawls = sa.update(CrawlJob).where(CrawlJob.id == any_id(crawl_job_ids))
    await uow.execute(crawls.values(valid_images=counted, version=CrawlJob.version + 1))


async def find_crawl(uow: UnitOfWork, crawl_job_id: UUID) -> CrawlJob:
    """The crawl with this id."""
    return await uow.one(select(CrawlJob).where(CrawlJob.id == crawl_job_id))


async def perceptual_hashes(uow: UnitOfWork, crawl_job_id: UUID) -> Sequence[Image]:
    """What near duplicates are found by, of a crawl's images in order of arrival."""
    hashed = *active(crawl_job_id), Image.perceptual_hash.is_not(None)
    columns = Image.id, Image.perceptual_hash, Image.storage_url, Image.is_valid, Image.review
    statement = select(*columns).where(*hashed).order_by(Image.sequence, Image.id)
    found: Sequence[Image] = await uow.all(statement)
    return found


async def set_duplicate_groups(uow: UnitOfWork, grouped: Sequence[tuple[UUID, UUID]]) -> None:
    """Assign images to groups of near duplicates, by id."""
    images, groups = (literal([pair[side] for pair in grouped], UUIDS) for side in (0, 1))
    pairs = func.unnest(images, groups)
    table = pairs.table_valued("image_id", "group_id").render_derived(name="alike")
    statement = sa.update(Image).where(Image.id == table.c.image_id).values(duplicate_group=table.c.group_id)
    await uow.execute(statement)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete an image and update the counters of its crawl."""
    access.require(viewer, "images:delete")
    image = await access.find(uow, viewer, Image, id)
    crawl = await access.find(uow, viewer, CrawlJob, image.crawl_job_id, lock=True)
    if crawl.status is JobStatus.RUNNING:
        raise Conflict("The crawl is in progress. Cancel it first.", "id")
    image = await access.find(uow, viewer, Image, id, lock=True)
    await uow.execute(sa.delete(Image).where(Image.id == id))
    downloaded = CrawlJob.downloaded_images - int(image.storage_url is not None)
    valid = CrawlJob.valid_images - int(image.is_valid is True and not image.quarantined)
    counters = {
        "downloaded_images": func.greatest(downloaded, 0),
        "valid_images": func.greatest(func.least(valid, downloaded), 0),
        "version": CrawlJob.version + 1,
    }
    await uow.execute(sa.update(CrawlJob).where(CrawlJob.id == crawl.id).values(counters))
    await enqueue_file_removal(uow, requester_id(uow, viewer), [image])
    await activity_log.record(uow, viewer.user_id, "IMAGE_DELETE", "Image", id, crawl_job_id=str(crawl.id))
