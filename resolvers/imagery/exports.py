"""Exports of images: asked for, told of, expired and thrown away."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Row, func, insert, select

from core.errors import Conflict, Invalid
from db import queue
from db.models import CrawlJob, ExportFormat, ExportJob, Image, JobStatus, ValidationJob
from db.queue import Job, JobModel
from db.uow import Database, UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.imagery.validation import find_idle_crawl
from resolvers.object_removal import crawl_prefix, queue_removal, remove_objects

ARCHIVES = frozenset({ExportFormat.ZIP, ExportFormat.TAR, ExportFormat.TAR_GZ})
COMPRESSIBLE = frozenset({ExportFormat.ZIP, ExportFormat.IMAGEFOLDER, ExportFormat.COCO})
SHARDED = frozenset({ExportFormat.WEBDATASET, ExportFormat.PARQUET})
"""Formats whose packages are of several files, each of which loads alone."""
OPTION_FORMATS: dict[str, frozenset[ExportFormat]] = {
    "include_metadata": ARCHIVES,
    "compress": COMPRESSIBLE,
    "delimiter": frozenset({ExportFormat.CSV}),
    "shard_size": SHARDED,
}
"""Options that not every format has, and the formats that do."""
DELIMITERS = (",", ";", "\t", "|")
MAX_SHARD_SIZE, DEFAULT_SHARD_SIZE = 100_000, 5_000
INDEX_FILENAME = "index.json"
"""The object that lists the files of a package of several."""


@dataclass(frozen=True)
class PackImages(Job):
    """Pack the images of a crawl for download."""

    export_job_id: UUID
    queue: ClassVar[str] = "imagery"
    row: ClassVar[JobModel] = ExportJob

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Nothing half stays behind; an attempt that follows stores under another key."""
        export = await uow.one(select(ExportJob).where(ExportJob.id == self.export_job_id))
        begun = (attempt_prefix(export, epoch) for epoch in range(1, export.epoch + 1))
        await queue_removal(uow, export.requested_by_id, *begun)
        cleared = {"checkpoint": None, "exported_images": 0}
        await uow.execute(sa.update(ExportJob).where(ExportJob.id == export.id).values(cleared))

    async def restarted(self, uow: UnitOfWork) -> None:
        """It begins from the first image."""
        values = {"total_images": 0, "exported_images": 0, "checkpoint": None}
        await uow.execute(sa.update(ExportJob).where(ExportJob.id == self.export_job_id).values(values))


@dataclass(frozen=True)
class PackedFile:
    """A file of a package: the object's key, its size in bytes, and how many images it has."""

    key: str
    size: int
    images: int

    @property
    def name(self) -> str:
        """What it is called when it is downloaded."""
        return self.key.rpartition("/")[2]


def attempt_prefix(export: Row[Any], epoch: int) -> str:
    """Under which one attempt at an export stores."""
    return f"{export_prefix(export)}{epoch}/"


def export_prefix(export: Row[Any]) -> str:
    """Under which everything of an export is stored."""
    return f"{crawl_prefix(export.company_id, export.crawl_job_id)}exports/{export.id}/"


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    crawl_job_id: UUID,
    *,
    name: str,
    format: ExportFormat,
    options: Mapping[str, Any],
    start: bool,
) -> Row[Any]:
    """An export of what a crawl gathered; `options` by their names, None where nothing was said."""
    access.require(viewer, "images:create")
    kept = validators.name(name, "input", "name", limit=100)
    asked = validate_options(format, options)
    await find_idle_crawl(uow, viewer, crawl_job_id)
    if await uow.first(select(Image.id).where(*exported_images(crawl_job_id, asked)).limit(1)) is None:
        passed = " that passed the last check" if asked.get("only_valid") is not False else ""
        raise Conflict(f"There is nothing to export: no stored image{passed}.", "input", "crawlJobId")
    values = {
        "crawl_job_id": crawl_job_id,
        "user_id": viewer.user_id,
        "requested_by_id": viewer.user_id,
        "name": kept,
        "format": format,
        "export_options": asked,
    }
    id = await uow.scalar(insert(ExportJob).values(values).returning(ExportJob.id))
    await (queue.enqueue if start else queue.prepare)(uow, PackImages(id), id)
    await activity_log.record(uow, viewer.user_id, "EXPORT_JOB_CREATE", "ExportJob", id, format=format.value)
    return await uow.one(select(ExportJob).where(ExportJob.id == id))


