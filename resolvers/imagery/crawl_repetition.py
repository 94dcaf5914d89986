"""Crawls that have ended and run again: for what failed, for what is new, or as a new crawl."""

from enum import Enum
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from core.errors import Conflict
from db import queue
from db.arrays import any_id
from db.models import TERMINAL, CandidateKind, CandidateState, CrawlCandidate, CrawlChunk, CrawlJob, JobStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log, projects
from resolvers.access import Viewer
from resolvers.imagery import crawl_chunks
from resolvers.imagery.crawl_chunks import GatherImages
from resolvers.imagery.crawl_sources import CrawlTask, crawl_tasks

AGAIN = {
    "state": CandidateState.WAITING,
    "code": None,
    "message": None,
    "attempts": 0,
    "retry_at": None,
    "retry_until": None,
}
"""Columns of a candidate that is requested as if for the first time."""


class RetryScope(Enum):
    """What a crawl that runs again requests."""

    FAILED = "failed"
    """The addresses that were refused, and the sources that failed."""
    NEW = "new"
    """The addresses that the sources did not give before, and those that `maxImages` left out."""


async def retry(uow: UnitOfWork, viewer: Viewer, id: UUID, scope: RetryScope, at_once: int) -> CrawlJob:
    """Let a crawl that has ended go on; it keeps its images. Raises `Conflict` if there is nothing to do."""
    access.require(viewer, "jobs:run")
    await queue.lock_parts(uow, CrawlJob, id)
    crawl = await access.find(uow, viewer, CrawlJob, id, lock=True)
    await projects.find_open(uow, viewer, crawl.project_id, "id")
    if crawl.status not in TERMINAL or crawl.total_chunks == 0:
        raise Conflict("Only a crawl that has ended can be retried.", "id")
    if scope is RetryScope.NEW and crawl_chunks.is_full(crawl):
        raise Conflict("The crawl has reached maxImages. Raise it with crawlJobUpdate first.", "id")
    retry_scope = _retry_failed if scope is RetryScope.FAILED else _retry_new
    if not await retry_scope(uow, crawl, at_once):
        raise Conflict("Nothing of this crawl has failed.", "id")
    await crawl_chunks.rerun(uow, crawl, at_once)
    await activity_log.record(uow, viewer.user_id, "CRAWL_JOB_RETRY", "CrawlJob", id)
    return await uow.one(select(CrawlJob).where(CrawlJob.id == id))


async def repeat(uow: UnitOfWork, viewer: Viewer, id: UUID) -> CrawlJob:
    """Create a crawl with the sources and limits of another one, and start it."""
    access.require(viewer, "images:create")
    crawl = await access.find(uow, viewer, CrawlJob, id)
    await projects.find_open(uow, viewer, crawl.project_id, "id")
    copied = {
        name: getattr(crawl, name) for name in ("project_id", "name", "keywords", "sources", "max_images")
    }
    values = copied | {"requested_by_id": viewer.user_id}
    new = await uow.one(insert(CrawlJob).values(values).returning(CrawlJob))
    await queue.enqueue(uow, GatherImages(new.id), new.id)
    await activity_log.record(uow, viewer.user_id, "CRAWL_JOB_CREATE", "CrawlJob", new.id)
    return await uow.one(select(CrawlJob).where(CrawlJob.id == new.id))


async def _retry_failed(uow: UnitOfWork, crawl: CrawlJob, at_once: int) -> int:
    """Make refused addresses wait again in a chunk each source, and run failed chunks again."""
    of_crawl = CrawlChunk.crawl_job_id == crawl.id
    renewed = {
        "status": JobStatus.PENDING,
        "attempts": 0,
        "error_message": None,
        "completed_at": None,
        "checkpoint": None,
        "version": CrawlChunk.version + 1,
    }
    failed = of_crawl, CrawlChunk.status.in_([JobStatus.FAILED, JobStatus.CANCELLED])
    chunks = await uow.all(update(CrawlChunk).where(*failed).values(renewed).returning(CrawlChunk.id))
    pages = CrawlCandidate.crawl_job_id == crawl.id, CrawlCandidate.kind == CandidateKind.PAGE
    unread = await uow.scalar(
        select(func.count())
        .select_from(CrawlCandidate)
        .where(*pages, CrawlCandidate.state == CandidateState.REFUSED)
    )
    candidates = await _wait_again(uow, crawl, [CandidateState.REFUSED, CandidateState.WAITING], at_once)
    if unread:
        await _search_again(uow, crawl, at_once)
    return len(chunks) + candidates + int(unread)


async def _retry_new(uow: UnitOfWork, crawl: CrawlJob, at_once: int) -> int:
    """Search all sources again; what the crawl has is not requested again."""
    await _wait_again(uow, crawl, [CandidateState.BOUNDED, CandidateState.WAITING], at_once)
    return await _search_again(uow, crawl, at_once)


async def _search_again(uow: UnitOfWork, crawl: CrawlJob, at_once: int) -> int:
    """Add a chunk for each task of the crawl, which forgets the pages that it did not read."""
    pages = CrawlCandidate.crawl_job_id == crawl.id, CrawlCandidate.kind == CandidateKind.PAGE
    await uow.execute(delete(CrawlCandidate).where(*pages))
    tasks = crawl_tasks(crawl.sources, crawl.keywords)
    for task in tasks:
        await crawl_chunks.add_chunk(uow, crawl, task, {"listed": False}, at_once)
    return len(tasks)


async def _wait_again(uow: UnitOfWork, crawl: CrawlJob, states: list[CandidateState], at_once: int) -> int:
    """Move images in these states to new chunks, one for each task; returns their number."""
    found = CrawlCandidate.crawl_job_id == crawl.id, CrawlCandidate.kind == CandidateKind.IMAGE
    waiting = CrawlCandidate.state.in_(states)
    tasks = select(CrawlChunk.wanted, func.array_agg(CrawlChunk.id.distinct()).label("chunks"))
    holding = select(CrawlCandidate.id).where(*found, waiting, CrawlCandidate.chunk_id == CrawlChunk.id)
    of_crawl = CrawlChunk.crawl_job_id == crawl.id, CrawlChunk.status.in_(TERMINAL)
    count = 0
    for row in await uow.all(tasks.where(*of_crawl, holding.exists()).group_by(CrawlChunk.wanted)):
        task = CrawlTask.from_json(row.wanted)
        chunk_id = await crawl_chunks.add_chunk(uow, crawl, task, {"listed": True}, at_once)
        moved = update(CrawlCandidate).where(*found, waiting, CrawlCandidate.chunk_id == any_id(row.chunks))
        result = await uow.execute(moved.values(AGAIN | {"chunk_id": chunk_id}))
        count += result.rowcount
    return count
