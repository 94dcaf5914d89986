"""Computed types of the drawings domain."""

from __future__ import annotations

from enum import Enum
from typing import Any

from schema.framework.decorators import enumeration, output


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


@output
class WordDifference:
    """Words that occur on only one of two sheets."""

    removed: list[str]
    """Words on the old sheet only."""

    added: list[str]
    """Words on the new sheet only."""


@output
class Change:
    """A changed region."""

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

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Change:
        """Build it from its stored JSON."""
        x, y, width, height = stored["box"]
        return cls(
            kind=ChangeKind(stored["kind"]),
            box=Box(x=x, y=y, width=width, height=height),
            area=stored["area"],
            description=stored["description"],
            words=WordDifference(removed=stored["words_removed"], added=stored["words_added"]),
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
