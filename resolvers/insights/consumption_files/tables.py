"""Tables in a file, as text: the rows of readings, the names of their columns and the titles above."""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path

import polars as pl

from core.errors import Ambiguous, Invalid, UnsupportedContent
from core.text_decoding import DELIMITERS, SAMPLE_ROWS, detect_encoding, parse_rows, row_regularity
from resolvers.insights.consumption_files.moments import looks_like_moment
from resolvers.insights.workbooks import MAX_COLUMNS, XLSX_TYPE, format_cell, open_workbook

SAMPLE_CHARACTERS = 256 * 1024
DETECTION_ROWS, MIN_READING_SHARE = 10, 0.6
"""The first reading is the first row from which this share of the next rows are readings."""
MAX_TITLE_ROWS = 2
"""Rows directly above the readings that name the columns."""
NUMERIC = re.compile(r"[+-]?[\d\s'\u2019\u00a0\u202f.,]*\d([eE][+-]?\d+)?(\s*[A-Za-z€³]{1,3})?")
MAX_TURNED_ROWS, MIN_TURNED_COLUMNS = 60, 8
"""A table whose instants are in its first row has few rows and many columns."""


@dataclass(frozen=True)
class Table:
    """Rows of readings as text, under the columns "0", "1", …; an empty cell is "".

    `titles` are the texts above the names, and the name of the sheet. `typed` are the columns whose cells a
    workbook stores as numbers.
    """

    cells: pl.DataFrame
    names: tuple[str, ...]
    titles: str
    header_rows: int
    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None
    typed: frozenset[int] = frozenset()
    turned: bool = False
    """Whether the rows of the file are the columns of the table."""

    def column(self, number: int) -> pl.Series:
        return self.cells[str(number)]


def read_tables(
    path: Path,
    mime_type: str,
    *,
    delimiter: str | None = None,
    header_rows: int | None = None,
    sheet: str | None = None,
) -> list[Table]:
    """The tables of a file. Raises `Invalid` or `UnsupportedContent` if it contains none."""
    if mime_type == XLSX_TYPE:
        return read_workbook(path, header_rows, sheet)
    if not mime_type.startswith("text/"):
        raise UnsupportedContent("The file must be CSV or XLSX.", "input", "uploadId")
    return [read_delimited_text(path, delimiter, header_rows)]


def read_delimited_text(path: Path, delimiter: str | None, header_rows: int | None) -> Table:
    """The table of a text file."""
    content = path.read_bytes()
    encoding = detect_encoding(content[:SAMPLE_CHARACTERS])
    text = content.decode(encoding, errors="replace")
    if not text.strip():
        raise Invalid("The file is empty.", "input", "uploadId")
    if "\x00" in text:
        raise UnsupportedContent("The file must be CSV or XLSX.", "input", "uploadId")
    sample = text[:SAMPLE_CHARACTERS]
    if len(text) > SAMPLE_CHARACTERS and "\n" in sample:
        sample = sample[: sample.rindex("\n")]
    delimiter = delimiter or choose_delimiter(sample)
    head = parse_rows(sample, delimiter)
    skipped = count_header_rows(head) if header_rows is None else header_rows
    if not 0 <= skipped < max(1, len(head)):
        raise Invalid("headerRows must be smaller than the number of rows.", "input", "mapping", "headerRows")
    width = min(MAX_COLUMNS, max(map(len, head[skipped:]), default=0))
    if width == 0:
        raise Invalid("The file contains no table.", "input", "uploadId")
    cells = read_cells(text, delimiter, skipped, width)
    named = max(map(len, head[max(0, skipped - MAX_TITLE_ROWS) : skipped]), default=width)
    if delimiter == "," and 1 < named < width:
        cells, width = join_decimals(cells, named), named
    above = [(row + [""] * width)[:width] for row in head[:skipped]]
    return finish_table(cells, above, encoding=encoding, delimiter=delimiter, header_rows=skipped)


def choose_delimiter(sample: str) -> str:
    """The delimiter with the most regular rows of more than one cell.

    Where the numbers have an unquoted decimal comma, the rows have more cells than their header: another
    delimiter that divides header and rows alike is preferred.
    """
    return max(DELIMITERS, key=lambda choice: row_regularity(parse_rows(sample, choice)))


