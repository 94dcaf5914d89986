"""Crawls: create, update and delete."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import insert, select

from core.errors import Conflict, Invalid
from core.ports import Sources
from db import queue
from db.models import CrawlJob, JobStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log, projects, validators
from resolvers.access import Viewer
from resolvers.imagery import crawl_sources
from resolvers.imagery.crawl_chunks import GatherImages
from resolvers.object_removal import remove_crawls_files
from resolvers.rows import update_row

NAME_PATTERN = re.compile(r"[\w \-]+")
MAX_KEYWORDS, MAX_KEYWORD_LENGTH = 50, 200
MAX_IMAGES = 100_000


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    project_id: UUID,
    fields: Mapping[str, Any],
    sources: Sources,
    *,
    start: bool,
) -> CrawlJob:
    """Create a crawl, and start it if `start`. `fields["sources"]` are as in `validate_sources`."""
    access.require(viewer, "images:create")
    await projects.find_open(uow, viewer, project_id, "input", "projectId")
    values = _validate(fields)
    values["sources"] = crawl_sources.validate_sources(fields["sources"], sources, values["keywords"])
    values |= {"project_id": project_id, "requested_by_id": viewer.user_id}
    crawl = await uow.one(insert(CrawlJob).values(values).returning(CrawlJob))
    begin = queue.enqueue if start else queue.prepare
    await begin(uow, GatherImages(crawl.id), crawl.id)
    await activity_log.record(uow, viewer.user_id, "CRAWL_JOB_CREATE", "CrawlJob", crawl.id)
    return await uow.one(select(CrawlJob).where(CrawlJob.id == crawl.id))


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> CrawlJob:
    """Update a crawl. Once it was started, only its name can be changed and maxImages raised."""
    access.require(viewer, "images:create")
    crawl = await access.find(uow, viewer, CrawlJob, id)
    await projects.find_open(uow, viewer, crawl.project_id, "id")
    crawl = await access.find(uow, viewer, CrawlJob, id, lock=True)
    values = _validate(fields)
    started = crawl.status is not JobStatus.PENDING or await queue.is_queued(uow, id)
    if started and values.keys() - {"name", "max_images"}:
        raise Conflict("Only the name and maxImages of a started crawl can be changed.", "id")
    if started and values.get("max_images", crawl.max_images) < crawl.max_images:
        raise Conflict("maxImages of a started crawl can only be raised.", "input", "maxImages")
    if values:
        values["version"] = CrawlJob.version + 1
    return await update_row(uow, viewer, CrawlJob, crawl, values, "CRAWL_JOB_UPDATE", fields=fields)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a crawl with its images, validations and exports; a job deletes the files."""
    access.require(viewer, "images:delete")
    await queue.lock_parts(uow, CrawlJob, id)
    await access.find(uow, viewer, CrawlJob, id, lock=True)
    await remove_crawls_files(uow, viewer, crawl_job_id=id)
    await uow.execute(sa.delete(CrawlJob).where(CrawlJob.id == id))
    await activity_log.record(uow, viewer.user_id, "CRAWL_JOB_DELETE", "CrawlJob", id)


def validate_name(value: str) -> str:
    """The trimmed name of a crawl, validation or export. Raises `Invalid`."""
    name = validators.name(value, "input", "name", limit=100)
    if not NAME_PATTERN.fullmatch(name):
        raise Invalid("name may only contain letters, digits, spaces, _ and -.", "input", "name")
    return name


def _validate(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(fields)
    if "name" in values:
        values["name"] = validate_name(values["name"])
    if "keywords" in values:
        values["keywords"] = _validate_keywords(values["keywords"])
    if "max_images" in values:
        validators.within(values["max_images"], 1, MAX_IMAGES, "input", "maxImages")
    return values


def _validate_keywords(keywords: Sequence[str]) -> list[str]:
    if not 1 <= len(keywords) <= MAX_KEYWORDS:
        raise Invalid(
            f"keywords must have 1 to {MAX_KEYWORDS} items (got {len(keywords)}).", "input", "keywords"
        )
    seen: dict[str, str] = {}
    for position, word in enumerate(keywords):
        path = ("input", "keywords", str(position))
        keyword = validators.name(word, *path, limit=MAX_KEYWORD_LENGTH)
        if keyword.casefold() in seen:
            raise Invalid("keywords must not contain duplicates.", *path)
        seen[keyword.casefold()] = keyword
    return list(seen.values())
