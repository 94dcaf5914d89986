"""Content of a session's report: its sheets by amount of change, with the changes that the API lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from core.alignment_notes import NOTE_TEXTS, AlignmentNoteKind
from db.models import Comparison, Drawing, DrawingType, PairReason, SheetState
from resolvers.drawings import change_reviews
from resolvers.drawings.change_reviews import ChangeDecision
from resolvers.drawings.comparison_reports import ReportRows

MILLIMETRES_PER_INCH = 25.4
DOUBTFUL_PAIRS = frozenset({PairReason.POSITION, PairReason.UNCERTAIN})


class SheetResult(Enum):
    """What came of a sheet, in the order of the index."""

    CHANGED = "Changed"
    LOW = "LOW confidence"
    FAILED = "Failed"
    ONLY_NEW = "Only in the new set"
    ONLY_OLD = "Only in the old set"
    UNCHANGED = "Unchanged"


RESULT_ORDER = {result: position for position, result in enumerate(SheetResult)}


@dataclass(frozen=True, slots=True)
class ReportChange:
    """A change, numbered within its sheet from 1 in the order of the API; 0 if it was not found again.

    `paper_size` is its width and height in millimeters of the sheet, `real_size` in meters by the sheet's
    scale.
    """

    id: UUID
    number: int
    kind: str
    location: str
    description: str
    words_removed: tuple[str, ...]
    words_added: tuple[str, ...]
    box: tuple[int, int, int, int]
    area: int
    paper_size: tuple[float, float] | None
    real_size: tuple[float, float] | None
    decision: ChangeDecision
    note: str | None
    decided_at: datetime | None

    @property
    def label(self) -> str:
        """The kind for people, such as `Line weight`."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def size_text(self) -> str:
        """Its size for people, as far as it is known."""
        if self.paper_size is None:
            return f"{self.box[2]} x {self.box[3]} px"
        width, height = self.paper_size
        paper = f"{width:.0f} x {height:.0f} mm on paper"
        if self.real_size is None:
            return paper
        across, down = self.real_size
        return f"{across:.2f} x {down:.2f} m; {paper}"


@dataclass(frozen=True, slots=True)
class SheetSide:
    """One of two compared sheets: its image, and the size of its page in points if that is known."""

    page: int | None
    width: int
    height: int
    size_points: tuple[float, float] | None
    image_key: str | None
    filename: str


@dataclass(frozen=True, slots=True)
class UnmovedFrame:
    """A frame whose plan moved: the frame's own transform, and the edges of what it contains, in pixels."""

    transform: tuple[float, ...]
    interior: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SheetPlacement:
    """How the old sheet lies on the new one. `transform` maps old pixels to new ones by an affine matrix.

    It is an approximation if `is_perspective`.
    """

    old: SheetSide
    new: SheetSide
    transform: tuple[float, ...]
    frame: UnmovedFrame | None = None
    is_perspective: bool = False


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """A sheet or a pair of sheets. `reason` says why there is no comparison, or what to check about it.

    `vanished` are changes with a decision that the last run did not find again.
    """

    name: str
    old_page: int | None
    new_page: int | None
    result: SheetResult
    reason: str | None = None
    change_ratio: float | None = None
    alignment_score: float | None = None
    scale: str | None = None
    words_removed: tuple[str, ...] = ()
    words_added: tuple[str, ...] = ()
    changes: tuple[ReportChange, ...] = ()
    vanished: tuple[ReportChange, ...] = ()
    width: int = 0
    height: int = 0
    dpi: float | None = None
    image_key: str | None = None
    overlay_key: str | None = None
    placement: SheetPlacement | None = None

    @property
    def is_compared(self) -> bool:
        return self.result in (SheetResult.CHANGED, SheetResult.LOW, SheetResult.UNCHANGED)


@dataclass(frozen=True, slots=True)
class ReportContent:
    """A report: what is compared, and its sheets in the order of the index."""

    session_id: UUID
    title: str
    project: str | None
    old_file: str
    new_file: str
    made_at: datetime
    sheets: tuple[ReportSheet, ...]

    @property
    def illustrated(self) -> tuple[ReportSheet, ...]:
        """The sheets that are shown with their changes."""
        return tuple(sheet for sheet in self.sheets if sheet.changes and sheet.image_key)


def report_content(rows: ReportRows, made_at: datetime) -> ReportContent:
    """The content of a report."""
    sheets = sorted(list_sheets(rows), key=index_position)
    session = rows.session
    return ReportContent(session.id, session.name, rows.project, *rows.files, made_at, tuple(sheets))


def index_position(sheet: ReportSheet) -> tuple[int, float, int, int]:
    """Position in the index: by result, then by amount of change, then by page."""
    page = sheet.new_page or sheet.old_page or 0
    return RESULT_ORDER[sheet.result], -(sheet.change_ratio or 0.0), -len(sheet.changes), page


def list_sheets(rows: ReportRows) -> Iterator[ReportSheet]:
    """All pairs, and the sheets without one."""
    pages = {page.id: page for page in rows.drawings}
    paired: set[UUID] = set()
    for pair in rows.comparisons:
        paired |= {pair.old_drawing_id, pair.new_drawing_id}
        yield pair_sheet(pair, pages[pair.old_drawing_id], pages[pair.new_drawing_id])
    for page in rows.drawings:
        if page.id not in paired:
            yield single_sheet(page)


