"""Drawing sessions: create, start, and the stages from two uploads to a completed comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, extract, func, select
from sqlalchemy.dialects.postgresql import insert

from core.errors import Conflict
from db.arrays import any_id
from db.events import publish
from db.ids import new_id
from db.models import (
    ComparisonSensitivity,
    DrawingSession,
    DrawingVersion,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    SessionStatus,
    SessionType,
)
from db.queue import Job, enqueue
from db.uow import UnitOfWork
from resolvers import access, activity_log, files, projects, validators
from resolvers.access import Viewer
from resolvers.drawings import comparison_results, issues, versions
from resolvers.object_removal import remove_sessions_files
from resolvers.rows import update_row


@dataclass(frozen=True)
class SessionStage(Job):
    """A stage of a session. Its failure or cancellation ends the session; a retry resumes it."""

    session_id: UUID
    queue: ClassVar[str] = "drawings"

    def topics(self) -> Sequence[str]:
        return (topic(self.session_id),)

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        await fail(uow, self.session_id, reason)

    async def restarted(self, uow: UnitOfWork) -> None:
        await resume(uow, self.session_id)


class ExtractSheets(SessionStage):
    """Render every page of both files, and extract its words and sheet number."""

    async def restarted(self, uow: UnitOfWork) -> None:
        await super().restarted(uow)
        await comparison_results.reset_failed_pages(uow, self.session_id)


class CompareSheets(SessionStage):
    """Align each old sheet with its new one and detect changes."""


class AnalyseSheets(SessionStage):
    """Describe the changes of each sheet."""


STAGES: dict[ProcessingJobType, type[SessionStage]] = {
    ProcessingJobType.PDF_EXTRACTION: ExtractSheets,
    ProcessingJobType.COMPARISON: CompareSheets,
    ProcessingJobType.AI_ANALYSIS: AnalyseSheets,
}
"""The stages of a session, in order."""

PENDING_STAGE: dict[str, Any] = {
    "status": JobStatus.PENDING,
    "task": None,
    "arguments": None,
    "progress": 0,
    "attempts": 0,
    "started_at": None,
    "completed_at": None,
    "error_message": None,
    "waiting_for": None,
    "next_attempt_at": None,
}
"""Columns of a stage that has not been queued."""


MAX_CHANGE_SIZE_MM = 100


def topic(session_id: UUID) -> str:
    """Topic on which a session's changes are published."""
    return f"session:{session_id}"


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    project_id: UUID | None,
    old_upload_id: UUID | None,
    new_upload_id: UUID,
    name: str | None,
    sensitivity: ComparisonSensitivity | None = None,
    min_change_size: float | None = None,
) -> DrawingSession:
    """Create a session from stored uploads of the viewer. Without an old one, it takes in the new one."""
    access.require(viewer, "drawings:create")
    _validate_min_change_size(min_change_size)
    if project_id is not None:
        await projects.find_open(uow, viewer, project_id, "input", "projectId")
    old = old_upload_id and await files.find_stored(uow, viewer, old_upload_id, "input", "oldUploadId")
    new = await files.find_stored(uow, viewer, new_upload_id, "input", "newUploadId")
    default = f"{old.filename} → {new.filename}"[:255] if old else new.filename
    label = validators.optional(name, "input", "name") or default
    values = {
        "user_id": viewer.user_id,
        "project_id": project_id,
        "old_upload_id": old_upload_id,
        "new_upload_id": new_upload_id,
        "name": label,
        "session_type": SessionType.COMPARISON if old else SessionType.UPLOAD,
        "sensitivity": sensitivity or ComparisonSensitivity.NORMAL,
        "min_change_size": min_change_size,
    }
    session = await uow.one(insert(DrawingSession).values(values).returning(DrawingSession))
    await activity_log.record(uow, viewer.user_id, "DRAWING_SESSION_CREATE", "DrawingSession", session.id)
    return session


