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


@output
class Box:
    """A rectangle in pixels of the new sheet's picture, from its upper left corner."""

    x: int
    """Pixels from the left."""

    y: int
    """Pixels from the top."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""


@output
class WordDifference:
    """Words that stand on one of two sheets only."""

    removed: list[str]
    """On the old sheet only."""

    added: list[str]
    """On the new sheet only."""


@output
class Change:
    """One changed region."""

    kind: ChangeKind
    """What happened."""

    box: Box
    """Where, on the new sheet."""

    area: int
    """How much ink changed, in pixels."""

    description: str
    """In words."""

    words: WordDifference
    """The words that went and came there."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Change:
        """From the form that the pipeline stores."""
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
    """How many comparisons of a session found changes, or did not."""

    changes_detected: bool
    """Which ones are counted."""

    total: int
    """How many."""


@output
class SessionSummary:
    """Totals over a session."""

    total_comparisons: int
    """Pairs of sheets."""

    successful_analyses: int
    """Analyses that succeeded."""

    changed_comparisons: int
    """Pairs with changes."""

    failed_comparisons: int
    """Pairs that failed."""

    avg_alignment_score: float | None
    """The mean over the pairs that were aligned; null if none was."""
