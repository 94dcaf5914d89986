"""How a file of consumption is to be read: the best reading, or the question that decides between several."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl

from core.errors import DomainError
from resolvers.insights.consumption_files import evidence, moments
from resolvers.insights.consumption_files.columns import Columns, find_columns
from resolvers.insights.consumption_files.decisions import (
    MAX_ALTERNATIVES,
    Alternative,
    FileReading,
    decide,
    last_year,
)
from resolvers.insights.consumption_files.energy import Energy, measure, typical_step
from resolvers.insights.consumption_files.evidence import Question
from resolvers.insights.consumption_files.layout import (
    IntervalLabel,
    Layout,
    LayoutOverrides,
    Quantity,
    TableShape,
    find_column,
    mapping_error,
    validate_timezone,
)
from resolvers.insights.consumption_files.shapes import (
    find_shape,
    month_columns,
    parse_timestamps,
    read_readings,
    slot_minutes,
    year_columns,
)
from resolvers.insights.consumption_files.tables import Table, read_tables
from resolvers.insights.consumption_files.units import EnergyUnit


def understand(
    path: Path, mime_type: str, overrides: LayoutOverrides, expected_kwh: float | None = None
) -> FileReading:
    """Weigh the readings of a file. Raises `Invalid` or `UnsupportedContent` if it has no table.

    `expected_kwh` is a year's consumption as the company's profile says it.
    """
    tables = read_tables(
        path,
        mime_type,
        delimiter=overrides.delimiter,
        header_rows=overrides.header_rows,
        sheet=overrides.sheets[0] if overrides.sheets and len(overrides.sheets) == 1 else None,
    )
    if overrides.sheets and len(overrides.sheets) > 1:
        tables = [table for table in tables if table.sheet in overrides.sheets]
    found, refusals = [], []
    for table in tables:
        try:
            found.append(understand_table(table, overrides, expected_kwh))
        except DomainError as refusal:
            refusals.append(refusal)
    if not found and overrides != LayoutOverrides():
        raise refusals[0]
    if not found:
        columns = replace(find_columns(tables[0]), values=())
        return FileReading(tables[0], first_layout(tables[0], columns, overrides), None, refusal=refusals[0])
    if len(found) == 1:
        return found[0]
    return choose_sheets(found, overrides)


def choose_sheets(found: Sequence[FileReading], overrides: LayoutOverrides) -> FileReading:
    """Sheets of one table after the other are joined; sheets of the same time are asked about."""
    usable = [one for one in found if one.energy is not None]
    if len(usable) < 2 or any(one.question for one in usable):
        return next((one for one in usable if one.question), usable[0] if usable else found[0])
    ordered = sorted((one.energy.first, number) for number, one in enumerate(usable) if one.energy)
    ordered_sheets = [usable[number] for _, number in ordered]
    energies = [one.energy for one in ordered_sheets if one.energy]
    spans = [(energy.first, energy.last) for energy in energies]
    names = tuple(one.table.sheet or "" for one in ordered_sheets)
    together = join(energies)
    disjoint = all(before[1] <= after[0] for before, after in pairwise(spans))
    best = ordered_sheets[0]
    joined = replace(best, layout=replace(best.layout, sheets=names), energy=together)
    if (disjoint and len({one.table.cells.width for one in ordered_sheets}) == 1) or overrides.sheets:
        return joined
    totals = [energy.total_kwh for energy in energies]
    finer = len({energy.step_minutes for energy in energies}) == len(usable)
    if finer and max(totals) - min(totals) <= 0.001 * max(totals):
        return min(usable, key=lambda one: one.energy.step_minutes if one.energy else 0)
    alternatives = [
        Alternative(one.layout, one.energy, f"The consumption is in the sheet {one.table.sheet}.")
        for one in usable
        if one.energy
    ]
    whole = f"The consumption is the sum of the sheets {', '.join(names[:5])}."
    alternatives.append(Alternative(joined.layout, together, whole))
    question = "Which sheets hold the consumption?"
    return replace(
        best, question=question, field="sheets", alternatives=tuple(alternatives[:MAX_ALTERNATIVES])
    )


def join(parts: Sequence[Energy]) -> Energy:
    """The energy of several tables together."""
    intervals = pl.concat([part.intervals for part in parts]).sort("utc")
    return Energy(
        intervals,
        min(part.step_minutes for part in parts),
        sum(part.rows for part in parts),
        sum(part.lost for part in parts),
        sum(part.conflicts for part in parts),
        sum(part.outside for part in parts),
        any(part.yearless for part in parts),
        tuple(issue for part in parts for issue in part.issues),
    )


def read_energy(path: Path, mime_type: str, layout: Layout) -> Energy:
    """The energy in a file by a layout that is decided."""
    sheet = layout.sheets[0] if len(layout.sheets) == 1 else None
    tables = read_tables(
        path, mime_type, delimiter=layout.delimiter, header_rows=layout.header_rows, sheet=sheet
    )
    chosen = [table for table in tables if not layout.sheets or table.sheet in layout.sheets]
    return join([measure(read_readings(table, layout), layout, last_year()) for table in chosen])


def understand_table(table: Table, overrides: LayoutOverrides, expected_kwh: float | None) -> FileReading:
    """Weigh the readings of one table."""
    columns = override_columns(table, find_columns(table), overrides)
    layout = first_layout(table, columns, overrides)
    if layout.timestamp is None:
        raise mapping_error("No timestamp column was detected. Set timestampColumn.", "timestampColumn")
    questions: list[Question] = []
    if overrides.day_first is None and (question := evidence.order_question(table, columns)):
        questions.append(question)
        layout = take_best(layout, question)
    at = (
        parse_timestamps(table.cells, layout)["start"].drop_nulls()
        if layout.timestamp is not None
        else pl.Series([], dtype=pl.Datetime("us"))
    )
    step = typical_step(at.unique()) if at.n_unique() > 1 else None
    if layout.shape is TableShape.SLOTS:
        step = 1440 / len(slot_minutes(table.names))
    if overrides.decimal_comma is None:
        cells = value_cells(table, layout, columns)
        question = evidence.decimal_question(table, columns, cells, step)
        questions.append(question)
        layout = take_best(layout, question)
    if layout.shape is TableShape.ROWS:
        if not columns.values:
            raise mapping_error(
                "No consumption column was detected. Set consumptionColumn.", "consumptionColumn"
            )
        if overrides.consumption_column is None and not overrides.consumption_columns:
            question = evidence.values_question(table, columns, layout.decimal_comma)
            questions.append(question)
            layout = take_best(layout, question)
        if overrides.quantity is None and (question := evidence.quantity_question(table, layout, columns)):
            questions.append(question)
            layout = take_best(layout, question)
    if overrides.interval_label is None:
        layout = replace(layout, interval_label=evidence.interval_label(table, columns, at, step))
    if overrides.unit is None and (question := evidence.unit_question(table, layout, step)):
        questions.append(question)
        layout = take_best(layout, question)
    return decide(table, layout, questions, expected_kwh)


def take_best(layout: Layout, question: Question) -> Layout:
    return replace(layout, **question.options[0].changes)


def value_cells(table: Table, layout: Layout, columns: Columns) -> list[int]:
    """The columns whose cells are consumption, before it is decided which of several count."""
    match layout.shape:
        case TableShape.SLOTS:
            return list(slot_minutes(table.names))
        case TableShape.YEARS:
            return list(year_columns(table.names))
        case TableShape.MONTHS:
            return list(month_columns(table.names))
    return list(columns.values)


def override_columns(table: Table, columns: Columns, overrides: LayoutOverrides) -> Columns:
    """The columns with those that the mapping names. Raises `Invalid` for names that are not in the file."""
    names = table.names
    wanted = overrides.consumption_columns or (
        [overrides.consumption_column] if overrides.consumption_column else []
    )
    plural = "consumptionColumns" if overrides.consumption_columns else "consumptionColumn"
    values = [find_column(names, name, plural) for name in wanted]
    start = find_column(names, overrides.timestamp_column, "timestampColumn")
    time = find_column(names, overrides.time_column, "timeColumn")
    end = find_column(names, overrides.end_column, "endColumn")
    meter = find_column(names, overrides.meter_column, "meterColumn")
    renewable = find_column(names, overrides.renewable_column, "renewableColumn")
    chosen = tuple(value for value in values if value is not None)
    if start is not None and start != columns.start:
        columns = replace(columns, start=start, time=None, end=None, slot=None)
    left = tuple(value for value in columns.values if value not in (start, time, renewable))
    return replace(
        columns,
        time=columns.time if time is None else time,
        end=columns.end if end is None else end,
        meter=columns.meter if meter is None else meter,
        renewable=renewable
        if renewable is not None
        else None
        if columns.renewable in chosen
        else columns.renewable,
        values=chosen or left,
    )


def first_layout(table: Table, columns: Columns, overrides: LayoutOverrides) -> Layout:
    """The layout before the questions are weighed. Raises `Invalid` if the table has no instants."""
    yearless = False
    if columns.start is not None:
        parsed = moments.parse_moments(table.column(columns.start), True, overrides.year)
        yearless = bool(parsed["yearless"].any()) and columns.year is None
    shape = find_shape(table, yearless)
    timestamp = 0 if columns.start is None and shape is TableShape.MONTHS else columns.start
    return Layout(
        columns=table.names,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheets=(table.sheet,) if table.sheet else (),
        header_rows=table.header_rows,
        shape=shape,
        timestamp=timestamp,
        end=columns.end if shape is TableShape.ROWS else None,
        time=columns.time if shape is TableShape.ROWS else None,
        slot=columns.slot if shape is TableShape.ROWS else None,
        year_column=columns.year,
        meter=columns.meter,
        unit_column=columns.unit,
        values=columns.values if shape is TableShape.ROWS else (),
        renewable=columns.renewable if shape is TableShape.ROWS else None,
        day_first=True if overrides.day_first is None else overrides.day_first,
        decimal_comma=bool(overrides.decimal_comma),
        quantity=overrides.quantity or Quantity.CONSUMPTION,
        unit=overrides.unit or EnergyUnit.KWH,
        unit_guessed=overrides.unit is None,
        interval_label=overrides.interval_label or IntervalLabel.START,
        repeated_instants=overrides.repeated_instants,
        leave_out=bool(overrides.leave_out),
        year=overrides.year or year_in(table.titles, yearless),
        meter_name=overrides.meter,
        timezone=validate_timezone(overrides.timezone),
    )


def year_in(titles: str, yearless: bool) -> int | None:
    """The only year that the titles of a table name, where its instants have none."""
    years = set(re.findall(r"\b((?:19|20)\d\d)\b", titles)) if yearless else set()
    return int(years.pop()) if len(years) == 1 else None
