"""Text extraction from plain text, Markdown and CSV files."""

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

from core.errors import Invalid, UnsupportedContent
from core.text_decoding import SAMPLE_LENGTH, decode, detect_delimiter
from pipelines.knowledge.extraction.pages import Heading, Limits, Page, PageBuilder, clean

MIN_READABLE_SHARE = 0.98
"""The least share of characters that are not control characters."""
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")
MARKDOWN_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$|^(\S.*)\n(=+|-+)[ \t]*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
NUMERIC = re.compile(r"[\s\d.,:/%+\-\u20ac$\u00a3]*")
MAX_FIELD_LENGTH = 10_000_000


def decode_text(content: bytes) -> str:
    """The text of bytes in any encoding. Raises `Invalid` if empty, `UnsupportedContent` if not text."""
    if not content.strip():
        raise Invalid("The file is empty.")
    text = decode(content)
    sample = text[:SAMPLE_LENGTH]
    if len(CONTROL.findall(sample)) > (1 - MIN_READABLE_SHARE) * len(sample):
        raise UnsupportedContent("The file is not a text file.")
    return text


def read_text(path: Path, limits: Limits) -> Iterator[Page]:
    """A text file as one page."""
    yield Page(None, clean(_read_file(path, limits)))


def read_markdown(path: Path, limits: Limits) -> Iterator[Page]:
    """Markdown source as one page with its headings."""
    content = clean(_read_file(path, limits))
    fences = [match.span() for match in FENCE.finditer(content)]
    headings = [
        Heading(*match.span(), len(match[1]) if match[1] else 1 + (match[4][0] == "-"))
        for match in MARKDOWN_HEADING.finditer(content)
        if not any(start <= match.start() < end for start, end in fences)
    ]
    yield Page(None, content, tuple(headings))


def read_csv(path: Path, limits: Limits) -> Iterator[Page]:
    """A CSV file as one page: a line for each row, with the column names."""
    content = _read_file(path, limits)
    csv.field_size_limit(MAX_FIELD_LENGTH)
    delimiter = detect_delimiter(content[:SAMPLE_LENGTH], (",", ";", "\t", "|"))
    reader = csv.reader(StringIO(content, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        yield table_page(reader)
    except csv.Error as error:
        raise Invalid("The file cannot be parsed as CSV.") from error


def table_page(rows: Iterable[Iterable[str]], number: int | None = None, title: str = "") -> Page:
    """A table as a line for each row: `City: Paris; Mayor: …` if the first row is a header."""
    composer = PageBuilder()
    composer.add(title, level=1)
    names: list[str] | None = None
    for index, row in enumerate(rows):
        cells = [" ".join(cell.split()) for cell in row]
        if index == 0 and _is_header(cells):
            names = cells
            composer.add(" | ".join(cells))
            continue
        if names is None:
            line = " | ".join(cell for cell in cells if cell)
        else:
            labels = [*names, *[""] * (len(cells) - len(names))]
            pairs = zip(labels, cells, strict=False)
            line = "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)
        composer.add(line, gap="\n")
    return composer.page(number)


def _is_header(cells: list[str]) -> bool:
    """Whether a first row is a header: two or more distinct values, none of them a number."""
    return (
        len(cells) > 1
        and len(set(cells)) == len(cells)
        and all(cell and not NUMERIC.fullmatch(cell) for cell in cells)
    )


def _read_file(path: Path, limits: Limits) -> str:
    if path.stat().st_size > 4 * limits.characters:
        raise UnsupportedContent(
            f"The file must have at most {limits.characters:,} characters of text. Upload it in parts."
        )
    return decode_text(path.read_bytes())
