"""Chunks of a crawl: created, enqueued with limited concurrency, and counted when they end.

A crawl stays RUNNING without a worker while its chunks are processed. Its counters change only under its row
lock. Lock order: chunks, their crawl, the company's admission lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, text, update

from db import queue
from db.events import publish
from db.ids import new_id
from db.models import TERMINAL, CrawlCandidate, CrawlChunk, CrawlJob, Image, JobStatus, Lease
from db.queue import Job, JobModel
from db.uow import UnitOfWork
from resolvers.imagery.crawl_sources import CrawlTask, crawl_tasks

MAX_CHUNK_IMAGES = 500
"""Images per chunk."""

COUNTERS = (
    *("total_images", "downloaded_images", "valid_images", "sequence"),
    *("total_chunks", "active_chunks", "completed_chunks", "failed_chunks"),
)
ADMISSION_LOCK = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('chunks of ' || CAST(:company_id AS text), 0))"
)


@dataclass(frozen=True)
class GatherImages(Job):
    """Split a crawl into chunks; when these have ended, group near duplicates."""

    crawl_job_id: UUID
    queue: ClassVar[str] = "crawl"
    row: ClassVar[JobModel] = CrawlJob

    def topics(self) -> Sequence[str]:
        """Subscribers to its images are notified of its end."""
        return (f"images:{self.crawl_job_id}",)

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Cancel its chunks."""
        await _cancel_chunks(uow, self.crawl_job_id)

    async def restarted(self, uow: UnitOfWork) -> None:
        """Restart the crawl without its earlier images and chunks."""
        for model in (CrawlCandidate, CrawlChunk, Image):
            await uow.execute(delete(model).where(model.__table__.c.crawl_job_id == self.crawl_job_id))
        zero = {**dict.fromkeys(COUNTERS, 0), "task_ids": []}
        await uow.execute(update(CrawlJob).where(CrawlJob.id == self.crawl_job_id).values(zero))


@dataclass(frozen=True)
class GatherChunk(Job):
    """Download one chunk's images. `at_once` limits the company's concurrent chunks."""

    chunk_id: UUID
    crawl_job_id: UUID
    at_once: int
    queue: ClassVar[str] = "crawl"
    retry_deadline: ClassVar[timedelta] = timedelta(days=3)
    row: ClassVar[JobModel] = CrawlChunk

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Continue the crawl without it."""
        await finish_chunk(uow, self)


async def lock_crawl(uow: UnitOfWork, crawl_job_id: UUID) -> CrawlJob | None:
    """The crawl, locked to update its counters."""
    return await uow.first(select(CrawlJob).where(CrawlJob.id == crawl_job_id).with_for_update())


def is_full(crawl: CrawlJob) -> bool:
    """Whether it has reached its maximum number of images."""
    return bool(crawl.downloaded_images >= crawl.max_images)


async def create_chunks(uow: UnitOfWork, crawl: CrawlJob, at_once: int) -> None:
    """Create a chunk for each task of a crawl, and enqueue the first ones."""
    tasks = crawl_tasks(crawl.sources, crawl.keywords)
    share = min(MAX_CHUNK_IMAGES, -(-crawl.max_images // len(tasks)))
    rows = [_chunk_values(crawl, number, task, share, at_once) for number, task in enumerate(tasks, 1)]
    await uow.execute(insert(CrawlChunk), rows)
    ids = [str(row["id"]) for row in rows]
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(task_ids=ids))
    await _update_counters(uow, crawl.id)
    await enqueue_pending(uow, at_once)


async def create_next_chunk(
    uow: UnitOfWork, job: GatherChunk, task: CrawlTask, checkpoint: Mapping[str, Any]
) -> UUID:
    """Create a chunk that continues where this one stopped, which leaves nothing unread."""
    crawl = await lock_crawl(uow, job.crawl_job_id)
    assert crawl is not None  # the chunk's row, which refers to it, is locked
    share = max(1, min(MAX_CHUNK_IMAGES, crawl.max_images - crawl.downloaded_images))
    row = _chunk_values(crawl, crawl.total_chunks + 1, task, share, job.at_once)
    await uow.execute(insert(CrawlChunk).values(row | {"checkpoint": dict(checkpoint)}))
    ids = [*crawl.task_ids, str(row["id"])]
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(task_ids=ids))
    handed_over = update(CrawlChunk).where(CrawlChunk.id == job.chunk_id)
    await uow.execute(handed_over.values(checkpoint={"listed": True}))
    id: UUID = row["id"]
    return id


def _chunk_values(crawl: CrawlJob, number: int, task: CrawlTask, share: int, at_once: int) -> dict[str, Any]:
    """The columns of a chunk that is not enqueued yet."""
    id = new_id()
    job = GatherChunk(id, crawl.id, at_once)
    return {
        "id": id,
        "crawl_job_id": crawl.id,
        "number": number,
        "share": share,
        "wanted": task.to_json(),
        "task": job.task,
        "arguments": job.arguments,
        "max_attempts": job.max_attempts,
    }


async def start_chunk(uow: UnitOfWork, job: GatherChunk) -> tuple[CrawlJob, CrawlChunk] | None:
    """The crawl and the started chunk, or None if the crawl has ended or is full."""
    crawl = await lock_crawl(uow, job.crawl_job_id)
    if crawl is None or crawl.status is not JobStatus.RUNNING:
        return None
    await _update_counters(uow, crawl.id)
    return None if is_full(crawl) else (crawl, await uow.one(select_chunk(job.chunk_id)))


def select_chunk(id: UUID) -> Select[CrawlChunk]:
    """Select one chunk."""
    return select(CrawlChunk).where(CrawlChunk.id == id)


async def finish_chunk(uow: UnitOfWork, job: GatherChunk) -> None:
    """After a chunk's end: update counters, enqueue further chunks or, after the last one, the crawl."""
    crawl = await lock_crawl(uow, job.crawl_job_id)
    if crawl is None:
        return
    if is_full(crawl):
        await _complete_pending(uow, crawl.id)
        await _end_postponed(uow, crawl.id)
    live = await _update_counters(uow, crawl.id)
    await enqueue_pending(uow, job.at_once)
    if crawl.status is JobStatus.RUNNING and not live and not await queue.is_queued(uow, crawl.id):
        await queue.resume(uow, CrawlJob, crawl.id)


