"""The content of reports, from rows."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid5

import pytest

from db.models import DrawingType, PairReason, SheetState
from pipelines.drawings.reports.content import SheetResult, report_content
from resolvers.drawings.change_reviews import ChangeDecision
from resolvers.drawings.comparison_reports import ReportRows
from tests.drawings.reports.sample_content import MADE_AT

METADATA = {
    "width": 600,
    "height": 400,
    "dpi": 100.0,
    "titleBlock": {"scale": {"text": "1:50", "ratio": 50.0}},
}
CHANGE = {
    "kind": "line_weight",
    "box": [10, 20, 200, 100],
    "area": 7,
    "location": "centre",
    "description": "Line weight (centre)",
    "words_removed": ["900"],
    "words_added": [],
}
REVIEW = {
    "decision": "ignored",
    "note": "plotter",
    "user_id": str(UUID(int=9)),
    "at": "2026-05-04T09:30:00+00:00",
}


def drawing(
    number: int, revision: DrawingType, state: SheetState = SheetState.COMPLETED, **values: Any
) -> Any:
    """A page."""
    key = UUID(int=number + 1000 * (revision is DrawingType.NEW))
    return SimpleNamespace(
        **{
            "id": key,
            "drawing_type": revision,
            "drawing_name": f"A-{number}",
            "page_number": number,
            "state": state,
            "error_message": None,
            "drawing_metadata": METADATA,
            "storage_path": f"{number}.png",
            **values,
        }
    )


def pair(number: int, **values: Any) -> Any:
    """A comparison of the pages of this number."""
    return SimpleNamespace(
        **{
            "id": UUID(int=number + 5000),
            "old_drawing_id": UUID(int=number),
            "new_drawing_id": UUID(int=number + 1000),
            "drawing_name": f"A-{number}",
            "state": SheetState.COMPLETED,
            "error_message": None,
            "changes": [CHANGE],
            "changes_detected": True,
            "low_confidence": False,
            "change_ratio": 0.1,
            "alignment_score": 0.9,
            "pair_reason": PairReason.NUMBER,
            "words_removed": [],
            "words_added": [],
            "overlay_path": "overlay.png",
            "alignment": None,
            "vanished_reviews": [],
            **values,
        }
    )


def rows(pairs: list[Any], *others: Any) -> ReportRows:
    """The rows of a session of these pairs and of other pages."""
    pages = [
        drawing(each.new_drawing_id.int - 1000, revision)
        for each in pairs
        for revision in (DrawingType.OLD, DrawingType.NEW)
    ]
    session = SimpleNamespace(id=UUID(int=1), name="Library")
    return ReportRows(cast(Any, session), "Campus", ("a", "b"), [*pages, *others], pairs)


def test_sheets_are_listed_by_result_and_by_amount_of_change() -> None:
    report = report_content(
        rows(
            [
                pair(1, change_ratio=0.1),
                pair(2, change_ratio=0.3),
                pair(3, change_ratio=0.9, low_confidence=True),
                pair(4, state=SheetState.FAILED, error_message="It took too long.", changes=[]),
                pair(5, changes=[], changes_detected=False, change_ratio=0.0),
                pair(6, change_ratio=0.2, pair_reason=PairReason.POSITION),
            ],
            drawing(7, DrawingType.OLD, SheetState.UNMATCHED),
            drawing(8, DrawingType.NEW, SheetState.UNMATCHED, error_message="Two old sheets are alike."),
            drawing(9, DrawingType.NEW, SheetState.FAILED, error_message="It is damaged."),
        ),
        MADE_AT,
    )

    assert [(sheet.name, sheet.result, sheet.old_page, sheet.new_page) for sheet in report.sheets] == [
        ("A-2", SheetResult.CHANGED, 2, 2),
        ("A-6", SheetResult.CHANGED, 6, 6),
        ("A-1", SheetResult.CHANGED, 1, 1),
        ("A-3", SheetResult.LOW, 3, 3),
        ("A-4", SheetResult.FAILED, 4, 4),
        ("A-9", SheetResult.FAILED, None, 9),
        ("A-8", SheetResult.ONLY_NEW, None, 8),
        ("A-7", SheetResult.ONLY_OLD, 7, None),
        ("A-5", SheetResult.UNCHANGED, 5, 5),
    ]
    reasons = {sheet.name: sheet.reason for sheet in report.sheets}
    assert (reasons["A-1"], reasons["A-4"]) == (None, "It took too long.")
    assert reasons["A-6"] == "It is not certain that these sheets belong together (position)."
    assert "compare them by eye" in (reasons["A-3"] or "")
    assert reasons["A-8"] == "Two old sheets are alike."
    assert reasons["A-9"] == "The new sheet could not be read. It is damaged."
    assert [sheet.name for sheet in report.illustrated] == ["A-2", "A-6", "A-1", "A-3"]


def test_a_change_has_its_size_number_and_decision() -> None:
    (sheet,) = report_content(
        rows([pair(1, changes=[CHANGE, {**CHANGE, "id": str(UUID(int=77)), "review": REVIEW}])]), MADE_AT
    ).sheets

    first, second = sheet.changes
    assert (first.number, first.id, first.decision) == (1, uuid5(UUID(int=5001), "0"), ChangeDecision.OPEN)
    assert (second.number, second.id, second.decision) == (2, UUID(int=77), ChangeDecision.IGNORED)
    assert (second.note, second.decided_at, second.label) == ("plotter", MADE_AT, "Line weight")
    assert first.paper_size == pytest.approx((50.8, 25.4))
    assert first.real_size == pytest.approx((2.54, 1.27))
    assert first.size_text == "2.54 x 1.27 m; 51 x 25 mm on paper"


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ({**METADATA, "titleBlock": {"scale": {"text": "NTS", "ratio": None}}}, "51 x 25 mm on paper"),
        ({**METADATA, "titleBlock": None}, "51 x 25 mm on paper"),
        ({**METADATA, "dpi": None}, "200 x 100 px"),
    ],
)
def test_a_size_says_no_more_than_is_known(metadata: Any, text: str) -> None:
    old, new = drawing(1, DrawingType.OLD), drawing(1, DrawingType.NEW, drawing_metadata=metadata)
    session = cast(Any, SimpleNamespace(id=UUID(int=1), name="Library"))

    (sheet,) = report_content(ReportRows(session, None, ("a", "b"), [old, new], [pair(1)]), MADE_AT).sheets

    assert sheet.changes[0].size_text == text


def test_a_sheet_says_what_is_doubtful_and_which_decisions_are_on_changes_that_vanished() -> None:
    kept = {**CHANGE, "id": str(UUID(int=77)), "review": {"decision": "ignored", "note": "as drawn"}}
    doubtful = pair(
        1, low_confidence=True, alignment={"note_kinds": ["repetition"]}, vanished_reviews=[kept], changes=[]
    )

    (sheet,) = report_content(rows([doubtful]), MADE_AT).sheets

    assert "repeats itself" in str(sheet.reason)
    assert "1 decisions are on changes that were not found again" in str(sheet.reason)
    (vanished,) = sheet.vanished
    assert (vanished.id, vanished.number, vanished.note) == (UUID(int=77), 0, "as drawn")
    assert sheet.placement is None
