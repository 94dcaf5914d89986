"""Image data sets: what people plan, correct and throw away. Crawling, checking and packing are jobs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, update

from core.errors import Conflict, Invalid
from db import queue
from db.models import CrawlJob, ExportJob, Image, JobStatus, ValidationJob
from db.uow import UnitOfWork
from resolvers import access, activity, checks, projects
from resolvers.access import Viewer
from resolvers.upkeep import remove_crawls_files, remove_objects

CRAWL_NAME = re.compile(r"[\w \-]+")
MOST_KEYWORDS, LONGEST_KEYWORD = 50, 200
MOST_IMAGES = 100_000


async def create(uow: UnitOfWork, viewer: Viewer, project_id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """A crawl that waits to be started."""
    access.require(viewer, "images:create")
    await projects.open_for_work(uow, viewer, project_id, "input", "projectId")
    values = {**_checked(given), "project_id": project_id, "requested_by_id": viewer.user_id}
    crawl = await uow.one(insert(CrawlJob).values(values).returning(CrawlJob))
    await activity.record(uow, viewer.user_id, "CRAWL_JOB_CREATE", "CrawlJob", crawl.id)
    return crawl


async def change(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Rename a crawl; before it begins, also change what it looks for."""
    access.require(viewer, "images:create")
    crawl = await access.find(uow, viewer, CrawlJob, id)
    await projects.open_for_work(uow, viewer, crawl.project_id, "id")
    crawl = await access.find(uow, viewer, CrawlJob, id, lock=True)
    values = _checked(given)
    begun = crawl.status is not JobStatus.PENDING or await queue.queued(uow, id)
    if begun and values.keys() - {"name"}:
        raise Conflict("Only the name of a crawl can be changed once it was started.", "id")
    if not values:
        return crawl
    values["version"] = CrawlJob.version + 1
    changed = await uow.one(update(CrawlJob).where(CrawlJob.id == id).values(values).returning(CrawlJob))
    await activity.record(uow, viewer.user_id, "CRAWL_JOB_UPDATE", "CrawlJob", id, fields=sorted(given))
    return changed


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a crawl with its images, checks and exports; the files go afterwards, by a job."""
    access.require(viewer, "images:delete")
    await access.find(uow, viewer, CrawlJob, id, lock=True)
    await remove_crawls_files(uow, viewer, crawl_job_id=id)
    await uow.execute(delete(CrawlJob).where(CrawlJob.id == id))
    await activity.record(uow, viewer.user_id, "CRAWL_JOB_DELETE", "CrawlJob", id)


async def remove_image(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
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


async def remove_validation(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a check that is not under way; what it said of the images stays on them."""
    access.require(viewer, "images:delete")
    await access.find(uow, viewer, ValidationJob, id, lock=True)
    await _idle(uow, id)
    await uow.execute(delete(ValidationJob).where(ValidationJob.id == id))
    await activity.record(uow, viewer.user_id, "VALIDATION_JOB_DELETE", "ValidationJob", id)


async def remove_export(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete an export that is not under way; its package goes afterwards, by a job."""
    access.require(viewer, "images:delete")
    export = await access.find(uow, viewer, ExportJob, id, lock=True)
    await _idle(uow, id)
    await uow.execute(delete(ExportJob).where(ExportJob.id == id))
    if export.download_url is not None:
        await remove_objects(uow, viewer, export.download_url)
    await activity.record(uow, viewer.user_id, "EXPORT_JOB_DELETE", "ExportJob", id)


async def _idle(uow: UnitOfWork, id: UUID) -> None:
    if await queue.queued(uow, id):
        raise Conflict("Cancel it first.", "id")


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    if "name" in values:
        values["name"] = checks.name(values["name"], "input", "name", limit=100)
        if not CRAWL_NAME.fullmatch(values["name"]):
            raise Invalid("A name has letters, digits, spaces, `_` and `-` only.", "input", "name")
    if "keywords" in values:
        values["keywords"] = _keywords(values["keywords"])
    if "max_images" in values:
        checks.within(values["max_images"], 1, MOST_IMAGES, "input", "maxImages")
    return values


def _keywords(given: Sequence[str]) -> list[str]:
    if not 1 <= len(given) <= MOST_KEYWORDS:
        raise Invalid(f"Give 1 to {MOST_KEYWORDS} keywords.", "input", "keywords")
    seen: dict[str, str] = {}
    for position, word in enumerate(given):
        path = ("input", "keywords", str(position))
        keyword = checks.name(word, *path, limit=LONGEST_KEYWORD)
        if keyword.casefold() in seen:
            raise Invalid("This keyword was given before.", *path)
        seen[keyword.casefold()] = keyword
    return list(seen.values())
