"""Tables as lines of text: a line for each row, in which each cell keeps its column's header."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from pipelines.knowledge.extraction.pages import Page, PageBuilder

NUMERIC = re.compile(r"[\s\d.,:/%+\-\u20ac$\u00a3]*")
MAX_SPAN = 1_000
"""Columns or rows over which one cell is read."""
SAMPLE_ROWS = 50
"""Rows by which a table of two columns is told from a list of names and values."""


def table_page(rows: Iterable[Iterable[str]], number: int | None = None, title: str = "") -> Page:
    """A table as a page; its first row is a header if it looks like one."""
    composer = PageBuilder()
    composer.add(title, level=1)
    composer.add_lines(table_lines(rows))
    return composer.page(number)


def table_lines(
    rows: Iterable[Iterable[str]], *, headers: int | None = None, strict: bool = False
) -> Iterator[str]:
    """A line for each row: `City: Paris; Mayor: …` below a header, else `Paris | …`.

    `headers` is the number of header rows, None where the file does not say. With `strict`, two columns are a
    list of names and values unless the second one holds numbers under a word.
    """
    lines: Iterator[list[str]] = (_clean_cells(row) for row in rows)
    if headers is None:
        sample = list(islice(lines, SAMPLE_ROWS))
        while len(sample) > 1 and sum(map(bool, sample[0])) <= 1 < max(map(len, sample)):
            yield from filter(None, sample.pop(0))  # a title above the table
        headers = int(bool(sample) and _is_header(sample[0]) and not (strict and _is_list_of_pairs(sample)))
        lines = chain(sample, lines)
    heads = list(islice(lines, headers))
    yield from (" | ".join(cell for cell in dict.fromkeys(head) if cell) for head in heads)
    names = [" ".join(dict.fromkeys(filter(None, column))) for column in zip(*_pad(heads), strict=True)]
    for cells in lines:
        if names:
            labels = [*names, *[""] * (len(cells) - len(names))]
            pairs = zip(labels, cells, strict=False)
            yield "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)
        else:
            yield " | ".join(cell for cell in cells if cell)


def _clean_cells(row: Iterable[str]) -> list[str]:
    return [" ".join(cell.split()) for cell in row]


def _pad(rows: Sequence[list[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    return [[*row, *[""] * (width - len(row))] for row in rows]


def _is_header(cells: list[str]) -> bool:
    """Whether a first row is a header: two or more distinct values, none of them a number.

    The first value may be missing, above the names of the rows.
    """
    while cells and not cells[-1]:
        cells = cells[:-1]
    named = cells if cells and cells[0] else cells[1:]
    return (
        len(cells) > 1
        and len(set(cells)) == len(cells)
        and all(cell and not NUMERIC.fullmatch(cell) for cell in named)
    )


def _is_list_of_pairs(rows: Sequence[list[str]]) -> bool:
    """Whether rows of two cells are names and values; numbers only below a word make them a table."""
    values = [row[1] for row in rows[1:] if len(row) == 2 and row[1]]
    return max(map(len, rows)) == 2 and not (len(values) > 1 and all(map(NUMERIC.fullmatch, values)))


class TableGrid:
    """Places cells that span several columns or rows. A value that spans rows is repeated in each."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._spans: dict[int, tuple[int, str]] = {}
        """By column: the number of further rows, and the value."""

    def add_row(self, cells: Iterable[tuple[str, int, int]], *, repeat_columns: bool = False) -> None:
        """Add cells with their spans of columns and rows; `repeat_columns` repeats values of headers."""
        row: list[str] = []
        spans: dict[int, tuple[int, str]] = {}

        def skip_spans() -> None:
            while len(row) in self._spans:
                column = len(row)
                left, text = self._spans.pop(column)
                row.append(text)
                if left > 1:
                    spans[column] = left - 1, text

        for text, columns, height in cells:
            skip_spans()
            for index in range(min(max(columns, 1), MAX_SPAN)):
                value = text if index == 0 or repeat_columns else ""
                if height > 1:
                    spans[len(row)] = min(height, MAX_SPAN) - 1, value
                row.append(value)
        skip_spans()
        self._spans = spans
        self.rows.append(row)
