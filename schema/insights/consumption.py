"""Past consumption, as clients see it: what a file seems to hold, its import, and what it says."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import ReadingPeriod
from db.paging import Order
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.payloads import field
from schema.lazy_types import DocumentRef, ProcessingJobRef

enumeration(ReadingPeriod)


@enumeration
class ImportIssueKind(Enum):
    """Kind of a problem found by an import."""

    UNREADABLE_INSTANT = "UNREADABLE_INSTANT"
    """The timestamp could not be parsed. The reading was skipped."""
    UNREADABLE_NUMBER = "UNREADABLE_NUMBER"
    """The value could not be parsed. The reading was skipped."""
    NEGATIVE = "NEGATIVE"
    """The value is negative. The reading was skipped."""
    ABSURD = "ABSURD"
    """The value is implausibly large. The reading was skipped."""
    DUPLICATE = "DUPLICATE"
    """The timestamp occurs more than once. The last reading is used."""
    GAP = "GAP"
    """Readings are missing between two readings."""


@output
class ImportIssue:
    """Something in the file that was not as it should be."""

    kind: ImportIssueKind
    """What it was."""

    count: int
    """How many readings."""

    example: str
    """The first of them, as the file has it."""


@output
class SeasonIndex:
    """A month of the year beside a mean month."""

    month: int
    """1 is January."""

    index: float
    """A mean day of that month beside a mean day of all months; 1 is as much."""


@output
class MonthlyConsumption:
    """A month's consumption."""

    starts_on: date
    """The first of the month."""

    kwh: float
    """Measured consumption in kilowatt hours."""

    coverage: float
    """The share of the month for which there are readings."""


@output
class ConsumptionAnomaly:
    """A day or month out of line with its neighbours in time."""

    starts_on: date
    """Its first day."""

    period: ReadingPeriod
    """Whether it is a day or a month."""

    kwh: float
    """Measured consumption in kilowatt hours."""

    expected_kwh: float
    """The median of its neighbours."""

    score: float
    """How many robust standard deviations it is off; outliers are from 3.5 on."""


@output
class ConsumptionSummary:
    """What past consumption says."""

    first_on: date
    """The first day."""

    last_on: date
    """The last day."""

    step_minutes: float
    """The usual time between two readings."""

    readings: int
    """How many were used."""

    coverage: float
    """The share of the time for which there are readings."""

    total_kwh: float
    """Everything that was measured, in kilowatt hours."""

    annual_kwh: float
    """A year's consumption: the last twelve months, scaled up by what of them is covered."""

    renewable_percentage: float | None
    """The renewable share, where it was measured."""

    trend_percent_per_year: float | None
    """By how much consumption grows a year; null for less than two years."""

    weekend_ratio: float | None
    """A day of the weekend beside a weekday; null where days are not known."""

    anomaly_count: int
    """How many days, or months where days are not known, are out of line."""

    seasonality: list[SeasonIndex]
    """The months of the year beside a mean month; 12 at most."""

    months: list[MonthlyConsumption]
    """Every month, the oldest first; as many as the data spans."""

    profile: list[float]
    """The mean of each hour of the day in kilowatt hours; empty where readings are further apart."""

    anomalies: list[ConsumptionAnomaly]
    """The most striking anomalies first; 50 at most."""

    issues: list[ImportIssue]
    """What was left out of the file, and what it lacks; one of each kind at most."""

    insights: list[str]
    """What a reader should know; 5 at most."""


def summary_of(stored: dict[str, Any]) -> ConsumptionSummary:
    """Build it from its stored JSON."""
    lists = ("seasonality", "months", "anomalies", "issues", "first_on", "last_on")
    plain = {name: value for name, value in stored.items() if name not in lists}
    return ConsumptionSummary(
        **plain,
        first_on=date.fromisoformat(stored["first_on"]),
        last_on=date.fromisoformat(stored["last_on"]),
        seasonality=[SeasonIndex(**each) for each in stored["seasonality"]],
        months=[
            MonthlyConsumption(**{**each, "starts_on": date.fromisoformat(each["starts_on"])})
            for each in stored["months"]
        ],
        anomalies=[
            ConsumptionAnomaly(
                starts_on=date.fromisoformat(each["starts_on"]),
                period=ReadingPeriod[each["period"]],
                kwh=each["kwh"],
                expected_kwh=each["expected_kwh"],
                score=each["score"],
            )
            for each in stored["anomalies"]
        ],
        issues=[
            ImportIssue(kind=ImportIssueKind(each["kind"]), count=each["count"], example=each["example"])
            for each in stored["issues"]
        ],
    )


@enumeration
class ConsumptionReadingOrder(Enum):
    """How to order readings."""

    STARTS_ON_ASC = Order("starts_on")
    STARTS_ON_DESC = Order("starts_on", descending=True)


@input
class ConsumptionReadingFilter:
    """Which readings to list."""

    period: ReadingPeriod | None = None
    """Only days, or only months."""

    def where(self, reading: Any) -> list[ColumnElement[bool]]:
        return [reading.period == self.period] if self.period else []


@node(models.ConsumptionReading)
class ConsumptionReading(relay.Node):
    """What was consumed in a day or a month."""

    id: relay.NodeID[UUID]

    period: ReadingPeriod
    """Whether it is a day or a month."""

    starts_on: date
    """Its first day, in the time zone of the import."""

    kwh: float
    """Measured consumption in kilowatt hours."""

    renewable_kwh: float | None
    """How much of it was renewable, where that was measured."""

    coverage: float
    """The share of the period for which there are readings."""


@node(models.HistoricalDataImport)
class HistoricalDataImport(relay.Node):
    """A file of past consumption that was imported, or is."""

    id: relay.NodeID[UUID]

    job: ProcessingJobRef | None = relation(models.HistoricalDataImport.job)
    """The job that reads it."""

    filename: str
    """The file's name."""

    document: DocumentRef | None = relation(models.HistoricalDataImport.document)
    """The summary as a document that can be asked about; null before the end, and for older imports."""

    readings: Connection[ConsumptionReading] = connection(
        models.HistoricalDataImport.readings,
        orders=ConsumptionReadingOrder,
        filter=ConsumptionReadingFilter,
    )
    """Its days and months; only the latest import keeps them."""

    created_at: datetime
    """Creation time."""

    completed_at: datetime | None
    """Completion time."""

    @field(needs=("summary",))
    def summary(self) -> ConsumptionSummary | None:
        """What it says; null before the end."""
        row: Any = self
        return None if row.summary is None else summary_of(row.summary)
