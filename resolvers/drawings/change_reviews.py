"""Decisions of people on changes. A later run hands them on to the changes at the same places."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID, uuid5

from db.ids import new_id
from db.models import Comparison

StoredChange: TypeAlias = Mapping[str, Any]
Transform: TypeAlias = Sequence[float]
"""A 2x3 affine transform by rows, of pixels of the old sheet to those of the new one."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""

MIN_COVERAGE = 0.6
"""Share of a change that must lie where an earlier one was, so that it takes over its decision."""

MARGIN = 8.0
"""Pixels by which edges of regions may differ between two runs."""

APPEARANCES = frozenset({"fill", "recoloured", "line_weight"})
"""Kinds of changes of what is on both sheets, which are never the same as one of another kind."""


class ChangeDecision(Enum):
    """Decision of a person on a change."""

    OPEN = "open"
    """Nobody has decided."""
    ACCEPTED = "accepted"
    """The change is as it should be."""
    IGNORED = "ignored"
    """The change does not matter."""


def change_key(comparison_id: UUID, position: int, change: StoredChange) -> str:
    """The stable key of a change. Changes of earlier releases have none, and take it from their position."""
    return change.get("id") or str(uuid5(comparison_id, str(position)))


def decision_of(change: StoredChange) -> ChangeDecision:
    """The decision on a change."""
    return ChangeDecision((change.get("review") or {}).get("decision", "open"))


def decision_key(change: StoredChange) -> tuple[str, str] | None:
    """Who has decided on a change, and when. Parts of a region have the decision in common."""
    made = change.get("review")
    return (made["user_id"], made["at"]) if made else None


def hand_on(
    comparison: Comparison, changes: Sequence[StoredChange], alignment: Mapping[str, Any] | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The changes of a new run with keys and decisions of the earlier ones, and the decisions left over.

    A change that lies where one of the last run was keeps its key. It takes over the decision on what covers
    most of it. What was removed lies where the alignment places it, so that it moves with the alignment.
    """
    before = comparison.alignment or {}
    last = [
        {**change, "id": change_key(comparison.id, at, change), "alignment": before}
        for at, change in enumerate(comparison.changes)
    ]
    earlier = [*last, *comparison.vanished_reviews]
    overlaps = sorted(find_overlaps(earlier, changes, alignment or {}), reverse=True)
    result = [dict(change) for change in changes]
    reused: set[int] = set()
    for _, _, now, then in overlaps:
        if "id" not in result[now] and then not in reused:
            result[now]["id"] = earlier[then]["id"]
            reused.add(then)
    for coverage, now, then in sorted(((cover, now, then) for _, cover, now, then in overlaps), reverse=True):
        made = earlier[then].get("review")
        if made and coverage >= MIN_COVERAGE:
            result[now].setdefault("review", made)
    for change in result:
        change.setdefault("id", str(new_id()))
    held = {decision_key(change) for change in result}
    left = {
        decision_key(change): change
        for change in earlier
        if change.get("review") and decision_key(change) not in held
    }
    return result, list(left.values())


def find_overlaps(
    earlier: Sequence[StoredChange], changes: Sequence[StoredChange], alignment: Mapping[str, Any]
) -> Iterator[tuple[float, float, int, int]]:
    """Overlapping changes: intersection over union, covered share, and both positions (now, then)."""
    for then, change in enumerate(earlier):
        places = list(possible_boxes(change, alignment))
        for now, other in enumerate(changes):
            if not are_alike(change["kind"], other["kind"]):
                continue
            box = corners(other["box"])
            union, covered = max((overlap(place, box) for place in places), default=(0.0, 0.0))
            if union >= MIN_COVERAGE / 2 or covered >= MIN_COVERAGE:
                yield union, covered, now, then


def are_alike(kind: str, other: str) -> bool:
    """Whether changes of these kinds may be one: a modification may count as an addition or a removal."""
    kinds = {kind, other}
    return kind == other or ("modified" in kinds and not kinds & APPEARANCES)


def possible_boxes(change: StoredChange, alignment: Mapping[str, Any]) -> Iterator[Box]:
    """Where an earlier change may lie now, in pixels of the new sheet."""
    before = change.get("alignment") or {}
    box = corners(change["box"])
    old_size, new_size = before.get("size"), alignment.get("size")
    across, down = (
        (new_size[0] / old_size[0], new_size[1] / old_size[1]) if old_size and new_size else (1.0, 1.0)
    )
    if change["kind"] != "removed":
        yield box[0] * across, box[1] * down, box[2] * across, box[3] * down
    if change["kind"] != "added":
        then, now = before.get("transform"), alignment.get("transform")
        yield move(box, then, now) if then and now else box


def move(box: Box, then: Transform, now: Transform) -> Box:
    """A box of the new sheet, placed by one transform, where another one places it."""
    a, b, c, d, e, f = then
    determinant = a * e - b * d
    if not determinant:
        return box
    points = []
    for x, y in ((box[0], box[1]), (box[2], box[1]), (box[0], box[3]), (box[2], box[3])):
        left, top = x - c, y - f
        old_x, old_y = (e * left - b * top) / determinant, (a * top - d * left) / determinant
        points.append((now[0] * old_x + now[1] * old_y + now[2], now[3] * old_x + now[4] * old_y + now[5]))
    across, down = zip(*points, strict=True)
    return min(across), min(down), max(across), max(down)


def corners(box: Sequence[float]) -> Box:
    """The edges of a stored box (left, top, width, height)."""
    return box[0], box[1], box[0] + box[2], box[1] + box[3]


def overlap(one: Box, other: Box) -> tuple[float, float]:
    """Intersection over union of two boxes with margins, and the share of `other` that `one` covers."""
    wide, target = grow(one), grow(other)
    common = intersection(wide, target)
    return common / (area(wide) + area(target) - common), intersection(wide, other) / max(area(other), 1.0)


def grow(box: Box) -> Box:
    """The box with a margin."""
    return box[0] - MARGIN, box[1] - MARGIN, box[2] + MARGIN, box[3] + MARGIN


def intersection(one: Box, other: Box) -> float:
    """Area that two boxes have in common."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def area(box: Box) -> float:
    """Area of a box."""
    return (box[2] - box[0]) * (box[3] - box[1])
