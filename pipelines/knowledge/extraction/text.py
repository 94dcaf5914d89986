"""Text extraction from plain text, Markdown and CSV files."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

from core.errors import Invalid, UnsupportedContent
from core.text_decoding import SAMPLE_LENGTH, DecodedText, decode_text, detect_delimiter
from pipelines.knowledge.extraction.pages import Heading, Limits, Page, clean
from pipelines.knowledge.extraction.tables import table_page

MARKDOWN_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$|^(\S.*)\n(=+|-+)[ \t]*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
MAX_FIELD_LENGTH = 10_000_000


def read_text(path: Path, limits: Limits) -> Iterator[Page]:
    """A text file as one page."""
    decoded = read_file(path, limits)
    yield Page(None, clean(decoded.text), warnings=decoding_warnings(decoded))


def read_markdown(path: Path, limits: Limits) -> Iterator[Page]:
    """Markdown source as one page with its headings."""
    decoded = read_file(path, limits)
    content = clean(decoded.text)
    fences = [match.span() for match in FENCE.finditer(content)]
    headings = [
        Heading(*match.span(), len(match[1]) if match[1] else 1 + (match[4][0] == "-"))
        for match in MARKDOWN_HEADING.finditer(content)
        if not any(start <= match.start() < end for start, end in fences)
    ]
    yield Page(None, content, tuple(headings), warnings=decoding_warnings(decoded))


def read_csv(path: Path, limits: Limits) -> Iterator[Page]:
    """A CSV file as one page: a line for each row, with the column names."""
    decoded = read_file(path, limits)
    content = decoded.text
    csv.field_size_limit(MAX_FIELD_LENGTH)
    delimiter = detect_delimiter(content[:SAMPLE_LENGTH], (",", ";", "\t", "|"))
    reader = csv.reader(StringIO(content, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        yield replace(table_page(reader), warnings=decoding_warnings(decoded))
    except csv.Error as error:
        raise Invalid("The file cannot be parsed as CSV.") from error


def decoding_warnings(decoded: DecodedText) -> tuple[str, ...]:
    """What is not certain about a text, for `Document.warnings`."""
    warnings = []
    if decoded.damaged:
        warnings.append(f"Damaged characters were not read: {decoded.damaged:,}.")
    if decoded.alternative:
        warnings.append(
            f"The encoding is not certain: the text was read as {decoded.encoding}, and may be "
            f"{decoded.alternative}. If letters are wrong, save the file as UTF-8 and upload it again."
        )
    if decoded.foreign_lines:
        warnings.append(
            f"Lines that are not UTF-8 were read as {decoded.foreign_encoding}: {decoded.foreign_lines:,}."
        )
    return tuple(warnings)


def read_file(path: Path, limits: Limits) -> DecodedText:
    """The text of a file. Raises `Invalid` if it is empty, `UnsupportedContent` if no text or too long."""
    if path.stat().st_size > 4 * limits.characters:
        raise UnsupportedContent(
            f"The file must have at most {limits.characters:,} characters of text. Upload it in parts."
        )
    content = path.read_bytes()
    if not content.strip():
        raise Invalid("The file is empty.")
    return decode_text(content)
