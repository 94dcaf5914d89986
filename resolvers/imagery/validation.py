"""Checks of images: asked for, judged and thrown away."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from typing import Any, ClassVar, Self
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import Row, func, insert, select
from sqlalchemy import text as sql

from core.errors import Conflict, Invalid
from db import queue
from db.arrays import any_id
from db.models import CrawlJob, Image, JobStatus, ValidationJob
from db.queue import Job, JobModel
from db.uow import UnitOfWork
from resolvers import access, activity_log, projects, validators
from resolvers.access import Viewer
from resolvers.imagery import images

FORMAT_NAMES = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "gif": "gif", "bmp": "bmp", "webp": "webp"} | {
    "tif": "tiff",
    "tiff": "tiff",
}
"""What formats are called, and the name that is kept."""
MAX_SIDE_PIXELS, MAX_FILE_SIZE_MB = 100_000, 1_000
MAX_HASH_DISTANCE = 16
"""Bits in which the hashes of one picture may differ: beyond, other pictures begin."""
DEFAULT_HASH_DISTANCE = 8


class DuplicateAction(Enum):
    """What a validation does with near duplicates within a crawl."""

    REPORT = "report"
    """Duplicates are reported only."""
    QUARANTINE = "quarantine"
    """Duplicates are quarantined, and exports omit them."""
    REMOVE = "remove"
    """Duplicates are deleted."""


class ValidationPreset(Enum):
    """Named set of validation rules. Every preset requires that the image can be decoded."""

    BASIC = "basic"
    """No further rules."""
    STANDARD = "standard"
    """1 KiB to 10 MiB, any supported format. Near duplicates are reported."""
    LENIENT = "lenient"
    """At least 25 x 25 pixels and 512 bytes. Near duplicates are reported."""
    STRICT = "strict"
    """At least 100 x 100 pixels, 2 KiB to 10 MiB, any supported format. Near duplicates are removed."""


@dataclass(frozen=True)
class ValidationRules:
    """What an image must be; None asks nothing. Sizes are of files, in bytes and in megabytes of 1024² bytes.

    `min_sharpness` is the variance of the Laplacian at 512 pixels; `duplicate_distance` counts bits.
    """

    preset: str | None = None
    min_width: int | None = None
    min_height: int | None = None
    formats: tuple[str, ...] | None = None
    max_size_mb: float | None = None
    min_bytes: int | None = None
    duplicates: str | None = None
    duplicate_distance: int | None = None
    refuse_blank: bool | None = None
    min_sharpness: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The rules that ask something, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """From the form that is stored."""
        known = {field.name: stored.get(field.name) for field in fields(cls)}
        return cls(**known | {"formats": tuple(known["formats"]) if known["formats"] else None})


ALL_FORMATS = tuple(dict.fromkeys(FORMAT_NAMES.values()))
PRESETS = {
    ValidationPreset.BASIC: ValidationRules(),
    ValidationPreset.STANDARD: ValidationRules(
        min_bytes=1024, max_size_mb=10, formats=ALL_FORMATS, duplicates=DuplicateAction.REPORT.value
    ),
    ValidationPreset.LENIENT: ValidationRules(
        min_width=25, min_height=25, min_bytes=512, duplicates=DuplicateAction.REPORT.value
    ),
    ValidationPreset.STRICT: ValidationRules(
        min_width=100,
        min_height=100,
        min_bytes=2048,
        max_size_mb=10,
        formats=ALL_FORMATS,
        duplicates=DuplicateAction.REMOVE.value,
    ),
}
"""Every image must open, whatever the rules."""


@dataclass(frozen=True)
class CheckImages(Job):
    """Judge every image of a crawl by the rules of a check."""

    validation_job_id: UUID
    queue: ClassVar[str] = "imagery"
    row: ClassVar[JobModel] = ValidationJob

    async def restarted(self, uow: UnitOfWork) -> None:
        """It begins from the first image."""
        values = {"total_images": 0, "validated_images": 0, "invalid_images": 0, "checkpoint": None}
        await uow.execute(
            sa.update(ValidationJob).where(ValidationJob.id == self.validation_job_id).values(values)
        )


@dataclass(frozen=True)
class Verdict:
    """What is wrong with an image, one word each; nothing if it passed."""

    image_id: UUID
    issues: tuple[str, ...]


@dataclass(frozen=True)
class Duplicates:
    """Images that show what others show: those of equal content, and those that merely look alike."""

    exact: Sequence[UUID]
    near: Sequence[UUID]


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    crawl_job_id: UUID,
    *,
    name: str,
    rules: Mapping[str, Any],
    start: bool,
) -> Row[Any]:
    """A check of all images that a crawl has; `rules` by their names, `preset` first."""
    access.require(viewer, "images:create")
    kept = validators.name(name, "input", "name", limit=100)
    asked = validate_rules(rules)
    await find_idle_crawl(uow, viewer, crawl_job_id)
    if await count_images(uow, crawl_job_id) == 0:
        raise Conflict("The crawl has no images to check.", "input", "crawlJobId")
    values = {
        "crawl_job_id": crawl_job_id,
        "name": kept,
        "validation_rules": asked.to_json(),
        "requested_by_id": viewer.user_id,
    }
    id = await uow.scalar(insert(ValidationJob).values(values).returning(ValidationJob.id))
    await (queue.enqueue if start else queue.prepare)(uow, CheckImages(id), id)
    await activity_log.record(uow, viewer.user_id, "VALIDATION_JOB_CREATE", "ValidationJob", id)
    return await uow.one(select(ValidationJob).where(ValidationJob.id == id))


async def find_idle_crawl(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """A crawl that the viewer may work with and that is not under way."""
    path = "input", "crawlJobId"
    crawl = await access.find(uow, viewer, CrawlJob, id, *path)
    await projects.open_for_work(uow, viewer, crawl.project_id, *path)
    if crawl.status is JobStatus.RUNNING or await queue.is_queued(uow, id):
        raise Conflict("The crawl is under way: wait for its end.", *path)
    return crawl


def validate_rules(given: Mapping[str, Any]) -> ValidationRules:
    """The preset's rules with what was given besides; raises `Invalid`."""
    path = "input", "rules"
    asked = {name: value for name, value in given.items() if value is not None}
    for name, least, most in (
        ("min_width", 1, MAX_SIDE_PIXELS),
        ("min_height", 1, MAX_SIDE_PIXELS),
        ("max_size_mb", 0.001, MAX_FILE_SIZE_MB),
        ("min_bytes", 1, MAX_FILE_SIZE_MB * 1024 * 1024),
        ("duplicate_distance", 0, MAX_HASH_DISTANCE),
        ("min_sharpness", 0, 100_000),
    ):
        if name in asked:
            validators.within(asked[name], least, most, *path, validators.camel(name))
    preset = asked.pop("preset", None)
    if "formats" in asked:
        asked["formats"] = validate_formats(asked["formats"], *path, "formats")
    if "duplicates" in asked:
        asked["duplicates"] = asked["duplicates"].value
    usual = replace(PRESETS[preset], preset=preset.value) if preset else ValidationRules()
    rules = replace(usual, **asked)
    if rules.duplicate_distance is not None and rules.duplicates is None:
        raise Invalid("It says nothing without `duplicates`.", *path, "duplicateDistance")
    if rules.max_size_mb and rules.min_bytes and rules.min_bytes > rules.max_size_mb * 1024 * 1024:
        raise Invalid("No file is as large as this and as small as `maxSizeMb`.", *path, "minBytes")
    return rules


