"""Objects of changes: what moved, was resized, renamed or replaced, as one change of one object."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot

import cv2
import numpy as np

from pipelines.drawings import change_texts
from pipelines.drawings.binarization import Mask, binarize, dilate
from pipelines.drawings.change_detection import (
    Change,
    DetectedChanges,
    bounding_box,
    boxes_overlap,
    covered_share,
)
from pipelines.drawings.line_differences import BLOCK_SIZE, FAINT_INK_LEVEL, INK_LEVEL, Box, word_box
from pipelines.drawings.object_masks import (
    Window,
    bounding_rectangle,
    clear_specks,
    connected_objects,
    coverage,
    crop,
    enlarge,
    pad,
    shifts,
    translate,
)
from pipelines.drawings.sheet_ink import SheetInk
from pipelines.drawings.text_diff import WordChanges

MAX_OBJECTS = 400
"""Changes of a sheet, the largest first, whose objects are looked for."""

MAX_OBJECT_SIDE = 3_000
"""Longest side in pixels of a change whose object is looked for."""

MIN_AGREEMENT = 0.9
"""Share of the ink of an object that its counterpart has."""

MIN_SIZE_DIFFERENCE, MIN_SIZE_RATIO = 8, 0.04
"""Pixels and share by which the sides of a resized object differ."""

MAX_SIZE_FACTOR = 3.0
MAX_UNEVENNESS = 1.15
"""Ratio of the factors across and down up to which a part of an object grew evenly."""

MIN_SIDE = 14
"""Shorter side in pixels of an object whose shape can be recognized."""

MAX_LINE_GAP_RATIO = 3.0
"""Gap between changes of one line of text, relative to its height."""

MIN_LINE_LENGTH = 60
MIN_INK = 40
MIN_SHIFT = 8
"""Pixels by which a moved object is displaced."""

MAX_DISTANCE_RATIO = 0.15
"""Share of the sheet's diagonal up to which an object is moved; further away, it is another one."""

MIN_MARGIN, MAX_MARGIN = 150, 900
"""Pixels around a change in which the object that it belongs to is looked for."""

MIN_OVERLAP = 0.5
"""Share of a removed object that an added one covers if it replaces it."""

MAX_FOREIGN_SHARE = 0.12
"""Share of the differing ink of a renamed text that may lie outside of its words."""


def interpret(
    detected: DetectedChanges, old: SheetInk, new: SheetInk, words: WordChanges, tolerance: int
) -> DetectedChanges:
    """The changes by object. Of sheets whose line weights differ, shapes cannot be told."""
    if any(change.is_sheet_wide and change.kind == "line_weight" for change in detected.changes):
        return detected
    objects = Objects(old, new, words, tolerance)
    return replace(detected, changes=tuple(objects.interpret(detected.changes)))


