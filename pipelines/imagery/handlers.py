"""From a crawl that somebody wants to the images that it has found."""

from pathlib import Path

from core.errors import Conflict
from db.queue import CompletionHook, FanOut
from db.uow import UnitOfWork
from pipelines.imagery.chunk_crawler import Gathering
from pipelines.imagery.near_duplicates import groups
from pipelines.runtime.handlers import Run, handles
from pipelines.runtime.workdirs import working_folder
from resolvers.imagery import crawl_chunks, images
from resolvers.imagery.crawl_chunks import GatherChunk, GatherImages
from resolvers.imagery.crawl_results import has_pending_candidates, reassign_candidates, count_stored
from resolvers.imagery.crawl_sources import CrawlTask

GROUPED_AT_ONCE = 1000
MOST_REASONS = 3


@handles(GatherImages)
async def gather_images(job: GatherImages, run: Run) -> FanOut | CompletionHook | None:
    """Called twice: to cut the crawl, and when its chunks have ended. Safe to repeat, each time."""
    async with run.read() as uow:
        crawl = await images.find_crawl(uow, job.crawl_job_id)
    at_once = run.services.settings.crawl_company_chunks
    if crawl.total_chunks == 0:

        async def begin(uow: UnitOfWork) -> None:
            await crawl_chunks.create_chunks(uow, crawl, at_once)

        return FanOut(begin)
    if crawl.failed_chunks == crawl.total_chunks:
        async with run.read() as uow:
            raise Conflict(" ".join(await crawl_chunks.failure_reasons(uow, crawl.id, MOST_REASONS)))
    async with run.read() as uow:
        hashes = await images.perceptual_hashes(uow, crawl.id)
    alike = await run.cpu(groups, [row.perceptual_hash for row in hashes])
    grouped = [(hashes[each].id, hashes[group[0]].id) for group in alike for each in group]
    for start in range(0, len(grouped), GROUPED_AT_ONCE):
        async with run.write() as uow:
            await images.set_duplicate_groups(uow, grouped[start : start + GROUPED_AT_ONCE])
    return None


@handles(GatherChunk)
async def gather_chunk(job: GatherChunk, run: Run) -> CompletionHook:
    """Safe to repeat: it goes on with the addresses that were not decided, then where the search stood."""
    async with run.write() as uow:
        begun = await crawl_chunks.start_chunk(uow, job)
        gathered = await count_stored(uow, job.chunk_id)
    if begun is None:
        return lambda uow: crawl_chunks.finish_chunk(uow, job)
    _, chunk = begun
    with working_folder() as folder:
        gathering = Gathering(job, run, chunk, gathered, Path(folder))
        await gathering.work(run.services.settings.crawl_chunk_seconds)

    async def finish(uow: UnitOfWork) -> None:
        """What this chunk leaves is the next one's."""
        rest = gathering.left
        if not gathering.full and (rest is not None or await has_pending_candidates(uow, job.chunk_id)):
            piece = CrawlTask.from_json(chunk.wanted)
            following = await crawl_chunks.create_next_chunk(uow, job, piece, rest or {"listed": True})
            await reassign_candidates(uow, job.chunk_id, following)
        await crawl_chunks.finish_chunk(uow, job)

    return finish
