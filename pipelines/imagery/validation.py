"""Validation of a crawl's images, batch by batch, each saved with a checkpoint."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from core.ports import ObjectStore
from core.working_folders import working_folder
from db.models import Image
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.imagery.quality_checks import find_all_issues, find_duplicates
from pipelines.runtime.handlers import Run, handles
from resolvers.imagery import validation
from resolvers.imagery.validation import (
    DEFAULT_HASH_DISTANCE,
    CheckImages,
    Duplicates,
    ValidationRules,
    Verdict,
)

BATCH_SIZE = 32
"""Images per batch; at most one batch is validated again after an interruption."""
MAX_CONCURRENT_FETCHES = 8
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
            await validation.save_verdicts(uow, check.id, verdicts)
            await run.save({"after": str(after)}, uow)
        await run.report(CHECKED_PROGRESS * min(1.0, done / max(1, check.total_images)))
    found = await find_crawl_duplicates(run, check.crawl_job_id, rules)

    async def finish(uow: UnitOfWork) -> None:
        await validation.complete(uow, check, found)

    return finish


async def validate_page(run: Run, page: Sequence[Image], rules: ValidationRules) -> list[Verdict]:
    """The verdict of each image of a page."""
    with working_folder() as name:
        semaphore = asyncio.Semaphore(MAX_CONCURRENT_FETCHES)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(fetch_image(run.services.store, image, Path(name), semaphore))
                    for image in page
                ]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        paths = [task.result() for task in tasks]
        found = await run.cpu_within(BATCH_SECONDS, find_all_issues, paths, rules)
    return [Verdict(image.id, issues) for image, issues in zip(page, found, strict=True)]


async def fetch_image(
    store: ObjectStore, image: Image, folder: Path, semaphore: asyncio.Semaphore
) -> Path | None:
    """Download an image to `folder`; returns None if the store does not have it."""
    if image.storage_url is None:
        return None
    async with semaphore:
        try:
            return await store.fetch(image.storage_url, folder / str(image.id))
        except FileNotFoundError:
            return None


async def find_crawl_duplicates(run: Run, crawl_job_id: UUID, rules: ValidationRules) -> Duplicates:
    """The duplicates of a crawl; empty if the rules do not check for them."""
    if rules.duplicates is None:
        return Duplicates((), ())
    async with run.read() as uow:
        images = await validation.image_hashes(uow, crawl_job_id)
    distance = DEFAULT_HASH_DISTANCE if rules.duplicate_distance is None else rules.duplicate_distance
    exact, near = await run.cpu(
        find_duplicates, [row.hash for row in images], [row.perceptual_hash for row in images], distance
    )
    ids = [row.id for row in images]
    return Duplicates([ids[position] for position in exact], [ids[position] for position in near])
