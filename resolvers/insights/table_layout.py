"""Layout of a file of readings: detected from its first rows, with optional overrides."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, pairwise
from statistics import median
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import Invalid
from resolvers.insights.table_preview import TablePreview
from resolvers.insights.timestamp_formats import (
    TIME_PATTERN,
    TIMESTAMP_PATTERN,
    detect_format,
    normalize_timestamp,
    parse_timestamp,
)

NUMBER = re.compile(r"[+-]?[\d\s'\u2019\u00a0.,]*\d([eE][+-]?\d+)?")
GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}([ '\u2019\u00a0.,])\d{3}(\1\d{3})*")
"""One kind of separator, which may be a decimal one if it occurs once."""
CONSUMPTION_NAME = re.compile(
    r"consum|verbrauch|bezug|demand|load|last|usage|energy|energie|import|kwh|mwh|value|total|actual", re.I
)
RENEWABLE_NAME = re.compile(r"renew|solar|\bpv\b|photovolt|wind|green|erneuer|hydro|regener", re.I)
UNIT_PATTERN = re.compile(r"(?<![A-Za-z])([kKmMgG]?[wW])([hH]?)(?![A-Za-z])")
DETECTION_ROWS, MIN_READING_SHARE = 10, 0.6
"""The first reading is the first row from which this share of the next rows are readings."""
MAX_TITLE_ROWS = 2
"""Rows directly above the readings that name the columns."""


class EnergyUnit(Enum):
    """Unit of imported readings. Power is converted to energy by the length of its interval."""

    WH = "wh"
    """Watt-hours."""
    KWH = "kwh"
    """Kilowatt-hours."""
    MWH = "mwh"
    """Megawatt-hours."""
    GWH = "gwh"
    """Gigawatt-hours."""
    KW = "kw"
    """Kilowatts (average power of the interval)."""
    MW = "mw"
    """Megawatts (average power of the interval)."""


@dataclass(frozen=True)
class LayoutOverrides:
    """Overrides of the detected layout; None is detected. Columns have the names of the preview."""

    timestamp_column: str | None = None
    time_column: str | None = None
    consumption_column: str | None = None
    renewable_column: str | None = None
    unit: EnergyUnit | None = None
    timezone: str | None = None
    delimiter: str | None = None
    decimal_comma: bool | None = None
    header_rows: int | None = None
    day_first: bool | None = None


@dataclass(frozen=True)
class Layout:
    """Position and format of the readings in a file. Columns are positions from 0."""

    columns: tuple[str, ...]
    encoding: str
    delimiter: str | None
    sheet: str | None
    header_rows: int
    timestamp: int | None
    time: int | None
    consumption: int | None
    renewable: int | None
    notation: str | None
    decimal_comma: bool
    unit: EnergyUnit
    unit_guessed: bool
    timezone: str
    step_minutes: float | None
    """Median time between two readings."""


def detect_layout(head: TablePreview, overrides: LayoutOverrides) -> Layout:
    """Detect the layout of a file. Raises `Invalid` for overrides that do not fit the file."""
    rows = head.rows
    skipped = count_header_rows(rows) if overrides.header_rows is None else overrides.header_rows
    if not 0 <= skipped < max(1, len(rows)):
        raise mapping_error("headerRows must be smaller than the number of rows.", "headerRows")
    columns = column_names(rows[:skipped], len(rows[0]) if rows else 0)
    readings = rows[skipped:]
    comma = has_decimal_comma(readings) if overrides.decimal_comma is None else overrides.decimal_comma
    layout = Layout(
        columns=columns,
        encoding=head.encoding,
        delimiter=head.delimiter,
        sheet=head.sheet,
        header_rows=skipped,
        timestamp=find_column(columns, overrides.timestamp_column, "timestampColumn"),
        time=find_column(columns, overrides.time_column, "timeColumn"),
        consumption=find_column(columns, overrides.consumption_column, "consumptionColumn"),
        renewable=find_column(columns, overrides.renewable_column, "renewableColumn"),
        notation=None,
        decimal_comma=comma,
        unit=overrides.unit or EnergyUnit.KWH,
        unit_guessed=overrides.unit is None,
        timezone=validate_timezone(overrides.timezone),
        step_minutes=None,
    )
    return detect_notation(detect_columns(layout, readings, rows[:skipped], overrides), readings, overrides)


def detect_columns(
    layout: Layout,
    readings: Sequence[Sequence[str]],
    header: Sequence[Sequence[str]],
    overrides: LayoutOverrides,
) -> Layout:
    """Detect the unit and the columns that are not overridden, by content and name."""
    width = len(layout.columns)
    timestamp_shares = [matching_share(readings, column, TIMESTAMP_PATTERN) for column in range(width)]
    timestamp, time = layout.timestamp, layout.time
    if timestamp is None:
        timestamp = detect_timestamp(timestamp_shares)
    if time is None and overrides.timestamp_column is None:
        time = detect_time(readings, width, timestamp)
    numeric = [
        column
        for column in range(width)
        if column not in (timestamp, time)
        and timestamp_shares[column] < 0.5
        and matching_share(readings, column, NUMBER) > 0.5
    ]
    renewable, consumption = layout.renewable, layout.consumption
    if renewable is None and overrides.consumption_column is None:
        renewable = detect_renewable(layout.columns, numeric)
    if consumption is None:
        consumption = detect_consumption(
            layout.columns, [column for column in numeric if column != renewable]
        )
    unit = None
    if layout.unit_guessed and consumption is not None:
        unit = detect_unit(layout.columns[consumption], header)
    return replace(
        layout,
        timestamp=timestamp,
        time=time,
        consumption=consumption,
        renewable=renewable,
        unit=unit or layout.unit,
        unit_guessed=layout.unit_guessed and unit is None,
    )


def detect_timestamp(shares: Sequence[float]) -> int | None:
    """The column with the largest share of timestamps, if that is more than half of its cells."""
    best = max(shares, default=0.0)
    return shares.index(best) if best > 0.5 else None


def detect_time(readings: Sequence[Sequence[str]], width: int, timestamp: int | None) -> int | None:
    """The first column with times of day, unless it is the timestamp column."""
    times = (column for column in range(width) if matching_share(readings, column, TIME_PATTERN) > 0.8)
    time = next(times, None)
    return time if time != timestamp else None


def detect_renewable(columns: Sequence[str], numeric: Sequence[int]) -> int | None:
    """The first numeric column with the name of a renewable source, if it is not the only one."""
    renewable = [column for column in numeric if RENEWABLE_NAME.search(columns[column])]
    return renewable[0] if renewable and len(numeric) > 1 else None


def detect_consumption(columns: Sequence[str], numeric: Sequence[int]) -> int | None:
    """The first numeric column with the name of a consumption, else the first one."""
    consumption = [column for column in numeric if CONSUMPTION_NAME.search(columns[column])]
    return next(iter(consumption or numeric), None)


def detect_unit(name: str, header: Sequence[Sequence[str]]) -> EnergyUnit | None:
    """The unit in the column's name, else in the rows above the readings."""
    titles = [name, *(" ".join(row) for row in header)]
    return next((unit for title in titles if (unit := parse_unit(title))), None)


