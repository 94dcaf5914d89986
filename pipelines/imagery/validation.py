"""Validation of a crawl's images, batch by batch, each saved with a checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from core.image_rules import ValidationRules
from core.working_folders import working_folder
from db.models import Image, ValidationJob
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.imagery.near_duplicates import fetch_images, find_near_duplicates
from pipelines.imagery.quality_checks import find_all_issues
from pipelines.runtime.handlers import Run, handles
from resolvers.imagery import validation
from resolvers.imagery.validation import (
    DEFAULT_HASH_DISTANCE,
    CheckImages,
    Verdict,
)
from resolvers.imagery.validation_findings import DUPLICATE, NEAR_DUPLICATE, RuleViolation

BATCH_SIZE = 32
"""Images per batch; at most one batch is validated again after an interruption."""
BATCH_SECONDS = 300.0
CHECKED_PROGRESS = 0.95
"""Progress once all images are checked, before duplicates are searched."""


@handles(CheckImages)
async def check_images(job: CheckImages, run: Run) -> CompletionHook:
    """Validate a crawl's images. Idempotent: each image gets the same verdict and is counted once."""
    saved = run.checkpoint
    async with run.write() as uow:
        check = await validation.start(uow, job.validation_job_id, restart=saved is None)
        if saved is None:
            await run.save({"after": None}, uow)
    rules = ValidationRules.from_json(check.validation_rules)
    after = UUID(saved["after"]) if saved and saved["after"] else None
    done = check.validated_images
    while True:
        async with run.read() as uow:
            page = await validation.list_images(uow, check.crawl_job_id, after, BATCH_SIZE)
        if not page:
            break
        verdicts = await validate_page(run, page, rules)
        after, done = page[-1].id, done + len(page)
        async with run.write() as uow:
            await validation.save_verdicts(uow, check, verdicts)
            await run.save({"after": str(after)}, uow)
        await run.report(CHECKED_PROGRESS * min(1.0, done / max(1, check.total_images)))
    found = await find_crawl_duplicates(run, check, rules)

    async def finish(uow: UnitOfWork) -> None:
        await validation.complete(uow, check, found)

    return finish


async def validate_page(run: Run, page: Sequence[Image], rules: ValidationRules) -> list[Verdict]:
    """The verdict of each image of a page."""
    with working_folder() as name:
        paths = await fetch_images(run.services.store, page, Path(name))
        found = await run.cpu_within(BATCH_SECONDS, find_all_issues, paths, rules)
    return [Verdict(image.id, issues) for image, issues in zip(page, found, strict=True)]


async def find_crawl_duplicates(
    run: Run, check: ValidationJob, rules: ValidationRules
) -> list[RuleViolation]:
    """The duplicates in a crawl with their better images; empty if the rules do not check for them."""
    if rules.duplicates is None:
        return []
    async with run.read() as uow:
        images = await validation.image_hashes(uow, check)
    distance = DEFAULT_HASH_DISTANCE if rules.duplicate_distance is None else rules.duplicate_distance
    first_of: dict[str, UUID] = {}
    for image in images:
        if image.hash is not None:
            first_of.setdefault(image.hash, image.id)
    distinct = [image for image in images if image.hash is None or first_of[image.hash] == image.id]
    kept = {image.id for image in distinct}
    exact = [image for image in images if image.id not in kept]
    groups = await find_near_duplicates(run, distinct, distance)
    return [
        *(RuleViolation(image.id, DUPLICATE, first_of[image.hash]) for image in exact if image.hash),
        *(RuleViolation(image.id, NEAR_DUPLICATE, best.id) for best, *others in groups for image in others),
    ]
