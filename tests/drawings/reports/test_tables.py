"""Reports as CSV and Excel."""

import csv
from pathlib import Path

from python_calamine import CalamineWorkbook

from pipelines.drawings.reports.content import ReportSheet, SheetResult
from pipelines.drawings.reports.tables import CHANGE_COLUMNS, SHEET_COLUMNS, write_csv, write_xlsx
from resolvers.drawings.change_reviews import ChangeDecision
from tests.drawings.reports.sample_content import change, content, sheet

REPORT = content(
    sheet(
        "A-101",
        change(
            1,
            (10, 20, 30, 40),
            words_removed=("=1+1", "900"),
            decision=ChangeDecision.IGNORED,
            note="+ checked",
        ),
        change(2, (5, 6, 7, 8), paper_size=None, real_size=None, words_added=("Кровля",)),
    ),
    ReportSheet("A-102", 2, 2, SheetResult.FAILED, "Processing exceeded the timeout."),
    ReportSheet("A-103", None, 3, SheetResult.ONLY_NEW),
)


def test_a_csv_lists_each_change_and_what_came_of_other_sheets(tmp_path: Path) -> None:
    with write_csv(REPORT, tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))

    assert tuple(rows[0]) == CHANGE_COLUMNS
    assert [(row["sheet"], row["number"], row["result"]) for row in rows] == [
        ("A-101", "1", "Changed"),
        ("A-101", "2", "Changed"),
        ("A-102", "", "Failed"),
        ("A-103", "", "Only in the new set"),
    ]
    first, second, failed, _ = rows
    assert (first["words_removed"], first["note"]) == ("'=1+1 | 900", "'+ checked")
    assert (first["decision"], first["width_mm"], first["width_m"]) == ("IGNORED", "30.0", "3.0")
    assert [first[name] for name in ("x_px", "y_px", "width_px", "height_px")] == ["10", "20", "30", "40"]
    assert (second["width_mm"], second["height_m"], second["words_added"]) == ("", "", "Кровля")
    assert failed["remark"] == "Processing exceeded the timeout."


def test_a_workbook_holds_sheets_and_changes_as_texts(tmp_path: Path) -> None:
    book = CalamineWorkbook.from_path(str(write_xlsx(REPORT, tmp_path / "report.xlsx")))

    assert book.sheet_names == ["Report", "Sheets", "Changes"]
    sheets, changes = (book.get_sheet_by_name(name).to_python() for name in ("Sheets", "Changes"))
    assert [row[:3] for row in sheets] == [
        list(SHEET_COLUMNS[:3]),
        ["A-101", "Changed", 2.0],
        ["A-102", "Failed", ""],
        ["A-103", "Only in the new set", ""],
    ]
    assert changes[1][CHANGE_COLUMNS.index("words_removed")] == "=1+1 | 900"
    assert [row[2] for row in changes] == ["number", 1.0, 2.0, "", ""]
