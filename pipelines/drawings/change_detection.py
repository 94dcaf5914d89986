"""What differs between two aligned sheets: regions of changed ink and tone, with their changed words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, floor

import cv2
import numpy as np

from pipelines.drawings.binarization import GreyImage, Mask, binarize, otsu_threshold, dilate
from pipelines.drawings.page_words import Word
from pipelines.drawings.text_diff import WordChanges, sort_reading_order, overlapping_groups

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the new sheet."""

NO_WORD_CHANGES = WordChanges()

BLOCK_SIZE = 2
"""Where ink differs is found at full size and noted per block of so many pixels each way."""

TILE_SIZE = 1200
TILE_MARGIN = 16
TONE_CELL_SIZE = 7
"""Tones are compared as means over squares of so many pixels, so that lines may stray within them."""

EDGE_MARGIN = 8
"""Lines this near to the edge of either picture may be cut off in one of them."""

FAINT_INK_MARGIN = 12.0
"""Ink counts as changed where the other sheet has not even ink this much fainter nearby."""


@dataclass(frozen=True, slots=True)
class Change:
    """One changed region.

    `kind` is added, removed, modified, or fill (a tone without lines of its own). `changed_pixels` counts
    the ink that differs and `box_pixels` is the box's area, both in pixels of the new sheet.
    """

    kind: str
    box: Box
    changed_pixels: int
    words_removed: tuple[str, ...] = ()
    words_added: tuple[str, ...] = ()

    @property
    def box_pixels(self) -> int:
        return self.box[2] * self.box[3]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far ink may stray, how near differences are one change, and how little ink makes one, in pixels.

    Three pixels at 300 dpi are a quarter of a millimetre; 45 are nearly four.
    """

    tolerance: int = 3
    merge_distance: int = 45
    min_ink: int = 80


@dataclass(frozen=True, slots=True)
class DetectedChanges:
    """The regions, largest first; `ratio` is the share of all ink of both sheets that has no counterpart."""

    changes: tuple[Change, ...]
    ratio: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How many of each `BLOCK` x `BLOCK` pixels are ink of only the new sheet, or of only the old one.

    `total` counts the ink of both sheets.
    """

    added: Mask
    removed: Mask
    total: int


def detect(
    old: GreyImage,
    new: GreyImage,
    coverage: Mask,
    words: WordChanges = NO_WORD_CHANGES,
    sensitivity: Sensitivity = Sensitivity(),
) -> DetectedChanges:
    """Compare an old sheet, already carried onto the new one's pixels, with the new sheet.

    `cover` is where the old sheet lies; `words` are those that differ, in the new sheet's pixels.
    """
    difference = mask_moved_words(diff_ink(old, new, coverage, sensitivity.tolerance), words.shifted)
    regions = list(connected_regions(difference, sensitivity.merge_distance, sensitivity.min_ink))
    regions += [
        each for each in tone_changes(old, new, coverage) if not any(boxes_overlap(other.box, each.box) for other in regions)
    ]
    changes = attach_words(regions, words)
    changes += small_word_changes(old, new, unassigned_words(changes, words))
    changes.sort(key=lambda each: (-each.changed_pixels, each.box))
    differing_ink = int(difference.added.sum(dtype=np.int64) + difference.removed.sum(dtype=np.int64))
    return DetectedChanges(tuple(changes), round(differing_ink / max(difference.total, 1), 4))


