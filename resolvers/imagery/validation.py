"""Validation of images: rules, verdicts and duplicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import func, insert, select
from sqlalchemy import text as sql

from core.errors import Conflict, Invalid
from core.image_rules import (
    ALL_FORMATS,
    FORMAT_NAMES,
    PRESETS,
    DuplicateAction,
    ValidationRules,
)
from db import queue
from db.models import CrawlJob, Image, JobStatus, ReviewState, ValidationJob
from db.queue import Job, JobModel
from db.uow import UnitOfWork
from resolvers import access, activity_log, projects, validators
from resolvers.access import Viewer
from resolvers.imagery import images, validation_findings
from resolvers.imagery.validation_findings import RuleViolation

MAX_SIDE_PIXELS, MAX_FILE_SIZE_MB = 100_000, 1_000
ASPECT_RATIOS = 0.001, 1_000
MAX_BRIGHTNESS = 255
MAX_HASH_DISTANCE = 16
"""Maximum Hamming distance between perceptual hashes of near duplicates."""
DEFAULT_HASH_DISTANCE = 8
BOUND_PAIRS = (
    ("min_width", "max_side"),
    ("min_height", "max_side"),
    ("min_aspect_ratio", "max_aspect_ratio"),
    ("min_brightness", "max_brightness"),
)
"""Rules of which the first must not be larger than the second."""


@dataclass(frozen=True)
class CheckImages(Job):
    """Validate every image of a crawl."""

    validation_job_id: UUID
    queue: ClassVar[str] = "imagery"
    row: ClassVar[JobModel] = ValidationJob

    async def restarted(self, uow: UnitOfWork) -> None:
        """Restart from the first image."""
        values = {"total_images": 0, "validated_images": 0, "invalid_images": 0, "checkpoint": None}
        await uow.execute(
            sa.update(ValidationJob).where(ValidationJob.id == self.validation_job_id).values(values)
        )
        await validation_findings.clear(uow, self.validation_job_id)


@dataclass(frozen=True)
class Verdict:
    """The issue codes of an image; empty if it is valid."""

    image_id: UUID
    issues: tuple[str, ...]


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    crawl_job_id: UUID,
    *,
    name: str,
    rules: Mapping[str, Any],
    preview: bool,
    start: bool,
) -> ValidationJob:
    """Create a validation of all images of a crawl, and start it if `start`. A `preview` changes none."""
    access.require(viewer, "images:create")
    name = validators.name(name, "input", "name", limit=100)
    validated = validate_rules(rules)
    await find_idle_crawl(uow, viewer, crawl_job_id)
    if await count_images(uow, crawl_job_id) == 0:
        raise Conflict("The crawl has no images to validate.", "input", "crawlJobId")
    values = {
        "crawl_job_id": crawl_job_id,
        "name": name,
        "validation_rules": validated.to_json(),
        "preview": preview,
        "requested_by_id": viewer.user_id,
    }
    id = await uow.scalar(insert(ValidationJob).values(values).returning(ValidationJob.id))
    await (queue.enqueue if start else queue.prepare)(uow, CheckImages(id), id)
    await activity_log.record(uow, viewer.user_id, "VALIDATION_JOB_CREATE", "ValidationJob", id)
    return await uow.one(select(ValidationJob).where(ValidationJob.id == id))


async def find_idle_crawl(uow: UnitOfWork, viewer: Viewer, id: UUID) -> CrawlJob:
    """A crawl that the viewer can work with. Raises `Conflict` while it is in progress."""
    path = "input", "crawlJobId"
    crawl = await access.find(uow, viewer, CrawlJob, id, *path)
    await projects.find_open(uow, viewer, crawl.project_id, *path)
    if crawl.status is JobStatus.RUNNING or await queue.is_queued(uow, id):
        raise Conflict("The crawl is in progress. Wait until it has ended.", *path)
    return crawl


def validate_rules(rules: Mapping[str, Any]) -> ValidationRules:
    """The preset's rules, overridden by those that are set. Raises `Invalid`."""
    path = "input", "rules"
    overrides = {name: value for name, value in rules.items() if value is not None}
    for name, minimum, maximum in (
        ("min_width", 1, MAX_SIDE_PIXELS),
        ("min_height", 1, MAX_SIDE_PIXELS),
        ("max_side", 1, MAX_SIDE_PIXELS),
        ("min_aspect_ratio", *ASPECT_RATIOS),
        ("max_aspect_ratio", *ASPECT_RATIOS),
        ("max_size_mb", 0.001, MAX_FILE_SIZE_MB),
        ("min_bytes", 1, MAX_FILE_SIZE_MB * 1024 * 1024),
        ("duplicate_distance", 0, MAX_HASH_DISTANCE),
        ("min_sharpness", 0, 100_000),
        ("min_brightness", 0, MAX_BRIGHTNESS),
        ("max_brightness", 0, MAX_BRIGHTNESS),
        ("max_clipped_share", 0, 1),
    ):
        if name in overrides:
            validators.within(overrides[name], minimum, maximum, *path, validators.camel(name))
    preset = overrides.pop("preset", None)
    if "formats" in overrides:
        overrides["formats"] = validate_formats(overrides["formats"], *path, "formats")
    if "duplicates" in overrides:
        overrides["duplicates"] = overrides["duplicates"].value
    base = replace(PRESETS[preset], preset=preset.value) if preset else ValidationRules()
    result = replace(base, **overrides)
    if result.duplicate_distance is not None and result.duplicates is None:
        raise Invalid("duplicateDistance requires duplicates.", *path, "duplicateDistance")
    if result.max_size_mb and result.min_bytes and result.min_bytes > result.max_size_mb * 1024 * 1024:
        raise Invalid("minBytes must not be larger than maxSizeMb.", *path, "minBytes")
    for lower, upper in BOUND_PAIRS:
        least, most = getattr(result, lower), getattr(result, upper)
        if least is not None and most is not None and least > most:
            names = validators.camel(lower), validators.camel(upper)
            raise Invalid(f"{names[0]} must not be larger than {names[1]}.", *path, names[0])
    return result