def validate_formats(given: Sequence[str], *path: str) -> tuple[str, ...]:
    """The formats by the names that are kept, each once."""
    if not given:
        raise Invalid("Name a format, or leave this out.", *path)
    for position, name in enumerate(given):
        if name.strip().lower() not in FORMAT_NAMES:
            raise Invalid(f"The formats are {', '.join(ALL_FORMATS)}.", *path, str(position))
    return tuple(dict.fromkeys(FORMAT_NAMES[name.strip().lower()] for name in given))


async def count_images(uow: UnitOfWork, crawl_job_id: UUID) -> int:
    """How many images a crawl has."""
    return await uow.scalar(select(func.count()).where(Image.crawl_job_id == crawl_job_id)) or 0


async def start(uow: UnitOfWork, id: UUID, *, restart: bool) -> Row[Any]:
    """The check, counted from zero if `anew`. Raises `Conflict` beside an earlier one of the same crawl."""
    mine = await uow.one(select(ValidationJob).where(ValidationJob.id == id))
    crawl = select(CrawlJob.id).where(CrawlJob.id == mine.crawl_job_id).with_for_update()
    await uow.one(crawl)  # two that begin at once see each other
    others = select(ValidationJob.id).where(
        ValidationJob.crawl_job_id == mine.crawl_job_id,
        ValidationJob.status == JobStatus.RUNNING,
        ValidationJob.id != id,
        (ValidationJob.started_at < mine.started_at)
        | ((ValidationJob.started_at == mine.started_at) & (ValidationJob.id < id)),
    )
    if await uow.first(others.limit(1)) is not None:
        raise Conflict("Another check of this crawl's images is under way.")
    if not restart:
        return mine
    values = {
        "total_images": await count_images(uow, mine.crawl_job_id),
        "validated_images": 0,
        "invalid_images": 0,
    }
    return await uow.one(
        sa.update(ValidationJob).where(ValidationJob.id == id).values(values).returning(ValidationJob)
    )


