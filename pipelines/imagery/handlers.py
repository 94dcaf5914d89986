"""Jobs of crawls: splitting a crawl into chunks, crawling a chunk, and grouping near duplicates."""

from pathlib import Path

from core.errors import Conflict
from core.working_folders import working_folder
from db.queue import CompletionHook, FanOut
from db.uow import UnitOfWork
from pipelines.imagery.chunk_crawler import ChunkCrawler
from pipelines.imagery.near_duplicates import find_near_duplicates
from pipelines.runtime.handlers import Run, handles
from resolvers.imagery import crawl_chunks, images
from resolvers.imagery.crawl_chunks import GatherChunk, GatherImages
from resolvers.imagery.crawl_results import count_stored, has_pending_candidates, reassign_candidates
from resolvers.imagery.crawl_sources import CrawlTask

GROUP_BATCH_SIZE = 1000
MAX_FAILURE_REASONS = 3


@handles(GatherImages)
async def gather_images(job: GatherImages, run: Run) -> FanOut | CompletionHook | None:
    """Create the crawl's chunks; once they have ended, group near duplicates. Idempotent."""
    async with run.read() as uow:
        crawl = await images.find_crawl(uow, job.crawl_job_id)
    max_chunks = run.services.settings.crawl_company_chunks
    if crawl.total_chunks == 0:

        async def create_chunks(uow: UnitOfWork) -> None:
            await crawl_chunks.create_chunks(uow, crawl, max_chunks)

        return FanOut(create_chunks)
    if crawl.failed_chunks == crawl.total_chunks:
        async with run.read() as uow:
            raise Conflict(" ".join(await crawl_chunks.failure_reasons(uow, crawl.id, MAX_FAILURE_REASONS)))
    async with run.read() as uow:
        hashes = await images.perceptual_hashes(uow, crawl.id)
    groups = await find_near_duplicates(run, hashes)
    members = [(image.id, group[0].id) for group in groups for image in group]
    for start in range(0, len(members), GROUP_BATCH_SIZE):
        async with run.write() as uow:
            await images.set_duplicate_groups(uow, members[start : start + GROUP_BATCH_SIZE])
    return None


@handles(GatherChunk)
async def gather_chunk(job: GatherChunk, run: Run) -> CompletionHook:
    """Crawl a chunk. Idempotent: continues with pending candidates, then from the search's checkpoint."""
    async with run.write() as uow:
        started = await crawl_chunks.start_chunk(uow, job)
        stored_count = await count_stored(uow, job.chunk_id)
    if started is None:
        return lambda uow: crawl_chunks.finish_chunk(uow, job)
    _, chunk = started
    with working_folder() as folder:
        crawler = ChunkCrawler(job, run, chunk, stored_count, Path(folder))
        await crawler.crawl(run.services.settings.crawl_chunk_seconds)

    async def finish(uow: UnitOfWork) -> None:
        """Move the rest of the work to a new chunk."""
        checkpoint = crawler.next_checkpoint
        if not crawler.is_full and (
            checkpoint is not None or await has_pending_candidates(uow, job.chunk_id)
        ):
            task = CrawlTask.from_json(chunk.wanted)
            next_chunk_id = await crawl_chunks.create_next_chunk(
                uow, job, task, checkpoint or {"listed": True}
            )
            await reassign_candidates(uow, job.chunk_id, next_chunk_id)
        await crawl_chunks.finish_chunk(uow, job)

    return finish
