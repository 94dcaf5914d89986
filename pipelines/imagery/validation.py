"""Checking a crawl's images: a batch at a time, each written with the place to go on from."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from core.ports import ObjectStore
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.imagery.quality_checks import all_issues, duplicates
from pipelines.runtime.handlers import Run, handles
from pipelines.runtime.workdirs import working_folder
from resolvers.imagery import validation
from resolvers.imagery.validation import DEFAULT_HASH_DISTANCE, CheckImages, Duplicates, ValidationRules, Verdict

BATCH = 32
"""Images that are on disk at a time, and of which at most as many are looked at twice."""
FETCHED_AT_ONCE = 8
BATCH_SECONDS = 300.0
LOOKED_AT = 0.95
"""How much is done when all images were looked at, and duplicates are still to be found."""


@handles(CheckImages)
async def check_images(job: CheckImages, run: Run) -> CompletionHook:
    """Safe to repeat: each image gets the same verdict, and is counted once."""
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
            page = await validation.list_images(uow, check.crawl_job_id, after, BATCH)
        if not page:
            break
        verdicts = await look(run, page, rules)
        after, done = page[-1].id, done + len(page)
        async with run.write() as uow:
            await validation.save_verdicts(uow, check.id, verdicts)
            await run.save({"after": str(after)}, uow)
        await run.report(LOOKED_AT * min(1.0, done / max(1, check.total_images)))
    found = await alike(run, check.crawl_job_id, rules)

    async def finish(uow: UnitOfWork) -> None:
        await validation.complete(uow, check, found)

    return finish


async def look(run: Run, page: Sequence[Row[Any]], rules: ValidationRules) -> list[Verdict]:
    """What is wrong with each image of a page."""
    with working_folder() as name:
        turn = asyncio.Semaphore(FETCHED_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                fetched = [
                    group.create_task(fetch(run.services.store, image, Path(name), turn)) for image in page
                ]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        paths = [task.result() for task in fetched]
        found = await run.cpu_within(BATCH_SECONDS, all_issues, paths, rules)
    return [Verdict(image.id, words) for image, words in zip(page, found, strict=True)]


async def fetch(store: ObjectStore, image: Row[Any], folder: Path, turn: asyncio.Semaphore) -> Path | None:
    """The image's file on this host; none where it is not stored."""
    if image.storage_url is None:
        return None
    async with turn:
        try:
            return await store.fetch(image.storage_url, folder / str(image.id))
        except FileNotFoundError:
            return None


async def alike(run: Run, crawl_job_id: UUID, rules: ValidationRules) -> Duplicates:
    """The images that show what others show, if the rules ask for them."""
    if rules.duplicates is None:
        return Duplicates((), ())
    async with run.read() as uow:
        looks = await validation.image_hashes(uow, crawl_job_id)
    distance = DEFAULT_HASH_DISTANCE if rules.duplicate_distance is None else rules.duplicate_distance
    exact, near = await run.cpu(
        duplicates, [row.hash for row in looks], [row.perceptual_hash for row in looks], distance
    )
    ids = [row.id for row in looks]
    return Duplicates([ids[position] for position in exact], [ids[position] for position in near])