def detect_notation(layout: Layout, readings: Sequence[Sequence[str]], overrides: LayoutOverrides) -> Layout:
    """Detect the timestamp format and the time between readings."""
    texts = timestamp_texts(layout, readings)
    notation = detect_format(texts, overrides.day_first)
    if notation is None:
        return layout
    known = [instant for text in texts if (instant := parse_timestamp(normalize_timestamp(text), notation))]
    ordered = sorted({instant.replace(tzinfo=None) for instant in known})
    steps = [(b - a).total_seconds() / 60 for a, b in pairwise(ordered)]
    return replace(layout, notation=notation, step_minutes=median(steps) if steps else None)


def validate_layout(layout: Layout, head: TablePreview) -> None:
    """Raises `Invalid` for a layout without timestamp or consumption column, or without readings."""
    if layout.timestamp is None:
        raise mapping_error("No timestamp column was detected. Set timestampColumn.", "timestampColumn")
    if layout.consumption is None:
        raise mapping_error("No consumption column was detected. Set consumptionColumn.", "consumptionColumn")
    if layout.notation is None:
        raise mapping_error("The timestamps have an unknown format.", "timestampColumn")
    readings = [row for row in head.rows[layout.header_rows :] if any(row)]
    if not any(parse_number(row[layout.consumption], layout.decimal_comma) is not None for row in readings):
        raise mapping_error("The consumption column contains no numbers.", "consumptionColumn")
    if len(readings) < 2:
        message = f"The file must contain at least 2 readings (got {len(readings)})."
        raise Invalid(message, "input", "uploadId")


