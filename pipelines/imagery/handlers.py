"""Jobs of crawls: splitting a crawl into chunks, crawling a chunk, and grouping near duplicates."""

from pathlib import Path

from core.errors import Conflict
from core.working_folders import working_folder
from db.models import CrawlJob
from db.queue import CompletionHook, FanOut
from db.uow import UnitOfWork
from pipelines.imagery.chunk_crawler import ChunkCrawler
from pipelines.imagery.near_duplicates import find_near_duplicates
from pipelines.runtime.faults import Retry
from pipelines.runtime.handlers import Run, handles
from resolvers.imagery import crawl_chunks, crawl_outcomes, images
from resolvers.imagery.crawl_candidates import (
    count_stored,
    has_pending_candidates,
    reassign_candidates,
    seconds_until_due,
)
from resolvers.imagery.crawl_chunks import GatherChunk, GatherImages
from resolvers.imagery.crawl_outcomes import CrawlOutcome
from resolvers.imagery.crawl_sources import CrawlTask

GROUP_BATCH_SIZE = 1000
MAX_FAILURE_REASONS = 3
WAITS_FOR_SERVERS = "Servers have asked to wait, or do not answer."


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
    async with run.write() as uow:
        outcome = await crawl_outcomes.settle_candidates(uow, crawl)
    if outcome.stored == 0:
        await _raise_without_images(run, crawl, outcome)
    async with run.read() as uow:
        hashes = await images.perceptual_hashes(uow, crawl.id)
    groups = await find_near_duplicates(run, hashes)
    members = [(image.id, group[0].id) for group in groups for image in group]
    for start in range(0, len(members), GROUP_BATCH_SIZE):
        async with run.write() as uow:
            await images.set_duplicate_groups(uow, members[start : start + GROUP_BATCH_SIZE])
    return None


async def _raise_without_images(run: Run, crawl: CrawlJob, outcome: CrawlOutcome) -> None:
    """Raise `Conflict` if a crawl has no image because its sources failed or all addresses were refused."""
    async with run.read() as uow:
        if crawl.failed_chunks == crawl.total_chunks:
            raise Conflict(" ".join(await crawl_chunks.failure_reasons(uow, crawl.id, MAX_FAILURE_REASONS)))
        if outcome.refused or outcome.refused_pages:
            raise Conflict(await crawl_outcomes.refusal_summary(uow, crawl.id, outcome))


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

    if not crawler.is_full:
        await _wait_for_servers(job, run, crawler)

    async def finish(uow: UnitOfWork) -> None:
        """Move the rest of the work to a new chunk."""
        has_rest = crawler.next_checkpoint is not None or await has_pending_candidates(uow, job.chunk_id)
        if has_rest and not crawler.is_full:
            task = CrawlTask.from_json(chunk.wanted)
            next_chunk_id = await crawl_chunks.create_next_chunk(uow, job, task, crawler.checkpoint)
            await reassign_candidates(uow, job.chunk_id, next_chunk_id)
        await crawl_chunks.finish_chunk(uow, job)

    return finish


async def _wait_for_servers(job: GatherChunk, run: Run, crawler: ChunkCrawler) -> None:
    """Raise `Retry` if all that is left waits for a server, and `Conflict` if the search was given up."""
    async with run.read() as uow:
        if await has_pending_candidates(uow, job.chunk_id):
            return
        candidates_wait = await seconds_until_due(uow, job.chunk_id)
    waits = [wait for wait in (candidates_wait, crawler.search_wait) if wait is not None]
    if waits and (crawler.next_checkpoint is None or crawler.search_wait is not None):
        async with run.write() as uow:
            await crawl_chunks.postpone_chunk(uow, job)
        raise Retry(WAITS_FOR_SERVERS, after=min(waits), known=True)
    if crawler.search_error is not None:
        raise Conflict(crawler.search_error)
