"""Clearing away what deleted rows leave behind."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import insert, select

from db.models import DrawingSession, ProcessingJob, ProcessingJobType
from db.queue import Job, enqueue
from db.uow import UnitOfWork
from resolvers.access import Viewer


@dataclass(frozen=True)
class RemoveObjects(Job):
    """Delete every stored object whose key begins with one of the prefixes."""

    prefixes: tuple[str, ...]
    queue: ClassVar[str] = "upkeep"


def session_prefix(company_id: UUID, session_id: UUID) -> str:
    """Under which everything a session stores is kept."""
    return f"{company_id}/sessions/{session_id}/"


async def remove_sessions_files(
    uow: UnitOfWork, viewer: Viewer, *, project_id: UUID | None = None, session_id: UUID | None = None
) -> None:
    """Queue the removal of the stored pictures of a session, or of all sessions of a project."""
    one = DrawingSession.id == session_id if session_id else DrawingSession.project_id == project_id
    ids = [row.id for row in await uow.all(select(DrawingSession.id).where(one))]
    if not ids:
        return
    values = {
        "job_type": ProcessingJobType.UPKEEP,
        "subject": "stored files",
        "requested_by_id": viewer.user_id,
    }
    job = await uow.scalar(insert(ProcessingJob).values(values).returning(ProcessingJob.id))
    await enqueue(uow, RemoveObjects(tuple(session_prefix(uow.company_id, id) for id in ids)), job)
