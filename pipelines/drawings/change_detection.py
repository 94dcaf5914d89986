"""Change detection on two aligned sheets: regions of changed ink and tone, with their changed words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipelines.drawings import line_weights, separate_marks, tone_changes
from pipelines.drawings.binarization import GreyImage, Mask, binarize
from pipelines.drawings.ink_matching import unmatched_ink
from pipelines.drawings.line_differences import (
    BLOCK_SIZE,
    INK_LEVEL,
    SAME_WEIGHTS,
    Box,
    Difference,
    diff_ink,
    mask_moved_words,
    precise_tolerance,
    word_box,
)
from pipelines.drawings.page_words import Word
from pipelines.drawings.sheet_ink import TONE_STEP, SheetInk
from pipelines.drawings.text_diff import WordChanges, overlapping_groups, sort_reading_order

NO_WORD_CHANGES = WordChanges()

MAX_COVERED_SHARE = 0.5
"""Share of an area that a change of lines covers, from which it is a part of that change."""

MIN_WORD_PIXELS = 6
"""Pixels of ink without counterpart from which a word looks different."""


@dataclass(frozen=True, slots=True)
class Change:
    """A changed region.

    `kind` is added, removed, modified, fill (a changed tone), recoloured (the same lines in another colour)
    or line_weight (all lines thicker or thinner); of objects also moved, resized or renamed (another text).
    `old_box` is the place and size of a moved or resized object on the old sheet, in the new one's pixels.
    `text_before` and `text_after` are the whole lines that changed words stand in. `changed_pixels`
    counts differing ink and `box_pixels` is the area of the bounding box, both in pixels of the new sheet.
    `is_sheet_wide` marks what concerns all lines of a sheet.
    """

    kind: str
    box: Box
    changed_pixels: int
    words_removed: tuple[str, ...] = ()
    words_added: tuple[str, ...] = ()
    is_sheet_wide: bool = False
    old_box: Box | None = None
    text_before: str = ""
    text_after: str = ""

    @property
    def box_pixels(self) -> int:
        return self.box[2] * self.box[3]

    @property
    def places(self) -> tuple[Box, ...]:
        """The areas of the sheet that look different: two for an object that moved away from its place."""
        if self.old_box is None:
            return (self.box,)
        if boxes_overlap(self.box, self.old_box, Sensitivity().merge_distance):
            return (bounding_box([self.box, self.old_box]),)
        return self.box, self.old_box


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Tolerated displacement of ink, distance within which differences merge, and minimum ink, in pixels.

    Three pixels at 300 dpi are a quarter of a millimetre; 45 are nearly four.
    """

    tolerance: int = 3
    merge_distance: int = 45
    min_ink: int = 80


@dataclass(frozen=True, slots=True)
class DetectedChanges:
    """Changed regions, largest first; `ratio` is the share of ink of both sheets without counterpart."""

    changes: tuple[Change, ...]
    ratio: float


