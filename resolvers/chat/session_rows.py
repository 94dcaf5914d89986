"""Rows of a drawing session that questions are answered from: sheets, pairs and their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from db.models import AnalysisResult, Comparison, Drawing, DrawingSession, DrawingType, SheetState
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

MAX_PAGES = 2_000
"""Pages per session that are read; of a session with more, no question is answered from rows."""


@dataclass(frozen=True)
class Page:
    """A page of one of the two sets; `number` counts from 1."""

    name: str
    number: int | None


@dataclass(frozen=True)
class ChangeRow:
    """A changed region, as stored with its comparison."""

    kind: str
    description: str
    location: str = ""
    words_removed: tuple[str, ...] = ()
    words_added: tuple[str, ...] = ()
    area: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> ChangeRow:
        """Build it from its stored JSON."""
        kind, location = str(stored["kind"]), str(stored.get("location") or "")
        return cls(
            kind,
            str(stored.get("description") or kind.capitalize()).strip(),
            location,
            tuple(stored.get("words_removed") or ()),
            tuple(stored.get("words_added") or ()),
            int(stored.get("area") or 0),
        )


@dataclass(frozen=True)
class SheetRow:
    """A sheet of the session: a pair of pages, or a page that has no counterpart or cannot be read."""

    old: Page | None
    new: Page | None
    state: SheetState
    low_confidence: bool = False
    score: float | None = None
    change_ratio: float | None = None
    changes: tuple[ChangeRow, ...] = ()
    words_removed: tuple[str, ...] = ()
    words_added: tuple[str, ...] = ()
    critical: str | None = None
    error: str | None = None

    @property
    def page(self) -> Page:
        """The page that the sheet is named after: the new one, if there is one."""
        page = self.new or self.old
        assert page is not None
        return page

    @property
    def name(self) -> str:
        return self.page.name

    @property
    def is_pair(self) -> bool:
        return self.old is not None and self.new is not None

    @property
    def is_compared(self) -> bool:
        """Whether its changes are known."""
        return self.is_pair and self.state is SheetState.COMPLETED and not self.low_confidence

    @property
    def has_changed(self) -> bool:
        return bool(self.changes or self.words_removed or self.words_added)


@dataclass(frozen=True)
class SessionRows:
    """All sheets of a session that the viewer can read, in the order of the new set, then of the old one."""

    sheets: tuple[SheetRow, ...]


async def session_rows(uow: UnitOfWork, viewer: Viewer, session_id: UUID) -> SessionRows | None:
    """The rows of a session; None if the viewer can read none, or if there are too many."""
    visible_session = access.visible(viewer, DrawingSession, DrawingSession.id)
    if await uow.scalar(visible_session.where(DrawingSession.id == session_id)) is None:
        return None
    drawings = await uow.all(
        access.visible(viewer, Drawing)
        .where(Drawing.session_id == session_id)
        .order_by(Drawing.drawing_type, Drawing.page_number)
        .limit(MAX_PAGES + 1)
    )
    if not drawings or len(drawings) > MAX_PAGES:
        return None
    comparisons = await uow.all(
        access.visible(viewer, Comparison).where(Comparison.session_id == session_id).limit(MAX_PAGES)
    )
    criticals = await uow.all(
        select(AnalysisResult.comparison_id, AnalysisResult.critical_change).where(
            AnalysisResult.session_id == session_id,
            AnalysisResult.success,
            *access.visibility(viewer, AnalysisResult, AnalysisResult),
        )
    )
    return SessionRows(
        tuple(
            sheet_rows(drawings, comparisons, {row.comparison_id: row.critical_change for row in criticals})
        )
    )


def sheet_rows(
    drawings: Sequence[Drawing], comparisons: Sequence[Comparison], criticals: Mapping[UUID, str | None]
) -> list[SheetRow]:
    """The sheets: pairs in the order of the new set, and pages without a pair among and after them."""
    pages = {drawing.id: Page(drawing.drawing_name or "", drawing.page_number) for drawing in drawings}
    rows: list[tuple[tuple[int, int], SheetRow]] = []
    paired: set[UUID] = set()
    for pair in comparisons:
        if pair.old_drawing_id not in pages or pair.new_drawing_id not in pages:
            continue
        paired |= {pair.old_drawing_id, pair.new_drawing_id}
        new = pages[pair.new_drawing_id]
        row = SheetRow(
            pages[pair.old_drawing_id],
            new,
            pair.state,
            pair.low_confidence,
            pair.alignment_score,
            pair.change_ratio,
            tuple(ChangeRow.of(change) for change in pair.changes),
            tuple(pair.words_removed),
            tuple(pair.words_added),
            criticals.get(pair.id),
            pair.error_message,
        )
        rows.append(((0, new.number or 0), row))
    for drawing in drawings:
        if drawing.id in paired:
            continue
        page, is_old = pages[drawing.id], drawing.drawing_type is DrawingType.OLD
        row = SheetRow(
            page if is_old else None,
            None if is_old else page,
            drawing.state,
            error=drawing.error_message if drawing.state is SheetState.FAILED else None,
        )
        rows.append(((int(is_old), page.number or 0), row))
    return [row for _, row in sorted(rows, key=lambda entry: entry[0])]