async def start(uow: UnitOfWork, viewer: Viewer, id: UUID) -> DrawingSession:
    """Start or restart a session. Does nothing if it is in progress."""
    access.require(viewer, "jobs:run")
    session = await access.find(uow, viewer, DrawingSession, id)
    if session.status is not SessionStatus.PROCESSING and session.project_id is not None:
        await projects.find_open(uow, viewer, session.project_id, "id")  # lock order: project, then session
    session = await access.find(uow, viewer, DrawingSession, id, lock=True)
    if session.status is SessionStatus.PROCESSING:
        return session
    is_comparison = session.session_type is not SessionType.UPLOAD
    if session.new_upload_id is None or (is_comparison and session.old_upload_id is None):
        raise Conflict("The files of this session were deleted.", "id")
    if session.status is SessionStatus.COMPLETED and await comparison_results.has_pending(uow, id):
        raise Conflict("A sheet of this session is being compared again. Wait until it has ended.", "id")
    started = await _start_stages(uow, session, viewer.user_id)
    await activity_log.record(uow, viewer.user_id, "DRAWING_SESSION_START", "DrawingSession", id)
    return started


async def _start_stages(
    uow: UnitOfWork, session: DrawingSession, requested_by_id: UUID | None
) -> DrawingSession:
    await comparison_results.reset(uow, session.id)
    for kind, stage in STAGES.items():
        if stage is ExtractSheets:
            await enqueue(uow, stage(session.id), await _reset_stage(uow, requested_by_id, session.id, kind))
        elif session.session_type is not SessionType.UPLOAD:
            await _reset_stage(uow, requested_by_id, session.id, kind)
    return await set_status(uow, session.id, SessionStatus.PROCESSING)


async def enqueue_stage(uow: UnitOfWork, session_id: UUID, kind: ProcessingJobType) -> None:
    """Queue a stage after the previous one has ended. If it was cancelled, the session fails."""
    of_stage = ProcessingJob.session_id == session_id, ProcessingJob.job_type == kind
    job = await uow.one(select(ProcessingJob).where(*of_stage).with_for_update())
    if job.status is JobStatus.PENDING:
        await enqueue(uow, STAGES[kind](session_id), job.id)
    elif job.status is JobStatus.CANCELLED:
        await fail(uow, session_id, "The job was cancelled.")


async def complete(uow: UnitOfWork, session_id: UUID) -> None:
    """Mark the session as completed, with its total time, and store the versions of its sheets.

    A new issue of a set is compared with the last one by another session, if the project says so.
    """
    await versions.create(uow, session_id)
    began = (
        select(func.min(ProcessingJob.started_at))
        .where(ProcessingJob.session_id == session_id)
        .scalar_subquery()
    )
    took = extract("epoch", func.clock_timestamp() - began)
    session = await set_status(uow, session_id, SessionStatus.COMPLETED, total_time=took)
    await issues.record_summary(uow, session_id)
    for following in await issues.create_comparisons(uow, session):
        await _start_stages(uow, following, following.user_id)


async def fail(uow: UnitOfWork, session_id: UUID, reason: str) -> None:
    """End the session in error after a failed or cancelled stage, and cancel its pending stages."""
    waiting = sa.update(ProcessingJob).where(
        ProcessingJob.session_id == session_id, ProcessingJob.status == JobStatus.PENDING
    )
    ended = {"status": JobStatus.CANCELLED, "completed_at": func.now(), "version": ProcessingJob.version + 1}
    await _publish_jobs(uow, await uow.all(waiting.values(ended).returning(ProcessingJob.id)))
    await set_status(uow, session_id, SessionStatus.ERROR, error_message=reason)


