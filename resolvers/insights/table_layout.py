"""How a file of readings is laid out: guessed from its head, or as somebody says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
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
GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}([ '\u2019\u00a0.,]\d{3})+")
CONSUMPTION_NAME = re.compile(
    r"consum|verbrauch|bezug|demand|load|last|usage|energy|energie|import|kwh|mwh|value|total|actual", re.I
)
RENEWABLE_NAME = re.compile(r"renew|solar|\bpv\b|photovolt|wind|green|erneuer|hydro|regener", re.I)
UNIT_PATTERN = re.compile(r"(?<![A-Za-z])([kKmMgG]?[wW])([hH]?)(?![A-Za-z])")
DETECTION_ROWS, MIN_READING_SHARE = 10, 0.6
"""Of how many rows how large a share must be readings, for the first of them to be the first reading."""
MAX_TITLE_ROWS = 2
"""How many rows right above the readings name the columns."""


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
    """What somebody says about a file; None is guessed. Columns are named as the preview names them."""

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
    """Where readings are in a file, and how they are written. Columns are positions from 0."""

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
    """The usual time between two readings."""


def detect_layout(head: TablePreview, given: LayoutOverrides) -> Layout:
    """Guess what is not given. Raises `Invalid` for what is given and does not fit the file."""
    rows = head.rows
    skipped = count_header_rows(rows) if given.header_rows is None else given.header_rows
    if not 0 <= skipped < max(1, len(rows)):
        raise mapping_error("The file does not have so many rows before its readings.", "headerRows")
    columns = column_names(rows[:skipped], len(rows[0]) if rows else 0)
    readings = [row for row in rows[skipped:] if any(row)]
    comma = has_decimal_comma(readings, head.delimiter) if given.decimal_comma is None else given.decimal_comma
    found = Layout(
        columns=columns,
        encoding=head.encoding,
        delimiter=head.delimiter,
        sheet=head.sheet,
        header_rows=skipped,
        timestamp=find_column(columns, given.timestamp_column, "timestampColumn"),
        time=find_column(columns, given.time_column, "timeColumn"),
        consumption=find_column(columns, given.consumption_column, "consumptionColumn"),
        renewable=find_column(columns, given.renewable_column, "renewableColumn"),
        notation=None,
        decimal_comma=comma,
        unit=given.unit or EnergyUnit.KWH,
        unit_guessed=given.unit is None,
        timezone=validate_timezone(given.timezone),
        step_minutes=None,
    )
    return detect_notation(detect_columns(found, readings, rows[:skipped], given), readings, given)


def detect_columns(
    layout: Layout, readings: Sequence[Sequence[str]], above: Sequence[Sequence[str]], given: LayoutOverrides
) -> Layout:
    """The columns that were not given, by what is in them and what they are called; and the unit."""
    width = len(layout.columns)
    numeric = [matching_share(readings, column, NUMBER) for column in range(width)]
    timed = [matching_share(readings, column, TIMESTAMP_PATTERN) for column in range(width)]
    timestamp, time = layout.timestamp, layout.time
    if timestamp is None and timed and max(timed) > 0.5:
        timestamp = timed.index(max(timed))
    if time is None and given.timestamp_column is None:
        clocks = [column for column in range(width) if matching_share(readings, column, TIME_PATTERN) > 0.8]
        time = clocks[0] if clocks and clocks[0] != timestamp else None
    free = [c for c in range(width) if numeric[c] > 0.5 and timed[c] < 0.5 and c not in (timestamp, time)]
    renewable = layout.renewable
    if renewable is None and given.consumption_column is None:
        green = [c for c in free if RENEWABLE_NAME.search(layout.columns[c])]
        renewable = green[0] if green and len(free) > 1 else None
    consumption = layout.consumption
    if consumption is None:
        rest = [c for c in free if c != renewable]
        called = [c for c in rest if CONSUMPTION_NAME.search(layout.columns[c])]
        consumption = next(iter(called or rest), None)
    unit = layout.unit
    guessed = layout.unit_guessed
    if guessed and consumption is not None:
        texts = [layout.columns[consumption], *(" ".join(row) for row in above)]
        told = next((found for text in texts if (found := parse_unit(text))), None)
        unit, guessed = told or unit, told is None
    return replace(
        layout,
        timestamp=timestamp,
        time=time,
        consumption=consumption,
        renewable=renewable,
        unit=unit,
        unit_guessed=guessed,
    )


def detect_notation(layout: Layout, readings: Sequence[Sequence[str]], given: LayoutOverrides) -> Layout:
    """How instants are written, and the usual time between them."""
    texts = timestamp_texts(layout, readings)
    notation = detect_format(texts, given.day_first)
    if notation is None:
        return layout
    known = [instant for text in texts if (instant := parse_timestamp(normalize_timestamp(text), notation))]
    ordered = sorted({instant.replace(tzinfo=None) for instant in known})
    steps = [(b - a).total_seconds() / 60 for a, b in pairwise(ordered)]
    return replace(layout, notation=notation, step_minutes=median(steps) if steps else None)


def validate_layout(layout: Layout, head: TablePreview) -> None:
    """Raise `Invalid`, with the path of what is missing, for a layout that nothing can be read by."""
    if layout.timestamp is None:
        raise mapping_error("No column holds instants; say which one does.", "timestampColumn")
    if layout.consumption is None:
        raise mapping_error("No column holds numbers; say which one is the consumption.", "consumptionColumn")
    if layout.notation is None:
        raise mapping_error("The instants are written in a way that is not known.", "timestampColumn")
    readings = [row for row in head.rows[layout.header_rows :] if any(row)]
    if not any(parse_number(row[layout.consumption], layout.decimal_comma) is not None for row in readings):
        raise mapping_error("This column holds no numbers.", "consumptionColumn")
    if len(readings) < 2:
        message = "One reading says nothing about a consumption over time; two are needed at least."
        raise Invalid(message, "input", "uploadId")


def mapping_error(message: str, field: str) -> Invalid:
    """A refusal of a part of the mapping."""
    return Invalid(message, "input", "mapping", field)


def count_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows stand above the readings."""
    for number_of, row in enumerate(rows):
        following = [each for each in rows[number_of : number_of + DETECTION_ROWS] if any(each)]
        if is_reading(row) and sum(map(is_reading, following)) >= MIN_READING_SHARE * len(following):
            return number_of
    return min(1, max(0, len(rows) - 1))


