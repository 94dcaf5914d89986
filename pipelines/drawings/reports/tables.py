"""Reports as tables: CSV and Excel."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from core.csv_formulas import escape_formula
from pipelines.drawings.reports.content import ReportChange, ReportContent, ReportSheet

WORD_SEPARATOR = " | "
VANISHED = "The last run did not find this change again."

SHEET_COLUMNS = (
    *("sheet", "result", "changes", "change_ratio", "alignment_score", "old_page", "new_page", "scale"),
    *("words_removed", "words_added", "remark"),
)
CHANGE_COLUMNS = (
    *("sheet", "result", "number", "kind", "decision", "note", "location", "words_removed", "words_added"),
    *("description", "x_px", "y_px", "width_px", "height_px", "area_px", "width_mm", "height_mm"),
    *("width_m", "height_m", "change_id", "remark"),
)
COLUMN_WIDTHS = {"description": 50, "remark": 50, "words_removed": 30, "words_added": 30, "location": 24}
DEFAULT_COLUMN_WIDTH = 12


def write_csv(content: ReportContent, target: Path) -> Path:
    """The changes of all sheets. A sheet without changes has one row, which says what came of it."""
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(CHANGE_COLUMNS)
        for row in change_rows(content):
            writer.writerow([escape_formula(cell) for cell in row])
    return target


def write_xlsx(content: ReportContent, target: Path) -> Path:
    """The sheets and the changes as two worksheets. All texts are text, never formulas."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(str(target), {**options, "constant_memory": True}) as book:
        heading, about = book.add_format({"bold": True}), book.add_worksheet("Report")
        for number, (name, value) in enumerate(about_rows(content)):
            about.write(number, 0, name, heading)
            about.write(number, 1, value)
        about.set_column(0, 0, 16)
        about.set_column(1, 1, 60)
        for title, columns, rows in (
            ("Sheets", SHEET_COLUMNS, [sheet_row(sheet) for sheet in content.sheets]),
            ("Changes", CHANGE_COLUMNS, change_rows(content)),
        ):
            page = book.add_worksheet(title)
            page.freeze_panes(1, 1)
            for column, name in enumerate(columns):
                page.set_column(column, column, COLUMN_WIDTHS.get(name, DEFAULT_COLUMN_WIDTH))
                page.write_string(0, column, name, heading)
            for number, row in enumerate(rows, 1):
                page.write_row(number, 0, row)
            page.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
    return target


def about_rows(content: ReportContent) -> list[tuple[str, str]]:
    """What the report is about."""
    return [
        ("Session", content.title),
        ("Project", content.project or ""),
        ("Old file", content.old_file),
        ("New file", content.new_file),
        ("Made at", f"{content.made_at:%Y-%m-%d %H:%M} UTC"),
    ]


def sheet_row(sheet: ReportSheet) -> list[Any]:
    """The cells of `SHEET_COLUMNS`."""
    compared = len(sheet.changes) if sheet.is_compared else None
    measures = sheet.change_ratio, sheet.alignment_score
    words = WORD_SEPARATOR.join(sheet.words_removed), WORD_SEPARATOR.join(sheet.words_added)
    pages = sheet.old_page, sheet.new_page
    return [sheet.name, sheet.result.value, compared, *measures, *pages, sheet.scale, *words, sheet.reason]


def change_rows(content: ReportContent) -> Sequence[list[Any]]:
    """The cells of `CHANGE_COLUMNS`."""
    rows: list[list[Any]] = []
    for sheet in content.sheets:
        rows.extend(change_row(sheet, change) for change in (*sheet.changes, *sheet.vanished))
        if not sheet.changes and not sheet.vanished:
            empty = [None] * (len(CHANGE_COLUMNS) - 3)
            rows.append([sheet.name, sheet.result.value, *empty, sheet.reason])
    return rows


def change_row(sheet: ReportSheet, change: ReportChange) -> list[Any]:
    """The cells of a change."""
    remark = sheet.reason if change.number else VANISHED
    paper, real = change.paper_size or (None, None), change.real_size or (None, None)
    return [
        *(
            sheet.name,
            sheet.result.value,
            change.number or None,
            change.kind.upper(),
            change.decision.name,
            change.note,
        ),
        *(change.location, WORD_SEPARATOR.join(change.words_removed)),
        *(WORD_SEPARATOR.join(change.words_added), change.description, *change.box, change.area),
        *(round(length, 1) if length is not None else None for length in paper),
        *(round(length, 3) if length is not None else None for length in real),
        *(str(change.id), remark),
    ]
