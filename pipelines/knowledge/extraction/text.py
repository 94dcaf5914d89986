"""Text files: what their bytes mean, and what Markdown and tables of values say."""

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

import charset_normalizer

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.pages import PageBuilder, Heading, Limits, Page, clean

MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
SAMPLE_LENGTH = 100_000
"""Bytes from which an encoding is guessed."""
MIN_UTF8_SHARE = 0.9
"""The share of lines in UTF-8 from which the others are taken for intruders, in Windows-1252."""
MIN_READABLE_SHARE = 0.98
"""The share of characters that must not be control characters."""
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")
MARKDOWN_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$|^(\S.*)\n(=+|-+)[ \t]*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
NUMERIC = re.compile(r"[\s\d.,:/%+\-\u20ac$\u00a3]*")
MAX_FIELD_LENGTH = 10_000_000


def decoded(content: bytes) -> str:
    """The text of bytes in any encoding. Raises `Invalid` for what is empty, `Unsupported` for no text."""
    if not content.strip():
        raise Invalid("The file is empty.")
    text = _decoded(content)
    if len(CONTROL.findall(text[:SAMPLE_LENGTH])) > (1 - MIN_READABLE_SHARE) * min(len(text), SAMPLE_LENGTH):
        raise UnsupportedContent("The file is not text, whatever its name says.")
    return text


def _decoded(content: bytes) -> str:
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        lines = content.splitlines(keepends=True)
    if sum(map(_is_utf8, lines)) >= MIN_UTF8_SHARE * len(lines) and len(lines) > 1:
        return "".join(
            line.decode() if _is_utf8(line) else line.decode("cp1252", "replace") for line in lines
        )
    guess = charset_normalizer.from_bytes(content[:SAMPLE_LENGTH]).best()
    if guess is None:
        raise UnsupportedContent("The file is not text, whatever its name says.")
    return content.decode(guess.encoding, errors="replace")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_text(path: Path, limits: Limits) -> Iterator[Page]:
    """A text file, whole."""
    yield Page(None, clean(_read_file(path, limits)))


def read_markdown(path: Path, limits: Limits) -> Iterator[Page]:
    """Markdown as it was written; its headings are known."""
    content = clean(_read_file(path, limits))
    fences = [match.span() for match in FENCE.finditer(content)]
    headings = [
        Heading(*match.span(), len(match[1]) if match[1] else 1 + (match[4][0] == "-"))
        for match in MARKDOWN_HEADING.finditer(content)
        if not any(start <= match.start() < end for start, end in fences)
    ]
    yield Page(None, content, tuple(headings))


def read_csv(path: Path, limits: Limits) -> Iterator[Page]:
    """A table of separated values: each row a line that names its columns."""
    content = _read_file(path, limits)
    csv.field_size_limit(MAX_FIELD_LENGTH)
    try:
        dialect = csv.Sniffer().sniff(content[:SAMPLE_LENGTH].rpartition("\n")[0] or content, delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        yield table_page(csv.reader(StringIO(content, newline=""), dialect))
    except csv.Error as error:
        raise Invalid("The table is damaged: its rows can't be told apart.") from error


def table_page(rows: Iterable[Iterable[str]], number: int | None = None, title: str = "") -> Page:
    """A table, a line for each row: `City: Paris; Mayor: …` where its first row names columns."""
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
    """Whether a first row names columns: two or more words, all different, none of them a number."""
    return (
        len(cells) > 1
        and len(set(cells)) == len(cells)
        and all(cell and not NUMERIC.fullmatch(cell) for cell in cells)
    )


def _read_file(path: Path, limits: Limits) -> str:
    if path.stat().st_size > 4 * limits.characters:
        raise UnsupportedContent(
            f"The file holds more than {limits.characters:,} characters of text. Upload it in parts."
        )
    return decoded(path.read_bytes())
