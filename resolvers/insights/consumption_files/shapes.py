"""Tables of every shape as rows of one reading each."""

import re
from collections.abc import Sequence

import polars as pl

from resolvers.insights.consumption_files import moments
from resolvers.insights.consumption_files.columns import TOTAL
from resolvers.insights.consumption_files.layout import Layout, TableShape
from resolvers.insights.consumption_files.numbers import as_number, parse_numbers
from resolvers.insights.consumption_files.tables import Table
from resolvers.insights.consumption_files.units import KWH_PER_UNIT, parse_unit

SLOT_COUNTS = (24, 48, 96, 25, 50, 100)
"""Intervals of a day; a day on which summer time ends has an hour more."""
MIN_MONTH_COLUMNS, MIN_YEAR_COLUMNS = 6, 2


def slot_minutes(names: Sequence[str]) -> dict[int, float]:
    """The columns whose names are the intervals of a day, with the minute each begins."""
    clocks = {
        number: minute for number, name in enumerate(names) if (minute := parse_slot_clock(name)) is not None
    }
    if len(clocks) in (*SLOT_COUNTS, 23) and len(set(clocks.values())) == len(clocks):
        ends = min(clocks.values()) > 0 and max(clocks.values()) == 1440
        step = 1440 / len(clocks)
        return {number: minute - step if ends else minute for number, minute in clocks.items()}
    counted: dict[int, int] = {}
    for number, name in enumerate(names):
        if found := re.fullmatch(r"\D{0,12}?(\d{1,3})\D{0,6}", name):
            counted[number] = int(found[1])
    values = list(counted.values())
    first = min(values, default=0)
    if len(values) in SLOT_COUNTS and values == list(range(first, first + len(values))) and first in (0, 1):
        slots = {25: 24, 50: 48, 100: 96}.get(len(values), len(values))
        return {number: (value - first) * 1440 / slots for number, value in counted.items()}
    return {}


def parse_slot_clock(name: str) -> float | None:
    """The minute at which the interval that a column names begins."""
    clock = re.match(
        r"\D{0,3}?(\d{1,2}[:.]\d{2})(:00)?(\s?[-\u2013]\s?\d{1,2}[:.]\d{2}(:00)?)?$", name.strip()
    )
    if clock:
        return moments.parse_clock(clock[1])
    hours = re.fullmatch(r"(\d{1,2})\s?[-\u2013]\s?(\d{1,2})\s?(h|uhr)?", name.strip(), re.I)
    return int(hours[1]) * 60.0 if hours and int(hours[2]) == int(hours[1]) + 1 else None


def month_columns(names: Sequence[str]) -> dict[int, int]:
    """The columns whose names are months without a year, with their number."""
    return {
        number: moments.MONTH_WORDS[word]
        for number, name in enumerate(names)
        if (word := name.strip().lower().rstrip(".")) in moments.MONTH_WORDS
    }


def year_columns(names: Sequence[str]) -> dict[int, int]:
    """The columns whose names are years."""
    return {
        number: int(name) for number, name in enumerate(names) if re.fullmatch(r"(19|20)\d\d", name.strip())
    }


def find_shape(table: Table, yearless: bool) -> TableShape:
    """The shape of a table; `yearless` if its instants have no year."""
    if slot_minutes(table.names):
        return TableShape.SLOTS
    if len(month_columns(table.names)) >= MIN_MONTH_COLUMNS:
        return TableShape.MONTHS
    if yearless and len(year_columns(table.names)) >= MIN_YEAR_COLUMNS:
        return TableShape.YEARS
    return TableShape.ROWS


def read_readings(table: Table, layout: Layout) -> pl.DataFrame:
    """The readings of a table, one a row.

    Columns: `at`, `end`, `offset`, `days`, `clock` and `yearless` as of `parse_moments`, `value` and
    `renewable` as numbers in `factor` kilowatt hours, `meter`, and `at_text` and `value_text` as they stand.
    """
    cells = drop_totals(table, layout)
    match layout.shape:
        case TableShape.ROWS:
            readings = read_plain_rows(cells, table, layout)
        case TableShape.SLOTS:
            readings = read_slots(cells, table, layout)
        case TableShape.YEARS | TableShape.MONTHS:
            readings = read_calendar(cells, table, layout)
    factor = pl.lit(KWH_PER_UNIT[layout.unit])
    if layout.unit_column is not None and layout.shape is TableShape.ROWS:
        texts = cells[str(layout.unit_column)]
        factors = {text: KWH_PER_UNIT[parse_unit(text) or layout.unit] for text in texts.unique()}
        return readings.with_columns(texts.replace_strict(factors, return_dtype=pl.Float64).alias("factor"))
    return readings.with_columns(factor.alias("factor"))


def drop_totals(table: Table, layout: Layout) -> pl.DataFrame:
    """The rows without those that are sums: a word such as total where an instant should be."""
    cells = table.cells
    if layout.timestamp is None:
        return cells
    first = cells[str(layout.timestamp)]
    word = first.str.contains(
        rf"(?i)^\s*[a-z ]*({TOTAL.pattern}|average|mean|mittel\w*|moyenne|media|max\w*|min\w*)\b[^\d]*$"
    )
    others = [str(number) for number in range(cells.width) if number != layout.timestamp]
    said = cells.select(
        pl.any_horizontal(
            [pl.col(name).str.contains(rf"(?i)^\s*({TOTAL.pattern})\s*:?\s*$") for name in others]
            or [pl.lit(False)]
        ).alias("said")
    )["said"]
    return cells.filter(~(word | ((first == "") & said)))


