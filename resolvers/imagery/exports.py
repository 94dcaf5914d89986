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
from db.models import (
    CrawlJob,
    DatasetImage,
    DatasetSplit,
    DatasetVersion,
    ExportFormat,
    ExportJob,
    Image,
    JobStatus,
    ValidationJob,
)
from db.queue import Job, JobModel
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.imagery import export_images
from resolvers.imagery.validation import find_idle_crawl
from resolvers.object_removal import crawl_prefix, dataset_prefix, enqueue_removal, remove_objects

ARCHIVES = frozenset({ExportFormat.ZIP, ExportFormat.TAR, ExportFormat.TAR_GZ})
CLASS_FORMATS = frozenset({ExportFormat.CLASS_FOLDERS, ExportFormat.YOLO})
"""Formats that have a folder for each label."""
COMPRESSIBLE = frozenset({ExportFormat.ZIP, ExportFormat.IMAGEFOLDER, ExportFormat.COCO, *CLASS_FORMATS})
TABLES = frozenset({ExportFormat.CSV, ExportFormat.JSON, ExportFormat.JSONL})
"""Formats without the images."""
SHARDED = frozenset({ExportFormat.WEBDATASET, ExportFormat.PARQUET})
"""Formats whose packages consist of several independent files."""
OPTION_FORMATS: dict[str, frozenset[ExportFormat]] = {
    "include_metadata": ARCHIVES,
    "compress": COMPRESSIBLE,
    "delimiter": frozenset({ExportFormat.CSV}),
    "shard_size": SHARDED,
    "resize": frozenset(ExportFormat) - TABLES,
    export_images.UNLABELLED: CLASS_FORMATS,
    export_images.MULTI_LABEL: CLASS_FORMATS,
}
"""Formats that support an option; other options are supported by all."""
DELIMITERS = (",", ";", "\t", "|")
MAX_SHARD_SIZE, DEFAULT_SHARD_SIZE = 100_000, 5_000
MIN_RESIZED_SIDE, MAX_RESIZED_SIDE = 16, 8192
LABELS_NEEDED = "This format needs labels: export a version of a data set whose images have some."
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
    if export.dataset_version_id is not None:
        return f"{dataset_prefix(export.company_id, export.dataset_version_id)}exports/{export.id}/"
    assert export.crawl_job_id is not None
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
    await _require_crawl_images(uow, viewer, crawl_job_id, format, selected)
    values = {"crawl_job_id": crawl_job_id, "name": name, "format": format, "export_options": selected}
    return await _insert(uow, viewer, values, start=start)


async def create_of_version(
    uow: UnitOfWork,
    viewer: Viewer,
    version_id: UUID,
    *,
    name: str,
    format: ExportFormat,
    options: Mapping[str, Any],
    start: bool,
) -> ExportJob:
    """Create an export of a data set version; `options` are by name, None for the default."""
    access.require(viewer, "images:create")
    name = validators.name(name, "input", "name", limit=100)
    selected = validate_options(format, options)
    await _require_version_images(uow, viewer, version_id, format, selected)
    values = {"dataset_version_id": version_id, "name": name, "format": format, "export_options": selected}
    return await _insert(uow, viewer, values, start=start)


async def _insert(uow: UnitOfWork, viewer: Viewer, values: Mapping[str, Any], *, start: bool) -> ExportJob:
    owner = {"user_id": viewer.user_id, "requested_by_id": viewer.user_id}
    id = await uow.scalar(insert(ExportJob).values({**values, **owner}).returning(ExportJob.id))
    await (queue.enqueue if start else queue.prepare)(uow, PackImages(id), id)
    format = values["format"].value
    await activity_log.record(uow, viewer.user_id, "EXPORT_JOB_CREATE", "ExportJob", id, format=format)
    return await uow.one(select(ExportJob).where(ExportJob.id == id))


async def _require_crawl_images(
    uow: UnitOfWork, viewer: Viewer, id: UUID, format: ExportFormat, options: Mapping[str, Any]
) -> None:
    """Raise `Conflict` unless the crawl has images to export."""
    await find_idle_crawl(uow, viewer, id)
    if format in CLASS_FORMATS:
        raise Invalid(LABELS_NEEDED, "input", "format")
    conditions = export_images.crawl_images(id, options)
    if await uow.first(select(Image.id).where(*conditions).limit(1)) is None:
        passed = " that passed the last validation" if options.get("only_valid") is not False else ""
        raise Conflict(f"The crawl has no stored image{passed}.", "input", "crawlJobId")


