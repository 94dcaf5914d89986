"""Findings of a drawing session as context for answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.models import AnalysisResult, Comparison, Drawing, DrawingType, SheetState
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

MAX_SHEETS = 500
"""Sheets per session that are read."""
UNMATCHED_SHEETS = "Sheets without a counterpart"


@dataclass(frozen=True)
class SheetFindings:
    """The statements of one sheet's analysis, verbatim; `page` counts from 1."""

    name: str
    page: int | None
    statements: tuple[str, ...]


async def session_findings(uow: UnitOfWork, viewer: Viewer, session_id: UUID) -> list[SheetFindings]:
    """Findings of the session's visible sheets by name, and which sheets have no counterpart."""
    columns = (
        AnalysisResult.drawing_name,
        AnalysisResult.analysis_summary,
        AnalysisResult.critical_change,
        AnalysisResult.changes_found,
        AnalysisResult.recommendations,
        Drawing.page_number,
    )
    statement = (
        access.visible(viewer, AnalysisResult, *columns)
        .join(Comparison, Comparison.id == AnalysisResult.comparison_id)
        .join(Drawing, Drawing.id == Comparison.new_drawing_id)
        .where(AnalysisResult.session_id == session_id, AnalysisResult.success)
        .order_by(AnalysisResult.drawing_name)
        .limit(MAX_SHEETS)
    )
    compared = [
        SheetFindings(row.drawing_name, row.page_number, analysis_statements(row))
        for row in await uow.all(statement)
    ]
    unmatched = select(Drawing.drawing_type, Drawing.drawing_name).where(
        Drawing.session_id == session_id,
        Drawing.state == SheetState.UNMATCHED,
        Drawing.drawing_name.is_not(None),
        *access.visibility(viewer, Drawing, Drawing),
    )
    rows = await uow.all(unmatched.order_by(Drawing.drawing_type, Drawing.page_number).limit(MAX_SHEETS))
    return (
        [*compared, SheetFindings(UNMATCHED_SHEETS, None, unmatched_statements(rows))] if rows else compared
    )


def analysis_statements(row: AnalysisResult) -> tuple[str, ...]:
    """The distinct statements of an analysis: summary, changes and recommendations."""
    texts = (row.analysis_summary, row.critical_change, *row.changes_found, *row.recommendations)
    return tuple(dict.fromkeys(text.strip() for text in texts if text and text.strip()))


def unmatched_statements(rows: Sequence[Row[Any]]) -> tuple[str, ...]:
    """Statements that list the sheets of only the old or only the new set."""
    names = {kind: [row.drawing_name for row in rows if row.drawing_type is kind] for kind in DrawingType}
    return tuple(
        f"Only in the {kind.value} set: {', '.join(named)}." for kind, named in names.items() if named
    )