async def postpone_chunk(uow: UnitOfWork, job: GatherChunk) -> None:
    """Before a chunk waits for a server: it is not active any more, and makes room for another one."""
    await lock_crawl(uow, job.crawl_job_id)
    await _update_counters(uow, job.crawl_job_id)
    others = {"active_chunks": func.greatest(CrawlJob.active_chunks - 1, 0)}
    await uow.execute(update(CrawlJob).where(CrawlJob.id == job.crawl_job_id).values(others))
    await enqueue_pending(uow, job.at_once + 1)


async def enqueue_pending(uow: UnitOfWork, at_once: int) -> None:
    """Enqueue the company's pending chunks up to a total of `at_once`, alternating between crawls."""
    await uow.execute(ADMISSION_LOCK, {"company_id": str(uow.company_id)})
    ours = (Lease.company_id == uow.company_id, Lease.task == GatherChunk.__name__)
    postponed = select(CrawlChunk.id).where(
        CrawlChunk.id == Lease.id, CrawlChunk.next_attempt_at > func.now()
    )
    busy = select(func.count()).select_from(Lease).where(*ours, ~postponed.exists())
    room = at_once - await uow.scalar(busy)
    if room <= 0:
        return
    pending = select(CrawlChunk.id, CrawlChunk.task, CrawlChunk.arguments).where(*_not_enqueued())
    first = pending.order_by(CrawlChunk.number, CrawlChunk.id).limit(room)
    for chunk in await uow.all(first.with_for_update(of=CrawlChunk, skip_locked=True)):
        await queue.enqueue(uow, queue.deserialize(chunk.task, chunk.arguments), chunk.id)


async def recover(uow: UnitOfWork, at_once: int) -> None:
    """Recover from lost wake-ups: enqueue pending chunks, and resume crawls whose chunks have all ended."""
    await enqueue_pending(uow, at_once)
    live = CrawlChunk.crawl_job_id == CrawlJob.id, CrawlChunk.status.not_in(TERMINAL)
    stalled = select(CrawlJob.id).where(
        CrawlJob.status == JobStatus.RUNNING,
        CrawlJob.task == GatherImages.__name__,
        ~select(CrawlChunk.id).where(*live).exists(),
        ~select(Lease.id).where(Lease.id == CrawlJob.id).exists(),
    )
    for crawl in await uow.all(stalled.with_for_update(of=CrawlJob, skip_locked=True)):
        await queue.resume(uow, CrawlJob, crawl.id)


async def rerun(uow: UnitOfWork, crawl: CrawlJob, at_once: int) -> None:
    """Let a crawl that has ended run again with its new chunks; it keeps what it has."""
    values = {
        "status": JobStatus.RUNNING,
        "progress": 0,
        "completed_at": None,
        "error_message": None,
        "version": CrawlJob.version + 1,
    }
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(values))
    await _update_counters(uow, crawl.id)
    await enqueue_pending(uow, at_once)


