"""Preview and import of historical consumption."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import relay

from db import models
from resolvers.access import not_found
from resolvers.insights import imports
from resolvers.insights.table_layout import EnergyUnit, Layout, LayoutOverrides
from resolvers.insights.table_preview import TablePreview
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.fields import lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, field, mutation, validate_arguments
from schema.framework.projection import columns
from schema.insights.consumption import ConsumptionReading, HistoricalDataImport

enumeration(EnergyUnit)
MAX_PREVIEW_ROWS = 10


@input
class HistoricalDataMapping:
    """Layout of a file. Omitted fields are detected. Column names are those of the preview."""

    timestamp_column: str | None = None
    """Name of the timestamp column."""

    time_column: str | None = None
    """Name of the time column, if the timestamp column holds only dates."""

    consumption_column: str | None = None
    """Name of the consumption column."""

    renewable_column: str | None = None
    """Name of the column with the renewable part, in the same unit."""

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
    """Detected layout of a file."""

    columns: list[PreviewColumn]
    """Columns of the file. Maximum 500."""

    rows: list[list[str]]
    """First rows after the header. Maximum 10."""

    header_rows: int
    """Number of rows before the first reading."""

    delimiter: str | None
    """Delimiter of the values. Null for a workbook."""

    sheet: str | None
    """Name of the sheet of a workbook."""

    decimal_comma: bool
    """Whether the decimal separator is a comma."""

    timestamp_column: str | None
    """Name of the timestamp column, or null if none was found."""

    time_column: str | None
    """Name of the separate time column, or null."""

    consumption_column: str | None
    """Name of the consumption column, or null if none was found."""

    renewable_column: str | None
    """Name of the column with the renewable part, or null."""

    timestamp_format: str | None
    """Format of the timestamps as for `strptime`, or null if unknown."""

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


def preview_of(head: TablePreview, layout: Layout) -> HistoricalDataPreview:
    """The GraphQL preview of a layout."""
    below = head.rows[layout.header_rows :]

    def name(column: int | None) -> str | None:
        return None if column is None else layout.columns[column]

    return HistoricalDataPreview(
        columns=[
            PreviewColumn(name=called, samples=[row[place] for row in below[:5]])
            for place, called in enumerate(layout.columns)
        ],
        rows=[list(row) for row in below[:MAX_PREVIEW_ROWS]],
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


async def load_preview(
    info: Info, upload_id: relay.GlobalID, overrides: LayoutOverrides
) -> tuple[Any, TablePreview, Layout]:
    """The upload, its preview and its layout. No unit of work is open while the file is read."""
    context = info.context
    key = key_of(upload_id, models.Upload, "input", "uploadId")
    upload = await imports.find_upload(context.read(), context.viewer, key)
    await context.read().release()
    head, layout = await imports.preview(context.services.store, upload, overrides)
    return upload, head, layout


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
        _, head, layout = await load_preview(info, input.upload_id, layout_overrides(input.mapping))
        return preview_of(head, layout)


@output
class ConsumptionMutations:
    @mutation(idempotent=True)
    async def historical_data_import(
        self, info: Info, input: HistoricalDataImportInput
    ) -> HistoricalDataImportPayload:
        """Import historical consumption from an uploaded file. A job aggregates it and updates the company
        profile.
        """
        upload, head, layout = await load_preview(info, input.upload_id, layout_overrides(input.mapping))
        async with info.context.write() as uow:
            made = await imports.create(uow, info.context.viewer, upload, head, layout)
        return HistoricalDataImportPayload.of(historical_data_import=made)
