"""Computed types of the drawings domain."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, cast
from uuid import UUID

import strawberry
from strawberry import relay

from core.alignment_notes import DOUBTS, NOTE_TEXTS, AlignmentNoteKind
from db import models
from resolvers.drawings import change_reviews
from resolvers.drawings.change_reviews import ChangeDecision
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.payloads import field
from schema.framework.projection import columns
from schema.lazy_types import UserRef

CHANGE_TYPE = "Change"
"""Type name in the global IDs of changes, which hold the keys of the comparison and of the change."""

enumeration(ChangeDecision)
enumeration(AlignmentNoteKind)


@enumeration
class ChangeKind(Enum):
    """Kind of a change in a region."""

    ADDED = "added"
    """Content exists on the new sheet only."""
    REMOVED = "removed"
    """Content exists on the old sheet only."""
    MODIFIED = "modified"
    """Content differs between the sheets."""
    FILL = "fill"
    """The fill of an area differs between the sheets."""
    RECOLOURED = "recoloured"
    """Lines of the same shape have another color or grey."""
    LINE_WEIGHT = "line_weight"
    """The lines of the whole sheet are thicker or thinner. One change stands for all of them."""
    MOVED = "moved"
    """An object is in another place. `oldBox` is its earlier place."""
    RESIZED = "resized"
    """An object has another size. `oldBox` is its earlier extent."""
    RENAMED = "renamed"
    """A name, such as that of a room, is another one."""


@enumeration
class LengthUnit(Enum):
    """Unit of sizes on a sheet."""

    METRE = "m"
    """Metres of the building, by the scale of the sheet."""
    FOOT = "ft"
    """Feet of the building, by the scale of the sheet, which is in feet and inches."""
    PAPER_MILLIMETRE = "mm on paper"
    """Millimetres on the sheet. Its scale is not known, not to scale, or one of several."""


@enumeration
class AlignmentSource(Enum):
    """By what two sheets are aligned."""

    AUTOMATIC = "automatic"
    """By their content."""
    POINTS = "points"
    """By points that a person has chosen."""


@output
class AlignmentNote:
    """What is unusual or doubtful about how two sheets are aligned."""

    kind: AlignmentNoteKind
    """Kind of the note."""

    is_doubt: bool
    """Whether it is a reason for low confidence."""

    text: str
    """Sentence for people."""

    @classmethod
    def of(cls, stored: str) -> AlignmentNote:
        """Build it from its stored value."""
        kind = AlignmentNoteKind(stored)
        return cls(kind=kind, is_doubt=kind in DOUBTS, text=NOTE_TEXTS[kind])


@output
class Point:
    """A point in the image of a sheet, in pixels. The origin is the upper left corner."""

    x: float
    """Distance from the left edge."""

    y: float
    """Distance from the top edge."""


@output
class PointPair:
    """The same point on both sheets."""

    old: Point
    """Position in the image of the old sheet."""

    new: Point
    """Position in the image of the new sheet."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> PointPair:
        """Build it from its stored JSON."""
        return cls(old=Point(**stored["old"]), new=Point(**stored["new"]))


@output
class Box:
    """A rectangle in the image of the new sheet. The origin is the upper left corner."""

    x: int
    """Distance from the left edge, in pixels."""

    y: int
    """Distance from the top edge, in pixels."""

    width: int
    """Width in pixels."""

    height: int
    """Height in pixels."""

    @classmethod
    def of(cls, stored: list[int]) -> Box:
        """Build it from its stored JSON."""
        x, y, width, height = stored
        return cls(x=x, y=y, width=width, height=height)


@output
class WordDifference:
    """Words that occur on only one of two sheets."""

    removed: list[str]
    """Words on the old sheet only."""

    added: list[str]
    """Words on the new sheet only."""


@output
class ChangeSize:
    """Size of a changed object."""

    width: float
    """Width in the unit."""

    height: float
    """Height in the unit."""

    area: float
    """Area of the bounding rectangle, in square units."""

    unit: LengthUnit
    """Unit of the size."""

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> ChangeSize | None:
        """Build it from its stored JSON; None without one."""
        if not stored:
            return None
        return cls(**(stored | {"unit": LengthUnit(stored["unit"])}))


