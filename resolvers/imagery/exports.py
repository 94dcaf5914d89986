"""Exports of images: create, complete, expire and delete."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, insert, select

from core.errors import Conflict, Invalid
from db import queue
from db.database import Database
from db.models import CrawlJob, ExportFormat, ExportJob, Image, JobStatus, ValidationJob
from db.queue import Job, JobModel
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.imagery.validation import find_idle_crawl
from resolvers.object_removal import crawl_prefix, enqueue_removal, remove_objects

ARCHIVES = frozenset({ExportFormat.ZIP, ExportFormat.TAR, ExportFormat.TAR_GZ})
COMPRESSIBLE = frozenset({ExportFormat.ZIP, ExportFormat.IMAGEFOLDER, ExportFormat.COCO})
SHARDED = frozenset({ExportFormat.WEBDATASET, ExportFormat.PARQUET})
"""Formats whose packages consist of several independent files."""
OPTION_FORMATS: dict[str, frozenset[ExportFormat]] = {
    "include_metadata": ARCHIVES,
    "compress": COMPRESSIBLE,
    "delimiter": frozenset({ExportFormat.CSV}),
    "shard_size": SHARDED,
}
"""Formats that support an option; other options are supported by all."""
DELIMITERS = (",", ";", "\t", "|")
MAX_SHARD_SIZE, DEFAULT_SHARD_SIZE = 100_000, 5_000
INDEX_FILENAME = "index.json"
"""Object that lists the files of a package with several."""


@dataclass(frozen=True)
class PackImages(Job):
    """Package the images of a crawl for download."""

    export_job_id: UUID
    queue: ClassVar[str] = "imagery"
    row: ClassVar[JobModel] = ExportJob

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Delete partial packages. A later attempt stores under another key."""
        export = await uow.one(select(ExportJob).where(ExportJob.id == self.export_job_id))
        attempts = (attempt_prefix(export, epoch) for epoch in range(1, export.epoch + 1))
        await enqueue_removal(uow, export.requested_by_id, *attempts)
        cleared = {"checkpoint": None, "exported_images": 0}
        await uow.execute(sa.update(ExportJob).where(ExportJob.id == export.id).values(cleared))

    async def restarted(self, uow: UnitOfWork) -> None:
        """Restart from the first image."""
        values = {"total_images": 0, "exported_images": 0, "checkpoint": None}
        await uow.execute(sa.update(ExportJob).where(ExportJob.id == self.export_job_id).values(values))


@dataclass(frozen=True)
class PackedFile:
    """A file of a package: its key, its size in bytes and its number of images."""

    key: str
    size: int
    images: int

    @property
    def name(self) -> str:
        """The file name for downloads."""
        return self.key.rpartition("/")[2]


def attempt_prefix(export: ExportJob, epoch: int) -> str:
    """Storage prefix of one attempt at an export."""
    return f"{export_prefix(export)}{epoch}/"


def export_prefix(export: ExportJob) -> str:
    """Storage prefix of an export."""
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
) -> ExportJob:
    """Create an export of a crawl's images; `options` are by name, None for the default."""
    access.require(viewer, "images:create")
    name = validators.name(name, "input", "name", limit=100)
    selected = validate_options(format, options)
    await find_idle_crawl(uow, viewer, crawl_job_id)
    if await uow.first(select(Image.id).where(*exported_images(crawl_job_id, selected)).limit(1)) is None:
        passed = " that passed the last validation" if selected.get("only_valid") is not False else ""
        raise Conflict(f"The crawl has no stored image{passed}.", "input", "crawlJobId")
    values = {
        "crawl_job_id": crawl_job_id,
        "user_id": viewer.user_id,
        "requested_by_id": viewer.user_id,
        "name": name,
        "format": format,
        "export_options": selected,
    }
    id = await uow.scalar(insert(ExportJob).values(values).returning(ExportJob.id))
    await (queue.enqueue if start else queue.prepare)(uow, PackImages(id), id)
    await activity_log.record(uow, viewer.user_id, "EXPORT_JOB_CREATE", "ExportJob", id, format=format.value)
    return await uow.one(select(ExportJob).where(ExportJob.id == id))