async def _require_version_images(
    uow: UnitOfWork, viewer: Viewer, id: UUID, format: ExportFormat, options: Mapping[str, Any]
) -> None:
    """Raise `Conflict` unless the version has images to export."""
    await access.find(uow, viewer, DatasetVersion, id, lock=True)
    if "only_valid" in options:
        message = "onlyValid is an option of exports of crawls: a version has a fixed list of images."
        raise Invalid(message, "input", "options", "onlyValid")
    conditions = export_images.version_images(id, options)
    if await uow.first(select(DatasetImage.id).where(*conditions).limit(1)) is None:
        raise Conflict("The options leave no image of the version.", "input", "options")
    if format in CLASS_FORMATS:
        await _require_classes(uow, conditions, options)


async def _require_classes(
    uow: UnitOfWork, conditions: tuple[ColumnElement[bool], ...], options: Mapping[str, Any]
) -> None:
    """Raise `Invalid` unless it is clear to which class each image belongs."""
    labels = await export_images.version_labels(uow, conditions)
    if not labels.names:
        raise Invalid(LABELS_NEEDED, "input", "format")
    if labels.unlabelled and export_images.UNLABELLED not in options:
        message = f"{labels.unlabelled} images have no label. Choose what happens to them: OMIT or CLASS."
        raise Invalid(message, "input", "options", "unlabelled")
    if labels.multiple and export_images.MULTI_LABEL not in options:
        message = f"{labels.multiple} images have several labels. Choose one of OMIT, FIRST and EACH."
        raise Invalid(message, "input", "options", "multiLabel")


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
    if "resize" in selected:
        path = "input", "options", "resize"
        resize = {name: value for name, value in selected["resize"].items() if value is not None}
        validators.within(resize["longest_side"], MIN_RESIZED_SIDE, MAX_RESIZED_SIDE, *path, "longestSide")
        if "quality" in resize:
            validators.within(resize["quality"], 1, 100, *path, "quality")
        selected["resize"] = resize
    return selected


async def start(uow: UnitOfWork, id: UUID) -> tuple[ExportJob, dict[DatasetSplit | None, int]]:
    """Count the images of an export by split. Raises `Conflict` if there are none."""
    export = await uow.one(select(ExportJob).where(ExportJob.id == id))
    counts = await export_images.count_images(uow, export)
    if not counts:
        raise Conflict("The images of this export were deleted.")
    values = {"total_images": sum(counts.values()), "exported_images": 0}
    updated = sa.update(ExportJob).where(ExportJob.id == id).values(values)
    return await uow.one(updated.returning(ExportJob)), counts


async def find_version(uow: UnitOfWork, id: UUID) -> DatasetVersion:
    """The version that is exported."""
    return await uow.one(select(DatasetVersion).where(DatasetVersion.id == id))


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


async def update_progress(uow: UnitOfWork, id: UUID, packed: int) -> None:
    """Store the number of exported images."""
    total = func.greatest(ExportJob.total_images, packed)
    counters = {"exported_images": packed, "total_images": total}
    await uow.execute(sa.update(ExportJob).where(ExportJob.id == id).values(counters))


async def complete(
    uow: UnitOfWork,
    id: UUID,
    files: Sequence[PackedFile],
    key: str,
    *,
    size: int,
    packed: int,
    expires_at: datetime,
) -> None:
    """Make the package available; `key` is of its only file or of its index, `size` of the download."""
    await update_progress(uow, id, packed)
    values = {
        "shards": [asdict(file) for file in files],
        "file_size": size,
        "download_url": key,
        "expires_at": expires_at,
    }
    await uow.execute(sa.update(ExportJob).where(ExportJob.id == id).values(values))


async def expire(database: Database, company_id: UUID, now: datetime, after: timedelta) -> list[str]:
    """Remove packages that expired at least `after` ago; returns the prefixes to delete."""
    old = ExportJob.expires_at <= now - after, ExportJob.download_url.is_not(None), ExportJob.shards != []
    async with database.tenant(company_id) as uow:
        cleared = sa.update(ExportJob).where(*old).values(download_url=None, shards=[])
        subject = ExportJob.crawl_job_id, ExportJob.dataset_version_id
        expired = await uow.all(cleared.returning(ExportJob.id, ExportJob.company_id, *subject))
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
