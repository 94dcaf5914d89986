"""Change detection on two aligned sheets: regions of changed ink and tone, with their changed words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, floor

import cv2
import numpy as np

from pipelines.drawings.binarization import GreyImage, Mask, binarize, dilate, otsu_threshold
from pipelines.drawings.page_words import Word
from pipelines.drawings.text_diff import WordChanges, overlapping_groups, sort_reading_order

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the new sheet."""

NO_WORD_CHANGES = WordChanges()

BLOCK_SIZE = 2
"""Side in pixels of the blocks in which differing ink is counted."""

TILE_SIZE = 1200
TILE_MARGIN = 16
TONE_CELL_SIZE = 7
"""Side in pixels of the cells whose mean tones are compared."""

EDGE_MARGIN = 8
"""Margin in pixels along the edges that is not compared, as lines may be cut off there."""

FAINT_INK_MARGIN = 12.0
"""Grey levels by which the counterpart of ink on the other sheet may be fainter."""


@dataclass(frozen=True, slots=True)
class Change:
    """A changed region.

    `kind` is added, removed, modified, or fill (a changed tone). `changed_pixels` counts differing ink and
    `box_pixels` is the area of the bounding box, both in pixels of the new sheet.
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
    """Detect changes between an old sheet, already warped to the new one, and the new sheet.

    `coverage` masks the area of the old sheet; `words` are the differing words, in the new sheet's pixels.
    """
    difference = mask_moved_words(diff_ink(old, new, coverage, sensitivity.tolerance), words.shifted)
    regions = list(connected_regions(difference, sensitivity.merge_distance, sensitivity.min_ink))
    regions += [
        change
        for change in tone_changes(old, new, coverage)
        if not any(boxes_overlap(region.box, change.box) for region in regions)
    ]
    changes = attach_words(regions, words)
    changes += small_word_changes(old, new, unassigned_words(changes, words))
    changes.sort(key=lambda change: (-change.changed_pixels, change.box))
    differing_ink = int(difference.added.sum(dtype=np.int64) + difference.removed.sum(dtype=np.int64))
    return DetectedChanges(tuple(changes), round(differing_ink / max(difference.total, 1), 4))


def resize(grey: GreyImage, size: tuple[int, int]) -> GreyImage:
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def diff_ink(old: GreyImage, new: GreyImage, coverage: Mask, tolerance: int) -> Difference:
    """Ink without counterpart within `tolerance` pixels, tile by tile, after registration of each tile."""
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
        blocks = np.s_[
            top // BLOCK_SIZE : -(-bottom // BLOCK_SIZE), left // BLOCK_SIZE : -(-right // BLOCK_SIZE)
        ]
        added[blocks] = block_counts(np.asarray(added_ink[inner], np.uint8))
        removed[blocks] = block_counts(np.asarray(removed_ink[inner], np.uint8))
        total += cv2.countNonZero(old_ink[inner]) + cv2.countNonZero(new_ink[inner])
    within = np.ascontiguousarray(coverage[::BLOCK_SIZE, ::BLOCK_SIZE])
    rim = (
        within
        & ~np.asarray(cv2.erode(within, np.ones((EDGE_MARGIN + 1, EDGE_MARGIN + 1), np.uint8)), np.uint8)
        & 1
    )
    comparable = np.zeros_like(within)
    comparable[
        EDGE_MARGIN // BLOCK_SIZE : -EDGE_MARGIN // BLOCK_SIZE,
        EDGE_MARGIN // BLOCK_SIZE : -EDGE_MARGIN // BLOCK_SIZE,
    ] = 1
    comparable &= ~rim & 1
    return Difference(added * comparable, removed * (comparable & within), total)


def mask_moved_words(difference: Difference, shifted: Sequence[Word]) -> Difference:
    """Mask the ink of words that both sheets have at slightly different positions."""
    unmasked = np.ones_like(difference.added)
    for word in shifted:
        left, top, width, height = (edge // BLOCK_SIZE for edge in word_box(word))
        unmasked[max(top - 1, 0) : top + height + 2, max(left - 1, 0) : left + width + 2] = 0
    return replace(difference, added=difference.added * unmasked, removed=difference.removed * unmasked)


def block_counts(mask: Mask) -> Mask:
    """Number of set pixels in each block, without isolated specks."""
    opened = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    down, across = -opened.shape[0] % BLOCK_SIZE, -opened.shape[1] % BLOCK_SIZE
    padded = np.pad(opened, ((0, down), (0, across))) if down or across else opened
    parts = [padded[y::BLOCK_SIZE, x::BLOCK_SIZE] for y in range(BLOCK_SIZE) for x in range(BLOCK_SIZE)]
    return np.asarray(sum(parts[1:], parts[0]), np.uint8)


def register_tile(old: GreyImage, new: GreyImage, old_level: float, new_level: float) -> GreyImage:
    """The old tile shifted by phase correlation, if that increases the overlap of ink."""
    old_ink, new_ink = binarize(old, old_level), binarize(new, new_level)
    if min(cv2.countNonZero(old_ink), cv2.countNonZero(new_ink)) < 500:
        return old
    smooth = [
        cv2.GaussianBlur(
            cv2.resize(mask * 255, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), (0, 0), 1.5
        )
        for mask in (old_ink, new_ink)
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
    """Connected components of differing ink within `merge_distance` pixels, of at least `min_ink` pixels."""
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
            yield Change(
                change_kind(int(added_counts[index]), int(removed_counts[index])),
                (box[0], box[1], box[2], box[3]),
                total,
            )


def change_kind(added: int, removed: int) -> str:
    if removed < 0.1 * (added + removed):
        return "added"
    return "removed" if added < 0.1 * (added + removed) else "modified"


def tone_changes(old: GreyImage, new: GreyImage, coverage: Mask) -> Iterator[Change]:
    """Areas whose mean tone differs: hatches and fills, which the comparison of ink does not detect."""
    size = (max(1, new.shape[1] // TONE_CELL_SIZE), max(1, new.shape[0] // TONE_CELL_SIZE))
    before, after, inside = (resize(image, size) for image in (old, new, coverage))
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
    """Whether two boxes overlap or are within `margin` pixels of each other."""
    return (
        one[0] - margin < other[0] + other[2]
        and other[0] < one[0] + one[2] + margin
        and one[1] - margin < other[1] + other[3]
        and other[1] < one[1] + one[3] + margin
    )


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
    """Changes of words whose differing ink is too little for a region."""
    old_level, new_level = otsu_threshold(old), otsu_threshold(new)
    for removed, added in overlapping_groups(words.removed, words.added):
        box = bounding_box([word_box(word) for word in (*removed, *added)])
        area = np.s_[max(box[1], 0) : box[1] + box[3], max(box[0], 0) : box[0] + box[2]]
        before, after = binarize(old[area], old_level), binarize(new[area], new_level)
        changed_pixels, inked = cv2.countNonZero(before ^ after), cv2.countNonZero(before | after)
        if inked and changed_pixels >= 0.25 * inked:
            kind = "modified" if removed and added else "added" if added else "removed"
            texts = [tuple(word.text for word in sort_reading_order(group)) for group in (removed, added)]
            yield Change(kind, box, changed_pixels, *texts)


def word_box(word: Word) -> Box:
    return floor(word.x), floor(word.y), ceil(word.width) + 1, ceil(word.height) + 1


def bounding_box(boxes: Sequence[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top