def read_cells(text: str, delimiter: str, skipped: int, width: int) -> pl.DataFrame:
    """The rows below the header as text; by a slower reader where quotes are not those of RFC 4180."""
    schema = {str(number): pl.String for number in range(width)}
    try:
        lines = text.encode()
        cells = pl.read_csv(
            lines,
            has_header=False,
            skip_lines=skipped,
            separator=delimiter,
            schema=schema,
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:
        try:
            rows = list(csv.reader(StringIO(text), delimiter=delimiter))[skipped:]
        except csv.Error as error:
            raise Invalid("The file cannot be parsed as CSV.", "input", "uploadId") from error
        padded = [(row + [""] * width)[:width] for row in rows]
        cells = pl.DataFrame(padded, schema=schema, orient="row")
    return cells


def join_decimals(cells: pl.DataFrame, named: int) -> pl.DataFrame:
    """Rows with more cells than their header has names, where a decimal comma cuts the last number in two.

    Raises `Ambiguous` if the surplus cells are anything else.
    """
    surplus = cells.width - named
    filled = cells.filter(pl.any_horizontal(pl.all().fill_null("") != ""))
    last = [pl.col(str(number)).fill_null("").str.strip_chars() for number in range(named - 1, cells.width)]
    if filled.select((pl.concat_str(last[1:]) == "").all()).item():
        return cells.select(str(number) for number in range(named))  # a delimiter at the end of each line
    whole, digits = last[0].str.contains(r"^[+-]?\d+$"), last[-1].str.contains(r"^\d*$")
    if surplus > 1 or not filled.select((whole & digits).all()).item():
        raise Ambiguous(
            f"The rows have {cells.width} cells, and the header {named} names. Which delimiter does it have?",
            *("input", "mapping", "delimiter"),
        )
    joined = (
        pl.when(last[-1] == "").then(last[0]).otherwise(pl.concat_str([last[0], last[-1]], separator=","))
    )
    return cells.with_columns(joined.alias(str(named - 1))).select(str(number) for number in range(named))


def read_workbook(path: Path, header_rows: int | None, sheet: str | None) -> list[Table]:
    """The tables of a workbook, a sheet each; formulas have their cached values."""
    tables = []
    with open_workbook(path) as book:
        if sheet is not None and sheet not in book.sheet_names:
            raise Invalid("sheet must be a sheet of the workbook.", "input", "mapping", "sheet")
        for name in [sheet] if sheet else book.sheet_names:
            raw = [list(row) for row in book.get_sheet_by_name(name).iter_rows()]
            rows = [[format_cell(value) for value in row[:MAX_COLUMNS]] for row in raw]
            if not any(any(row) for row in rows):
                continue
            width = max(map(len, rows))
            rows = [row + [""] * (width - len(row)) for row in rows]
            skipped = count_header_rows(rows[:SAMPLE_ROWS]) if header_rows is None else header_rows
            if skipped >= len(rows):
                continue
            typed = frozenset(
                number
                for number in range(width)
                if is_typed([row[number] for row in raw[skipped:] if number < len(row)])
            )
            schema = {str(number): pl.String for number in range(width)}
            cells = pl.DataFrame(rows[skipped:], schema=schema, orient="row")
            tables.append(finish_table(cells, rows[:skipped], sheet=name, header_rows=skipped, typed=typed))
    if not tables:
        raise Invalid("The workbook is empty.", "input", "uploadId")
    return tables


def is_typed(cells: list[object]) -> bool:
    """Whether the filled cells of a workbook's column are numbers and not texts."""
    filled = [cell for cell in cells if not isinstance(cell, str) or cell.strip()]
    return bool(filled) and not any(isinstance(cell, str) for cell in filled)


def finish_table(
    cells: pl.DataFrame,
    above: list[list[str]],
    *,
    header_rows: int,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    sheet: str | None = None,
    typed: frozenset[int] = frozenset(),
) -> Table:
    """A table without empty rows; one whose instants are in its first row is turned."""
    cells = cells.with_columns(pl.all().fill_null("").str.strip_chars())
    cells = cells.filter(pl.any_horizontal(pl.all() != ""))
    turned = False
    whole = [*above, *map(list, cells.head(MAX_TURNED_ROWS + 1).iter_rows())]
    if is_turned(whole):
        turned, columns = True, list(zip(*whole, strict=True))
        names = column_names([list(columns[0])], len(whole))
        cells = pl.DataFrame(columns[1:], schema=[str(n) for n in range(len(whole))], orient="row")
        return Table(cells, names, sheet or "", 1, encoding, delimiter, sheet, turned=turned)
    titles = " ".join(cell for row in above for cell in row if cell)
    named = f"{titles} {sheet or ''}".strip()
    return Table(
        cells, column_names(above, cells.width), named, header_rows, encoding, delimiter, sheet, typed
    )


def is_turned(rows: list[list[str]]) -> bool:
    """Whether the instants stand beside each other in a row, and not below each other."""
    if not rows or len(rows) > MAX_TURNED_ROWS or len(rows[0]) < MIN_TURNED_COLUMNS:
        return False
    first = [cell for cell in rows[0][1:] if cell]
    dated = [cell for cell in first if looks_like_moment(cell) and re.search(r"\d", cell)]
    return len(dated) >= MIN_TURNED_COLUMNS - 1 and len(dated) >= 0.9 * (len(rows[0]) - 1)


def count_header_rows(rows: list[list[str]]) -> int:
    """Number of rows above the readings."""
    for index, row in enumerate(rows):
        sample = [row for row in rows[index : index + DETECTION_ROWS] if any(row)]
        if is_reading(row) and sum(map(is_reading, sample)) >= MIN_READING_SHARE * len(sample):
            return index
    return min(1, max(0, len(rows) - 1))


def is_reading(row: list[str]) -> bool:
    """Whether a row has an instant beside a number, or numbers only."""
    filled = [cell for cell in row if cell]
    moments = [looks_like_moment(cell) for cell in filled]
    numbers = [
        NUMERIC.fullmatch(cell) is not None and not moment
        for cell, moment in zip(filled, moments, strict=True)
    ]
    if not any(numbers):
        return False
    if all(numbers):
        return len(filled) > 1 and not are_slots(filled) and not re.fullmatch(r"(19|20)\d\d", filled[1])
    return any(moments)


def are_slots(cells: list[str]) -> bool:
    """Whether numbers count upward by one, as the names of hours do."""
    numbers = [int(cell) for cell in cells if cell.isdigit()]
    return len(numbers) == len(cells) > 3 and all(b - a == 1 for a, b in pairwise(numbers))


def column_names(above: list[list[str]], width: int) -> tuple[str, ...]:
    """Unique column names from the rows above the readings."""
    titled = [row for row in above[-MAX_TITLE_ROWS:] if sum(map(bool, row)) > 1 or width == 1]
    found: list[str] = []
    for column in range(width):
        parts = dict.fromkeys(row[column] for row in titled if column < len(row) and row[column])
        name = " ".join(parts)[:200] or f"Column {column + 1}"
        found.append(name if name not in found else f"{name} ({column + 1})")
    return tuple(found)
