"""Issues of a drawing set: a new one is compared with the last one, if the project says so."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from db.models import (
    Comparison,
    Drawing,
    DrawingSession,
    DrawingType,
    Project,
    ProjectStatus,
    SessionStatus,
    SheetState,
    Upload,
)
from db.uow import UnitOfWork
from resolvers import activity_log

MAX_EARLIER_ISSUES = 50
"""How many sessions are looked through for the last issue of the same set."""

MIN_COMMON_SHEETS = 0.5
"""Share of the smaller set's sheet numbers that two issues of one set have in common."""


async def create_comparisons(uow: UnitOfWork, session: DrawingSession) -> list[DrawingSession]:
    """New sessions that compare what a complete session has taken in, if its project compares by itself.

    An issue that was created later, but is complete already, is compared with this one.
    """
    later = (
        select(DrawingSession)
        .where(
            DrawingSession.project_id == session.project_id,
            DrawingSession.status == SessionStatus.COMPLETED,
            DrawingSession.created_at > session.created_at,
        )
        .order_by(DrawingSession.created_at, DrawingSession.id)
        .limit(1)
    )
    made = [await _compare_with_last(uow, issue) for issue in (session, *await uow.all(later))]
    return [each for each in made if each is not None]


async def _compare_with_last(uow: UnitOfWork, session: DrawingSession) -> DrawingSession | None:
    """A new session over the last issue and this one; None if there is no last one, or they are compared."""
    if session.project_id is None or session.new_upload_id is None:
        return None
    project = await uow.one(select(Project).where(Project.id == session.project_id))
    if not project.auto_compare or project.status is not ProjectStatus.ACTIVE:
        return None
    last = await _last_issue(uow, session)
    if last is None or await _is_compared(uow, session, last):
        return None
    values = {
        "user_id": session.user_id,
        "project_id": session.project_id,
        "old_upload_id": last.new_upload_id,
        "new_upload_id": session.new_upload_id,
        "name": f"{last.filename} → {await _filename(uow, session.new_upload_id)}"[:255],
        "sensitivity": session.sensitivity,
        "min_change_size": session.min_change_size,
        "is_automatic": True,
    }
    made = await uow.one(insert(DrawingSession).values(values).returning(DrawingSession))
    metadata = {"lastIssue": str(last.id), "newIssue": str(session.id)}
    await activity_log.record(
        uow, session.user_id, "DRAWING_SET_AUTO_COMPARE", "DrawingSession", made.id, **metadata
    )
    return made


async def record_summary(uow: UnitOfWork, session_id: UUID) -> None:
    """Tell in the activity log what an automatic comparison has found."""
    session = await uow.one(select(DrawingSession).where(DrawingSession.id == session_id))
    if not session.is_automatic:
        return
    pairs = await uow.all(select(Comparison).where(Comparison.session_id == session_id))
    alone = await uow.all(
        select(Drawing.drawing_type, func.count().label("total"))
        .where(Drawing.session_id == session_id, Drawing.state == SheetState.UNMATCHED)
        .group_by(Drawing.drawing_type)
    )
    unmatched = {row.drawing_type: row.total for row in alone}
    summary = {
        "name": session.name,
        "comparisons": len(pairs),
        "changed": sum(pair.changes_detected for pair in pairs),
        "changes": sum(len(pair.changes) for pair in pairs),
        "failed": sum(pair.state is SheetState.FAILED for pair in pairs),
        "lowConfidence": sum(pair.low_confidence for pair in pairs),
        "onlyInOld": unmatched.get(DrawingType.OLD, 0),
        "onlyInNew": unmatched.get(DrawingType.NEW, 0),
    }
    await activity_log.record(
        uow, session.user_id, "DRAWING_SET_SUMMARY", "DrawingSession", session_id, **summary
    )


async def _last_issue(uow: UnitOfWork, session: DrawingSession) -> Any:
    """The latest session before this one whose new file is another issue of the same set."""
    own = select(Upload.sha256).where(Upload.id == session.new_upload_id).scalar_subquery()
    earlier = (
        select(DrawingSession.id, DrawingSession.new_upload_id, Upload.filename, Upload.sha256)
        .join(Upload, Upload.id == DrawingSession.new_upload_id)
        .where(
            DrawingSession.project_id == session.project_id,
            DrawingSession.status == SessionStatus.COMPLETED,
            DrawingSession.created_at <= session.created_at,
            DrawingSession.id != session.id,
            Upload.sha256 != own,
        )
        .order_by(DrawingSession.created_at.desc(), DrawingSession.id.desc())
        .limit(MAX_EARLIER_ISSUES)
    )
    names = await _sheet_names(uow, session.id)
    for issue in await uow.all(earlier):
        others = await _sheet_names(uow, issue.id)
        least = MIN_COMMON_SHEETS * min(len(names), len(others))
        if names and others and len(names & others) >= least:
            return issue
    return None


async def _sheet_names(uow: UnitOfWork, session_id: UUID) -> set[str | None]:
    new = Drawing.session_id == session_id, Drawing.drawing_type == DrawingType.NEW
    readable = Drawing.state != SheetState.FAILED
    return {row.drawing_name for row in await uow.all(select(Drawing.drawing_name).where(*new, readable))}


async def _is_compared(uow: UnitOfWork, session: DrawingSession, last: Any) -> bool:
    """Whether a session of the project compares the file of the last issue with that of this one."""
    old, new = aliased(Upload), aliased(Upload)
    own = select(Upload.sha256).where(Upload.id == session.new_upload_id).scalar_subquery()
    same = (
        select(DrawingSession.id)
        .join(old, old.id == DrawingSession.old_upload_id)
        .join(new, new.id == DrawingSession.new_upload_id)
        .where(DrawingSession.project_id == session.project_id)
        .where(old.sha256 == last.sha256, new.sha256 == own)
    )
    return await uow.scalar(same.limit(1)) is not None


async def _filename(uow: UnitOfWork, upload_id: UUID) -> str:
    return str(await uow.scalar(select(Upload.filename).where(Upload.id == upload_id)))