@dataclass(frozen=True)
class Objects:
    """Interprets the changes of two aligned sheets. `tolerance` is the tolerated displacement in pixels."""

    old: SheetInk
    new: SheetInk
    words: WordChanges
    tolerance: int

    def interpret(self, changes: Sequence[Change]) -> list[Change]:
        """The changes by object, largest first, sheet-wide ones before them."""
        sheet_wide = [change for change in changes if change.is_sheet_wide]
        others = [change for change in changes if not change.is_sheet_wide]
        others = merge_lines(others)
        single = [self.interpret_one(change) for change in others[:MAX_OBJECTS]]
        merged = self.merge_replacements(self.merge_moves([*single, *others[MAX_OBJECTS:]]))
        merged.sort(key=lambda change: (-change.changed_pixels, change.box))
        return [*sheet_wide, *merged]

    def interpret_one(self, change: Change) -> Change:
        """The change as moved, resized or renamed, if its region shows that."""
        if change.kind not in ("added", "removed", "modified") or max(change.box[2:]) > MAX_OBJECT_SIDE:
            return change
        if same_words(change.words_removed, change.words_added):
            if change.words_removed:
                return self.moved_words(change)
            margin = max(MIN_MARGIN, min(round(1.5 * max(change.box[2:])), MAX_MARGIN))
            return self.resized(self.window(change.box, margin), change) or (
                self.moved(self.window(change.box, 8), change) or change
            )
        if change_texts.is_renaming(change) and self.is_text_only(change):
            return replace(change, kind="renamed")
        return change

    def window(self, box: Box, margin: int) -> Window:
        """The ink of both sheets around a box."""
        left, top = max(box[0] - margin, 0), max(box[1] - margin, 0)
        area = np.s_[top : box[1] + box[3] + margin, left : box[0] + box[2] + margin]
        before, after = self.old.lines[area], self.new.lines[area]
        old, new = binarize(before, INK_LEVEL), binarize(after, INK_LEVEL)
        gone = old & ~dilate(binarize(after, FAINT_INK_LEVEL), self.tolerance) & 1
        come = new & ~dilate(binarize(before, FAINT_INK_LEVEL), self.tolerance) & 1
        inside = np.zeros_like(old)
        edge = 2 * BLOCK_SIZE
        inner_left, inner_top = max(box[0] - left - edge, 0), max(box[1] - top - edge, 0)
        inside[
            inner_top : box[1] - top + box[3] + edge,
            inner_left : box[0] - left + box[2] + edge,
        ] = 1
        removed, added = np.asarray(gone & inside, np.uint8), np.asarray(come & inside, np.uint8)
        if not (self.old.is_clean and self.new.is_clean):
            removed, added = clear_specks(removed), clear_specks(added)
        return Window(left, top, old, new, removed, added)

    def is_text_only(self, change: Change) -> bool:
        """Whether the differing ink of a change is that of its words."""
        window = self.window(change.box, 4)
        outside = np.ones_like(window.old)
        for word in (*self.words.removed, *self.words.added):
            box = word_box(word)
            if boxes_overlap(box, change.box):
                x, y = box[0] - window.left, box[1] - window.top
                outside[max(y - 6, 0) : y + box[3] + 6, max(x - 6, 0) : x + box[2] + 6] = 0
        differing = window.removed | window.added
        return cv2.countNonZero(differing & outside) <= MAX_FOREIGN_SHARE * cv2.countNonZero(differing)

    def moved_words(self, change: Change) -> Change:
        """The change of words that stand elsewhere in the same region."""
        gone = [word for word in self.words.removed if boxes_overlap(word_box(word), change.box)]
        come = [word for word in self.words.added if boxes_overlap(word_box(word), change.box)]
        if not same_words([word.text for word in gone], [word.text for word in come]) or not gone:
            return change
        box, old_box = (bounding_box([word_box(word) for word in words]) for words in (come, gone))
        if shift_length(box, old_box) < MIN_SHIFT or not same_size(box, old_box):
            return change
        return replace(change, kind="moved", box=box, old_box=old_box)

    def moved(self, window: Window, change: Change) -> Change | None:
        """The change of an object that stands elsewhere in the same region."""
        if min(cv2.countNonZero(window.removed), cv2.countNonZero(window.added)) < MIN_INK:
            return None
        wide_new, wide_old = (dilate(mask, self.tolerance) for mask in (window.new, window.old))
        wide_added = dilate(window.added, self.tolerance)
        for across, down in shifts(window.removed, window.added):
            if hypot(across, down) < MIN_SHIFT:
                continue
            forward, backward = (
                translate(window.removed, across, down),
                translate(window.added, -across, -down),
            )
            if (
                coverage(forward, wide_new, window.removed) >= MIN_AGREEMENT
                and coverage(backward, wide_old, window.added) >= MIN_AGREEMENT
                and coverage(forward, wide_added, window.removed) >= MIN_OVERLAP
            ):
                left, top, width, height = window.box(window.removed | (backward & window.old))
                place = (left + across, top + down, width, height)
                return replace(change, kind="moved", box=place, old_box=(left, top, width, height))
        return None

    def resized(self, window: Window, change: Change) -> Change | None:
        """The change of an object that stands alone on both sheets and has another size."""
        if cv2.countNonZero(window.removed | window.added) < MIN_INK:
            return None
        old, new = connected_objects(window)
        if old is None or new is None:
            return self.resized_part(window, change)
        old_box, box = window.box(old), window.box(new)
        if same_size(box, old_box) or not self.same_shape(old, new):
            return None
        return replace(change, kind="resized", box=box, old_box=old_box)

    def resized_part(self, window: Window, change: Change) -> Change | None:
        """The change of a part of a larger object that grew or shrank evenly, such as a door in a wall."""
        if min(cv2.countNonZero(window.removed), cv2.countNonZero(window.added)) < MIN_INK:
            return None
        old_box, box = bounding_rectangle(window.removed), bounding_rectangle(window.added)
        if min(*box[2:], *old_box[2:]) < MIN_SIDE:
            return None
        left, top, width, height = bounding_box([old_box, box])
        for x in (left, left + width):
            for y in (top, top + height):
                before, after = (extend(part, x, y) for part in (old_box, box))
                across, down = after[2] / before[2], after[3] / before[3]
                factor = (across + down) / 2
                if same_size(before, after) or max(across / down, down / across) > MAX_UNEVENNESS:
                    continue
                if 1 / MAX_SIZE_FACTOR < factor < MAX_SIZE_FACTOR and self.is_scaled(window, x, y, factor):
                    places = [(b[0] + window.left, b[1] + window.top, b[2], b[3]) for b in (after, before)]
                    return replace(change, kind="resized", box=places[0], old_box=places[1])
        return None

    def is_scaled(self, window: Window, x: int, y: int, factor: float) -> bool:
        """Whether the old ink, scaled about a point, is the new ink."""
        larger = enlarge(window.removed, x, y, factor)
        smaller = enlarge(window.added, x, y, 1 / factor)
        wide_old, wide_new = (dilate(mask, self.tolerance + 1) for mask in (window.old, window.new))
        return (
            coverage(larger, wide_new, larger) >= MIN_AGREEMENT
            and coverage(smaller, wide_old, smaller) >= MIN_AGREEMENT
            and coverage(larger, dilate(window.added, self.tolerance + 1), larger) >= MIN_OVERLAP
        )

    def same_shape(self, old: Mask, new: Mask) -> bool:
        """Whether an object has the shape of another one, when scaled to its size."""
        before, after = crop(old), crop(new)
        factors = after.shape[0] / before.shape[0], after.shape[1] / before.shape[1]
        if max(*factors, *(1 / factor for factor in factors)) > MAX_SIZE_FACTOR:
            return False
        size = (after.shape[1], after.shape[0])
        scaled = np.asarray(cv2.resize(before * 255, size, interpolation=cv2.INTER_LINEAR))
        return self.agree((scaled > 64).view(np.uint8), after)

    def agree(self, one: Mask, other: Mask) -> bool:
        """Whether two masks of one size cover each other."""
        reach = self.tolerance + 1
        return (
            coverage(one, dilate(other, reach), one) >= MIN_AGREEMENT
            and coverage(other, dilate(one, reach), other) >= MIN_AGREEMENT
        )

    def merge_moves(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with removed objects that were added elsewhere as one each, the nearest first."""
        removed, added = (
            [
                change
                for change in changes
                if change.kind == kind and is_recognizable(change) and max(change.box[2:]) <= MAX_OBJECT_SIDE
            ]
            for kind in ("removed", "added")
        )
        diagonal = hypot(*self.new.lines.shape)
        pairs = sorted(
            (distance, gone.box, come.box, gone, come)
            for gone in removed
            for come in added
            if same_words(gone.words_removed, come.words_added)
            and same_size(gone.box, come.box)
            and (distance := shift_length(gone.box, come.box)) <= max_distance(gone, diagonal)
        )
        partners: dict[int, Change] = {}
        merged: set[int] = set()
        for _, _, _, gone, come in pairs[: 4 * MAX_OBJECTS]:
            if id(come) not in partners and id(gone) not in merged and self.is_same_object(gone, come):
                merged.add(id(gone))
                partners[id(come)] = gone
        return [
            moved_change(partners[id(change)], change) if id(change) in partners else change
            for change in changes
            if id(change) not in merged
        ]

    def is_same_object(self, gone: Change, come: Change) -> bool:
        """Whether what was removed in one place is what was added in another."""
        before, after = (self.window(change.box, 6) for change in (gone, come))
        if min(cv2.countNonZero(before.removed), cv2.countNonZero(after.added)) < MIN_INK:
            return False
        one, other = crop(before.removed_object), crop(after.added_object)
        height, width = max(one.shape[0], other.shape[0]), max(one.shape[1], other.shape[1])
        return self.agree(pad(one, width, height), pad(other, width, height))

    def merge_replacements(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with a removed and an added object in one place as one modified object."""
        result = list(changes)
        for gone in [change for change in changes if change.kind == "removed"]:
            over = [
                change
                for change in result
                if change.kind == "added"
                and max(covered_share(gone.box, change.box), covered_share(change.box, gone.box))
                >= MIN_OVERLAP
                and min(change.box_pixels, gone.box_pixels) * 6 >= max(change.box_pixels, gone.box_pixels)
            ]
            if over:
                come = max(over, key=lambda change: covered_share(gone.box, change.box))
                result.remove(come)
                result.remove(gone)
                result.append(replaced_change(gone, come))
        return result


def merge_lines(changes: Sequence[Change]) -> list[Change]:
    """The changes, those of one line of text as one; its words in their order."""
    result: list[Change] = []
    for change in changes:
        texts = (change.text_before, change.text_after)
        same = next(
            (
                index
                for index, other in enumerate(result)
                if all(texts)
                and texts == (other.text_before, other.text_after)
                and boxes_overlap(
                    change.box, other.box, MAX_LINE_GAP_RATIO * min(change.box[3], other.box[3])
                )
            ),
            None,
        )
        if same is None:
            result.append(change)
            continue
        first, last = sorted((result[same], change), key=lambda part: part.box)
        result[same] = replace(
            result[same],
            kind=change.kind if change.kind == result[same].kind else "modified",
            box=bounding_box([first.box, last.box]),
            changed_pixels=first.changed_pixels + last.changed_pixels,
            words_removed=(*first.words_removed, *last.words_removed),
            words_added=(*first.words_added, *last.words_added),
        )
    return result


def moved_change(gone: Change, come: Change) -> Change:
    return replace(
        come,
        kind="moved",
        old_box=gone.box,
        changed_pixels=gone.changed_pixels + come.changed_pixels,
        words_removed=gone.words_removed,
        text_before=gone.text_before,
    )


def replaced_change(gone: Change, come: Change) -> Change:
    return replace(
        come,
        kind="modified",
        box=bounding_box([gone.box, come.box]),
        changed_pixels=gone.changed_pixels + come.changed_pixels,
        words_removed=gone.words_removed,
        text_before=gone.text_before,
    )


def same_words(one: Sequence[str], other: Sequence[str]) -> bool:
    return Counter(one) == Counter(other)


def is_recognizable(change: Change) -> bool:
    """Whether an object can be told from others: a shape, or words that are not on every sheet."""
    words = (*change.words_removed, *change.words_added)
    if words:
        return sum(len(word) for word in words) >= 4
    return max(change.box[2:]) >= MIN_LINE_LENGTH or min(change.box[2:]) >= MIN_SIDE


def max_distance(change: Change, diagonal: float) -> float:
    """How far an object may move to be the same one; a plain line may not move far."""
    is_line = min(change.box[2:]) < MIN_SIDE and not change.words_removed
    return min(MAX_DISTANCE_RATIO * diagonal, max(change.box[2:]) if is_line else diagonal)


def same_size(one: Box, other: Box) -> bool:
    """Whether two boxes have the same sides."""
    return all(
        abs(one[side] - other[side]) <= max(MIN_SIZE_DIFFERENCE, MIN_SIZE_RATIO * max(one[side], other[side]))
        for side in (2, 3)
    )


def shift_length(one: Box, other: Box) -> float:
    """Distance of the centres of two boxes."""
    return hypot(one[0] + one[2] / 2 - other[0] - other[2] / 2, one[1] + one[3] / 2 - other[1] - other[3] / 2)


def extend(box: Box, x: int, y: int) -> Box:
    """The box that also contains a point."""
    left, top = min(box[0], x), min(box[1], y)
    return left, top, max(box[0] + box[2], x) - left, max(box[1] + box[3], y) - top
