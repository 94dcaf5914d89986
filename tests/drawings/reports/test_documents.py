"""Reports as PDF: the index, the sheets with their clouds, and the lists."""

from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest

from pipelines.drawings.reports.content import ReportContent, ReportSheet, SheetResult
from pipelines.drawings.reports.documents import write_part, write_report
from resolvers.drawings.change_reviews import ChangeDecision
from tests.drawings.reports.sample_content import MADE_AT, change, content, sheet


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A white sheet of 600 x 400 pixels with two black marks."""
    pixels = np.full((400, 600), 255, np.uint8)
    pixels[100:140, 200:280] = 0
    pixels[350:390, 550:590] = 0
    path = tmp_path / "new.png"
    cv2.imwrite(str(path), pixels)
    return path


MARKED = (change(1, (200, 100, 80, 40)), change(2, (550, 350, 40, 40), decision=ChangeDecision.IGNORED))


def write(report: ReportContent, image: Path, folder: Path) -> Path:
    """The report as a file."""
    parts = [
        write_part(page, image, folder / f"{number}.pdf", MADE_AT)
        for number, page in enumerate(report.illustrated)
    ]
    return write_report(report, parts, folder / "report.pdf")


def texts(path: Path) -> list[str]:
    """The text of each page."""
    document = pypdfium2.PdfDocument(path)
    found = [page.get_textpage().get_text_range() for page in document]
    document.close()
    return found


def test_a_report_has_an_index_and_for_each_sheet_a_page_of_its_size_and_a_list(
    image: Path, tmp_path: Path
) -> None:
    report = content(
        sheet("A-101", *MARKED),
        ReportSheet("A-102", 2, 2, SheetResult.FAILED, "Processing exceeded the timeout."),
        ReportSheet("A-103", None, 3, SheetResult.ONLY_NEW),
        sheet("A-104", result=SheetResult.UNCHANGED, change_ratio=0.0),
    )
    path = write(report, image, tmp_path)

    index, drawn, listed = texts(path)
    for text in ("A-101", "A-104", "Failed", "Processing exceeded the timeout.", "Only in the new set"):
        assert text in index
    assert "4 sheets: 1 Changed, 1 Failed, 1 Only in the new set, 1 Unchanged. 2 changes." in index
    assert drawn.split() == ["1", "2"]
    assert "A-101: 2 changes" in listed
    assert listed.count("1010") == 2
    assert "IGNORED" in listed
    with pikepdf.open(path) as pdf:
        assert [float(side) for side in pdf.pages[1].MediaBox] == [0, 0, 432, 288]
        with pdf.open_outline() as outline:
            assert [item.title for item in outline.root] == ["Index", "A-101"]


def test_clouds_are_annotations_around_the_changes(image: Path, tmp_path: Path) -> None:
    path = write(content(sheet("A-101", *MARKED)), image, tmp_path)

    with pikepdf.open(path) as pdf:
        first, second = pdf.pages[1].Annots
        assert (str(first.Subtype), str(first.BE.S), str(first.T)) == ("/Polygon", "/C", "Seshat")
        assert str(first.Contents).splitlines() == [
            "A-101 / 1: Modified, upper left, near grid C/4",
            "Modified: door width 900 to 1010",
            "Before: 900",
            "After: 1010",
            "Size: 3.00 x 1.20 m; 30 x 12 mm on paper",
            "Decision: OPEN",
        ]
        left, bottom, right, top = (float(edge) for edge in first.Rect)
        # 0.72 points a pixel, from the lower edge of a page of 288 points
        assert 130 < left < 144 < 201.6 < right < 216
        assert 176 < bottom < 187.2 < 216 < top < 228
        assert list(first.C) != list(second.C)
    document = pypdfium2.PdfDocument(path)
    with_clouds, without = (
        np.asarray(document[1].render(scale=2, draw_annots=drawn).to_pil()).astype(int)
        for drawn in (True, False)
    )
    document.close()
    rows, columns = np.nonzero(np.abs(with_clouds - without).sum(axis=2) > 60)
    around_first = (columns < 600) & (rows < 300)
    assert 265 < columns[around_first].min() < 288
    assert 403 < columns[around_first].max() < 430
    assert int(np.count_nonzero(~around_first)) > 100


def test_a_sheet_of_low_confidence_says_so_on_its_page(image: Path, tmp_path: Path) -> None:
    low = sheet("A-101", *MARKED, result=SheetResult.LOW, reason="Compare them by eye.")

    index, drawn, listed = texts(write(content(low), image, tmp_path))

    assert "LOW confidence" in index
    assert "LOW confidence" in drawn
    assert "Compare them by eye." in listed


def test_characters_without_a_glyph_are_admitted(image: Path, tmp_path: Path) -> None:
    page = sheet("A-101", change(1, (10, 10, 20, 20), words_added=("Кровля",), words_removed=("⌀20 → 30",)))

    path = write(content(page), image, tmp_path)

    listed = texts(path)[2]
    assert "??????" in listed
    assert "Ø20 -> 30" in listed
    assert "are printed as ?" in listed
    with pikepdf.open(path) as pdf:
        assert "Кровля" in str(pdf.pages[1].Annots[0].Contents)


def test_a_large_sheet_without_a_resolution_fits_viewers(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    cv2.imwrite(str(path), np.full((300, 32_000, 3), 255, np.uint8))
    page = sheet("A-101", change(1, (31_000, 100, 50, 50)), width=32_000, height=300, dpi=None)

    with pikepdf.open(write(content(page), path, tmp_path)) as pdf:
        assert [round(float(side)) for side in pdf.pages[1].MediaBox] == [0, 0, 14_400, 135]


def test_a_report_without_changes_is_its_index(image: Path, tmp_path: Path) -> None:
    unchanged = sheet("A-101", result=SheetResult.UNCHANGED, words_added=("NOTE",))

    (index,) = texts(write(content(unchanged), image, tmp_path))

    assert "Words before: . After: NOTE." in index
