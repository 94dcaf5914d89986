"""What the pipeline writes. Every function may run twice: it upserts on a natural key."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from db.arrays import all_text
from db.ids import new_id
from db.models import (
    AnalysisResult,
    Comparison,
    Drawing,
    DrawingSession,
    DrawingType,
    DrawingVersion,
    Project,
    SheetState,
    Upload,
)
from db.uow import UnitOfWork


async def session_uploads(uow: UnitOfWork, session_id: UUID) -> dict[DrawingType, Row[Any]]:
    """The session's two uploads; one that was deleted meanwhile is missing."""
    revisions = {DrawingType.OLD: DrawingSession.old_upload_id, DrawingType.NEW: DrawingSession.new_upload_id}
    found = {}
    for revision, key in revisions.items():
        joined = select(Upload).join(DrawingSession, key == Upload.id).where(DrawingSession.id == session_id)
        if row := await uow.first(joined):
            found[revision] = row
    return found


async def reset(uow: UnitOfWork, session_id: UUID) -> None:
    """Everything is to be done again; what the last run left stays readable until it is replaced."""
    waiting = {"state": SheetState.PENDING, "error_message": None}
    for model in (Drawing, Comparison):
        await uow.execute(update(model).where(model.session_id == session_id).values(waiting))


async def list_pages(uow: UnitOfWork, session_id: UUID) -> Sequence[Row[Any]]:
    """Every page of the session, the old file's first, in page order."""
    ordered = select(Drawing).where(Drawing.session_id == session_id)
    return await uow.all(ordered.order_by(Drawing.drawing_type.desc(), Drawing.page_number))


async def list_comparisons(uow: UnitOfWork, session_id: UUID) -> Sequence[Row[Any]]:
    """Every comparison of the session, by name."""
    ordered = select(Comparison).where(Comparison.session_id == session_id)
    return await uow.all(ordered.order_by(Comparison.drawing_name))


async def save_page(
    uow: UnitOfWork, session_id: UUID, revision: DrawingType, page_number: int, values: Mapping[str, Any]
) -> None:
    """A page's row. A sheet number that an earlier page of the file has gets the page number behind it."""
    name = values["drawing_name"]
    twin = select(Drawing.id).where(
        Drawing.session_id == session_id,
        Drawing.drawing_type == revision,
        Drawing.drawing_name == name,
        Drawing.page_number != page_number,
    )
    if await uow.scalar(twin):
        name = f"{name} ({page_number})"
    given = {"error_message": None, **values, "drawing_name": name, "processed_at": func.now()}
    row = insert(Drawing).values(
        id=new_id(), session_id=session_id, drawing_type=revision, page_number=page_number, **given
    )
    natural = ["company_id", "session_id", "drawing_type", "page_number"]
    await uow.execute(row.on_conflict_do_update(index_elements=natural, set_=given))


async def set_page_state(uow: UnitOfWork, id: UUID, state: SheetState, reason: str | None) -> None:
    """What became of a page, and why."""
    await uow.execute(update(Drawing).where(Drawing.id == id).values(state=state, error_message=reason))


async def reset_failed_pages(uow: UnitOfWork, session_id: UUID) -> None:
    """What failed is to be drawn again; what was drawn stays."""
    failed = Drawing.session_id == session_id, Drawing.state == SheetState.FAILED
    await uow.execute(update(Drawing).where(*failed).values(state=SheetState.PENDING, error_message=None))


async def delete_surplus_pages(uow: UnitOfWork, session_id: UUID, counts: Mapping[DrawingType, int]) -> None:
    """Forget pages of an earlier run over other files."""
    for revision, count in counts.items():
        beyond = Drawing.drawing_type == revision, Drawing.page_number > count
        await uow.execute(delete(Drawing).where(Drawing.session_id == session_id, *beyond))


async def sync_comparisons(uow: UnitOfWork, session_id: UUID, pairs: Mapping[str, Mapping[str, Any]]) -> None:
    """A PENDING comparison for each name that has none; those of other names are forgotten."""
    stale = Comparison.drawing_name != all_text(list(pairs))
    await uow.execute(delete(Comparison).where(Comparison.session_id == session_id, stale))
    natural = ["company_id", "session_id", "drawing_name"]
    for name, values in pairs.items():
        row = insert(Comparison).values(id=new_id(), session_id=session_id, drawing_name=name, **values)
        await uow.execute(row.on_conflict_do_update(index_elements=natural, set_=dict(values)))


async def update_comparison(uow: UnitOfWork, id: UUID, values: Mapping[str, Any]) -> None:
    """What comparing a pair gave."""
    await uow.execute(update(Comparison).where(Comparison.id == id).values(values))


async def save_analysis(
    uow: UnitOfWork, comparison: Row[Any], values: Mapping[str, Any], descriptions: Sequence[str]
) -> None:
    """An analysis, and the words for each change of its comparison."""
    given = {"comparison_id": comparison.id, **values, "created_at": func.now()}
    row = insert(AnalysisResult).values(
        id=new_id(), session_id=comparison.session_id, drawing_name=comparison.drawing_name, **given
    )
    natural = ["company_id", "session_id", "drawing_name"]
    await uow.execute(row.on_conflict_do_update(index_elements=natural, set_=given))
    if descriptions:
        told = [
            {**change, "description": words}
            for change, words in zip(comparison.changes, descriptions, strict=True)
        ]
        await uow.execute(update(Comparison).where(Comparison.id == comparison.id).values(changes=told))


async def create_versions(uow: UnitOfWork, session_id: UUID) -> None:
    """A version for each readable sheet that has none, if the session has a project; the old file's first."""
    project_id = await uow.scalar(select(DrawingSession.project_id).where(DrawingSession.id == session_id))
    if project_id is None:
        return
    # one numbering at a time
    await uow.execute(select(Project.id).where(Project.id == project_id).with_for_update())
    known = aliased(DrawingVersion)
    unversioned = (
        select(Drawing.id, Drawing.drawing_name)
        .outerjoin(known, known.drawing_id == Drawing.id)
        .where(Drawing.session_id == session_id, known.id.is_(None))
        .where(or_(Drawing.state == SheetState.COMPLETED, Drawing.state == SheetState.UNMATCHED))
        .order_by(Drawing.drawing_type.desc(), Drawing.page_number)
    )
    highest = (
        select(DrawingVersion.drawing_name, func.max(DrawingVersion.version_number).label("number"))
        .where(DrawingVersion.project_id == project_id)
        .group_by(DrawingVersion.drawing_name)
    )
    numbers = {row.drawing_name: row.number for row in await uow.all(highest)}
    rows = []
    for drawing in await uow.all(unversioned):
        numbers[drawing.drawing_name] = numbers.get(drawing.drawing_name, 0) + 1
        version = {"id": new_id(), "project_id": project_id, "drawing_id": drawing.id}
        name = drawing.drawing_name
        rows.append({**version, "drawing_name": name, "version_number": numbers[name]})
    if rows:
        await uow.execute(insert(DrawingVersion).values(rows))