def is_reading(row: Sequence[str]) -> bool:
    """Whether a row holds an instant and, elsewhere, a number."""
    instants = [cell for cell in row if cell and TIMESTAMP_PATTERN.fullmatch(cell)]
    numbers = [
        cell for cell in row if cell and NUMBER.fullmatch(cell) and not TIMESTAMP_PATTERN.fullmatch(cell)
    ]
    return bool(instants and numbers)


def column_names(above: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """What the columns are called in the rows above the readings; each name once."""
    titled = [row for row in above[-MAX_TITLE_ROWS:] if sum(map(bool, row)) > 1 or width == 1]
    found: list[str] = []
    for column in range(width):
        parts = dict.fromkeys(row[column] for row in titled if row[column])
        name = " ".join(parts)[:200] or f"Column {column + 1}"
        found.append(name if name not in found else f"{name} ({column + 1})")
    return tuple(found)


def find_column(columns: Sequence[str], name: str | None, field: str) -> int | None:
    """Where the column is that is called so. Raises `Invalid`."""
    if name is None:
        return None
    if name not in columns:
        raise mapping_error("There is no such column.", field)
    return columns.index(name)


def validate_timezone(name: str | None) -> str:
    """A time zone's name, such as Europe/Vienna; UTC unless given. Raises `Invalid`."""
    try:
        return ZoneInfo(name or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise mapping_error("There is no such time zone; Europe/Vienna is one.", "timezone") from None


def matching_share(readings: Sequence[Sequence[str]], column: int, pattern: re.Pattern[str]) -> float:
    """How many of a column's cells that are not empty are written so."""
    cells = [row[column] for row in readings if row[column]]
    return sum(pattern.fullmatch(cell) is not None for cell in cells) / len(cells) if cells else 0.0


def parse_unit(text: str) -> EnergyUnit | None:
    """The unit that a title names."""
    found = UNIT_PATTERN.search(text)
    known = {unit.value for unit in EnergyUnit}
    name = (found[1] + found[2]).lower() if found else ""
    return EnergyUnit(name) if name in known else None


def timestamp_texts(layout: Layout, readings: Sequence[Sequence[str]]) -> list[str]:
    """The texts of the instants, a time beside its date."""
    if layout.timestamp is None:
        return []
    texts = [
        row[layout.timestamp] if layout.time is None else f"{row[layout.timestamp]} {row[layout.time]}"
        for row in readings
    ]
    return [text for text in texts if text.strip()]


def has_decimal_comma(readings: Sequence[Sequence[str]], delimiter: str | None) -> bool:
    """Whether numbers have a comma before their decimals, by those that leave no doubt."""
    commas = points = 0
    for row in readings:
        for cell in row:
            if not NUMBER.fullmatch(cell) or TIMESTAMP_PATTERN.fullmatch(cell):
                continue
            last = max(cell.rfind(","), cell.rfind("."))
            grouped = GROUPED_NUMBER.fullmatch(cell) and len({c for c in cell if c in ",."}) == 1
            if last >= 0 and not grouped:
                commas, points = commas + (cell[last] == ","), points + (cell[last] == ".")
    return commas > points if commas != points else False


def parse_number(text: str, comma: bool) -> float | None:
    """A number as it is written; none where it is not one."""
    bare = re.sub(r"[\s'\u2019\u00a0]", "", text)
    bare = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    try:
        return float(bare)
    except ValueError:
        return None