def validate_formats(names: Sequence[str], *path: str) -> tuple[str, ...]:
    """The distinct canonical names of formats. Raises `Invalid`."""
    if not names:
        raise Invalid("formats must not be empty.", *path)
    for position, name in enumerate(names):
        if name.strip().lower() not in FORMAT_NAMES:
            raise Invalid(f"formats must be among {', '.join(ALL_FORMATS)}.", *path, str(position))
    return tuple(dict.fromkeys(FORMAT_NAMES[name.strip().lower()] for name in names))


async def count_images(uow: UnitOfWork, crawl_job_id: UUID) -> int:
    """Number of images of a crawl that are not in quarantine."""
    return await uow.scalar(select(func.count()).where(*images.active(crawl_job_id))) or 0


async def start(uow: UnitOfWork, id: UUID, *, restart: bool) -> ValidationJob:
    """Start a validation, from zero if `restart`. Raises `Conflict` while another one of the crawl runs."""
    validation = await uow.one(select(ValidationJob).where(ValidationJob.id == id))
    crawl = select(CrawlJob.id).where(CrawlJob.id == validation.crawl_job_id).with_for_update()
    await uow.one(crawl)  # serializes concurrent starts
    others = select(ValidationJob.id).where(
        ValidationJob.crawl_job_id == validation.crawl_job_id,
        ValidationJob.status == JobStatus.RUNNING,
        ValidationJob.id != id,
        (ValidationJob.started_at < validation.started_at)
        | ((ValidationJob.started_at == validation.started_at) & (ValidationJob.id < id)),
    )
    if await uow.first(others.limit(1)) is not None:
        raise Conflict("Another validation of this crawl is in progress.")
    if not restart:
        return validation
    values = {
        "total_images": await count_images(uow, validation.crawl_job_id),
        "validated_images": 0,
        "invalid_images": 0,
    }
    await validation_findings.clear(uow, id)
    return await uow.one(
        sa.update(ValidationJob).where(ValidationJob.id == id).values(values).returning(ValidationJob)
    )


