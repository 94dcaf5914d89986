"""The first rows of a file of readings, as texts: enough to guess how the rest is laid out."""

from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import python_calamine

from core.errors import Invalid, UnsupportedContent
from core.text_decoding import SAMPLE_ROWS, detect_delimiter, detect_encoding, parse_rows

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PREVIEW_BYTES = 256 * 1024
MAX_UNPACKED_BYTES = 1 << 30
"""Bytes to which a workbook may unpack."""
MAX_COLUMNS = 500


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
    delimiter = delimiter or detect_delimiter(text)
    return TablePreview(pad_rows(parse_rows(text, delimiter)), encoding, delimiter)


def preview_workbook(path: Path) -> TablePreview:
    """Of a workbook's first sheet with anything in it; formulas are their last values."""
    with open_workbook(path) as book:
        for name in book.sheet_names:
            rows = []
            for row in book.get_sheet_by_name(name).iter_rows():
                rows.append([format_cell(value) for value in row])
                if len(rows) == SAMPLE_ROWS:
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


def pad_rows(rows: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """The rows, each as long as the longest."""
    width = min(MAX_COLUMNS, max(map(len, rows), default=0))
    return tuple(tuple((row + [""] * width)[:width]) for row in rows)
