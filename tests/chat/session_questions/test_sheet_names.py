"""The sheets that a question names."""

import pytest

from benchmarks.drawings.session_questions import synthetic_session
from db.models import SheetState
from pipelines.chat.session_questions.sheet_names import SheetNames
from resolvers.chat.session_rows import Page, SessionRows, SheetRow

NAMES = SheetNames(synthetic_session())


def candidates(text: str, names: SheetNames = NAMES) -> list[list[str]]:
    """For each sheet that is named, the sheets that it may be."""
    return [[sheet.name for sheet, _ in each.candidates] for each in names.find(text)]


def session(*pairs: tuple[str, str]) -> SheetNames:
    """Sheets by their old and new name, in page order."""
    return SheetNames(
        SessionRows(
            tuple(
                SheetRow(Page(old, number), Page(new, number), SheetState.COMPLETED)
                for number, (old, new) in enumerate(pairs, 1)
            )
        )
    )


@pytest.mark.parametrize(
    "name",
    [
        *(
            "A-101",
            "A101",
            "a101",
            "a 101",
            "A - 101",
            "A_101",
            "A.101",
            "A\u2013101",
            "\u0410-101",
            "sheet A-101",
        ),
        *(
            "Blatt A101",
            "Plan a-101",
            "Zeichnung A 101",
            "Sheet No. A-101",
            "drawing called A-101",
            "plans 101",
        ),
    ],
)
def test_spelling_does_not_matter(name: str) -> None:
    assert candidates(f"What changed on {name}?") == [["A-101"]]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "sheet 9",
            "Sheet_09",
            "sheet_9",
            "SHEET 09",
            "sheet#9",
            "Blatt 9",
            "Blatt Nr. 9",
            "Plan 9",
            "sheet9",
        ),
        *("sheet-9", "sheet 9 of 12", "Shet 9", "Zeichnung 009"),
    ],
)
def test_a_number_after_a_keyword_is_a_name(name: str) -> None:
    assert candidates(f"Was ist auf {name} neu?") == [["Sheet_09"]]


@pytest.mark.parametrize(
    ("name", "sheets"),
    [
        ("sheets 101, 102 and 104", [["A-101"], ["A-102"], ["A-104"]]),
        ("sheets 101 to 103", [["A-101"], ["A-102"], ["A-103"]]),
        ("A-101 to A-103", [["A-101"], ["A-102"], ["A-103"]]),
        ("A-101 and S 202", [["A-101"], ["S-202"]]),
        ("the third sheet", [["A-103"]]),
        ("die 3. Seite", [["A-103"]]),
        ("page 5 of the new set", [["A-104"]]),
        ("Seite 4 im alten Satz", [["A-104"]]),
        ("the old page 5", [["A-106"]]),
        ("page 4", [["A-401", "A-104"]]),
        ("A-105", [["A-106"]]),
        ("e1.02", [["E-1.02"]]),
        ("E102", [["E-1.02"]]),
        ("A-101.5", [[]]),
        ("A-10", [[]]),
        ("sheet 77", [[]]),
        ("the sheet that has 3 changes", []),
    ],
)
def test_lists_pages_and_unknown_names(name: str, sheets: list[list[str]]) -> None:
    assert candidates(f"What about {name}?") == sheets


def test_a_number_that_two_sheets_have_is_ambiguous_unless_its_set_is_named() -> None:
    renumbered = session(("A-101", "A-101"), ("A-102", "A-103"), ("A-103", "A-104"))

    assert candidates("What changed on A-103?", renumbered) == [["A-103", "A-104"]]
    assert candidates("What changed on the old A-103?", renumbered) == [["A-104"]]
    assert candidates("What changed on A-103 of the new set?", renumbered) == [["A-103"]]


def test_a_printed_number_comes_before_a_page() -> None:
    assert candidates("sheet 2", session(("Sheet_02", "Sheet_02"), ("Sheet_01", "Sheet_01"))) == [
        ["Sheet_02"]
    ]
    assert candidates("page 2", session(("Sheet_02", "Sheet_02"), ("Sheet_01", "Sheet_01"))) == [
        ["Sheet_01", "Sheet_02"]
    ]
    assert candidates("sheet 2", session(("A-2", "A-2"), ("A-1", "A-1"))) == [["A-2", "A-1"]]
    assert candidates("sheet 101", session(("A-101", "A-101"), ("S-101", "S-101"))) == [["A-101", "S-101"]]


def test_separators_and_zeros_tell_names_apart_where_they_must() -> None:
    names = session(("A-1.01", "A-1.01"), ("A-101", "A-101"), ("A-01", "A-01"), ("A-1", "A-1"))

    assert [candidates(name, names) for name in ("A-1.01", "A101", "A-01", "a 1", "A-001")] == [
        [["A-1.01"]],
        [["A-101"]],
        [["A-01"]],
        [["A-1"]],
        [["A-01", "A-1"]],
    ]


def test_a_number_that_several_sheets_print_is_ambiguous() -> None:
    names = session(("A-101", "A-101"), ("A-101 (2)", "A-101 (2)"), ("Page_003", "Page_003"))

    assert candidates("What changed on A101?", names) == [["A-101", "A-101 (2)"]]
    assert candidates("What changed on A-101 (2)?", names) == [["A-101 (2)"]]
    assert candidates("What changed on page 3 and sheet 3?", names) == [["Page_003"], ["Page_003"]]


def test_names_without_digits_are_found_as_they_are_written() -> None:
    names = session(("COVER", "COVER"), ("Lageplan", "Lageplan"))

    assert candidates("What changed on COVER?", names) == [["COVER"]]
    assert candidates("Was ist auf dem Lageplan neu?", names) == [["Lageplan"]]
    assert candidates("Do the changes cover the roof?", names) == []


def test_the_nearest_of_an_unknown_sheet_share_its_letter() -> None:
    assert NAMES.nearest("A-109") == ["A-107", "A-106", "A-104"]
    assert NAMES.nearest("S-203") == ["S-202", "S-201", "A-103"]
