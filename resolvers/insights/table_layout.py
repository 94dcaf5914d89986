"""How a file of readings is laid out: guessed from its head, or as somebody says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import Invalid
from resolvers.insights.table_preview import Head
from resolvers.insights.timestamp_formats import CLOCK, LIKE_AN_INSTANT, notation_of, plain, read

NUMBER = re.compile(r"[+-]?[\d\s'\u2019\u00a0.,]*\d([eE][+-]?\d+)?")
GROUPS = re.compile(r"[+-]?\d{1,3}([ '\u2019\u00a0.,]\d{3})+")
CONSUMPTION = re.compile(
    r"consum|verbrauch|bezug|demand|load|last|usage|energy|energie|import|kwh|mwh|value|total|actual", re.I
)
RENEWABLE = re.compile(r"renew|solar|\bpv\b|photovolt|wind|green|erneuer|hydro|regener", re.I)
UNITS = re.compile(r"(?<![A-Za-z])([kKmMgG]?[wW])([hH]?)(?![A-Za-z])")
ROWS_TO_TRUST, MOSTLY = 10, 0.6
"""Of how many rows how large a share must be readings, for the first of them to be the first reading."""
TITLE_ROWS = 2
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
class Given:
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


def layout_of(head: Head, given: Given) -> Layout:
    """Guess what is not given. Raises `Invalid` for what is given and does not fit the file."""
    rows = head.rows
    skipped = first_reading(rows) if given.header_rows is None else given.header_rows
    if not 0 <= skipped < max(1, len(rows)):
        raise wrong("The file does not have so many rows before its readings.", "headerRows")
    columns = names(rows[:skipped], len(rows[0]) if rows else 0)
    readings = [row for row in rows[skipped:] if any(row)]
    comma = decimal_comma(readings, head.delimiter) if given.decimal_comma is None else given.decimal_comma
    found = Layout(
        columns=columns,
        encoding=head.encoding,
        delimiter=head.delimiter,
        sheet=head.sheet,
        header_rows=skipped,
        timestamp=position(columns, given.timestamp_column, "timestampColumn"),
        time=position(columns, given.time_column, "timeColumn"),
        consumption=position(columns, given.consumption_column, "consumptionColumn"),
        renewable=position(columns, given.renewable_column, "renewableColumn"),
        notation=None,
        decimal_comma=comma,
        unit=given.unit or EnergyUnit.KWH,
        unit_guessed=given.unit is None,
        timezone=zone(given.timezone),
        step_minutes=None,
    )
    return with_notation(with_columns(found, readings, rows[:skipped], given), readings, given)


def with_columns(
    layout: Layout, readings: Sequence[Sequence[str]], above: Sequence[Sequence[str]], given: Given
) -> Layout:
    """The columns that were not given, by what is in them and what they are called; and the unit."""
    width = len(layout.columns)
    numeric = [share(readings, column, NUMBER) for column in range(width)]
    timed = [share(readings, column, LIKE_AN_INSTANT) for column in range(width)]
    timestamp, time = layout.timestamp, layout.time
    if timestamp is None and timed and max(timed) > 0.5:
        timestamp = timed.index(max(timed))
    if time is None and given.timestamp_column is None:
        clocks = [column for column in range(width) if share(readings, column, CLOCK) > 0.8]
        time = clocks[0] if clocks and clocks[0] != timestamp else None
    free = [c for c in range(width) if numeric[c] > 0.5 and timed[c] < 0.5 and c not in (timestamp, time)]
    renewable = layout.renewable
    if renewable is None and given.consumption_column is None:
        green = [c for c in free if RENEWABLE.search(layout.columns[c])]
        renewable = green[0] if green and len(free) > 1 else None
    consumption = layout.consumption
    if consumption is None:
        rest = [c for c in free if c != renewable]
        called = [c for c in rest if CONSUMPTION.search(layout.columns[c])]
        consumption = next(iter(called or rest), None)
    unit = layout.unit
    guessed = layout.unit_guessed
    if guessed and consumption is not None:
        texts = [layout.columns[consumption], *(" ".join(row) for row in above)]
        told = next((found for text in texts if (found := unit_in(text))), None)
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


def with_notation(layout: Layout, readings: Sequence[Sequence[str]], given: Given) -> Layout:
    """How instants are written, and the usual time between them."""
    texts = instants(layout, readings)
    notation = notation_of(texts, given.day_first)
    if notation is None:
        return layout
    known = [instant for text in texts if (instant := read(plain(text), notation))]
    ordered = sorted({instant.replace(tzinfo=None) for instant in known})
    steps = [(b - a).total_seconds() / 60 for a, b in pairwise(ordered)]
    return replace(layout, notation=notation, step_minutes=median(steps) if steps else None)


def refuse_unusable(layout: Layout, head: Head) -> None:
    """Raise `Invalid`, with the path of what is missing, for a layout that nothing can be read by."""
    if layout.timestamp is None:
        raise wrong("No column holds instants; say which one does.", "timestampColumn")
    if layout.consumption is None:
        raise wrong("No column holds numbers; say which one is the consumption.", "consumptionColumn")
    if layout.notation is None:
        raise wrong("The instants are written in a way that is not known.", "timestampColumn")
    readings = [row for row in head.rows[layout.header_rows :] if any(row)]
    if not any(number(row[layout.consumption], layout.decimal_comma) is not None for row in readings):
        raise wrong("This column holds no numbers.", "consumptionColumn")
    if len(readings) < 2:
        message = "One reading says nothing about a consumption over time; two are needed at least."
        raise Invalid(message, "input", "uploadId")


def wrong(message: str, field: str) -> Invalid:
    """A refusal of a part of the mapping."""
    return Invalid(message, "input", "mapping", field)


def first_reading(rows: Sequence[Sequence[str]]) -> int:
    """How many rows stand above the readings."""
    for number_of, row in enumerate(rows):
        following = [each for each in rows[number_of : number_of + ROWS_TO_TRUST] if any(each)]
        if is_reading(row) and sum(map(is_reading, following)) >= MOSTLY * len(following):
            return number_of
    return min(1, max(0, len(rows) - 1))


def is_reading(row: Sequence[str]) -> bool:
    """Whether a row holds an instant and, elsewhere, a number."""
    instants = [cell for cell in row if cell and LIKE_AN_INSTANT.fullmatch(cell)]
    numbers = [
        cell for cell in row if cell and NUMBER.fullmatch(cell) and not LIKE_AN_INSTANT.fullmatch(cell)
    ]
    return bool(instants and numbers)


def names(above: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """What the columns are called in the rows above the readings; each name once."""
    titled = [row for row in above[-TITLE_ROWS:] if sum(map(bool, row)) > 1 or width == 1]
    found: list[str] = []
    for column in range(width):
        parts = dict.fromkeys(row[column] for row in titled if row[column])
        name = " ".join(parts)[:200] or f"Column {column + 1}"
        found.append(name if name not in found else f"{name} ({column + 1})")
    return tuple(found)


def position(columns: Sequence[str], name: str | None, field: str) -> int | None:
    """Where the column is that is called so. Raises `Invalid`."""
    if name is None:
        return None
    if name not in columns:
        raise wrong("There is no such column.", field)
    return columns.index(name)


def zone(name: str | None) -> str:
    """A time zone's name, such as Europe/Vienna; UTC unless given. Raises `Invalid`."""
    try:
        return ZoneInfo(name or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong("There is no such time zone; Europe/Vienna is one.", "timezone") from None


def share(readings: Sequence[Sequence[str]], column: int, pattern: re.Pattern[str]) -> float:
    """How many of a column's cells that are not empty are written so."""
    cells = [row[column] for row in readings if row[column]]
    return sum(pattern.fullmatch(cell) is not None for cell in cells) / len(cells) if cells else 0.0


def unit_in(text: str) -> EnergyUnit | None:
    """The unit that a title names."""
    found = UNITS.search(text)
    known = {unit.value for unit in EnergyUnit}
    name = (found[1] + found[2]).lower() if found else ""
    return EnergyUnit(name) if name in known else None


def instants(layout: Layout, readings: Sequence[Sequence[str]]) -> list[str]:
    """The texts of the instants, a time beside its date."""
    if layout.timestamp is None:
        return []
    texts = [
        row[layout.timestamp] if layout.time is None else f"{row[layout.timestamp]} {row[layout.time]}"
        for row in readings
    ]
    return [text for text in texts if text.strip()]


def decimal_comma(readings: Sequence[Sequence[str]], delimiter: str | None) -> bool:
    """Whether numbers have a comma before their decimals, by those that leave no doubt."""
    commas = points = 0
    for row in readings:
        for cell in row:
            if not NUMBER.fullmatch(cell) or LIKE_AN_INSTANT.fullmatch(cell):
                continue
            last = max(cell.rfind(","), cell.rfind("."))
            grouped = GROUPS.fullmatch(cell) and len({c for c in cell if c in ",."}) == 1
            if last >= 0 and not grouped:
                commas, points = commas + (cell[last] == ","), points + (cell[last] == ".")
    return commas > points if commas != points else False


def number(text: str, comma: bool) -> float | None:
    """A number as it is written; none where it is not one."""
    bare = re.sub(r"[\s'\u2019\u00a0]", "", text)
    bare = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    try:
        return float(bare)
    except ValueError:
        return None
