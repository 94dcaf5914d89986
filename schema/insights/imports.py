"""Preview and import of historical consumption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import relay

from db import models
from resolvers.access import not_found
from resolvers.insights import imports
from resolvers.insights.consumption_files.layout import (
    IntervalLabel,
    LayoutOverrides,
    Quantity,
    RepeatedInstants,
)
from resolvers.insights.consumption_files.units import EnergyUnit
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.fields import lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, field, mutation, validate_arguments
from schema.framework.projection import columns
from schema.insights.alternatives import HistoricalDataAlternative, alternative_of
from schema.insights.consumption import ConsumptionReading, HistoricalDataImport, ImportIssue, ImportIssueKind

if TYPE_CHECKING:
    from resolvers.insights.consumption_files.decisions import FileReading

enumeration(IntervalLabel)
MAX_PREVIEW_ROWS = 10


@input
class HistoricalDataMapping:
    """Layout of a file. Omitted fields are detected. Column names are those of the preview."""

    timestamp_column: str | None = None
    """Name of the timestamp column."""

    end_column: str | None = None
    """Name of the column with the ends of intervals."""

    time_column: str | None = None
    """Name of the time column, if the timestamp column holds only dates."""

    consumption_column: str | None = None
    """Name of the consumption column."""

    consumption_columns: list[str] | None = None
    """Names of the columns whose sum is the consumption. Maximum 500."""

    renewable_column: str | None = None
    """Name of the column with the renewable part, in the same unit."""

    meter_column: str | None = None
    """Name of the column that tells apart meters. Their readings are added."""

    meter: str | None = None
    """The only meter whose readings count."""

    quantity: Quantity | None = None
    """Whether the numbers are a consumption or readings of a register."""

    unit: EnergyUnit | None = None
    """Unit of the readings."""

    timezone: str | None = None
    """IANA time zone of timestamps without an offset, and of daily totals. Default UTC."""

    delimiter: str | None = None
    """Delimiter of the values, a single character."""

    decimal_comma: bool | None = None
    """Whether the decimal separator is a comma."""

    header_rows: int | None = None
    """Number of rows before the first reading."""

    day_first: bool | None = None
    """Whether dates have the day before the month."""

    sheets: list[str] | None = None
    """Sheets of a workbook that hold the readings. Maximum 100."""

    interval_label: IntervalLabel | None = None
    """The end of its interval that a timestamp names."""

    repeated_instants: RepeatedInstants | None = None
    """What happens to different readings of the same instant."""

    year: int | None = None
    """Year of timestamps without one."""

    leave_out: bool | None = None
    """Whether readings that cannot be used are left out, however many they are."""


@input
class HistoricalDataPreviewInput:
    """Input of `historicalDataPreview`."""

    upload_id: relay.GlobalID
    """Global ID of a stored upload: a CSV or XLSX file."""

    mapping: HistoricalDataMapping | None = None
    """Known parts of the layout. The rest is detected."""


@input
class HistoricalDataImportInput(IdempotentInput):
    """Input of `historicalDataImport`."""

    upload_id: relay.GlobalID
    """Global ID of a stored upload: a CSV or XLSX file."""

    mapping: HistoricalDataMapping | None = None
    """Known parts of the layout. The rest is detected, as in the preview."""


@output
class PreviewColumn:
    """A column of a file."""

    name: str
    """Name of the column, as used in the mapping."""

    samples: list[str]
    """First values. Maximum 5."""


@output
class HistoricalDataPreview:
    """Detected layout of a file and the energy in it. If `question` is not null, an import of the file needs
    an answer in its mapping.
    """

    question: str | None
    """What has to be answered before the file can be imported. Null if its layout is certain."""

    question_field: str | None
    """Field of the mapping that answers the question."""

    alternatives: list[HistoricalDataAlternative]
    """Possible answers, the most probable first. Maximum 8. Empty if the layout is certain."""

    total_kwh: float | None
    """Energy in the file, in kWh, by the most probable layout. Null if the file has no readings."""

    readings: int | None
    """Number of readings that count."""

    issues: list[ImportIssue]
    """Readings that are left out or doubtful. Maximum 20."""

    columns: list[PreviewColumn]
    """Columns of the file. Maximum 500."""

    rows: list[list[str]]
    """First rows after the header. Maximum 10."""

    header_rows: int
    """Number of rows before the first reading."""

    delimiter: str | None
    """Delimiter of the values. Null for a workbook."""

    sheet: str | None
    """Name of the first sheet of a workbook that is read."""

    sheets: list[str]
    """Names of the sheets of a workbook that are read. Maximum 500."""

    decimal_comma: bool
    """Whether the decimal separator is a comma."""

    timestamp_column: str | None
    """Name of the timestamp column, or null if none was found."""

    time_column: str | None
    """Name of the separate time column, or null."""

    end_column: str | None
    """Name of the column with the ends of intervals, or null."""

    consumption_column: str | None
    """Name of the first consumption column, or null if none was found."""

    consumption_columns: list[str]
    """Names of the columns whose sum is the consumption. Maximum 500."""

    meter_column: str | None
    """Name of the column that tells apart meters, or null."""

    renewable_column: str | None
    """Name of the column with the renewable part, or null."""

    timestamp_format: str | None
    """Format of the timestamps as for `strptime`, or null if they are not written in digits."""

    day_first: bool
    """Whether dates have the day before the month."""

    quantity: Quantity
    """What the numbers count."""

    interval_label: IntervalLabel
    """The end of its interval that a timestamp names."""

    step_minutes: float | None
    """Typical interval between two readings, in minutes."""

    unit: EnergyUnit
    """Unit of the readings."""

    unit_guessed: bool
    """Whether the unit is a guess because the file does not state it."""


@output
class HistoricalDataImportPayload(Payload):
    historical_data_import: HistoricalDataImport | None = None
    """The new import. A job runs it."""


Import = Annotated[
    relay.GlobalID | None,
    strawberry.argument(description="Global ID of the import. Defaults to the last completed one."),
]


def layout_overrides(mapping: HistoricalDataMapping | None) -> LayoutOverrides:
    """The layout overrides of a mapping."""
    return LayoutOverrides(**vars(mapping)) if mapping else LayoutOverrides()


def preview_of(found: FileReading) -> HistoricalDataPreview:
    """The GraphQL preview of a file."""
    layout, energy = found.layout, found.energy
    rows = [list(row) for row in found.table.cells.head(MAX_PREVIEW_ROWS).iter_rows()]

    def name(column: int | None) -> str | None:
        return None if column is None else layout.columns[column]

    issues = energy.issues if energy else ()
    return HistoricalDataPreview(
        question=found.refusal.message if found.refusal else found.question,
        question_field=found.field,
        alternatives=[alternative_of(one) for one in found.alternatives],
        total_kwh=energy.total_kwh if energy else None,
        readings=energy.intervals.height if energy else None,
        issues=[
            ImportIssue(kind=ImportIssueKind(one.kind), count=one.count, example=one.example)
            for one in issues
        ],
        columns=[
            PreviewColumn(name=called, samples=[row[place] for row in rows[:5]])
            for place, called in enumerate(layout.columns)
        ],
        rows=rows,
        header_rows=layout.header_rows,
        delimiter=layout.delimiter,
        sheet=next(iter(layout.sheets), None),
        sheets=list(layout.sheets),
        decimal_comma=layout.decimal_comma,
        timestamp_column=name(layout.timestamp),
        end_column=name(layout.end),
        time_column=name(layout.time),
        consumption_column=name(next(iter(layout.values), None)),
        consumption_columns=[layout.columns[place] for place in layout.values],
        meter_column=name(layout.meter),
        renewable_column=name(layout.renewable),
        timestamp_format=found.timestamp_format,
        day_first=layout.day_first,
        quantity=layout.quantity,
        interval_label=layout.interval_label,
        step_minutes=energy.step_minutes if energy else None,
        unit=layout.unit,
        unit_guessed=layout.unit_guessed,
    )


async def understand(
    info: Info, upload_id: relay.GlobalID, mapping: HistoricalDataMapping | None
) -> tuple[Any, FileReading]:
    """The upload, and how it can be read. No unit of work is open while the file is read."""
    context = info.context
    key = key_of(upload_id, models.Upload, "input", "uploadId")
    upload = await imports.find_upload(context.read(), context.viewer, key)
    expected = await imports.expected_consumption(context.read())
    await context.read().release()
    overrides = layout_overrides(mapping)
    return upload, await imports.understand_upload(context.services.store, upload, overrides, expected)


@output
class ConsumptionQueries:
    consumption_reading: ConsumptionReading | None = lookup(
        models.ConsumptionReading, "Looks up a consumption reading by ID."
    )

    @field
    async def historical_data_import(self, info: Info, id: Import = None) -> HistoricalDataImport | None:
        """An import of historical consumption. Null if the company has no completed import."""
        context, model = info.context, models.HistoricalDataImport
        context.viewer  # noqa: B018  requires a signed-in viewer
        key = await imports.latest_id(context.read(), context.viewer) if id is None else key_of(id, model)
        row: Any = key and await context.loaders.one(model, columns(info, model)).load(key)
        if row is None and id is not None:
            raise not_found(model, "id")
        found: HistoricalDataImport | None = row
        return found

    @field
    async def historical_data_preview(
        self, info: Info, input: HistoricalDataPreviewInput
    ) -> HistoricalDataPreview:
        """Previews an uploaded file and its layout before it is imported."""
        validate_arguments({"input": input})
        _, found = await understand(info, input.upload_id, input.mapping)
        return preview_of(found)


@output
class ConsumptionMutations:
    @mutation(idempotent=True)
    async def historical_data_import(
        self, info: Info, input: HistoricalDataImportInput
    ) -> HistoricalDataImportPayload:
        """Import historical consumption from an uploaded file. A job aggregates it and updates the company
        profile. A file that can be read in several ways is refused with the code `AMBIGUOUS` and the question
        that its mapping has to answer; nothing is stored.
        """
        upload, found = await understand(info, input.upload_id, input.mapping)
        found.require_certainty()
        async with info.context.write() as uow:
            made = await imports.create(uow, info.context.viewer, upload, found.layout)
        return HistoricalDataImportPayload.of(historical_data_import=made)
