"""Clearing away what deleted rows leave behind."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import insert, select

from core.errors import Conflict
from db.arrays import any_id
from db.models import (
    TERMINAL,
    CrawlChunk,
    CrawlJob,
    DrawingSession,
    ExportJob,
    Image,
    Lease,
    ProcessingJob,
    ProcessingJobType,
    SessionStatus,
    ValidationJob,
)
from db.queue import Job, enqueue
from db.uow import UnitOfWork
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.jobs import start_processing


@dataclass(frozen=True)
class RemoveObjects(Job):
    """Delete every stored object whose key begins with one of the prefixes."""

    prefixes: tuple[str, ...]
    queue: ClassVar[str] = "upkeep"


@dataclass(frozen=True)
class RemoveUnusedPictures(Job):
    """Delete stored pictures that no image of the company has: of these keys, or of all if none are given."""

    keys: tuple[str, ...]
    queue: ClassVar[str] = "upkeep"


def images_prefix(company_id: UUID) -> str:
    """Under which a company's pictures are kept, each by its content, for all crawls that found it."""
    return f"{company_id}/images/"


def thumbnails_prefix(company_id: UUID) -> str:
    """Under which their thumbnails are kept."""
    return f"{company_id}/thumbnails/"


def session_prefix(company_id: UUID, session_id: UUID) -> str:
    """Under which everything a session stores is kept."""
    return f"{company_id}/sessions/{session_id}/"


def crawl_prefix(company_id: UUID, crawl_job_id: UUID) -> str:
    """Under which everything a crawl and its exports store is kept."""
    return f"{company_id}/crawls/{crawl_job_id}/"


async def remove_objects(uow: UnitOfWork, viewer: Viewer, *prefixes: str) -> None:
    """Queue the removal of every stored object whose key begins with one of these."""
    await enqueue_removal(uow, requester_id(uow, viewer), *prefixes)


async def enqueue_removal(uow: UnitOfWork, requested_by_id: UUID | None, *prefixes: str) -> None:
    """As `remove_objects`; the job says that this member of the unit's company asked for it."""
    if prefixes:
        await _enqueue(uow, requested_by_id, RemoveObjects(prefixes))


async def enqueue_unused_image_removal(uow: UnitOfWork, requested_by_id: UUID | None, *keys: str) -> None:
    """Queue the removal of stored pictures that no image has: of these, or of all if none are given."""
    await _enqueue(uow, requested_by_id, RemoveUnusedPictures(keys))


async def _enqueue(uow: UnitOfWork, requested_by_id: UUID | None, removal: Job) -> None:
    await start_processing(uow, removal, ProcessingJobType.UPKEEP, "stored files", requested_by_id)


async def remove_sessions_files(
    uow: UnitOfWork, viewer: Viewer, *, project_id: UUID | None = None, session_id: UUID | None = None
) -> None:
    """Queue the removal of the stored pictures of a session, or of all sessions of a project.

    Raises `Conflict` while one of them is worked on: what is stored after the removal would stay for ever.
    """
    one = DrawingSession.id == session_id if session_id else DrawingSession.project_id == project_id
    found = select(DrawingSession.id, DrawingSession.status).where(one).order_by(DrawingSession.id)
    sessions = await uow.all(found.with_for_update())
    if any(session.status is SessionStatus.PROCESSING for session in sessions):
        raise Conflict("Cancel its running jobs first.", "id")
    if sessions:
        await remove_objects(uow, viewer, *(session_prefix(uow.company_id, row.id) for row in sessions))


async def remove_crawls_files(
    uow: UnitOfWork, viewer: Viewer, *, project_id: UUID | None = None, crawl_job_id: UUID | None = None
) -> None:
    """Queue the removal of what a crawl stores, or all crawls of a project; the exports with it.

    Raises `Conflict` while one of them, or a check or an export of its images, is worked on.
    """
    one = CrawlJob.id == crawl_job_id if crawl_job_id else CrawlJob.project_id == project_id
    ordered = select(CrawlJob.id).where(one).order_by(CrawlJob.id)
    crawls = [row.id for row in await uow.all(ordered.with_for_update())]
    if not crawls:
        return
    checks = select(ValidationJob.id).where(ValidationJob.crawl_job_id == any_id(crawls))
    exports = select(ExportJob.id).where(ExportJob.crawl_job_id == any_id(crawls))
    chunks = select(CrawlChunk.id).where(
        CrawlChunk.crawl_job_id == any_id(crawls), CrawlChunk.status.not_in(TERMINAL)
    )
    below = [row.id for row in await uow.all(checks.union_all(exports, chunks))]
    if await uow.scalar(select(Lease.id).where(Lease.id == any_id(crawls + below)).limit(1)):
        raise Conflict("Cancel its running jobs first.", "id")
    await remove_objects(uow, viewer, *(crawl_prefix(uow.company_id, id) for id in crawls))
    pictures = select(Image.id).where(Image.crawl_job_id == any_id(crawls), Image.thumbnail_key.is_not(None))
    if await uow.scalar(pictures.limit(1)):
        await enqueue_unused_image_removal(uow, requester_id(uow, viewer))