def resize(grey: GreyImage, size: tuple[int, int]) -> GreyImage:
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def diff_ink(old: GreyImage, new: GreyImage, coverage: Mask, tolerance: int) -> Difference:
    """Ink without counterpart within `stray` pixels, tile by tile, each tile first shifted to fit best."""
    height, width = new.shape
    added = np.zeros((-(-height // BLOCK_SIZE), -(-width // BLOCK_SIZE)), np.uint8)
    removed = np.zeros_like(added)
    old_level, new_level = otsu_threshold(old), otsu_threshold(new)
    total = 0
    for top, left in product(range(0, height, TILE_SIZE), range(0, width, TILE_SIZE)):
        bottom, right = min(top + TILE_SIZE, height), min(left + TILE_SIZE, width)
        rows = slice(max(0, top - TILE_MARGIN), min(height, bottom + TILE_MARGIN))
        columns = slice(max(0, left - TILE_MARGIN), min(width, right + TILE_MARGIN))
        after = new[rows, columns]
        before = register_tile(old[rows, columns], after, old_level, new_level)
        old_ink, new_ink = binarize(before, old_level), binarize(after, new_level)
        removed_ink = old_ink & ~dilate(binarize(after, new_level + FAINT_INK_MARGIN), tolerance) & 1
        added_ink = new_ink & ~dilate(binarize(before, old_level + FAINT_INK_MARGIN), tolerance) & 1
        inner = np.s_[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
        blocks = np.s_[top // BLOCK_SIZE : -(-bottom // BLOCK_SIZE), left // BLOCK_SIZE : -(-right // BLOCK_SIZE)]
        added[blocks] = block_counts(np.asarray(added_ink[inner], np.uint8))
        removed[blocks] = block_counts(np.asarray(removed_ink[inner], np.uint8))
        total += cv2.countNonZero(old_ink[inner]) + cv2.countNonZero(new_ink[inner])
    within = np.ascontiguousarray(coverage[::BLOCK_SIZE, ::BLOCK_SIZE])
    rim = within & ~np.asarray(cv2.erode(within, np.ones((EDGE_MARGIN + 1, EDGE_MARGIN + 1), np.uint8)), np.uint8) & 1
    comparable = np.zeros_like(within)
    comparable[EDGE_MARGIN // BLOCK_SIZE : -EDGE_MARGIN // BLOCK_SIZE, EDGE_MARGIN // BLOCK_SIZE : -EDGE_MARGIN // BLOCK_SIZE] = 1
    comparable &= ~rim & 1
    return Difference(added * comparable, removed * (comparable & within), total)


def mask_moved_words(difference: Difference, shifted: Sequence[Word]) -> Difference:
    """The difference without the ink of words that both sheets have, only set a little differently."""
    unmasked = np.ones_like(difference.added)
    for each in shifted:
        left, top, width, height = (edge // BLOCK_SIZE for edge in word_box(each))
        unmasked[max(top - 1, 0) : top + height + 2, max(left - 1, 0) : left + width + 2] = 0
    return replace(difference, added=difference.added * unmasked, removed=difference.removed * unmasked)


def block_counts(mask: Mask) -> Mask:
    """The ones in each block, without single specks."""
    opened = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    down, across = -opened.shape[0] % BLOCK_SIZE, -opened.shape[1] % BLOCK_SIZE
    padded = np.pad(opened, ((0, down), (0, across))) if down or across else opened
    parts = [padded[y::BLOCK_SIZE, x::BLOCK_SIZE] for y in range(BLOCK_SIZE) for x in range(BLOCK_SIZE)]
    return np.asarray(sum(parts[1:], parts[0]), np.uint8)


def register_tile(old: GreyImage, new: GreyImage, old_level: float, new_level: float) -> GreyImage:
    """The old tile shifted by what is left of paper stretch, if that makes more ink meet."""
    old_ink, new_ink = binarize(old, old_level), binarize(new, new_level)
    if min(cv2.countNonZero(old_ink), cv2.countNonZero(new_ink)) < 500:
        return old
    smooth = [
        cv2.GaussianBlur(
            cv2.resize(each * 255, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), (0, 0), 1.5
        )
        for each in (old_ink, new_ink)
    ]
    window = cv2.createHanningWindow((smooth[0].shape[1], smooth[0].shape[0]), cv2.CV_32F)
    (across, down), response = cv2.phaseCorrelate(
        smooth[0].astype(np.float32), smooth[1].astype(np.float32), window
    )
    across, down = 2 * across, 2 * down
    if response < 0.15 or max(abs(across), abs(down)) > 8 or max(abs(across), abs(down)) < 0.4:
        return old
    shift = np.array([[1, 0, across], [0, 1, down]], np.float64)
    shifted = np.asarray(
        cv2.warpAffine(old, shift, (old.shape[1], old.shape[0]), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
    dilated = dilate(new_ink, 1)
    better = cv2.countNonZero(binarize(shifted, old_level) & dilated) > cv2.countNonZero(old_ink & dilated)
    return shifted if better else old


def connected_regions(difference: Difference, merge_distance: int, min_ink: int) -> Iterator[Change]:
    """Differing ink that lies within `join` pixels becomes one region, if it has `least` pixels in all."""
    both = difference.added | difference.removed
    kernel_size = max(3, round(merge_distance / BLOCK_SIZE))
    dilated = cv2.dilate((both > 0).view(np.uint8), np.ones((kernel_size, kernel_size), np.uint8))
    count, labels = cv2.connectedComponents(dilated, connectivity=8)
    rows, columns = np.nonzero(both)
    owner = np.asarray(labels[rows, columns], np.int64)
    added_counts = np.bincount(owner, weights=difference.added[rows, columns], minlength=count)
    removed_counts = np.bincount(owner, weights=difference.removed[rows, columns], minlength=count)
    left, top = np.full(count, 1 << 30), np.full(count, 1 << 30)
    right, bottom = np.zeros(count, int), np.zeros(count, int)
    np.minimum.at(left, owner, columns)
    np.minimum.at(top, owner, rows)
    np.maximum.at(right, owner, columns)
    np.maximum.at(bottom, owner, rows)
    for index in range(1, count):
        total = int(added_counts[index] + removed_counts[index])
        if total >= min_ink:
            edges = (left[index], top[index], right[index] - left[index] + 1, bottom[index] - top[index] + 1)
            box = tuple(BLOCK_SIZE * int(edge) for edge in edges)
            yield Change(change_kind(int(added_counts[index]), int(removed_counts[index])), (box[0], box[1], box[2], box[3]), total)


def change_kind(added: int, removed: int) -> str:
    if removed < 0.1 * (added + removed):
        return "added"
    return "removed" if added < 0.1 * (added + removed) else "modified"


def tone_changes(old: GreyImage, new: GreyImage, coverage: Mask) -> Iterator[Change]:
    """Areas whose mean tone differs: hatches and fills, to which the comparison of lines is blind."""
    size = (max(1, new.shape[1] // TONE_CELL_SIZE), max(1, new.shape[0] // TONE_CELL_SIZE))
    before, after, inside = (resize(each, size) for each in (old, new, coverage))
    differs = (cv2.absdiff(cv2.blur(before, (5, 5)), cv2.blur(after, (5, 5))) > 30).astype(np.uint8)
    inside[[0, -1]] = inside[:, [0, -1]] = 0
    differs &= np.asarray(cv2.erode(inside, np.ones((5, 5), np.uint8)), np.uint8)
    opened = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, _, statistics, _ = cv2.connectedComponentsWithStats(opened)
    across, down = new.shape[1] / size[0], new.shape[0] / size[1]
    for left, top, width, height, area in statistics[1:count].tolist():
        box = (round(left * across), round(top * down), round(width * across), round(height * down))
        yield Change("fill", box, round(area * across * down))


def boxes_overlap(one: Box, other: Box, margin: float = 0.0) -> bool:
    """Whether two boxes overlap, or come within `reach` of it."""
    return (
        one[0] - margin < other[0] + other[2]
        and other[0] < one[0] + one[2] + margin
        and one[1] - margin < other[1] + other[3]
        and other[1] < one[1] + one[3] + margin
    )


def attach_words(changes: Sequence[Change], words: WordChanges) -> list[Change]:
    """Each region with the differing words that it touches, its box grown to hold them."""
    removed, added = assign_words(changes, words.removed), assign_words(changes, words.added)
    return [
        replace(
            change,
            kind="modified" if removed[index] and added[index] else change.kind,
            box=bounding_box([change.box, *(word_box(each) for each in (*removed[index], *added[index]))]),
            words_removed=tuple(each.text for each in removed[index]),
            words_added=tuple(each.text for each in added[index]),
        )
        for index, change in enumerate(changes)
    ]


def assign_words(changes: Sequence[Change], words: Sequence[Word]) -> list[list[Word]]:
    """Each word with the smallest region that it touches, in the words' order."""
    result: list[list[Word]] = [[] for _ in changes]
    for each in words:
        candidates = [
            (change.box_pixels, index)
            for index, change in enumerate(changes)
            if boxes_overlap(change.box, word_box(each), margin=0.25 * each.text_height)
        ]
        if candidates:
            result[min(candidates)[1]].append(each)
    return result


def unassigned_words(changes: Sequence[Change], words: WordChanges) -> WordChanges:
    """The differing words that touch no region."""

    def without_region(candidates: Sequence[Word]) -> tuple[Word, ...]:
        return tuple(
            each for each in candidates if not any(boxes_overlap(change.box, word_box(each)) for change in changes)
        )

    return WordChanges(without_region(words.removed), without_region(words.added))


def small_word_changes(old: GreyImage, new: GreyImage, words: WordChanges) -> Iterator[Change]:
    """Words that differ by too little ink to be found as regions, if any of their ink does differ."""
    old_level, new_level = otsu_threshold(old), otsu_threshold(new)
    for removed, added in overlapping_groups(words.removed, words.added):
        box = bounding_box([word_box(each) for each in (*removed, *added)])
        area = np.s_[max(box[1], 0) : box[1] + box[3], max(box[0], 0) : box[0] + box[2]]
        before, after = binarize(old[area], old_level), binarize(new[area], new_level)
        changed_pixels, inked = cv2.countNonZero(before ^ after), cv2.countNonZero(before | after)
        if inked and changed_pixels >= 0.25 * inked:
            kind = "modified" if removed and added else "added" if added else "removed"
            texts = [tuple(each.text for each in sort_reading_order(group)) for group in (removed, added)]
            yield Change(kind, box, changed_pixels, *texts)


def word_box(word: Word) -> Box:
    return floor(word.x), floor(word.y), ceil(word.width) + 1, ceil(word.height) + 1


def bounding_box(boxes: Sequence[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top