def pair_sheet(pair: Comparison, old: Drawing, new: Drawing) -> ReportSheet:
    """A pair of sheets."""
    name = pair.drawing_name
    if pair.state is not SheetState.COMPLETED:
        reason = pair.error_message or "The sheets were not compared."
        return ReportSheet(name, old.page_number, new.page_number, SheetResult.FAILED, reason)
    metadata = new.drawing_metadata or {}
    scale = (metadata.get("titleBlock") or {}).get("scale") or {}
    result = SheetResult.CHANGED if pair.changes_detected else SheetResult.UNCHANGED
    if pair.low_confidence:
        result = SheetResult.LOW
    return ReportSheet(
        name,
        old.page_number,
        new.page_number,
        result,
        reason=pair_remark(pair),
        change_ratio=pair.change_ratio,
        alignment_score=pair.alignment_score,
        scale=scale.get("text"),
        words_removed=tuple(pair.words_removed),
        words_added=tuple(pair.words_added),
        changes=tuple(
            report_change(pair, number, change, metadata.get("dpi"), scale.get("ratio"))
            for number, change in enumerate(pair.changes, 1)
        ),
        vanished=tuple(
            report_change(pair, 0, change, metadata.get("dpi"), scale.get("ratio"))
            for change in pair.vanished_reviews
        ),
        width=metadata.get("width") or 0,
        height=metadata.get("height") or 0,
        dpi=metadata.get("dpi"),
        image_key=new.storage_path,
        overlay_key=pair.overlay_path,
        placement=sheet_placement(pair, old, new),
    )


def sheet_placement(pair: Comparison, old: Drawing, new: Drawing) -> SheetPlacement | None:
    """How the sheets of a pair lie on each other; None if they were not aligned."""
    stored = pair.alignment
    if not stored or not stored.get("transform"):
        return None
    frame = stored.get("frame")
    return SheetPlacement(
        sheet_side(old),
        sheet_side(new),
        tuple(stored["transform"]),
        frame and UnmovedFrame(tuple(frame["transform"]), tuple(frame["interior"])),
        bool(stored.get("is_perspective")),
    )


def sheet_side(page: Drawing) -> SheetSide:
    """What one of two sheets is drawn from."""
    metadata = page.drawing_metadata or {}
    size = metadata.get("widthPoints"), metadata.get("heightPoints")
    width, height = int(metadata.get("width") or 0), int(metadata.get("height") or 0)
    points = (float(size[0]), float(size[1])) if size[0] and size[1] else None
    return SheetSide(page.page_number, width, height, points, page.storage_path, page.original_filename)


def pair_remark(pair: Comparison) -> str | None:
    """What a person should check about a pair."""
    remarks = []
    if pair.low_confidence:
        remarks.append(
            "The sheets could not be aligned well. Their changes may be wrong: compare them by eye."
        )
    stored = (pair.alignment or {}).get("note_kinds", ())
    remarks += [NOTE_TEXTS[AlignmentNoteKind(note)] for note in stored]
    if pair.pair_reason in DOUBTFUL_PAIRS:
        remarks.append(f"It is not certain that these sheets belong together ({pair.pair_reason.value}).")
    if pair.vanished_reviews:
        remarks.append(f"{len(pair.vanished_reviews)} decisions are on changes that were not found again.")
    return " ".join(remarks) or None


def single_sheet(page: Drawing) -> ReportSheet:
    """A sheet without a counterpart."""
    is_old = page.drawing_type is DrawingType.OLD
    old, new = (page.page_number, None) if is_old else (None, page.page_number)
    name = page.drawing_name or f"Page {page.page_number}"
    if page.state is SheetState.FAILED:
        side = "old" if is_old else "new"
        reason = f"The {side} sheet could not be read. {page.error_message or ''}".strip()
        return ReportSheet(name, old, new, SheetResult.FAILED, reason)
    result = SheetResult.ONLY_OLD if is_old else SheetResult.ONLY_NEW
    return ReportSheet(name, old, new, result, page.error_message)


def report_change(
    pair: Comparison, number: int, change: Mapping[str, Any], dpi: float | None, ratio: float | None
) -> ReportChange:
    """A change of a pair. `ratio` is how many units of the building are one of the sheet."""
    x, y, width, height = change["box"]
    paper = real = None
    if dpi:
        paper = width / dpi * MILLIMETRES_PER_INCH, height / dpi * MILLIMETRES_PER_INCH
    if paper and ratio:
        real = paper[0] * ratio / 1000, paper[1] * ratio / 1000
    review = change.get("review") or {}
    return ReportChange(
        id=UUID(change_reviews.change_key(pair.id, max(number - 1, 0), change)),
        number=number,
        kind=change["kind"],
        location=change["location"],
        description=change["description"],
        words_removed=tuple(change["words_removed"]),
        words_added=tuple(change["words_added"]),
        box=(x, y, width, height),
        area=change["area"],
        paper_size=paper,
        real_size=real,
        decision=change_reviews.decision_of(change),
        note=review.get("note"),
        decided_at=datetime.fromisoformat(review["at"]) if review.get("at") else None,
    )
