"""Images: what is stored of them, which look alike, and how they are thrown away."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, func, literal, select, text

from core.errors import Conflict
from db.arrays import UUIDS, any_text
from db.models import CrawlJob, Image, JobStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.object_removal import pictures_prefix, queue_removal, queue_unused, thumbnails_prefix

LOCK_KEY = "hashtextextended('pictures of ' || CAST(:company_id AS text), 0)"
SHARED_LOCK = text(f"SELECT pg_advisory_xact_lock_shared({LOCK_KEY})")
EXCLUSIVE_LOCK = text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")


async def lock_image_files(uow: UnitOfWork, *, exclusive: bool = False) -> None:
    """Until the unit ends, no stored picture of the company is removed; `alone`, none gets an image."""
    await uow.execute(EXCLUSIVE_LOCK if exclusive else SHARED_LOCK, {"company_id": str(uow.company_id)})


async def hashes_in_use(uow: UnitOfWork, hashes: Sequence[str]) -> set[str]:
    """Those of the contents that some image of the company has."""
    found = select(Image.hash).where(Image.hash == any_text(hashes)).distinct()
    return {row.hash for row in await uow.all(found)}


async def queue_file_removal(uow: UnitOfWork, requested_by_id: UUID | None, gone: Sequence[Row[Any]]) -> None:
    """Queue the removal of what deleted images had stored, as far as no other image has the same."""
    stored = {key for row in gone for key in (row.storage_url, row.thumbnail_key) if key is not None}
    shared = (pictures_prefix(uow.company_id), thumbnails_prefix(uow.company_id))
    by_content = sorted(key for key in stored if key.startswith(shared))
    if by_content:
        await queue_unused(uow, requested_by_id, *by_content)
    await queue_removal(uow, requested_by_id, *sorted(stored.difference(by_content)))


async def find_crawl(uow: UnitOfWork, crawl_job_id: UUID) -> Row[Any]:
    """The crawl that a job works on."""
    return await uow.one(select(CrawlJob).where(CrawlJob.id == crawl_job_id))


async def perceptual_hashes(uow: UnitOfWork, crawl_job_id: UUID) -> Sequence[Row[Any]]:
    """The `id` and the `perceptual_hash` of a crawl's images, in the order in which they came."""
    mine = Image.crawl_job_id == crawl_job_id, Image.perceptual_hash.is_not(None)
    hashes = select(Image.id, Image.perceptual_hash).where(*mine)
    return await uow.all(hashes.order_by(Image.sequence, Image.id))


async def set_duplicate_groups(uow: UnitOfWork, grouped: Sequence[tuple[UUID, UUID]]) -> None:
    """Say of images, by id, to which group of pictures that look alike they belong."""
    images, groups = (literal([pair[side] for pair in grouped], UUIDS) for side in (0, 1))
    belongs = func.unnest(images, groups)
    table = belongs.table_valued("image_id", "group_id").render_derived(name="alike")
    placed = sa.update(Image).where(Image.id == table.c.image_id).values(duplicate_group=table.c.group_id)
    await uow.execute(placed)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Take an image out of its crawl, whose counts of downloaded and valid images follow."""
    access.require(viewer, "images:delete")
    image = await access.find(uow, viewer, Image, id)
    crawl = await access.find(uow, viewer, CrawlJob, image.crawl_job_id, lock=True)
    if crawl.status is JobStatus.RUNNING:
        raise Conflict("Its crawl is under way.", "id")
    image = await access.find(uow, viewer, Image, id, lock=True)
    await uow.execute(sa.delete(Image).where(Image.id == id))
    downloaded = CrawlJob.downloaded_images - int(image.storage_url is not None)
    valid = CrawlJob.valid_images - int(image.is_valid is True)
    counted = {
        "downloaded_images": func.greatest(downloaded, 0),
        "valid_images": func.greatest(func.least(valid, downloaded), 0),
        "version": CrawlJob.version + 1,
    }
    await uow.execute(sa.update(CrawlJob).where(CrawlJob.id == crawl.id).values(counted))
    await queue_file_removal(uow, requester_id(uow, viewer), [image])
    await activity_log.record(uow, viewer.user_id, "IMAGE_DELETE", "Image", id, crawl_job_id=str(crawl.id))
