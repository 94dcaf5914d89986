"""Removal of stored objects whose rows are deleted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from core.errors import Conflict
from core.ports import ObjectStore
from db.arrays import any_id
from db.models import (
    TERMINAL,
    Comparison,
    CrawlChunk,
    CrawlJob,
    Dataset,
    DatasetVersion,
    DrawingSession,
    ExportJob,
    Image,
    Lease,
    ProcessingJobType,
    SessionStatus,
    SheetState,
    ValidationJob,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.jobs import start_processing

DELETE_BATCH_SIZE = 500

JOBS_RUNNING = "Its jobs are still running. Cancel them first."


@dataclass(frozen=True)
class RemoveObjects(Job):
    """Delete every stored object whose key starts with one of the prefixes."""

    prefixes: tuple[str, ...]
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = timedelta(days=7)


@dataclass(frozen=True)
class RemoveUnusedPictures(Job):
    """Delete stored image files that no image row of the company refers to: of these keys, or of all."""

    keys: tuple[str, ...]
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = timedelta(days=7)


async def delete_objects(store: ObjectStore, prefix: str) -> None:
    """Delete the object with this key, or all objects under a prefix that ends in `/`. Idempotent."""
    if not prefix.endswith("/"):
        await store.delete([prefix])
        return
    batch: list[str] = []
    async for stored in store.list(prefix):
        batch.append(stored.key)
        if len(batch) == DELETE_BATCH_SIZE:
            await store.delete(batch)
            batch.clear()
    await store.delete(batch)


def images_prefix(company_id: UUID) -> str:
    """Prefix of a company's image files, content-addressed and shared by its crawls."""
    return f"{company_id}/images/"


def thumbnails_prefix(company_id: UUID) -> str:
    """Prefix of a company's thumbnails."""
    return f"{company_id}/thumbnails/"


def session_prefix(company_id: UUID, session_id: UUID) -> str:
    """Prefix of all objects of a session."""
    return f"{company_id}/sessions/{session_id}/"


def crawl_prefix(company_id: UUID, crawl_job_id: UUID) -> str:
    """Prefix of all objects of a crawl and its exports."""
    return f"{company_id}/crawls/{crawl_job_id}/"


def dataset_prefix(company_id: UUID, version_id: UUID) -> str:
    """Prefix of the exports of a data set version."""
    return f"{company_id}/datasets/{version_id}/"


async def remove_objects(uow: UnitOfWork, viewer: Viewer, *prefixes: str) -> None:
    """Enqueue the removal of every stored object whose key starts with one of the prefixes."""
    await enqueue_removal(uow, requester_id(uow, viewer), *prefixes)


async def enqueue_removal(uow: UnitOfWork, requested_by_id: UUID | None, *prefixes: str) -> None:
    """Enqueue the removal of objects, requested by this member of the unit's company."""
    if prefixes:
        await _enqueue(uow, requested_by_id, RemoveObjects(prefixes))


async def enqueue_unused_image_removal(uow: UnitOfWork, requested_by_id: UUID | None, *keys: str) -> None:
    """Enqueue the removal of image files that no image row refers to: of these keys, or of all."""
    await _enqueue(uow, requested_by_id, RemoveUnusedPictures(keys))


async def _enqueue(uow: UnitOfWork, requested_by_id: UUID | None, removal: Job) -> None:
    await start_processing(uow, removal, ProcessingJobType.UPKEEP, "stored files", requested_by_id)


async def remove_sessions_files(
    uow: UnitOfWork, viewer: Viewer, *, project_id: UUID | None = None, session_id: UUID | None = None
) -> None:
    """Enqueue the removal of the objects of a session, or of all sessions of a project.

    Raises `Conflict` while one of them is processing, because objects stored later would never be removed.
    """
    one = DrawingSession.id == session_id if session_id else DrawingSession.project_id == project_id
    found = select(DrawingSession.id, DrawingSession.status).where(one).order_by(DrawingSession.id)
    sessions = await uow.all(found.with_for_update())
    if any(session.status is SessionStatus.PROCESSING for session in sessions):
        raise Conflict(JOBS_RUNNING, "id")
    complete = [session.id for session in sessions if session.status is SessionStatus.COMPLETED]
    pending = Comparison.session_id == any_id(complete), Comparison.state == SheetState.PENDING
    if await uow.scalar(select(Comparison.id).where(*pending).limit(1)):
        raise Conflict(JOBS_RUNNING, "id")
    if sessions:
        await remove_objects(uow, viewer, *(session_prefix(uow.company_id, row.id) for row in sessions))


async def remove_crawls_files(
    uow: UnitOfWork, viewer: Viewer, *, project_id: UUID | None = None, crawl_job_id: UUID | None = None
) -> None:
    """Enqueue the removal of the objects of a crawl, or of all crawls of a project, with their exports.

    Raises `Conflict` while a job of one of them is running.
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
        raise Conflict(JOBS_RUNNING, "id")
    await remove_objects(uow, viewer, *(crawl_prefix(uow.company_id, id) for id in crawls))
    pictures = select(Image.id).where(Image.crawl_job_id == any_id(crawls), Image.thumbnail_key.is_not(None))
    if await uow.scalar(pictures.limit(1)):
        await enqueue_unused_image_removal(uow, requester_id(uow, viewer))


async def remove_datasets_files(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    project_id: UUID | None = None,
    dataset_id: UUID | None = None,
    version_id: UUID | None = None,
) -> None:
    """Enqueue the removal of the exports of data set versions, and of image files that only they have kept.

    Raises `Conflict` while one of the exports is running.
    """
    of_project = DatasetVersion.dataset_id.in_(select(Dataset.id).where(Dataset.project_id == project_id))
    of_dataset = DatasetVersion.dataset_id == dataset_id if dataset_id else of_project
    one = DatasetVersion.id == version_id if version_id else of_dataset
    versions = [row.id for row in await uow.all(select(DatasetVersion.id).where(one).with_for_update())]
    if not versions:
        return
    exports = await uow.all(select(ExportJob.id).where(ExportJob.dataset_version_id == any_id(versions)))
    running = select(Lease.id).where(Lease.id == any_id([row.id for row in exports]))
    if await uow.scalar(running.limit(1)):
        raise Conflict(JOBS_RUNNING, "id")
    await remove_objects(uow, viewer, *(dataset_prefix(uow.company_id, id) for id in versions))
    await enqueue_unused_image_removal(uow, requester_id(uow, viewer))
