"""Running headers, footers and page numbers are told from text that only resembles them."""

from collections.abc import Sequence

import pytest

from pipelines.knowledge.extraction.reading_order import Line
from pipelines.knowledge.extraction.running_lines import remove_running_lines

HEIGHT = 842.0


def line(text: str, top: float, size: float = 10) -> Line:
    return Line(text, 72, top, 72 + 5 * len(text), top + size)


def body(page: int) -> list[Line]:
    return [line(f"Line {row} of page {page} tells of doors.", 120 + 14 * row) for row in range(20)]


def left_of(lines: Sequence[Sequence[Line]]) -> tuple[list[list[str]], list[str]]:
    """The texts that are left of each page beside its body, and the removed ones."""
    pages = [[*body(page), *edge] for page, edge in enumerate(lines)]
    kept, removed = remove_running_lines(pages, [HEIGHT] * len(pages))
    return [[line.text for line in page if "tells of doors" not in line.text] for page in kept], removed


@pytest.mark.parametrize(
    ("texts", "removed"),
    [
        (["Annual report"] * 3, ["Annual report"]),
        (["Report, page 7", "Report, page 8", "Report, page 9"], ["Report, page 7"]),
        (["Left", "Right"] * 3, ["Left", "Right"]),
        (["1", "2"], []),
        (["- 9 -", "- 10 -"], []),
        (["Page 1 of 2", "Page 2 of 2"], []),
        (["Seite 3", "Seite 4", "Seite 5"], []),
    ],
)
@pytest.mark.parametrize("top", [30.0, 805.0])
def test_what_repeats_or_counts_pages_is_removed(texts: list[str], removed: list[str], top: float) -> None:
    assert left_of([[line(text, top)] for text in texts]) == ([[] for _ in texts], removed)


@pytest.mark.parametrize(
    "texts",
    [
        ["Annual report"] * 2,
        ["Total: 31.50", "Total: 74.00", "Total: 12.25"],
        ["One", "Two", "Three"],
        ["12", "7"],
    ],
)
def test_figures_and_single_lines_are_kept(texts: list[str]) -> None:
    assert left_of([[line(text, 30)] for text in texts]) == ([[text] for text in texts], [])


def test_headings_and_lines_of_the_text_are_kept() -> None:
    headings = [[line(f"Chapter {number}", 40, 18)] for number in range(1, 4)]
    attached = [[line("The same first line.", 106)] for _ in range(3)]
    lower = [[line("The same line.", 300)] for _ in range(3)]

    for pages in (headings, attached, lower):
        assert left_of(pages) == ([[edge.text for edge in page] for page in pages], [])
