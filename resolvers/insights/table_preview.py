"""Preview of a CSV or XLSX file: its first rows as texts, to detect the layout."""

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
"""Uncompressed size of a workbook."""
MAX_COLUMNS = 500


@dataclass(frozen=True)
class TablePreview:
    """Rows of equal length. `delimiter` is None for a workbook, `sheet` for CSV."""

    rows: tuple[tuple[str, ...], ...]
    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None


def preview_text(content: bytes, delimiter: str | None = None) -> TablePreview:
    """Preview the beginning of a CSV file. Raises `Invalid` or `UnsupportedContent`."""
    encoding = detect_encoding(content)
    text = content.decode(encoding, errors="replace")
    if not text.strip():
        raise Invalid("The file is empty.", "input", "uploadId")
    if "\x00" in text:
        raise UnsupportedContent("The file must be CSV or XLSX.", "input", "uploadId")
    if len(content) >= PREVIEW_BYTES and "\n" in text:
        text = text[: text.rindex("\n")]
    delimiter = delimiter or detect_delimiter(text)
    return TablePreview(pad_rows(parse_rows(text, delimiter)), encoding, delimiter)


def preview_workbook(path: Path) -> TablePreview:
    """Preview the first non-empty sheet of a workbook; formulas have their cached values."""
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
    """Open a workbook. Raises `UnsupportedContent` or `Invalid` if it is too large or cannot be read."""
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
        if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
            message = f"The uncompressed workbook must be at most {MAX_UNPACKED_BYTES >> 20} MB."
            raise UnsupportedContent(message, "input", "uploadId")
        return closing(python_calamine.CalamineWorkbook.from_path(path))
    except (BadZipFile, OSError, python_calamine.CalamineError, ValueError) as error:
        message = "The workbook cannot be read. It is damaged or protected by a password."
        raise Invalid(message, "input", "uploadId") from error


def format_cell(value: object) -> str:
    """A workbook's cell as text; dates and times in ISO 8601."""
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
    """The rows, padded to the length of the longest one."""
    width = min(MAX_COLUMNS, max(map(len, rows), default=0))
    return tuple(tuple((row + [""] * width)[:width]) for row in rows)