async def add_chunk(
    uow: UnitOfWork, crawl: CrawlJob, task: CrawlTask, checkpoint: Mapping[str, Any], at_once: int
) -> UUID:
    """Create a chunk of a locked crawl, to be enqueued with others."""
    number = await uow.scalar(
        select(func.coalesce(func.max(CrawlChunk.number), 0)).where(CrawlChunk.crawl_job_id == crawl.id)
    )
    row = _chunk_values(crawl, number + 1, task, MAX_CHUNK_IMAGES, at_once)
    await uow.execute(insert(CrawlChunk).values(row | {"checkpoint": dict(checkpoint)}))
    ids = CrawlJob.task_ids.op("||")(func.jsonb_build_array(str(row["id"])))
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(task_ids=ids))
    id: UUID = row["id"]
    return id


async def failure_reasons(uow: UnitOfWork, crawl_job_id: UUID, limit: int) -> Sequence[str]:
    """The distinct error messages of the crawl's failed chunks."""
    failed = select(CrawlChunk.error_message).where(
        CrawlChunk.crawl_job_id == crawl_job_id, CrawlChunk.status == JobStatus.FAILED
    )
    rows = await uow.all(failed.distinct().order_by(CrawlChunk.error_message).limit(limit))
    return [row.error_message for row in rows]


def _not_enqueued() -> tuple[Any, ...]:
    """Conditions for a chunk that was not enqueued yet."""
    leased = select(Lease.id).where(Lease.id == CrawlChunk.id).exists()
    return (CrawlChunk.status == JobStatus.PENDING, ~leased)


async def _update_counters(uow: UnitOfWork, crawl_job_id: UUID) -> int:
    """Update the chunk counters of a locked crawl. Returns the number of unfinished chunks."""
    by_status = select(CrawlChunk.status, func.count().label("chunks")).group_by(CrawlChunk.status)
    rows = await uow.all(by_status.where(CrawlChunk.crawl_job_id == crawl_job_id))
    counts = {row.status: row.chunks for row in rows}
    values = {
        "total_chunks": sum(counts.values()),
        "active_chunks": counts.get(JobStatus.RUNNING, 0),
        "completed_chunks": counts.get(JobStatus.COMPLETED, 0),
        "failed_chunks": counts.get(JobStatus.FAILED, 0),
        "version": CrawlJob.version + 1,
    }
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl_job_id).values(values))
    await publish(uow, f"job:{crawl_job_id}")
    return sum(count for status, count in counts.items() if status not in TERMINAL)


async def _complete_pending(uow: UnitOfWork, crawl_job_id: UUID) -> None:
    """Complete the chunks that are no longer needed, except those being cancelled."""
    idle = select(CrawlChunk.id).where(CrawlChunk.crawl_job_id == crawl_job_id, *_not_enqueued())
    free = idle.with_for_update(of=CrawlChunk, skip_locked=True)
    done = {"status": JobStatus.COMPLETED, "progress": 100, "completed_at": func.now()}
    await uow.execute(update(CrawlChunk).where(CrawlChunk.id.in_(free)).values(done))


async def _end_postponed(uow: UnitOfWork, crawl_job_id: UUID) -> None:
    """Cancel the chunks that wait for a server although the crawl is full."""
    postponed = select(CrawlChunk.id).where(
        CrawlChunk.crawl_job_id == crawl_job_id,
        CrawlChunk.status == JobStatus.PENDING,
        CrawlChunk.next_attempt_at > func.now(),
    )
    idle = postponed.order_by(CrawlChunk.id).with_for_update(skip_locked=True)
    for chunk in await uow.all(idle):
        await queue.cancel(uow, CrawlChunk, chunk.id)


async def _cancel_chunks(uow: UnitOfWork, crawl_job_id: UUID) -> None:
    """Cancel all chunks of a crawl that has ended; running ones stop within a second."""
    of_crawl = CrawlChunk.crawl_job_id == crawl_job_id
    cancelled = {"status": JobStatus.CANCELLED, "completed_at": func.now()}
    await uow.execute(update(CrawlChunk).where(of_crawl, *_not_enqueued()).values(cancelled))
    live = select(CrawlChunk.id).where(of_crawl, CrawlChunk.status.not_in(TERMINAL)).order_by(CrawlChunk.id)
    for chunk in await uow.all(live):
        await queue.cancel(uow, CrawlChunk, chunk.id)
    await _update_counters(uow, crawl_job_id)