async def list_images(uow: UnitOfWork, crawl_job_id: UUID, after: UUID | None, limit: int) -> Sequence[Image]:
    """The next images to validate, by id."""
    statement = select(Image.id, Image.storage_url, Image.file_size).where(*images.active(crawl_job_id))
    if after is not None:
        statement = statement.where(Image.id > after)
    return await uow.all(statement.order_by(Image.id).limit(limit))


SAVE_VERDICTS = sql("""
UPDATE tenant.images SET is_valid = verdicts.issues = '[]', issues = verdicts.issues::jsonb,
  is_duplicate = false
FROM unnest(CAST(:ids AS uuid[]), CAST(:issues AS text[])) AS verdicts (id, issues)
WHERE images.id = verdicts.id
""")


async def save_verdicts(uow: UnitOfWork, validation: ValidationJob, verdicts: Sequence[Verdict]) -> None:
    """Store the verdicts of images, and update the validation's counters."""
    quarantines = bool(ValidationRules.from_json(validation.validation_rules).quarantine_invalid)
    found = [RuleViolation(verdict.image_id, issue) for verdict in verdicts for issue in verdict.issues]
    await validation_findings.add(uow, validation.id, found, quarantines=quarantines)
    if not validation.preview:
        issues = [orjson.dumps(verdict.issues).decode() for verdict in verdicts]
        ids = [verdict.image_id for verdict in verdicts]
        await uow.execute(SAVE_VERDICTS, {"ids": ids, "issues": issues})
    validated = ValidationJob.validated_images + len(verdicts)
    counted = {
        "validated_images": validated,
        "invalid_images": ValidationJob.invalid_images + sum(bool(verdict.issues) for verdict in verdicts),
        "total_images": func.greatest(ValidationJob.total_images, validated),
    }
    await uow.execute(sa.update(ValidationJob).where(ValidationJob.id == validation.id).values(counted))


async def image_hashes(uow: UnitOfWork, validation: ValidationJob) -> Sequence[Image]:
    """What duplicates are found by, preferred images first: accepted, then valid, then large, then early."""
    is_valid = ~validation_findings.has_finding(validation.id)
    pixels = func.coalesce(Image.width, 0) * func.coalesce(Image.height, 0)
    columns = Image.id, Image.hash, Image.perceptual_hash, Image.storage_url, Image.review
    statement = select(*columns, is_valid.label("is_valid")).where(*images.active(validation.crawl_job_id))
    accepted = Image.review == ReviewState.ACCEPTED
    found: Sequence[Image] = await uow.all(
        statement.order_by(accepted.desc(), is_valid.desc(), pixels.desc(), Image.id)
    )
    return found


async def complete(uow: UnitOfWork, validation: ValidationJob, duplicates: Sequence[RuleViolation]) -> None:
    """Store duplicates, quarantine what the rules say, and update the counters of validation and crawl."""
    await uow.one(select(CrawlJob.id).where(CrawlJob.id == validation.crawl_job_id).with_for_update())
    action = ValidationRules.from_json(validation.validation_rules).duplicates
    quarantines = action not in (None, DuplicateAction.REPORT.value)
    await validation_findings.add(uow, validation.id, duplicates, quarantines=quarantines)
    invalid = await validation_findings.count_invalid(uow, validation.id)
    counted = {"invalid_images": invalid, "total_images": ValidationJob.validated_images}
    await uow.execute(sa.update(ValidationJob).where(ValidationJob.id == validation.id).values(counted))
    if validation.preview:
        return
    await validation_findings.apply_findings(uow, validation.id, duplicates)
    await images.count_valid(uow, validation.crawl_job_id)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a validation that is not in progress; its verdicts stay on the images."""
    access.require(viewer, "images:delete")
    await access.find(uow, viewer, ValidationJob, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("The validation is in progress. Cancel it first.", "id")
    await uow.execute(sa.delete(ValidationJob).where(ValidationJob.id == id))
    await activity_log.record(uow, viewer.user_id, "VALIDATION_JOB_DELETE", "ValidationJob", id)