def detect(
    old: SheetInk,
    new: SheetInk,
    coverage: Mask,
    words: WordChanges = NO_WORD_CHANGES,
    sensitivity: Sensitivity = Sensitivity(),
) -> DetectedChanges:
    """Detect changes between an old sheet, already warped to the new one, and the new sheet.

    `coverage` masks the area of the old sheet; `words` are the differing words, in the new sheet's pixels.
    """
    weights = SAME_WEIGHTS
    if old.is_clean and new.is_clean and not (old.is_bilevel or new.is_bilevel):
        weights = line_weights.compare_weights(old.lines, new.lines)
    rough = mask_moved_words(diff_ink(old, new, coverage, sensitivity.tolerance, weights), words.shifted)
    difference = rough
    whole = np.zeros_like(difference.added)
    if not weights and old.is_bilevel == new.is_bilevel:
        difference, whole = separate_marks.judge_marks(
            old.lines,
            new.lines,
            rough,
            tolerance=precise_tolerance(sensitivity.tolerance),
            min_ink=sensitivity.min_ink,
            has_grain=not (old.is_clean and new.is_clean),
        )
    regions = list(connected_regions(difference, whole, sensitivity.merge_distance, sensitivity.min_ink))
    fills = [
        Change("fill", box, pixels)
        for box, pixels in tone_changes.filled_areas(old, new, coverage)
        if not any(covered_share(box, region.box) > MAX_COVERED_SHARE for region in regions)
    ]
    areas, is_sheet_wide = tone_changes.recoloured_areas(
        old, new, coverage, tone_blocks(difference, new), sensitivity.merge_distance
    )
    areas = [
        (box, pixels)
        for box, pixels in areas
        if not any(covered_share(box, change.box) > MAX_COVERED_SHARE for change in fills)
    ]
    regions, areas = absorb_areas(regions, areas, sensitivity.merge_distance)
    toned = [
        Change("fill", box, pixels)
        for box, pixels in tone_changes.toned_areas(old, new, coverage)
        if not any(boxes_overlap(change.box, box) for change in (*regions, *fills))
        and not any(boxes_overlap(area, box) for area, _ in areas)
    ]
    sheet_wide = []
    tonal = fills
    if is_sheet_wide and areas:
        sheet_wide.append(sheet_wide_change("recoloured", areas))
    else:
        tonal += [Change("recoloured", box, pixels) for box, pixels in areas]
    if weights:
        sheet_wide.append(sheet_wide_change("line_weight", [(ink_box(new.lines), rough.total // 2)]))
    tonal += [] if sheet_wide else toned
    changes = attach_words(regions, words)
    changes += small_word_changes(old.lines, new.lines, unassigned_words(changes, words))
    changes += tonal
    changes.sort(key=lambda change: (-change.changed_pixels, change.box))
    differing_ink = int(rough.added.sum(dtype=np.int64) + rough.removed.sum(dtype=np.int64))
    return DetectedChanges((*sheet_wide, *changes), round(differing_ink / max(rough.total, 1), 4))


def absorb_areas(
    regions: Sequence[Change], areas: Sequence[tuple[Box, int]], distance: int
) -> tuple[list[Change], list[tuple[Box, int]]]:
    """Regions with the recoloured areas beside them, such as lines that cross a new mark; and the others."""
    wider = list(regions)
    apart = []
    for box, pixels in areas:
        near = [
            index
            for index, region in enumerate(wider)
            if pixels <= region.changed_pixels * TONE_STEP and boxes_overlap(region.box, box, distance)
        ]
        if near:
            index = max(near, key=lambda index: wider[index].changed_pixels)
            wider[index] = replace(wider[index], box=bounding_box([wider[index].box, box]))
        else:
            apart.append((box, pixels))
    return wider, apart


def sheet_wide_change(kind: str, areas: Sequence[tuple[Box, int]]) -> Change:
    """One change that concerns all lines of a sheet."""
    box = bounding_box([area for area, _ in areas])
    return Change(kind, box, sum(pixels for _, pixels in areas), is_sheet_wide=True)


def ink_box(lines: GreyImage) -> Box:
    """The bounding box of all lines."""
    left, top, width, height = cv2.boundingRect(binarize(lines, INK_LEVEL))
    return left, top, width, height


def tone_blocks(difference: Difference, new: SheetInk) -> Mask:
    """Blocks of the tones in which lines differ."""
    height, width = new.ground.shape
    differing = ((difference.added | difference.removed) > 0).view(np.uint8)
    wide = np.asarray(cv2.dilate(differing, np.ones((2, 2), np.uint8), anchor=(0, 0)), np.uint8)
    return np.ascontiguousarray(wide[: 2 * height : 2, : 2 * width : 2])


def connected_regions(
    difference: Difference, whole: Mask, merge_distance: int, min_ink: int
) -> Iterator[Change]:
    """Connected components of differing ink within `merge_distance` pixels, of at least `min_ink` pixels.

    `whole` are the blocks of words and symbols that changed as wholes, however little their ink differs.
    """
    both = difference.added | difference.removed
    both[whole > 0] |= 1
    kernel_size = max(3, round(merge_distance / BLOCK_SIZE))
    dilated = cv2.dilate((both > 0).view(np.uint8), np.ones((kernel_size, kernel_size), np.uint8))
    count, labels = cv2.connectedComponents(dilated, connectivity=8)
    rows, columns = np.nonzero(both)
    owner = np.asarray(labels[rows, columns], np.int64)
    added_counts = np.bincount(owner, weights=difference.added[rows, columns], minlength=count)
    removed_counts = np.bincount(owner, weights=difference.removed[rows, columns], minlength=count)
    has_whole = np.bincount(owner, weights=whole[rows, columns], minlength=count) > 0
    left, top = np.full(count, 1 << 30), np.full(count, 1 << 30)
    right, bottom = np.zeros(count, int), np.zeros(count, int)
    np.minimum.at(left, owner, columns)
    np.minimum.at(top, owner, rows)
    np.maximum.at(right, owner, columns)
    np.maximum.at(bottom, owner, rows)
    for index in range(1, count):
        total = int(added_counts[index] + removed_counts[index])
        if total >= min_ink or has_whole[index]:
            edges = (left[index], top[index], right[index] - left[index] + 1, bottom[index] - top[index] + 1)
            box = tuple(BLOCK_SIZE * int(edge) for edge in edges)
            yield Change(
                change_kind(int(added_counts[index]), int(removed_counts[index])),
                (box[0], box[1], box[2], box[3]),
                total,
            )


def change_kind(added: int, removed: int) -> str:
    if removed < 0.1 * (added + removed):
        return "added"
    return "removed" if added < 0.1 * (added + removed) else "modified"


def boxes_overlap(one: Box, other: Box, margin: float = 0.0) -> bool:
    """Whether two boxes overlap or are within `margin` pixels of each other."""
    return (
        one[0] - margin < other[0] + other[2]
        and other[0] < one[0] + one[2] + margin
        and one[1] - margin < other[1] + other[3]
        and other[1] < one[1] + one[3] + margin
    )


def covered_share(box: Box, other: Box) -> float:
    """The share of a box that another one covers."""
    across = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    down = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    return max(across, 0) * max(down, 0) / max(box[2] * box[3], 1)


def attach_words(changes: Sequence[Change], words: WordChanges) -> list[Change]:
    """The regions with the differing words that they touch, and boxes that contain them."""
    removed, added = assign_words(changes, words.removed), assign_words(changes, words.added)
    return [
        replace(
            change,
            kind="modified" if removed[index] and added[index] else change.kind,
            box=bounding_box([change.box, *(word_box(word) for word in (*removed[index], *added[index]))]),
            words_removed=tuple(word.text for word in removed[index]),
            words_added=tuple(word.text for word in added[index]),
        )
        for index, change in enumerate(changes)
    ]


def assign_words(changes: Sequence[Change], words: Sequence[Word]) -> list[list[Word]]:
    """The words of each region; a word belongs to the smallest region that it touches."""
    result: list[list[Word]] = [[] for _ in changes]
    for word in words:
        candidates = [
            (change.box_pixels, index)
            for index, change in enumerate(changes)
            if boxes_overlap(change.box, word_box(word), margin=0.25 * word.text_height)
        ]
        if candidates:
            result[min(candidates)[1]].append(word)
    return result


def unassigned_words(changes: Sequence[Change], words: WordChanges) -> WordChanges:
    """The differing words that touch no region."""

    def without_region(candidates: Sequence[Word]) -> tuple[Word, ...]:
        return tuple(
            word
            for word in candidates
            if not any(boxes_overlap(change.box, word_box(word)) for change in changes)
        )

    return WordChanges(without_region(words.removed), without_region(words.added))


def small_word_changes(old: GreyImage, new: GreyImage, words: WordChanges) -> Iterator[Change]:
    """Changes of words whose differing ink is too little for a region, or lost in a hatch."""
    for removed, added in overlapping_groups(words.removed, words.added):
        box = bounding_box([word_box(word) for word in (*removed, *added)])
        area = np.s_[max(box[1], 0) : max(box[1] + box[3], 0), max(box[0], 0) : max(box[0] + box[2], 0)]
        before, after = binarize(old[area], INK_LEVEL), binarize(new[area], INK_LEVEL)
        if before.size and unmatched_ink(before, after) >= MIN_WORD_PIXELS:
            kind = "modified" if removed and added else "added" if added else "removed"
            gone, come = (
                tuple(word.text for word in sort_reading_order(group)) for group in (removed, added)
            )
            yield Change(kind, box, cv2.countNonZero(before ^ after), gone, come)


def bounding_box(boxes: Sequence[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top
