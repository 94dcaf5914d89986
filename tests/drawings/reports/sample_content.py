"""The content of a report with a sheet of each kind."""

from datetime import UTC, datetime
from uuid import UUID

from pipelines.drawings.reports.content import ReportChange, ReportContent, ReportSheet, SheetResult
from resolvers.drawings.change_reviews import ChangeDecision

MADE_AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def change(number: int, box: tuple[int, int, int, int], **values: object) -> ReportChange:
    """A change at a place of its sheet."""
    defaults: dict[str, object] = {
        "id": UUID(int=number),
        "number": number,
        "kind": "modified",
        "location": "upper left, near grid C/4",
        "description": "Modified: door width 900 to 1010",
        "words_removed": ("900",),
        "words_added": ("1010",),
        "box": box,
        "area": 120,
        "paper_size": (30.0, 12.0),
        "real_size": (3.0, 1.2),
        "decision": ChangeDecision.OPEN,
        "note": None,
        "decided_at": None,
    }
    return ReportChange(**{**defaults, **values})  # type: ignore[arg-type]


def sheet(name: str = "A-101", *changes: ReportChange, **values: object) -> ReportSheet:
    """A compared sheet of 600 x 400 pixels at 100 dpi."""
    defaults: dict[str, object] = {
        "result": SheetResult.CHANGED,
        "change_ratio": 0.12,
        "alignment_score": 0.97,
        "scale": "1:100",
        "changes": changes,
        "width": 600,
        "height": 400,
        "dpi": 100.0,
        "image_key": "new.png",
        "overlay_key": "overlay.png",
    }
    return ReportSheet(name, 1, 1, **{**defaults, **values})  # type: ignore[arg-type]


def content(*sheets: ReportSheet) -> ReportContent:
    """A report of these sheets."""
    return ReportContent(UUID(int=1), "Library", "Campus", "a.pdf", "b.pdf", MADE_AT, sheets)
