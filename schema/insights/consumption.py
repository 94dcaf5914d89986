"""Past consumption, as clients see it: what a file seems to hold, its import, and what it says."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay

from core.errors import NotFound
from db import models
from db.models import ReadingPeriod
from db.paging import Order
from resolvers import idempotency
from resolvers.insights import imports
from resolvers.insights.head import Head
from resolvers.insights.layout import EnergyUnit, Given, Layout
from schema.context import Info
from schema.declare import enumeration, input, node, output
from schema.fields import Connection, connection, lookup, relation
from schema.ids import key_of
from schema.operations import Payload, check_text, field, mutation
from schema.projection import columns
from schema.refs import DocumentRef, ProcessingJobRef

enumeration(EnergyUnit)
enumeration(ReadingPeriod)
ROWS_SHOWN = 10


@enumeration
class ImportIssueKind(Enum):
    """What was wrong with readings that were left out; `GAP` are readings that were never there."""

    UNREADABLE_INSTANT = "UNREADABLE_INSTANT"
    UNREADABLE_NUMBER = "UNREADABLE_NUMBER"
    NEGATIVE = "NEGATIVE"
    ABSURD = "ABSURD"
    DUPLICATE = "DUPLICATE"
    GAP = "GAP"


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
    """In kilowatt hours, as measured."""

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
    """In kilowatt hours, as measured."""

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
    """From the form that is stored."""
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
    """In kilowatt hours, as measured."""

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
    """When it was asked for."""

    completed_at: datetime | None
    """When it was done."""

    @field(needs=("summary",))
    def summary(self) -> ConsumptionSummary | None:
        """What it says; null before the end."""
        row: Any = self
        return None if row.summary is None else summary_of(row.summary)


@input
class HistoricalDataMapping:
    """How a file is laid out; what is left out is guessed. Columns are named as the preview names them."""

    timestamp_column: str | None = None
    """The column that holds when."""

    time_column: str | None = None
    """The column that holds the time of the day, where the other one holds the date only."""

    consumption_column: str | None = None
    """The column that holds how much."""

    renewable_column: str | None = None
    """The column that holds how much of it was renewable, in the same unit."""

    unit: EnergyUnit | None = None
    """What it is measured in."""

    timezone: str | None = None
    """The zone of times that do not tell theirs, and of the days that are added up: UTC unless given."""

    delimiter: str | None = None
    """What separates values: one character."""

    decimal_comma: bool | None = None
    """Whether decimals follow a comma."""

    header_rows: int | None = None
    """How many rows stand above the readings."""

    day_first: bool | None = None
    """Whether the day stands before the month."""


@input
class HistoricalDataPreviewInput:
    """Which file to look into."""

    upload_id: relay.GlobalID
    """A stored upload: CSV or XLSX."""

    mapping: HistoricalDataMapping | None = None
    """What is known of its layout."""


@input
class HistoricalDataImportInput:
    """Which file to import."""

    upload_id: relay.GlobalID
    """A stored upload: CSV or XLSX."""

    mapping: HistoricalDataMapping | None = None
    """What is known of its layout; the rest is guessed as the preview shows."""

    idempotency_key: str | None = None
    """Asking again with the same key and input imports once."""


@output
class PreviewColumn:
    """A column of a file."""

    name: str
    """What the mapping calls it."""

    samples: list[str]
    """Its first values; 5 at most."""


@output
class HistoricalDataPreview:
    """How a file seems to be laid out."""

    columns: list[PreviewColumn]
    """Its columns; 500 at most."""

    rows: list[list[str]]
    """The first rows below the header; 10 at most."""

    header_rows: int
    """How many rows stand above the readings."""

    delimiter: str | None
    """What separates values; null in a workbook."""

    sheet: str | None
    """The workbook's sheet."""

    decimal_comma: bool
    """Whether decimals follow a comma."""

    timestamp_column: str | None
    """The column that holds when; null where none was found."""

    time_column: str | None
    """The column that holds the time of the day, if that is apart."""

    consumption_column: str | None
    """The column that holds how much; null where none was found."""

    renewable_column: str | None
    """The column that holds how much of it was renewable, if there is one."""

    timestamp_format: str | None
    """How instants are written, as `strptime` has it; null where that is not known."""

    step_minutes: float | None
    """The usual time between two readings."""

    unit: EnergyUnit
    """What it is measured in."""

    unit_guessed: bool
    """Whether the file does not tell its unit."""