def parse_timestamps(cells: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """The instants of rows, of one column or of a date and a time."""
    assert layout.timestamp is not None
    texts = cells[str(layout.timestamp)]
    if layout.year_column is not None:
        texts = texts + " " + cells[str(layout.year_column)]
    if layout.time is not None:
        date_only = texts.str.replace(r"[ T]0?0:00(:00)?$", "")
        texts = date_only + " " + cells[str(layout.time)]
    parsed = moments.parse_moments(texts, layout.day_first, layout.year)
    if layout.time is None and as_number(parsed["start"].is_not_null().mean()) < 0.5:
        bare = moments.parse_bare_numbers(texts)
        if as_number(bare["start"].is_not_null().mean()) > 0.5:
            return bare
    return parsed


def read_plain_rows(cells: pl.DataFrame, table: Table, layout: Layout) -> pl.DataFrame:
    """A reading from each row."""
    parsed = parse_timestamps(cells, layout)
    if layout.end is not None:
        ends = moments.parse_moments(cells[str(layout.end)], layout.day_first, layout.year)
        parsed = parsed.with_columns(ends["start"].alias("end"))
    if layout.slot is not None:
        numbers = cells[str(layout.slot)].cast(pl.Int64, strict=False)
        first, count = int(as_number(numbers.min())), numbers.n_unique()
        slots = next((size for size in (24, 48, 96) if count <= size), count)
        minutes = (numbers - first) * (1440 / slots)
        parsed = parsed.with_columns(minutes.alias("minutes")).with_columns(
            (pl.col("start") + pl.duration(minutes=pl.col("minutes"))).alias("start"),
            pl.lit(0, pl.Int32).alias("days"),
            pl.lit(True).alias("clock"),
        )
    values = [
        parse_numbers(pl.col(str(n)), layout.decimal_comma and n not in table.typed).alias(f"v{n}")
        for n in layout.values
    ]
    numbers_read = cells.select(values)
    value = numbers_read.select(
        pl.when(pl.any_horizontal(pl.all().is_not_null())).then(pl.sum_horizontal(pl.all())).alias("value")
    )["value"]
    renewable = pl.Series("renewable", [None] * cells.height, pl.Float64)
    if layout.renewable is not None:
        comma = layout.decimal_comma and layout.renewable not in table.typed
        renewable = cells.select(parse_numbers(pl.col(str(layout.renewable)), comma).alias("renewable"))[
            "renewable"
        ]
    meter = cells[str(layout.meter)] if layout.meter is not None else pl.Series([""] * cells.height)
    readings = parsed.rename({"start": "at"}).with_columns(
        value,
        renewable,
        meter.alias("meter"),
        cells[str(layout.timestamp)].alias("at_text"),
        cells[str(layout.values[0])].alias("value_text") if layout.values else pl.lit("").alias("value_text"),
    )
    if layout.meter_name is not None:
        readings = readings.filter(pl.col("meter") == layout.meter_name)
    return readings


def read_slots(cells: pl.DataFrame, table: Table, layout: Layout) -> pl.DataFrame:
    """A reading from each cell below the interval of a day; empty cells are none."""
    minutes = slot_minutes(table.names)
    step = 1440 / next((size for size in (24, 48, 96) if len(minutes) <= size), len(minutes))
    parsed = parse_timestamps(cells, layout).rename({"start": "at"})
    parts = [
        parsed.with_columns(
            (pl.col("at") + pl.duration(seconds=round(minute * 60))).alias("at"),
            (pl.col("at") + pl.duration(seconds=round((minute + step) * 60))).alias("end"),
            cells[str(number)].alias("value_text"),
            cells[str(layout.timestamp)].alias("at_text"),
        )
        for number, minute in minutes.items()
    ]
    return finish_cells(pl.concat(parts), layout).sort("at", maintain_order=True, nulls_last=True)


def read_calendar(cells: pl.DataFrame, table: Table, layout: Layout) -> pl.DataFrame:
    """A reading from each cell of a month and a year; empty cells are none."""
    parts = []
    if layout.shape is TableShape.MONTHS:
        years = (
            pl.col(str(layout.timestamp or 0)).str.extract(r"((?:19|20)\d\d)").cast(pl.Int32, strict=False)
        )
        for number, month in month_columns(table.names).items():
            parts.append(
                cells.select(
                    pl.date(years, month, 1).cast(pl.Datetime("us")).alias("at"),
                    pl.col(str(number)).alias("value_text"),
                    pl.col(str(layout.timestamp or 0)).alias("at_text"),
                )
            )
    else:
        cells = cells.with_columns(parse_timestamps(cells, layout)["start"].dt.month().alias("month"))
        months = pl.col("month")
        for number, year in year_columns(table.names).items():
            parts.append(
                cells.select(
                    pl.date(year, months, 1).cast(pl.Datetime("us")).alias("at"),
                    pl.col(str(number)).alias("value_text"),
                    pl.col(str(layout.timestamp)).alias("at_text"),
                )
            )
    whole = pl.concat(parts).with_columns(
        pl.lit(None, pl.Datetime("us")).alias("end"),
        pl.lit(None, pl.Int32).alias("offset"),
        pl.lit(31, pl.Int32).alias("days"),
        pl.lit(False).alias("clock"),
        pl.lit(False).alias("yearless"),
    )
    return finish_cells(whole, layout).sort("at", maintain_order=True, nulls_last=True)


def finish_cells(readings: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Readings of cells: those that are filled, with their numbers."""
    return readings.filter(pl.col("value_text") != "").with_columns(
        parse_numbers(pl.col("value_text"), layout.decimal_comma).alias("value"),
        pl.lit(None, pl.Float64).alias("renewable"),
        pl.lit("").alias("meter"),
    )
