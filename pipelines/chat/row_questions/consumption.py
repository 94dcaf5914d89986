"""Past consumption of a period: from one import, never from days and months together."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, case, func

from db.models import ConsumptionReading, HistoricalDataImport, ReadingPeriod
from db.uow import UnitOfWork
from pipelines.chat.row_questions.languages import format_day, format_days, format_number
from pipelines.chat.row_questions.lexicon import Measure
from pipelines.chat.row_questions.patterns import RowQuestion
from pipelines.chat.row_questions.periods import Period
from pipelines.chat.row_questions.wording import sentence
from resolvers import access
from resolvers.access import Viewer

FULL_COVERAGE = 0.995
"""Share of the days from which readings count as complete."""


async def answer_consumption(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """The sum or the daily average of the latest import with readings of the period; None without imports."""
    rows = await uow.all(_readings(viewer, question.period))
    if not rows:
        return None
    within = [row for row in rows if row.periods]
    if not within:
        return sentence(
            question, "no_readings", period=_scope(question, question.period), **_extent(question, rows)
        )
    latest = within[0].import_id
    own = {row.period: row for row in within if row.import_id == latest}
    row = _chosen(own, question.period)
    if row is None:
        return sentence(question, "whole_months", period=_scope(question, question.period))
    return _sentence(question, row, len({each.import_id for each in within}) - 1)


def _readings(viewer: Viewer, period: Period | None) -> Any:
    """Each import's readings by kind of period: all, and those within the period; the latest import first.

    The month that a period begins in the middle of is not within it.
    """
    reading = ConsumptionReading
    is_within = (
        reading.starts_on.between(period.first, period.last) if period else reading.starts_on.is_not(None)
    )
    first, last = func.min(reading.starts_on), func.max(reading.starts_on)
    month_end = func.date_trunc("month", reading.starts_on) + func.make_interval(0, 1) - timedelta(days=1)
    days = case((reading.period == ReadingPeriod.DAY, 1.0), else_=func.date_part("day", month_end))
    columns = (
        reading.import_id,
        reading.period,
        HistoricalDataImport.filename,
        HistoricalDataImport.created_at,
        first.label("earliest"),
        last.label("latest"),
        func.count().filter(is_within).label("periods"),
        first.filter(is_within).label("first"),
        last.filter(is_within).label("last"),
        func.sum(reading.kwh).filter(is_within).label("kwh"),
        func.sum(reading.coverage * days).filter(is_within).label("covered"),
    )
    return (
        access.visible(viewer, reading, *columns)
        .join(HistoricalDataImport, HistoricalDataImport.id == reading.import_id)
        .where(*access.visibility(viewer, HistoricalDataImport, HistoricalDataImport))
        .group_by(
            reading.import_id,
            reading.period,
            HistoricalDataImport.filename,
            HistoricalDataImport.created_at,
        )
        .order_by(HistoricalDataImport.created_at.desc(), reading.import_id)
    )


def _chosen(own: dict[ReadingPeriod, Row[Any]], period: Period | None) -> Row[Any] | None:
    """Days if there are any; else months if the period is whole months."""
    if ReadingPeriod.DAY in own:
        return own[ReadingPeriod.DAY]
    return own.get(ReadingPeriod.MONTH) if period is None or period.is_whole_months else None


def _sentence(question: RowQuestion, row: Row[Any], other_imports: int) -> str:
    language = question.language
    is_average = question.measure is Measure.AVERAGE
    covered = float(row.covered)
    extent = Period(row.first, _last_day(row))
    period = question.period or extent
    if is_average and not covered:
        return sentence(question, "no_whole_day", period=period.describe(language))
    value = row.kwh / covered if is_average else row.kwh
    text = sentence(
        question,
        "average" if is_average else "sum",
        period=_scope(question, period).strip(),
        value=format_number(value, 2, language),
    )
    text += sentence(question, "import", name=row.filename)
    if covered / period.days < FULL_COVERAGE:
        text += sentence(
            question,
            "part",
            covered=format_number(covered, 1, language),
            days=format_number(period.days, 0, language),
            first=format_day(extent.first, language),
            last=format_day(extent.last, language),
        )
    if other_imports:
        text += sentence(question, "other" if other_imports == 1 else "others", count=other_imports)
    return f"{text}."


def _last_day(row: Row[Any]) -> date:
    last: date = row.last
    if row.period is ReadingPeriod.DAY:
        return last
    return (last.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _scope(question: RowQuestion, period: Period | None) -> str:
    """The days without their zone, as readings are by the days of the meter's."""
    return f" {format_days(period.first, period.last, question.language)}" if period else ""


def _extent(question: RowQuestion, rows: Sequence[Row[Any]]) -> dict[str, str]:
    first, last = min(row.earliest for row in rows), max(row.latest for row in rows)
    return {"first": format_day(first, question.language), "last": format_day(last, question.language)}