def mapping_error(message: str, field: str) -> Invalid:
    """An error in a field of the mapping."""
    return Invalid(message, "input", "mapping", field)


def count_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Number of rows above the readings."""
    for index, row in enumerate(rows):
        sample = [row for row in rows[index : index + DETECTION_ROWS] if any(row)]
        if is_reading(row) and sum(map(is_reading, sample)) >= MIN_READING_SHARE * len(sample):
            return index
    return min(1, max(0, len(rows) - 1))


def is_reading(row: Sequence[str]) -> bool:
    """Whether a row contains a timestamp and a number in another cell."""
    instants = [cell for cell in row if TIMESTAMP_PATTERN.fullmatch(cell)]
    numbers = [cell for cell in row if NUMBER.fullmatch(cell) and not TIMESTAMP_PATTERN.fullmatch(cell)]
    return bool(instants and numbers)


def column_names(above: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """Unique column names from the rows above the readings."""
    titled = [row for row in above[-MAX_TITLE_ROWS:] if sum(map(bool, row)) > 1 or width == 1]
    found: list[str] = []
    for column in range(width):
        parts = dict.fromkeys(row[column] for row in titled if row[column])
        name = " ".join(parts)[:200] or f"Column {column + 1}"
        found.append(name if name not in found else f"{name} ({column + 1})")
    return tuple(found)


def find_column(columns: Sequence[str], name: str | None, field: str) -> int | None:
    """Position of the column with this name. Raises `Invalid` if there is none."""
    if name is None:
        return None
    if name not in columns:
        raise mapping_error(f"{field} must be a column of the file.", field)
    return columns.index(name)


def validate_timezone(name: str | None) -> str:
    """A time zone name such as Europe/Vienna; defaults to UTC. Raises `Invalid`."""
    try:
        return ZoneInfo(name or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise mapping_error("timezone must be a time zone name such as Europe/Vienna.", "timezone") from None


def matching_share(readings: Sequence[Sequence[str]], column: int, pattern: re.Pattern[str]) -> float:
    """Share of a column's non-empty cells that match a pattern."""
    cells = [row[column] for row in readings if row[column]]
    return sum(pattern.fullmatch(cell) is not None for cell in cells) / len(cells) if cells else 0.0


def parse_unit(text: str) -> EnergyUnit | None:
    """The unit named in a title, or None."""
    found = UNIT_PATTERN.search(text)
    known = {unit.value for unit in EnergyUnit}
    name = (found[1] + found[2]).lower() if found else ""
    return EnergyUnit(name) if name in known else None


def timestamp_texts(layout: Layout, readings: Sequence[Sequence[str]]) -> list[str]:
    """The timestamps as texts; date and time columns are joined."""
    if layout.timestamp is None:
        return []
    texts = [
        row[layout.timestamp] if layout.time is None else f"{row[layout.timestamp]} {row[layout.time]}"
        for row in readings
    ]
    return [text for text in texts if text.strip()]


def has_decimal_comma(readings: Sequence[Sequence[str]]) -> bool:
    """Whether the decimal separator is a comma, judging by unambiguous numbers."""
    ambiguous = (TIMESTAMP_PATTERN, GROUPED_NUMBER)
    marks: Counter[str] = Counter()
    for cell in chain.from_iterable(readings):
        if NUMBER.fullmatch(cell) and not any(pattern.fullmatch(cell) for pattern in ambiguous):
            marks.update(re.findall("[,.]", cell)[-1:])
    return marks[","] > marks["."]


def parse_number(text: str, comma: bool) -> float | None:
    """The number in a text, or None."""
    bare = re.sub(r"[\s'\u2019\u00a0]", "", text)
    bare = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    try:
        return float(bare)
    except ValueError:
        return None
