"""Findings of validations: which images do not meet which rules, and what is done about them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert as upsert

from db.arrays import any_id
from db.models import Image, ReviewState, ValidationFinding
from db.uow import UnitOfWork
from resolvers.imagery import images

DUPLICATE, NEAR_DUPLICATE = "duplicate", "near_duplicate"
"""Codes of images with the content, or the looks, of a better one."""
INSERT_BATCH_SIZE = 1000


@dataclass(frozen=True)
class RuleViolation:
    """An image that does not meet a rule; `best_id` is the better one of duplicates."""

    image_id: UUID
    rule: str
    best_id: UUID | None = None


async def clear(uow: UnitOfWork, validation_id: UUID) -> None:
    """Delete the findings of a validation that starts again."""
    await uow.execute(
        sa.delete(ValidationFinding).where(ValidationFinding.validation_job_id == validation_id)
    )


async def add(
    uow: UnitOfWork, validation_id: UUID, findings: Sequence[RuleViolation], *, quarantines: bool
) -> None:
    """Store findings. Images that a person has accepted or restored are never quarantined. Idempotent."""
    for start in range(0, len(findings), INSERT_BATCH_SIZE):
        batch = findings[start : start + INSERT_BATCH_SIZE]
        columns = Image.id, Image.file_size, Image.review, Image.restored
        ids = [finding.image_id for finding in batch]
        known = {row.id: row for row in await uow.all(select(*columns).where(Image.id == any_id(ids)))}
        rows = [
            {
                "validation_job_id": validation_id,
                "image_id": image.id,
                "rule": finding.rule,
                "best_image_id": finding.best_id,
                "quarantines": quarantines and not is_kept(image),
                "file_size": image.file_size,
            }
            for finding in batch
            if (image := known.get(finding.image_id)) is not None
        ]
        if rows:
            new = upsert(ValidationFinding).values(rows)
            key = ["company_id", "validation_job_id", "image_id", "rule"]
            await uow.execute(new.on_conflict_do_nothing(index_elements=key))


def is_kept(image: Image) -> bool:
    """Whether a person has decided that an image stays."""
    return image.restored or image.review is ReviewState.ACCEPTED


def has_finding(validation_id: UUID) -> ColumnElement[bool]:
    """The condition that a validation has found something about an image."""
    of_image = ValidationFinding.image_id == Image.id, ValidationFinding.validation_job_id == validation_id
    return select(ValidationFinding.id).where(*of_image).correlate(Image).exists()


async def count_invalid(uow: UnitOfWork, validation_id: UUID) -> int:
    """Number of images that fail a rule, or that are quarantined as duplicates."""
    of_job = ValidationFinding.validation_job_id == validation_id
    fails = ValidationFinding.quarantines | ValidationFinding.rule.not_in((DUPLICATE, NEAR_DUPLICATE))
    counted = select(func.count(ValidationFinding.image_id.distinct())).where(of_job, fails)
    return await uow.scalar(counted) or 0


APPLY_FINDINGS = sql("""
UPDATE tenant.images SET quarantined = true, quarantined_at = now(), is_valid = false,
  quarantine_reason = findings.rule
FROM (
  SELECT image_id, min(rule) AS rule FROM tenant.validation_findings
  WHERE validation_job_id = :id AND quarantines GROUP BY image_id
) AS findings
WHERE images.id = findings.image_id
""")


async def apply_findings(uow: UnitOfWork, validation_id: UUID, duplicates: Sequence[RuleViolation]) -> None:
    """Mark duplicates on their images, and move to the quarantine what the findings say."""
    for rule in (DUPLICATE, NEAR_DUPLICATE):
        ids = [finding.image_id for finding in duplicates if finding.rule == rule]
        values = {"is_duplicate": True, "issues": Image.issues.op("||")(func.jsonb_build_array(rule))}
        await uow.execute(sa.update(Image).where(Image.id == any_id(ids)).values(values))
    near = [finding for finding in duplicates if finding.rule == NEAR_DUPLICATE and finding.best_id]
    pairs = [(finding.image_id, finding.best_id) for finding in near if finding.best_id]
    pairs += [(best, best) for best in dict.fromkeys(best for _, best in pairs)]
    await images.set_duplicate_groups(uow, pairs)
    await uow.execute(APPLY_FINDINGS, {"id": validation_id})


async def summaries(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Of each validation: images and bytes that are quarantined, and those of each rule."""
    found: dict[UUID, dict[str, Any]] = defaultdict(lambda: {"images": 0, "bytes": 0, "rules": []})
    of_jobs = ValidationFinding.validation_job_id == any_id(ids)
    size = func.coalesce(func.sum(ValidationFinding.file_size), 0).label("bytes")
    by_rule = select(
        ValidationFinding.validation_job_id,
        ValidationFinding.rule,
        func.count().label("images"),
        size,
        func.count().filter(ValidationFinding.quarantines).label("quarantined"),
    ).where(of_jobs)
    keys = ValidationFinding.validation_job_id, ValidationFinding.rule
    for row in await uow.all(by_rule.group_by(*keys).order_by(*keys)):
        values = dict(row._mapping)
        found[values.pop("validation_job_id")]["rules"].append(values)
    columns = ValidationFinding.validation_job_id, ValidationFinding.image_id, ValidationFinding.file_size
    distinct = select(*columns).where(of_jobs, ValidationFinding.quarantines).distinct().subquery()
    totals = select(
        distinct.c.validation_job_id,
        func.count().label("images"),
        func.coalesce(func.sum(distinct.c.file_size), 0).label("bytes"),
    ).group_by(distinct.c.validation_job_id)
    for row in await uow.all(totals):
        found[row.validation_job_id] |= {"images": row.images, "bytes": row.bytes}
    return found
