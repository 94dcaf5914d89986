"""Results of the drawing pipeline. All writes are idempotent: they upsert on a natural key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from db.arrays import all_text, any_id
from db.ids import new_id
from db.models import (
    AnalysisResult,
    Comparison,
    Drawing,
    DrawingSession,
    DrawingType,
    PairReason,
    SessionStatus,
    SheetState,
    Upload,
)
from db.uow import UnitOfWork
from resolvers import activity_log
from resolvers.drawings import change_reviews


@dataclass(frozen=True)
class PendingComparison:
    """A pair of sheets to compare, and the session whose options apply."""

    session: DrawingSession
    pair: Comparison
    old: Drawing
    new: Drawing

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What the result depends on and people can change meanwhile."""
        session, pair = self.session, self.pair
        return pair.state, pair.points, session.status, session.sensitivity, session.min_change_size


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


async def find_session(uow: UnitOfWork, session_id: UUID) -> DrawingSession:
    """The session, for its options."""
    return await uow.one(select(DrawingSession).where(DrawingSession.id == session_id))


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
    """Upsert a comparison per name, and delete those with other names, except for manual pairs.

    Points of another pair are dropped.
    """
    stale = Comparison.drawing_name != all_text(list(pairs)), Comparison.pair_reason != PairReason.MANUAL
    await uow.execute(delete(Comparison).where(Comparison.session_id == session_id, *stale))
    natural_key = ["company_id", "session_id", "drawing_name"]
    for name, values in pairs.items():
        row = insert(Comparison).values(id=new_id(), session_id=session_id, drawing_name=name, **values)
        same = Comparison.old_drawing_id == values["old_drawing_id"]
        points = case((same, Comparison.points), else_=null())
        updated = {**values, "points": points}
        await uow.execute(row.on_conflict_do_update(index_elements=natural_key, set_=updated))


async def comparison_of(uow: UnitOfWork, old_id: UUID, new_id: UUID) -> Comparison | None:
    """The comparison of two sheets."""
    pair = Comparison.old_drawing_id == old_id, Comparison.new_drawing_id == new_id
    return await uow.first(select(Comparison).where(*pair))


async def comparison_with(uow: UnitOfWork, drawing_id: UUID) -> Comparison | None:
    """A comparison of the sheet with any other."""
    either = or_(Comparison.old_drawing_id == drawing_id, Comparison.new_drawing_id == drawing_id)
    return await uow.first(select(Comparison).where(either).order_by(Comparison.id).limit(1))


async def pin(uow: UnitOfWork, id: UUID, partner_id: UUID | None, reason: str | None = None) -> None:
    """Store that a person has paired a sheet, or with None separated it."""
    state = SheetState.UNMATCHED if partner_id is None else SheetState.COMPLETED
    values = {
        "is_pinned": True,
        "partner_id": partner_id,
        "pair_reason": PairReason.MANUAL,
        "state": state,
        "error_message": reason,
    }
    await uow.execute(update(Drawing).where(Drawing.id == id).values(values))


async def fail_comparison(uow: UnitOfWork, id: UUID, reason: str) -> None:
    """Mark a pending comparison as failed. Its earlier results stay."""
    pending = Comparison.id == id, Comparison.state == SheetState.PENDING
    failed = {"state": SheetState.FAILED, "error_message": reason}
    await uow.execute(update(Comparison).where(*pending).values(failed))


async def has_pending(uow: UnitOfWork, session_id: UUID) -> bool:
    """Whether a comparison of the session waits to be compared."""
    pending = Comparison.session_id == session_id, Comparison.state == SheetState.PENDING
    return await uow.scalar(select(Comparison.id).where(*pending).limit(1)) is not None


async def find_pending(uow: UnitOfWork, id: UUID) -> PendingComparison | None:
    """The pending comparison of a session that is complete; None if there is none."""
    pending = Comparison.id == id, Comparison.state == SheetState.PENDING
    pair = await uow.first(select(Comparison).where(*pending))
    if pair is None:
        return None
    session = await find_session(uow, pair.session_id)
    if session.status is not SessionStatus.COMPLETED:
        return None
    sheets = select(Drawing).where(Drawing.id == any_id([pair.old_drawing_id, pair.new_drawing_id]))
    by_type = {sheet.drawing_type: sheet for sheet in await uow.all(sheets)}
    return PendingComparison(session, pair, by_type[DrawingType.OLD], by_type[DrawingType.NEW])


async def is_current(uow: UnitOfWork, work: PendingComparison) -> bool:
    """Whether nothing that the comparison depends on has changed; the comparison is locked."""
    pair = await uow.first(select(Comparison).where(Comparison.id == work.pair.id).with_for_update())
    if pair is None:
        return False
    session = await find_session(uow, pair.session_id)
    return replace(work, session=session, pair=pair).inputs == work.inputs


async def update_comparison(uow: UnitOfWork, id: UUID, values: Mapping[str, Any]) -> None:
    """Store the result of a comparison. Decisions on the earlier changes pass to those at the same places."""
    comparison = await uow.first(select(Comparison).where(Comparison.id == id).with_for_update())
    if comparison is None:
        return
    changes, vanished = change_reviews.hand_on(comparison, values["changes"], values["alignment"])
    stored = {**values, "changes": changes, "vanished_reviews": vanished}
    await uow.execute(update(Comparison).where(Comparison.id == id).values(stored))
    known = {change["id"] for change in comparison.vanished_reviews}
    if lost := sum(change["id"] not in known for change in vanished):
        action, metadata = "CHANGE_REVIEWS_VANISH", {"drawing": comparison.drawing_name, "decisions": lost}
        await activity_log.record(uow, None, action, "Comparison", id, **metadata)


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
        latest = select(Comparison.changes).where(Comparison.id == comparison.id).with_for_update()
        changes = [
            {**change, "description": description}
            for change, description in zip(await uow.scalar(latest), descriptions, strict=True)
        ]
        await uow.execute(update(Comparison).where(Comparison.id == comparison.id).values(changes=changes))