def validate_options(format: ExportFormat, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are set. Raises `Invalid` for one that the format does not support."""
    selected = {name: value for name, value in options.items() if value is not None}
    for name in selected:
        if format not in OPTION_FORMATS.get(name, ExportFormat):
            raise Invalid(
                f"{validators.camel(name)} is not an option of the format {format.name}.",
                "input",
                "options",
                validators.camel(name),
            )
    if "delimiter" in selected and selected["delimiter"] not in DELIMITERS:
        raise Invalid("delimiter must be a comma, a semicolon, a tab or |.", "input", "options", "delimiter")
    if "shard_size" in selected:
        validators.within(selected["shard_size"], 1, MAX_SHARD_SIZE, "input", "options", "shardSize")
    return selected


def exported_images(crawl_job_id: UUID, options: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    """Conditions for exported images: stored, not quarantined and, by default, not invalid."""
    conditions = (
        Image.crawl_job_id == crawl_job_id,
        Image.storage_url.is_not(None),
        Image.quarantined.is_(False),
    )
    return conditions if options.get("only_valid") is False else (*conditions, Image.is_valid.is_not(False))


async def start(uow: UnitOfWork, id: UUID) -> ExportJob:
    """Count the images of an export. Raises `Conflict` if there are none."""
    export = await uow.one(select(ExportJob).where(ExportJob.id == id))
    counted = select(func.count()).where(*exported_images(export.crawl_job_id, export.export_options))
    total = await uow.scalar(counted) or 0
    if not total:
        raise Conflict("The images of this export were deleted.")
    values = {"total_images": total, "exported_images": 0}
    return await uow.one(sa.update(ExportJob).where(ExportJob.id == id).values(values).returning(ExportJob))


async def image_formats(uow: UnitOfWork, export: ExportJob) -> set[str]:
    """Formats of the exported images."""
    statement = (
        select(Image.format).where(*exported_images(export.crawl_job_id, export.export_options)).distinct()
    )
    return {row.format or "" for row in await uow.all(statement)}


async def find_crawl(uow: UnitOfWork, export: ExportJob) -> CrawlJob:
    """The crawl whose images are exported."""
    return await uow.one(select(CrawlJob).where(CrawlJob.id == export.crawl_job_id))


async def latest_rules(uow: UnitOfWork, crawl_job_id: UUID) -> dict[str, Any] | None:
    """The rules of a crawl's latest completed validation."""
    done = ValidationJob.crawl_job_id == crawl_job_id, ValidationJob.status == JobStatus.COMPLETED
    newest = ValidationJob.completed_at.desc().nulls_last(), ValidationJob.id.desc()
    rules: dict[str, Any] | None = await uow.scalar(
        select(ValidationJob.validation_rules).where(*done).order_by(*newest).limit(1)
    )
    return rules


async def list_images(
    uow: UnitOfWork, export: ExportJob, columns: Sequence[Any], after: UUID | None, limit: int
) -> Sequence[Image]:
    """The next exported images, by id."""
    statement = select(*columns).where(*exported_images(export.crawl_job_id, export.export_options))
    if after is not None:
        statement = statement.where(Image.id > after)
    return await uow.all(statement.order_by(Image.id).limit(limit))


async def update_progress(uow: UnitOfWork, id: UUID, packed: int) -> None:
    """Store the number of exported images."""
    total = func.greatest(ExportJob.total_images, packed)
    counters = {"exported_images": packed, "total_images": total}
    await uow.execute(sa.update(ExportJob).where(ExportJob.id == id).values(counters))


async def complete(
    uow: UnitOfWork, id: UUID, files: Sequence[PackedFile], key: str, *, packed: int, expires_at: datetime
) -> None:
    """Make the package available; `key` is that of its only file, or of its index."""
    await update_progress(uow, id, packed)
    values = {
        "shards": [asdict(file) for file in files],
        "file_size": sum(file.size for file in files),
        "download_url": key,
        "expires_at": expires_at,
    }
    await uow.execute(sa.update(ExportJob).where(ExportJob.id == id).values(values))


async def expire(database: Database, company_id: UUID, now: datetime, after: timedelta) -> list[str]:
    """Remove packages that expired at least `after` ago; returns the prefixes to delete."""
    old = ExportJob.expires_at <= now - after, ExportJob.download_url.is_not(None), ExportJob.shards != []
    async with database.tenant(company_id) as uow:
        cleared = sa.update(ExportJob).where(*old).values(download_url=None, shards=[])
        expired = await uow.all(cleared.returning(ExportJob.id, ExportJob.company_id, ExportJob.crawl_job_id))
        folders = [export_prefix(row) for row in expired]
        await enqueue_removal(uow, None, *folders)
    return folders


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete an export that is not in progress; a job deletes its package."""
    access.require(viewer, "images:delete")
    export = await access.find(uow, viewer, ExportJob, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("The export is in progress. Cancel it first.", "id")
    await uow.execute(sa.delete(ExportJob).where(ExportJob.id == id))
    if export.download_url is not None:
        await remove_objects(uow, viewer, export_prefix(export) if export.shards else export.download_url)
    await activity_log.record(uow, viewer.user_id, "EXPORT_JOB_DELETE", "ExportJob", id)
