"""Cleanup after crawls: files without an image, rate limit slots, and stalled crawls."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from uuid import UUID

from db.crawl_rate_limits import purge_slots
from pipelines.runtime.handlers import Run, Services, handles
from pipelines.runtime.periodic import periodic
from resolvers.imagery import crawl_chunks, images
from resolvers.object_removal import RemoveUnusedPictures, images_prefix, thumbnails_prefix

BATCH_SIZE = 50
"""Objects deleted per transaction; the company's new images wait for it."""


@handles(RemoveUnusedPictures)
async def remove_unused_pictures(job: RemoveUnusedPictures, run: Run) -> None:
    """Delete the job's files, or all of the company's if it names none, that no image uses. Idempotent."""
    for start in range(0, len(job.keys), BATCH_SIZE):
        await delete_unused(run, job.keys[start : start + BATCH_SIZE])
    if job.keys:
        return
    for prefix in (images_prefix(run.company_id), thumbnails_prefix(run.company_id)):
        batch: list[str] = []
        async for stored in run.services.store.list(prefix):
            batch.append(stored.key)
            if len(batch) == BATCH_SIZE:
                await delete_unused(run, batch)
                batch.clear()
        await delete_unused(run, batch)


async def delete_unused(run: Run, keys: Sequence[str]) -> None:
    """Delete the files that no image uses, under a lock that blocks new images."""
    hashes = {key: PurePosixPath(key).stem for key in keys}
    async with run.read() as uow:
        used = await images.hashes_in_use(uow, list(hashes.values()))
    if used.issuperset(hashes.values()):
        return
    async with run.write() as uow:
        await images.lock_image_files(uow, exclusive=True)
        used = await images.hashes_in_use(uow, list(hashes.values()))
        await run.services.store.delete([key for key, hash in hashes.items() if hash not in used])


@periodic("crawl rate limits", timedelta(hours=1))
async def purge_rate_limit_slots(services: Services) -> None:
    """Purge the rate limit slots of hosts that are no longer crawled."""
    await purge_slots(services.database)


@periodic("stalled crawls", timedelta(minutes=10), per_company=True)
async def recover_crawls(services: Services, company_id: UUID) -> None:
    """Recover crawls and chunks that wait for a job that does not exist."""
    async with services.database.tenant(company_id) as uow:
        await crawl_chunks.recover(uow, services.settings.crawl_company_chunks)
