"""The layout of a file of consumption: everything that decides how its texts become energy."""

from dataclasses import dataclass
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import Invalid
from resolvers.insights.consumption_files.units import EnergyUnit


class TableShape(Enum):
    """How the readings are laid out in a table."""

    ROWS = "rows"
    """A row for each instant."""
    SLOTS = "slots"
    """A row for each day, a column for each interval of the day."""
    YEARS = "years"
    """A row for each month, a column for each year."""
    MONTHS = "months"
    """A row for each year, a column for each month."""


class Quantity(Enum):
    """What the numbers of a file count."""

    CONSUMPTION = "consumption"
    """Energy or mean power of an interval."""
    REGISTER = "register"
    """The state of a meter's register, which only grows: consumption is the difference of two readings."""


class IntervalLabel(Enum):
    """The end of an interval that its instant names."""

    START = "start"
    """The instant begins the interval."""
    END = "end"
    """The instant ends the interval."""


class RepeatedInstants(Enum):
    """What happens to different readings of the same instant."""

    ADD = "add"
    """They are added."""
    KEEP_LAST = "keep_last"
    """The last one counts."""


@dataclass(frozen=True)
class LayoutOverrides:
    """Overrides of the detected layout; None is detected. Columns have the names of the preview."""

    timestamp_column: str | None = None
    end_column: str | None = None
    time_column: str | None = None
    consumption_columns: list[str] | None = None
    consumption_column: str | None = None
    renewable_column: str | None = None
    meter_column: str | None = None
    meter: str | None = None
    quantity: Quantity | None = None
    unit: EnergyUnit | None = None
    timezone: str | None = None
    delimiter: str | None = None
    sheets: list[str] | None = None
    decimal_comma: bool | None = None
    header_rows: int | None = None
    day_first: bool | None = None
    interval_label: IntervalLabel | None = None
    repeated_instants: RepeatedInstants | None = None
    year: int | None = None
    leave_out: bool | None = None


@dataclass(frozen=True)
class Layout:
    """How a file is read. Columns are positions from 0, of the first of the `sheets`."""

    columns: tuple[str, ...]
    encoding: str
    delimiter: str | None
    sheets: tuple[str, ...]
    header_rows: int
    shape: TableShape
    timestamp: int | None
    end: int | None
    time: int | None
    slot: int | None
    year_column: int | None
    meter: int | None
    unit_column: int | None
    values: tuple[int, ...]
    renewable: int | None
    day_first: bool
    decimal_comma: bool
    quantity: Quantity
    unit: EnergyUnit
    unit_guessed: bool
    interval_label: IntervalLabel
    repeated_instants: RepeatedInstants | None
    """None: there are none that differ."""
    leave_out: bool
    """Whether rows that cannot be used are left out however many they are."""
    year: int | None
    meter_name: str | None
    timezone: str


def mapping_error(message: str, field: str) -> Invalid:
    """An error in a field of the mapping."""
    return Invalid(message, "input", "mapping", field)


def find_column(columns: tuple[str, ...], name: str | None, field: str) -> int | None:
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