async def resume(uow: UnitOfWork, session_id: UUID) -> None:
    """Resume the session with a retried stage, and reset the stages that were cancelled with it."""
    cancelled = sa.update(ProcessingJob).where(
        ProcessingJob.session_id == session_id, ProcessingJob.status == JobStatus.CANCELLED
    )
    waiting = cancelled.values({**PENDING_STAGE, "version": ProcessingJob.version + 1}).returning(
        ProcessingJob.id
    )
    await _publish_jobs(uow, await uow.all(waiting))
    await set_status(uow, session_id, SessionStatus.PROCESSING)


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> DrawingSession:
    """Update a session's name, description or metadata."""
    access.require(viewer, "drawings:update")
    session = await access.find(uow, viewer, DrawingSession, id, lock=True)
    _validate_min_change_size(fields.get("min_change_size"))
    values = validators.values(DrawingSession, fields, "input")
    if values.get("session_metadata") is not None:
        validators.json_object(values["session_metadata"], "input", "sessionMetadata")
    return await update_row(
        uow, viewer, DrawingSession, session, values, "DRAWING_SESSION_UPDATE", topic=topic(id)
    )


def _validate_min_change_size(value: float | None) -> None:
    if value is not None:
        validators.within(value, 0, MAX_CHANGE_SIZE_MM, "input", "minChangeSize")


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete a session with its sheets and comparisons; a job deletes the files. Versions of sheets stay."""
    access.require(viewer, "drawings:delete")
    session = await access.find(uow, viewer, DrawingSession, id, lock=True)
    await remove_sessions_files(uow, viewer, session_id=id)
    await uow.execute(sa.delete(DrawingSession).where(DrawingSession.id == id))
    if session.project_id is not None:
        await versions.adopt(uow, session.project_id)
    await activity_log.record(uow, viewer.user_id, "DRAWING_SESSION_DELETE", "DrawingSession", id)
    return id


async def update_version(
    uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]
) -> DrawingVersion:
    """Update the label and comments of a drawing version."""
    access.require(viewer, "drawings:update")
    version = await access.find(uow, viewer, DrawingVersion, id, lock=True)
    values = validators.values(DrawingVersion, fields, "input")
    return await update_row(uow, viewer, DrawingVersion, version, values, "DRAWING_VERSION_UPDATE")


async def set_status(
    uow: UnitOfWork,
    session_id: UUID,
    status: SessionStatus,
    *,
    error_message: str | None = None,
    **values: Any,
) -> DrawingSession:
    """Set the session's status and publish it."""
    statement = sa.update(DrawingSession).where(DrawingSession.id == session_id)
    statement = statement.values(status=status, error_message=error_message, **values)
    session = await uow.one(statement.returning(DrawingSession))
    await publish(uow, topic(session_id))
    return session


async def _reset_stage(
    uow: UnitOfWork, requested_by_id: UUID | None, session_id: UUID, kind: ProcessingJobType
) -> UUID:
    fresh = {**PENDING_STAGE, "checkpoint": None, "requested_by_id": requested_by_id}
    row = insert(ProcessingJob).values(id=new_id(), session_id=session_id, job_type=kind, **fresh)
    again = row.on_conflict_do_update(
        index_elements=["company_id", "session_id", "job_type"],
        index_where=ProcessingJob.session_id.is_not(None),
        set_={**fresh, "version": ProcessingJob.version + 1, "updated_at": func.now()},
    )
    job = await uow.one(again.returning(ProcessingJob.id))
    await _publish_jobs(uow, [job])
    return UUID(str(job.id))


async def _publish_jobs(uow: UnitOfWork, jobs: Sequence[Row[Any]]) -> None:
    await publish(uow, *(f"job:{job.id}" for job in jobs))


async def progress(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, int]:
    """Progress per session in percent: the mean of its stages."""
    mean = func.round(func.avg(ProcessingJob.progress)).label("percent")
    statement = (
        select(ProcessingJob.session_id, mean)
        .where(ProcessingJob.session_id == any_id(ids))
        .group_by(ProcessingJob.session_id)
    )
    return {row.session_id: int(row.percent) for row in await uow.all(statement)}