async def list_images(uow: UnitOfWork, crawl_job_id: UUID, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """The next images to look at, by id."""
    wanted = select(Image.id, Image.storage_url, Image.file_size).where(Image.crawl_job_id == crawl_job_id)
    if after is not None:
        wanted = wanted.where(Image.id > after)
    return await uow.all(wanted.order_by(Image.id).limit(limit))


SAVE_VERDICTS = sql("""
UPDATE tenant.images SET is_valid = said.issues = '[]', issues = said.issues::jsonb,
  is_duplicate = false, quarantined = false
FROM unnest(CAST(:ids AS uuid[]), CAST(:issues AS text[])) AS said (id, issues)
WHERE images.id = said.id
""")


async def save_verdicts(uow: UnitOfWork, id: UUID, verdicts: Sequence[Verdict]) -> None:
    """Write on images what is wrong with them, and count them on the check."""
    issues = [orjson.dumps(verdict.issues).decode() for verdict in verdicts]
    await uow.execute(SAVE_VERDICTS, {"ids": [verdict.image_id for verdict in verdicts], "issues": issues})
    seen = ValidationJob.validated_images + len(verdicts)
    counted = {
        "validated_images": seen,
        "invalid_images": ValidationJob.invalid_images + sum(bool(verdict.issues) for verdict in verdicts),
        "total_images": func.greatest(ValidationJob.total_images, seen),
    }
    await uow.execute(sa.update(ValidationJob).where(ValidationJob.id == id).values(counted))


async def image_hashes(uow: UnitOfWork, crawl_job_id: UUID) -> Sequence[Row[Any]]:
    """What tells images of a crawl apart, those first that are rather kept: valid, large, found early."""
    pixels = func.coalesce(Image.width, 0) * func.coalesce(Image.height, 0)
    wanted = select(Image.id, Image.hash, Image.perceptual_hash).where(Image.crawl_job_id == crawl_job_id)
    return await uow.all(wanted.order_by(Image.is_valid.desc().nulls_last(), pixels.desc(), Image.id))


async def complete(uow: UnitOfWork, check: Row[Any], found: Duplicates) -> None:
    """Deal with duplicates as the rules say, and count the crawl's valid images."""
    await uow.one(select(CrawlJob.id).where(CrawlJob.id == check.crawl_job_id).with_for_update())
    action = ValidationRules.from_json(check.validation_rules).duplicates
    duplicates = [*found.exact, *found.near]
    refused = removed = 0
    for ids, word in ((found.exact, "duplicate"), (found.near, "near_duplicate")):
        said = {"is_duplicate": True, "issues": Image.issues.op("||")(func.jsonb_build_array(word))}
        await uow.execute(sa.update(Image).where(Image.id == any_id(ids)).values(said))
    if action != DuplicateAction.REPORT.value and duplicates:
        passed = select(func.count()).where(Image.id == any_id(duplicates), Image.is_valid.is_(True))
        refused = await uow.scalar(passed) or 0
        out = sa.update(Image).where(Image.id == any_id(duplicates))
        await uow.execute(out.values(is_valid=False, quarantined=True))
    if action == DuplicateAction.REMOVE.value and duplicates:
        removed = await delete_images(uow, check, duplicates)
    invalid = {
        "invalid_images": ValidationJob.invalid_images + refused,
        "total_images": ValidationJob.validated_images,
    }
    await uow.execute(sa.update(ValidationJob).where(ValidationJob.id == check.id).values(invalid))
    valid = select(func.count()).where(Image.crawl_job_id == check.crawl_job_id, Image.is_valid.is_(True))
    downloaded = func.greatest(CrawlJob.downloaded_images - removed, 0)
    counted = {
        "downloaded_images": downloaded,
        "valid_images": func.least(downloaded, await uow.scalar(valid) or 0),
        "version": CrawlJob.version + 1,
    }
    await uow.execute(sa.update(CrawlJob).where(CrawlJob.id == check.crawl_job_id).values(counted))


async def delete_images(uow: UnitOfWork, check: Row[Any], ids: Sequence[UUID]) -> int:
    """Delete images, and by a job the objects that no other image has; how many were stored."""
    gone = await uow.all(sa.delete(Image).where(Image.id == any_id(ids)).returning(Image))
    await images.queue_file_removal(uow, check.requested_by_id, gone)
    return sum(row.storage_url is not None for row in gone)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a check that is not under way; what it said of the images stays on them."""
    access.require(viewer, "images:delete")
    await access.find(uow, viewer, ValidationJob, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("Cancel it first.", "id")
    await uow.execute(sa.delete(ValidationJob).where(ValidationJob.id == id))
    await activity_log.record(uow, viewer.user_id, "VALIDATION_JOB_DELETE", "ValidationJob", id)