def validate_options(format: ExportFormat, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; raises `Invalid` for one that the format does not have."""
    asked = {name: value for name, value in given.items() if value is not None}
    for name in asked:
        if format not in OPTION_FORMATS.get(name, ExportFormat):
            raise Invalid(
                f"This is not an option of {format.name}.", "input", "options", validators.camel(name)
            )
    if "delimiter" in asked and asked["delimiter"] not in DELIMITERS:
        raise Invalid("The delimiter is a comma, a semicolon, a tab or `|`.", "input", "options", "delimiter")
    if "shard_size" in asked:
        validators.within(asked["shard_size"], 1, MAX_SHARD_SIZE, "input", "options", "shardSize")
    return asked


def exported_images(crawl_job_id: UUID, options: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    """The images that are packed: stored, not quarantined, and unless said otherwise not found invalid."""
    found = Image.crawl_job_id == crawl_job_id, Image.storage_url.is_not(None), Image.quarantined.is_(False)
    return found if options.get("only_valid") is False else (*found, Image.is_valid.is_not(False))


async def start(uow: UnitOfWork, id: UUID) -> Row[Any]:
    """The export with its images counted. Raises `Conflict` where there are none."""
    export = await uow.one(select(ExportJob).where(ExportJob.id == id))
    found = select(func.count()).where(*exported_images(export.crawl_job_id, export.export_options))
    total = await uow.scalar(found) or 0
    if not total:
        raise Conflict("There is nothing to export: its images are gone.")
    values = {"total_images": total, "exported_images": 0}
    return await uow.one(sa.update(ExportJob).where(ExportJob.id == id).values(values).returning(ExportJob))


async def image_formats(uow: UnitOfWork, export: Row[Any]) -> set[str]:
    """The formats of the images that are packed."""
    found = select(Image.format).where(*exported_images(export.crawl_job_id, export.export_options)).distinct()
    return {row.format or "" for row in await uow.all(found)}


async def find_crawl(uow: UnitOfWork, export: Row[Any]) -> Row[Any]:
    """Whose images are packed."""
    return await uow.one(select(CrawlJob).where(CrawlJob.id == export.crawl_job_id))


async def latest_rules(uow: UnitOfWork, crawl_job_id: UUID) -> dict[str, Any] | None:
    """The rules of the last finished check of a crawl."""
    done = ValidationJob.crawl_job_id == crawl_job_id, ValidationJob.status == JobStatus.COMPLETED
    newest = ValidationJob.completed_at.desc().nulls_last(), ValidationJob.id.desc()
    rules: dict[str, Any] | None = await uow.scalar(
        select(ValidationJob.validation_rules).where(*done).order_by(*newest).limit(1)
    )
    return rules


async def list_images(
    uow: UnitOfWork, export: Row[Any], columns: Sequence[Any], after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The next images to pack, by id."""
    found = select(*columns).where(*exported_images(export.crawl_job_id, export.export_options))
    if after is not None:
        found = found.where(Image.id > after)
    return await uow.all(found.order_by(Image.id).limit(limit))


async def update_progress(uow: UnitOfWork, id: UUID, packed: int) -> None:
    """Say how many images are packed so far."""
    total = func.greatest(ExportJob.total_images, packed)
    counted = {"exported_images": packed, "total_images": total}
    await uow.execute(sa.update(ExportJob).where(ExportJob.id == id).values(counted))


async def complete(
    uow: UnitOfWork, id: UUID, files: Sequence[PackedFile], key: str, *, packed: int, expires_at: datetime
) -> None:
    """The package can be downloaded: `key` is that of its one file, or of its index."""
    await update_progress(uow, id, packed)
    values = {
        "shards": [asdict(file) for file in files],
        "file_size": sum(file.size for file in files),
        "download_url": key,
        "expires_at": expires_at,
    }
    await uow.execute(sa.update(ExportJob).where(ExportJob.id == id).values(values))


async def expire(database: Database, company_id: UUID, now: datetime, after: timedelta) -> list[str]:
    """Forget the packages of a company that expired so long ago; the folders that are to be removed."""
    old = ExportJob.expires_at <= now - after, ExportJob.download_url.is_not(None), ExportJob.shards != []
    async with database.tenant(company_id) as uow:
        cleared = sa.update(ExportJob).where(*old).values(download_url=None, shards=[])
        gone = await uow.all(cleared.returning(ExportJob.id, ExportJob.company_id, ExportJob.crawl_job_id))
        folders = [export_prefix(row) for row in gone]
        await queue_removal(uow, None, *folders)
    return folders


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete an export that is not under way; its package goes afterwards, by a job."""
    access.require(viewer, "images:delete")
    export = await access.find(uow, viewer, ExportJob, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("Cancel it first.", "id")
    await uow.execute(sa.delete(ExportJob).where(ExportJob.id == id))
    if export.download_url is not None:
        await remove_objects(uow, viewer, export_prefix(export) if export.shards else export.download_url)
    await activity_log.record(uow, viewer.user_id, "EXPORT_JOB_DELETE", "ExportJob", id)
