"""Clearing away what deleted rows leave behind."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import insert, select

from core.errors import Conflict
from db.models import DrawingSession, ProcessingJob, ProcessingJobType, SessionStatus
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
    """Queue the removal of the stored pictures of a session, or of all sessions of a project.

    Raises `Conflict` while one of them is worked on: what is stored after the removal would stay for ever.
    """
    one = DrawingSession.id == session_id if session_id else DrawingSession.project_id == project_id
    found = select(DrawingSession.id, DrawingSession.status).where(one).order_by(DrawingSession.id)
    sessions = await uow.all(found.with_for_update())
    if any(session.status is SessionStatus.PROCESSING for session in sessions):
        raise Conflict("Cancel its running jobs first.", "id")
    if not sessions:
        return
    values = {
        "job_type": ProcessingJobType.UPKEEP,
        "subject": "stored files",
        "requested_by_id": viewer.user_id,
    }
    job = await uow.scalar(insert(ProcessingJob).values(values).returning(ProcessingJob.id))
    await enqueue(uow, RemoveObjects(tuple(session_prefix(uow.company_id, row.id) for row in sessions)), job)
