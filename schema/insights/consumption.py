"""Consumption readings, their imports and statistics."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import ReadingPeriod
from db.pagination import Order
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
    STRANGE_YEAR = "STRANGE_YEAR"
    """The timestamp is before 1990 or after next year. The reading was skipped."""
    REGISTER_RAN_OVER = "REGISTER_RAN_OVER"
    """The register passed its last number and began again at zero. The difference was counted across it."""
    REGISTER_FELL = "REGISTER_FELL"
    """The register is lower than before, as after an exchange of the meter. The difference was skipped."""


@output
class ImportIssue:
    """A problem found in an imported file."""

    kind: ImportIssueKind
    """Kind of the problem."""

    count: int
    """Number of affected readings."""

    example: str
    """The first affected reading, as in the file."""


@output
class SeasonIndex:
    """Seasonal index of a month."""

    month: int
    """Month of the year, from 1 (January)."""

    index: float
    """Ratio of the mean daily consumption of the month to that of all months."""


@output
class MonthlyConsumption:
    """Consumption of a month."""

    starts_on: date
    """First day of the month."""

    kwh: float
    """Measured consumption in kilowatt hours."""

    coverage: float
    """Share of the month that is covered by readings, from 0 to 1."""


@output
class ConsumptionAnomaly:
    """A day or month whose consumption deviates from its neighbors."""

    starts_on: date
    """First day of the period."""

    period: ReadingPeriod
    """Whether the period is a day or a month."""

    kwh: float
    """Measured consumption in kilowatt hours."""

    expected_kwh: float
    """Median of the neighboring periods, in kilowatt hours."""

    score: float
    """Deviation in robust standard deviations. Anomalies have at least 3.5."""


@output
class ConsumptionSummary:
    """Statistics of imported consumption."""

    first_on: date
    """First day."""

    last_on: date
    """Last day."""

    step_minutes: float
    """Typical interval between two readings, in minutes."""

    readings: int
    """Number of readings used."""

    coverage: float
    """Share of the time that is covered by readings, from 0 to 1."""

    total_kwh: float
    """Total measured consumption in kilowatt hours."""

    annual_kwh: float
    """Annual consumption in kilowatt hours: the last twelve months, scaled by their coverage."""

    renewable_percentage: float | None
    """Renewable share in percent, if measured."""

    trend_percent_per_year: float | None
    """Growth of consumption in percent per year. Null for less than two years."""

    weekend_ratio: float | None
    """Ratio of the consumption of a weekend day to that of a weekday. Null without daily data."""

    anomaly_count: int
    """Number of anomalous days, or months without daily data."""

    seasonality: list[SeasonIndex]
    """Seasonal index of each month. Maximum 12."""

    months: list[MonthlyConsumption]
    """Consumption of each month, oldest first. Not paginated."""

    profile: list[float]
    """Mean consumption of each hour of the day in kilowatt hours. Empty for longer intervals."""

    anomalies: list[ConsumptionAnomaly]
    """Most significant anomalies. Maximum 50."""

    issues: list[ImportIssue]
    """Problems found in the file. At most one per kind."""

    insights: list[str]
    """Key findings. Maximum 5."""


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
    """Sort orders of readings."""

    STARTS_ON_ASC = Order("starts_on")
    STARTS_ON_DESC = Order("starts_on", descending=True)


@input
class ConsumptionReadingFilter:
    """Conditions for listing readings."""

    period: ReadingPeriod | None = None
    """Matches readings of this period."""

    def where(self, reading: Any) -> list[ColumnElement[bool]]:
        return [reading.period == self.period] if self.period else []


@node(models.ConsumptionReading)
class ConsumptionReading(relay.Node):
    """Consumption of a day or a month."""

    id: relay.NodeID[UUID]

    period: ReadingPeriod
    """Whether the period is a day or a month."""

    starts_on: date
    """First day of the period, in the time zone of the import."""

    kwh: float
    """Measured consumption in kilowatt hours."""

    renewable_kwh: float | None
    """Renewable part in kilowatt hours, if measured."""

    coverage: float
    """Share of the period that is covered by readings, from 0 to 1."""


@node(models.HistoricalDataImport)
class HistoricalDataImport(relay.Node):
    """An import of historical consumption from a file."""

    id: relay.NodeID[UUID]

    job: ProcessingJobRef | None = relation(models.HistoricalDataImport.job)
    """Job that runs the import."""

    filename: str
    """Filename."""

    document: DocumentRef | None = relation(models.HistoricalDataImport.document)
    """The summary as a document of the knowledge base. Null until complete, and for older imports."""

    readings: Connection[ConsumptionReading] = connection(
        models.HistoricalDataImport.readings,
        orders=ConsumptionReadingOrder,
        filter=ConsumptionReadingFilter,
    )
    """Daily and monthly readings. Only the latest import has them."""

    created_at: datetime
    """Creation time."""

    completed_at: datetime | None
    """Completion time."""

    @field(needs=("summary",))
    def summary(self) -> ConsumptionSummary | None:
        """Statistics of the readings. Null until complete."""
        row: Any = self
        return None if row.summary is None else summary_of(row.summary)
