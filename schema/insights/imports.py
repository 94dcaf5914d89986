"""Files of past consumption, as clients see them: looked into, and imported."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import relay

from core.errors import NotFound
from db import models
from resolvers.insights import imports
from resolvers.insights.table_layout import EnergyUnit, LayoutOverrides, Layout
from resolvers.insights.table_preview import TablePreview
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.fields import lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, check_text, field, mutation
from schema.framework.projection import columns
from schema.insights.consumption import ConsumptionReading, HistoricalDataImport

enumeration(EnergyUnit)
ROWS_SHOWN = 10


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
class HistoricalDataImportInput(IdempotentInput):
    """Which file to import."""

    upload_id: relay.GlobalID
    """A stored upload: CSV or XLSX."""

    mapping: HistoricalDataMapping | None = None
    """What is known of its layout; the rest is guessed as the preview shows."""


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
    historical_data_import: HistoricalDataImport | None = None
    """The import, which its job is yet to do."""


Import = Annotated[
    relay.GlobalID | None,
    strawberry.argument(description="Which import: the last one that was done unless told."),
]


def given_of(mapping: HistoricalDataMapping | None) -> LayoutOverrides:
    """What somebody says about a file."""
    return LayoutOverrides(**vars(mapping)) if mapping else LayoutOverrides()


def preview_of(head: TablePreview, layout: Layout) -> HistoricalDataPreview:
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


async def looked_into(info: Info, upload_id: relay.GlobalID, given: LayoutOverrides) -> tuple[Any, TablePreview, Layout]:
    """The upload, its head and its layout, with no unit of work held while it is read."""
    context = info.context
    key = key_of(upload_id, models.Upload, "input", "uploadId")
    upload = await imports.find_upload(context.read(), context.viewer, key)
    await context.read().release()
    head, layout = await imports.preview(context.services.store, upload, given)
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
        key = await imports.latest_id(context.read(), context.viewer) if id is None else key_of(id, model)
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
    @mutation(idempotent=True)
    async def historical_data_import(
        self, info: Info, input: HistoricalDataImportInput
    ) -> HistoricalDataImportPayload:
        """Import an uploaded file of energy consumption; a job adds it up and updates the profile."""
        upload, head, layout = await looked_into(info, input.upload_id, given_of(input.mapping))
        async with info.context.write() as uow:
            made = await imports.create(uow, info.context.viewer, upload, head, layout)
        return HistoricalDataImportPayload.of(historical_data_import=made)
