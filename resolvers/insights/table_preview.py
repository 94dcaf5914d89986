"""The first rows of a file of readings, as texts: enough to guess how the rest is laid out."""

import csv
import io
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import python_calamine

from core.errors import Invalid, UnsupportedContent

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PREVIEW_BYTES = 256 * 1024
PREVIEW_ROWS = 200
MAX_UNPACKED_BYTES = 1 << 30
"""Bytes to which a workbook may unpack."""
MAX_COLUMNS = 500
DELIMITERS = (";", "\t", ",", "|")


@dataclass(frozen=True)
class TablePreview:
    """Rows of equal length. `delimiter` is None for a workbook, `sheet` for a text."""

    rows: tuple[tuple[str, ...], ...]
    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None


def preview_text(content: bytes, delimiter: str | None = None) -> TablePreview:
    """Of a text of separated values, given its beginning. Raises `Invalid` where it is not one."""
    encoding = detect_encoding(content)
    text = content.decode(encoding, errors="replace")
    if not text.strip():
        raise Invalid("The file is empty.", "input", "uploadId")
    if "\x00" in text:
        raise UnsupportedContent("The file is neither a workbook nor a text of values.", "input", "uploadId")
    if len(content) >= PREVIEW_BYTES and "\n" in text:
        text = text[: text.rindex("\n")]
    choices = [delimiter] if delimiter else list(DELIMITERS)
    parsed = {each: parse_rows(text, each) for each in choices}
    best = max(choices, key=lambda each: (row_regularity(parsed[each]), -choices.index(each)))
    return TablePreview(pad_rows(parsed[best]), encoding, best)


def preview_workbook(path: Path) -> TablePreview:
    """Of a workbook's first sheet with anything in it; formulas are their last values."""
    with open_workbook(path) as book:
        for name in book.sheet_names:
            rows = []
            for row in book.get_sheet_by_name(name).iter_rows():
                rows.append([format_cell(value) for value in row])
                if len(rows) == PREVIEW_ROWS:
                    break
            if any(any(row) for row in rows):
                return TablePreview(pad_rows(rows), sheet=name)
    raise Invalid("The workbook is empty.", "input", "uploadId")


def open_workbook(path: Path) -> "closing[python_calamine.CalamineWorkbook]":
    """A workbook to read. Raises `Unsupported` or `Invalid` for one that is locked, huge or damaged."""
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
        if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
            message = f"The workbook unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB."
            raise UnsupportedContent(message, "input", "uploadId")
        return closing(python_calamine.CalamineWorkbook.from_path(path))
    except (BadZipFile, OSError, python_calamine.CalamineError, ValueError) as error:
        message = "The workbook can't be read: it is damaged, or locked by a password."
        raise Invalid(message, "input", "uploadId") from error


def format_cell(value: object) -> str:
    """A workbook's cell as it would stand in a text: instants as ISO 8601 has them."""
    match value:
        case datetime():
            return value.replace(microsecond=0).isoformat(" ")
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
        case float():
            return repr(value)
    return str(value).strip()


def detect_encoding(content: bytes) -> str:
    """By its mark, else UTF-8, else Windows-1252."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return encoding
    try:
        content[: PREVIEW_BYTES - 4].decode()
    except UnicodeDecodeError as error:
        return "utf-8" if error.start > len(content) - 8 else "cp1252"
    return "utf-8"


def parse_rows(text: str, delimiter: str) -> list[list[str]]:
    """The rows of values, without blank lines' gaps being lost: a blank line is an empty row."""
    try:
        found = []
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            found.append([value.strip() for value in row])
            if len(found) == PREVIEW_ROWS:
                break
        return found
    except csv.Error:
        return []


def row_regularity(rows: list[list[str]]) -> tuple[float, int]:
    """The share of rows that are as long as most, where most have two values or more; and that length."""
    lengths = [len(row) for row in rows if row]
    if not lengths:
        return 0.0, 0
    usual = max(set(lengths), key=lambda length: (lengths.count(length), length))
    return (lengths.count(usual) / len(lengths), usual) if usual > 1 else (0.0, usual)


def pad_rows(rows: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """The rows, each as long as the longest."""
    width = min(MAX_COLUMNS, max(map(len, rows), default=0))
    return tuple(tuple((row + [""] * width)[:width]) for row in rows)