@output
class ChangeMovement:
    """Distance and direction in which an object moved."""

    distance: float | None
    """Distance in the unit. Null if the resolution of the sheet is not known."""

    unit: LengthUnit | None
    """Unit of the distance. Null if the resolution of the sheet is not known."""

    direction: str
    """Direction on the sheet, such as `to the left`."""

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> ChangeMovement | None:
        """Build it from its stored JSON; None without one."""
        if not stored:
            return None
        return cls(**(stored | {"unit": LengthUnit(stored["unit"]) if stored["unit"] else None}))


@output
class Change:
    """A changed object or region."""

    id: relay.GlobalID
    """Identifies the change in `changeReview`. Later runs keep it for the change at the same place."""

    kind: ChangeKind
    """Kind of the change."""

    box: Box
    """Position on the new sheet."""

    area: int
    """Changed area in pixels."""

    description: str
    """Human-readable description."""

    words: WordDifference
    """Words removed and added in the region."""

    old_box: Box | None
    """Earlier place of a moved or resized object, in the image of the new sheet."""

    size: ChangeSize | None
    """Size of the object. Null for changes of a whole sheet, and if the resolution is not known."""

    old_size: ChangeSize | None
    """Earlier size of a moved or resized object."""

    moved_by: ChangeMovement | None
    """Distance and direction of a moved object."""

    before: str | None
    """Whole lines of text that the removed words stand in, on the old sheet."""

    after: str | None
    """Whole lines of text that the added words stand in, on the new sheet."""

    room: str | None
    """Label of the room that the change lies in. Null if walls and labels do not tell it."""

    old_room: str | None
    """Label of the room that a moved object was in, if it is another one."""

    grid: str | None
    """Nearest grid mark, such as `C/4`."""

    decision: ChangeDecision
    """Decision of a person."""

    note: str | None
    """Note on the decision, or null."""

    reviewed_at: datetime | None
    """Time of the decision, or null."""

    reviewer_id: strawberry.Private[UUID | None]

    @field
    async def reviewed_by(self, info: Info) -> UserRef | None:
        """User who decided. Null if nobody has, or if the user is deleted or not visible to the viewer."""
        if self.reviewer_id is None:
            return None
        loader = info.context.loaders.one(models.User, columns(info, models.User))
        user: Any = await loader.load(self.reviewer_id)
        return cast("UserRef", user)

    @classmethod
    def of(cls, stored: dict[str, Any], comparison_id: UUID, position: int) -> Change:
        """Build it from its stored JSON."""
        review = stored.get("review") or {}
        key = change_reviews.change_key(comparison_id, position, stored)
        return cls(
            id=relay.GlobalID(CHANGE_TYPE, f"{comparison_id}.{key}"),
            decision=change_reviews.decision_of(stored),
            note=review.get("note"),
            reviewed_at=datetime.fromisoformat(review["at"]) if review else None,
            reviewer_id=UUID(review["user_id"]) if review else None,
            kind=ChangeKind(stored["kind"]),
            box=Box.of(stored["box"]),
            area=stored["area"],
            description=stored["description"],
            words=WordDifference(removed=stored["words_removed"], added=stored["words_added"]),
            old_box=Box.of(stored["old_box"]) if stored.get("old_box") else None,
            size=ChangeSize.of(stored.get("size")),
            old_size=ChangeSize.of(stored.get("old_size")),
            moved_by=ChangeMovement.of(stored.get("moved_by")),
            before=stored.get("before"),
            after=stored.get("after"),
            room=stored.get("room"),
            old_room=stored.get("old_room"),
            grid=stored.get("grid"),
        )


@output
class ComparisonCount:
    """Number of comparisons with or without changes."""

    changes_detected: bool
    """Whether comparisons with changes are counted, or those without."""

    total: int
    """Number of comparisons."""


@output
class SessionSummary:
    """Totals of a drawing session."""

    total_comparisons: int
    """Number of comparisons."""

    successful_analyses: int
    """Number of successful analyses."""

    changed_comparisons: int
    """Number of comparisons with changes."""

    failed_comparisons: int
    """Number of failed comparisons."""

    avg_alignment_score: float | None
    """Mean alignment score of the aligned comparisons. Null if there are none."""
