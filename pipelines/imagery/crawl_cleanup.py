"""What crawls leave behind: pictures that no image has, work that nobody goes on with."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from uuid import UUID

from db.crawl_rate_limits import purge_slots
from pipelines.runtime.handlers import Run, Services, handles
from pipelines.runtime.periodic import periodic
from resolvers.imagery import crawl_chunks, images
from resolvers.object_removal import RemoveUnusedPictures, images_prefix, thumbnails_prefix

BATCH = 50
"""Objects that are removed while images of the company wait to be made."""


@handles(RemoveUnusedPictures)
async def remove_unused_pictures(job: RemoveUnusedPictures, run: Run) -> None:
    """Safe to repeat."""
    for start in range(0, len(job.keys), BATCH):
        await remove(run, job.keys[start : start + BATCH])
    if job.keys:
        return
    for prefix in (images_prefix(run.company_id), thumbnails_prefix(run.company_id)):
        batch: list[str] = []
        async for stored in run.services.store.list(prefix):
            batch.append(stored.key)
            if len(batch) == BATCH:
                await remove(run, batch)
                batch.clear()
        await remove(run, batch)


async def remove(run: Run, keys: Sequence[str]) -> None:
    """Delete those that no image has. The unit stays open meanwhile: no image may be made of them."""
    hashes = {key: PurePosixPath(key).stem for key in keys}
    async with run.read() as uow:
        used = await images.hashes_in_use(uow, list(hashes.values()))
    if used.issuperset(hashes.values()):
        return
    async with run.write() as uow:
        await images.lock_image_files(uow, exclusive=True)
        used = await images.hashes_in_use(uow, list(hashes.values()))
        await run.services.store.delete([key for key, hash in hashes.items() if hash not in used])


@periodic("turns at hosts", timedelta(hours=1))
async def sweep_turns(services: Services) -> None:
    """Hosts that nobody crawls any more."""
    await purge_slots(services.database)


@periodic("standing crawls", timedelta(minutes=10), per_company=True)
async def mend_crawls(services: Services, company_id: UUID) -> None:
    """Crawls and chunks that wait for nobody."""
    async with services.database.tenant(company_id) as uow:
        await crawl_chunks.recover(uow, services.settings.crawl_company_chunks)
