"""Workbooks: opened within bounds, and their cells as text."""

from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import python_calamine

from core.errors import Invalid, UnsupportedContent

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_UNPACKED_BYTES = 1 << 30
"""Uncompressed size of a workbook."""
MAX_COLUMNS = 500


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
