"""Aggregates of drawing sessions, batched by session."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, distinct, func, select

from db.arrays import any_id
from db.models import AnalysisResult, Comparison, Drawing, DrawingSession, DrawingType, SheetState
from db.uow import UnitOfWork


async def summaries(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, Row[Any]]:
    """Counts of comparisons and analyses per session, and the mean alignment score (None without any)."""
    statement = (
        select(
            DrawingSession.id,
            func.count(distinct(Comparison.id)).label("total_comparisons"),
            func.count(distinct(case((AnalysisResult.success, AnalysisResult.id)))).label(
                "successful_analyses"
            ),
            func.count(distinct(case((Comparison.changes_detected, Comparison.id)))).label(
                "changed_comparisons"
            ),
            func.count(distinct(case((Comparison.state == SheetState.FAILED, Comparison.id)))).label(
                "failed_comparisons"
            ),
            func.avg(Comparison.alignment_score).label("avg_alignment_score"),
        )
        .outerjoin(Comparison, Comparison.session_id == DrawingSession.id)
        .outerjoin(AnalysisResult, AnalysisResult.comparison_id == Comparison.id)
        .where(DrawingSession.id == any_id(ids))
        .group_by(DrawingSession.id)
    )
    return {row.id: row for row in await uow.all(statement)}


async def comparison_counts(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Number of comparisons with and without changes per session, those with changes first."""
    statement = (
        select(Comparison.session_id, Comparison.changes_detected, func.count().label("total"))
        .where(Comparison.session_id == any_id(ids))
        .group_by(Comparison.session_id, Comparison.changes_detected)
        .order_by(Comparison.changes_detected.desc())
    )
    by_key: dict[UUID, list[Row[Any]]] = {}
    for row in await uow.all(statement):
        by_key.setdefault(row.session_id, []).append(row)
    return by_key


async def unmatched_sheets(uow: UnitOfWork, keys: list[tuple[UUID, DrawingType]]) -> dict[Any, list[str]]:
    """Names of the sheets without a counterpart per session and revision, in page order."""
    statement = (
        select(Drawing.session_id, Drawing.drawing_type, Drawing.drawing_name)
        .where(Drawing.session_id == any_id([id for id, _ in keys]), Drawing.state == SheetState.UNMATCHED)
        .order_by(Drawing.page_number)
    )
    by_key: dict[Any, list[str]] = {}
    for row in await uow.all(statement):
        by_key.setdefault((row.session_id, row.drawing_type), []).append(row.drawing_name)
    return by_key