@output
class HistoricalDataImportPayload(Payload):
    """What `historicalDataImport` answers."""

    historical_data_import: HistoricalDataImport | None = None
    """The import, which its job is yet to do."""


Import = Annotated[
    relay.GlobalID | None,
    strawberry.argument(description="Which import: the last one that was done unless told."),
]


def given_of(mapping: HistoricalDataMapping | None) -> Given:
    """What somebody says about a file."""
    return Given(**vars(mapping)) if mapping else Given()


def preview_of(head: Head, layout: Layout) -> HistoricalDataPreview:
    """What a client sees of a layout."""
    below = head.rows[layout.header_rows :]

    def name(column: int | None) -> str | None:
        return None if column is None else layout.columns[column]

    return HistoricalDataPreview(
        columns=[
            PreviewColumn(name=called, samples=[row[place] for row in below[:5]])
            for place, called in enumerate(layout.columns)
        ],
        rows=[list(row) for row in below[:ROWS_SHOWN]],
        header_rows=layout.header_rows,
        delimiter=layout.delimiter,
        sheet=layout.sheet,
        decimal_comma=layout.decimal_comma,
        timestamp_column=name(layout.timestamp),
        time_column=name(layout.time),
        consumption_column=name(layout.consumption),
        renewable_column=name(layout.renewable),
        timestamp_format=layout.notation,
        step_minutes=layout.step_minutes,
        unit=layout.unit,
        unit_guessed=layout.unit_guessed,
    )


async def looked_into(info: Info, upload_id: relay.GlobalID, given: Given) -> tuple[Any, Head, Layout]:
    """The upload, its head and its layout, with no unit of work held while it is read."""
    context = info.context
    key = key_of(upload_id, models.Upload, "input", "uploadId")
    upload = await imports.find_upload(context.read(), context.viewer, key)
    await context.read().release()
    head, layout = await imports.look(context.services.store, upload, given)
    return upload, head, layout


@output
class ConsumptionQueries:
    consumption_reading: ConsumptionReading | None = lookup(
        models.ConsumptionReading, "A day's or a month's consumption, by id."
    )

    @field
    async def historical_data_import(self, info: Info, id: Import = None) -> HistoricalDataImport | None:
        """An import of past consumption; null while the company has none that is done."""
        context, model = info.context, models.HistoricalDataImport
        context.viewer  # noqa: B018  refused before anything is read
        key = await imports.latest(context.read(), context.viewer) if id is None else key_of(id, model)
        row: Any = key and await context.loaders.one(model, columns(info, model)).load(key)
        if row is None and id is not None:
            raise NotFound("There is no such import.", "id")
        found: HistoricalDataImport | None = row
        return found

    @field
    async def historical_data_preview(
        self, info: Info, input: HistoricalDataPreviewInput
    ) -> HistoricalDataPreview:
        """Look into an uploaded file before it is imported: its layout, guessed where it is not given."""
        check_text({"input": input})
        _, head, layout = await looked_into(info, input.upload_id, given_of(input.mapping))
        return preview_of(head, layout)


@output
class ConsumptionMutations:
    @mutation
    async def historical_data_import(
        self, info: Info, input: HistoricalDataImportInput
    ) -> HistoricalDataImportPayload:
        """Import an uploaded file of energy consumption; a job adds it up and updates the profile."""
        viewer, given = info.context.viewer, given_of(input.mapping)
        upload, head, layout = await looked_into(info, input.upload_id, given)
        asked = {"upload_id": upload.id, "mapping": vars(given)}
        async with info.context.write() as uow:
            made = await idempotency.once(
                uow,
                viewer,
                "historicalDataImport",
                input.idempotency_key,
                asked,
                models.HistoricalDataImport,
                lambda: imports.create(uow, viewer, upload, head, layout),
            )
        return HistoricalDataImportPayload.of(historical_data_import=made)
