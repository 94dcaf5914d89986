"""Results of the drawing pipeline. All writes are idempotent: they upsert on a natural key."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
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
    PairReason,
    Project,
    SheetState,
    Upload,
)
from db.uow import UnitOfWork


async def session_uploads(uow: UnitOfWork, session_id: UUID) -> dict[DrawingType, Upload]:
    """The session's uploads by revision, without deleted ones."""
    revisions = {DrawingType.OLD: DrawingSession.old_upload_id, DrawingType.NEW: DrawingSession.new_upload_id}
    uploads = {}
    for revision, key in revisions.items():
        joined = select(Upload).join(DrawingSession, key == Upload.id).where(DrawingSession.id == session_id)
        if row := await uow.first(joined):
            uploads[revision] = row
    return uploads


async def reset(uow: UnitOfWork, session_id: UUID) -> None:
    """Reset all sheets to pending. Earlier results stay readable until they are replaced."""
    pending = {"state": SheetState.PENDING, "error_message": None}
    for model in (Drawing, Comparison):
        await uow.execute(update(model).where(model.session_id == session_id).values(pending))


async def list_pages(uow: UnitOfWork, session_id: UUID) -> Sequence[Drawing]:
    """All pages of the session in page order, the old file first."""
    ordered = select(Drawing).where(Drawing.session_id == session_id)
    return await uow.all(ordered.order_by(Drawing.drawing_type.desc(), Drawing.page_number))


async def list_comparisons(uow: UnitOfWork, session_id: UUID) -> Sequence[Comparison]:
    """All comparisons of the session, by sheet name."""
    ordered = select(Comparison).where(Comparison.session_id == session_id)
    return await uow.all(ordered.order_by(Comparison.drawing_name))


async def announce_pages(
    uow: UnitOfWork, session_id: UUID, pages: Sequence[tuple[DrawingType, int, str]]
) -> None:
    """Insert pages (revision, number, file name) as pending, in their order; existing ones are kept."""
    rows = [
        {
            "id": new_id(),
            "session_id": session_id,
            "drawing_type": revision,
            "page_number": number,
            "filename": image_name(revision, number),
            "original_filename": original,
            "drawing_name": fallback_name(number),
            "state": SheetState.PENDING,
        }
        for revision, number, original in pages
    ]
    if rows:
        await uow.execute(insert(Drawing).values(rows).on_conflict_do_nothing())


def image_name(revision: DrawingType, number: int) -> str:
    """File name of a page's image."""
    return f"{revision.value}_{number:04d}.png"


def fallback_name(number: int) -> str:
    """Name of a page without a sheet number."""
    return f"Page_{number:03d}"


async def save_page(
    uow: UnitOfWork, session_id: UUID, revision: DrawingType, page_number: int, values: Mapping[str, Any]
) -> None:
    """Upsert a page. Of pages with the same name, all but the first have the page number appended."""
    name = values["drawing_name"]
    others = [
        Drawing.session_id == session_id,
        Drawing.drawing_type == revision,
        Drawing.drawing_name == name,
        Drawing.page_number != page_number,
    ]
    same_name = await uow.scalar(select(Drawing.page_number).where(*others))
    if same_name is not None and same_name < page_number:
        name = f"{name} ({page_number})"
    elif same_name is not None:  # pages are saved in any order
        await uow.execute(update(Drawing).where(*others).values(drawing_name=f"{name} ({same_name})"))
    columns = {"error_message": None, **values, "drawing_name": name, "processed_at": func.now()}
    row = insert(Drawing).values(
        id=new_id(), session_id=session_id, drawing_type=revision, page_number=page_number, **columns
    )
    natural_key = ["company_id", "session_id", "drawing_type", "page_number"]
    await uow.execute(row.on_conflict_do_update(index_elements=natural_key, set_=columns))


async def set_page_state(
    uow: UnitOfWork, id: UUID, state: SheetState, reason: str | None, *, pair_reason: PairReason
) -> None:
    """Set a page's state and the reasons for it."""
    values = {"state": state, "error_message": reason, "pair_reason": pair_reason}
    await uow.execute(update(Drawing).where(Drawing.id == id).values(values))


async def reset_failed_pages(uow: UnitOfWork, session_id: UUID) -> None:
    """Reset failed pages to pending; other pages are kept."""
    failed = Drawing.session_id == session_id, Drawing.state == SheetState.FAILED
    await uow.execute(update(Drawing).where(*failed).values(state=SheetState.PENDING, error_message=None))


async def delete_surplus_pages(uow: UnitOfWork, session_id: UUID, counts: Mapping[DrawingType, int]) -> None:
    """Delete pages beyond the files' page counts, left by a run over other files."""
    for revision, count in counts.items():
        beyond = Drawing.drawing_type == revision, Drawing.page_number > count
        await uow.execute(delete(Drawing).where(Drawing.session_id == session_id, *beyond))


async def sync_comparisons(uow: UnitOfWork, session_id: UUID, pairs: Mapping[str, Mapping[str, Any]]) -> None:
    """Upsert a pending comparison per name, and delete those with other names, except for manual pairs."""
    stale = Comparison.drawing_name != all_text(list(pairs)), Comparison.pair_reason != PairReason.MANUAL
    await uow.execute(delete(Comparison).where(Comparison.session_id == session_id, *stale))
    natural_key = ["company_id", "session_id", "drawing_name"]
    for name, values in pairs.items():
        row = insert(Comparison).values(id=new_id(), session_id=session_id, drawing_name=name, **values)
        await uow.execute(row.on_conflict_do_update(index_elements=natural_key, set_=dict(values)))


async def update_comparison(uow: UnitOfWork, id: UUID, values: Mapping[str, Any]) -> None:
    """Store the result of a comparison."""
    await uow.execute(update(Comparison).where(Comparison.id == id).values(values))


async def save_analysis(
    uow: UnitOfWork, comparison: Comparison, values: Mapping[str, Any], descriptions: Sequence[str]
) -> None:
    """Store an analysis, and a description for each change of its comparison."""
    columns = {"comparison_id": comparison.id, **values, "created_at": func.now()}
    row = insert(AnalysisResult).values(
        id=new_id(), session_id=comparison.session_id, drawing_name=comparison.drawing_name, **columns
    )
    natural_key = ["company_id", "session_id", "drawing_name"]
    await uow.execute(row.on_conflict_do_update(index_elements=natural_key, set_=columns))
    if descriptions:
        changes = [
            {**change, "description": description}
            for change, description in zip(comparison.changes, descriptions, strict=True)
        ]
        await uow.execute(update(Comparison).where(Comparison.id == comparison.id).values(changes=changes))


async def create_versions(uow: UnitOfWork, session_id: UUID) -> None:
    """Create missing versions of the session's readable sheets, the old file first, if it has a project."""
    project_id = await uow.scalar(select(DrawingSession.project_id).where(DrawingSession.id == session_id))
    if project_id is None:
        return
    # serializes version numbers per project
    await uow.execute(select(Project.id).where(Project.id == project_id).with_for_update())
    existing = aliased(DrawingVersion)
    unversioned = (
        select(Drawing.id, Drawing.drawing_name, Drawing.drawing_metadata)
        .outerjoin(existing, existing.drawing_id == Drawing.id)
        .where(Drawing.session_id == session_id, existing.id.is_(None))
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
        label = ((drawing.drawing_metadata or {}).get("titleBlock") or {}).get("label")
        rows.append(
            {**version, "drawing_name": name, "version_number": numbers[name], "version_label": label}
        )
    if rows:
        await uow.execute(insert(DrawingVersion).values(rows))
