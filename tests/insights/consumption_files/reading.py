"""Files that tests write and read."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from resolvers.insights.consumption_files.decisions import FileReading
from resolvers.insights.consumption_files.inference import understand
from resolvers.insights.consumption_files.layout import LayoutOverrides
from resolvers.insights.workbooks import XLSX_TYPE

FIRST = datetime(2024, 3, 20)
MONTHS = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()  # noqa: SIM905


def read(
    content: str | bytes,
    overrides: LayoutOverrides | None = None,
    expected_kwh: float | None = None,
    mime_type: str = "text/csv",
) -> FileReading:
    """How a file is read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return understand(path, mime_type, overrides or LayoutOverrides(), expected_kwh)


def read_workbook(content: bytes) -> FileReading:
    return read(content, mime_type=XLSX_TYPE)


def kwh(number: int) -> float:
    """The energy of an interval: between 10 and 12.2 kWh, up and down."""
    return 10 + (number * 7 % 23) / 10


def total(count: int) -> float:
    return sum(map(kwh, range(count)))


def comma(value: float) -> str:
    return f"{value}".replace(".", ",")


def instants(count: int, minutes: int = 60) -> list[datetime]:
    return [FIRST + timedelta(minutes=minutes * number) for number in range(count)]


def lines(head: str, count: int, line: Callable[[datetime, int], str], minutes: int = 60) -> str:
    """A header and a line for each instant."""
    return "\n".join([head, *(line(at, number) for number, at in enumerate(instants(count, minutes))), ""])


def months(head: str, values: Sequence[object], month: str = "{name} 2024") -> str:
    """A header and a line for each month of 2024."""
    rows = (f"{month.format(name=MONTHS[n], n=n + 1)};{value}" for n, value in enumerate(values))
    return "\n".join([head, *rows, ""])
