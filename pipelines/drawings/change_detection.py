"""What differs between two aligned sheets: regions of changed ink and tone, with their changed words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, floor

import cv2
import numpy as np

from pipelines.drawings.binarization import Grey, Mask, ink, threshold, widened
from pipelines.drawings.page_words import Word
from pipelines.drawings.text_diff import WordChanges, in_reading_order, touching

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the new sheet."""

NO_WORDS = WordChanges()

BLOCK = 2
"""Where ink differs is found at full size and noted per block of so many pixels each way."""

TILE = 1200
MARGIN = 16
TONE_CELL = 7
"""Tones are compared as means over squares of so many pixels, so that lines may stray within them."""

EDGE = 8
"""Lines this near to the edge of either picture may be cut off in one of them."""

FAINT = 12.0
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

    stray: int = 3
    join: int = 45
    least_ink: int = 80


@dataclass(frozen=True, slots=True)
class Findings:
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


def find(
    old: Grey,
    new: Grey,
    cover: Mask,
    words: WordChanges = NO_WORDS,
    sensitivity: Sensitivity = Sensitivity(),
) -> Findings:
    """Compare an old sheet, already carried onto the new one's pixels, with the new sheet.

    `cover` is where the old sheet lies; `words` are those that differ, in the new sheet's pixels.
    """
    difference = forgiven(compared(old, new, cover, sensitivity.stray), words.shifted)
    regions = list(grouped(difference, sensitivity.join, sensitivity.least_ink))
    regions += [
        each for each in toned(old, new, cover) if not any(meet(other.box, each.box) for other in regions)
    ]
    changes = told(regions, words)
    changes += overlooked(old, new, unassigned(changes, words))
    changes.sort(key=lambda each: (-each.changed_pixels, each.box))
    differing = int(difference.added.sum(dtype=np.int64) + difference.removed.sum(dtype=np.int64))
    return Findings(tuple(changes), round(differing / max(difference.total, 1), 4))


def resized(grey: Grey, size: tuple[int, int]) -> Grey:
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def compared(old: Grey, new: Grey, cover: Mask, stray: int) -> Difference:
    """Ink without counterpart within `stray` pixels, tile by tile, each tile first shifted to fit best."""
    height, width = new.shape
    added = np.zeros((-(-height // BLOCK), -(-width // BLOCK)), np.uint8)
    removed = np.zeros_like(added)
    old_level, new_level = threshold(old), threshold(new)
    total = 0
    for top, left in product(range(0, height, TILE), range(0, width, TILE)):
        bottom, right = min(top + TILE, height), min(left + TILE, width)
        rows = slice(max(0, top - MARGIN), min(height, bottom + MARGIN))
        columns = slice(max(0, left - MARGIN), min(width, right + MARGIN))
        after = new[rows, columns]
        before = settled(old[rows, columns], after, old_level, new_level)
        old_ink, new_ink = ink(before, old_level), ink(after, new_level)
        gone = old_ink & ~widened(ink(after, new_level + FAINT), stray) & 1
        came = new_ink & ~widened(ink(before, old_level + FAINT), stray) & 1
        inner = np.s_[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
        blocks = np.s_[top // BLOCK : -(-bottom // BLOCK), left // BLOCK : -(-right // BLOCK)]
        added[blocks] = counted(np.asarray(came[inner], np.uint8))
        removed[blocks] = counted(np.asarray(gone[inner], np.uint8))
        total += cv2.countNonZero(old_ink[inner]) + cv2.countNonZero(new_ink[inner])
    within = np.ascontiguousarray(cover[::BLOCK, ::BLOCK])
    rim = within & ~np.asarray(cv2.erode(within, np.ones((EDGE + 1, EDGE + 1), np.uint8)), np.uint8) & 1
    judged = np.zeros_like(within)
    judged[EDGE // BLOCK : -EDGE // BLOCK, EDGE // BLOCK : -EDGE // BLOCK] = 1
    judged &= ~rim & 1
    return Difference(added * judged, removed * (judged & within), total)


def forgiven(difference: Difference, shifted: Sequence[Word]) -> Difference:
    """The difference without the ink of words that both sheets have, only set a little differently."""
    other = np.ones_like(difference.added)
    for each in shifted:
        left, top, width, height = (edge // BLOCK for edge in box_of(each))
        other[max(top - 1, 0) : top + height + 2, max(left - 1, 0) : left + width + 2] = 0
    return replace(difference, added=difference.added * other, removed=difference.removed * other)


def counted(mask: Mask) -> Mask:
    """The ones in each block, without single specks."""
    kept = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    down, across = -kept.shape[0] % BLOCK, -kept.shape[1] % BLOCK
    even = np.pad(kept, ((0, down), (0, across))) if down or across else kept
    parts = [even[y::BLOCK, x::BLOCK] for y in range(BLOCK) for x in range(BLOCK)]
    return np.asarray(sum(parts[1:], parts[0]), np.uint8)


def settled(old: Grey, new: Grey, old_level: float, new_level: float) -> Grey:
    """The old tile shifted by what is left of paper stretch, if that makes more ink meet."""
    one, other = ink(old, old_level), ink(new, new_level)
    if min(cv2.countNonZero(one), cv2.countNonZero(other)) < 500:
        return old
    smooth = [
        cv2.GaussianBlur(
            cv2.resize(each * 255, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), (0, 0), 1.5
        )
        for each in (one, other)
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
    reached = widened(other, 1)
    better = cv2.countNonZero(ink(shifted, old_level) & reached) > cv2.countNonZero(one & reached)
    return shifted if better else old


def grouped(difference: Difference, join: int, least: int) -> Iterator[Change]:
    """Differing ink that lies within `join` pixels becomes one region, if it has `least` pixels in all."""
    both = difference.added | difference.removed
    reach = max(3, round(join / BLOCK))
    near = cv2.dilate((both > 0).view(np.uint8), np.ones((reach, reach), np.uint8))
    count, labels = cv2.connectedComponents(near, connectivity=8)
    rows, columns = np.nonzero(both)
    owner = np.asarray(labels[rows, columns], np.int64)
    came = np.bincount(owner, weights=difference.added[rows, columns], minlength=count)
    gone = np.bincount(owner, weights=difference.removed[rows, columns], minlength=count)
    left, top = np.full(count, 1 << 30), np.full(count, 1 << 30)
    right, bottom = np.zeros(count, int), np.zeros(count, int)
    np.minimum.at(left, owner, columns)
    np.minimum.at(top, owner, rows)
    np.maximum.at(right, owner, columns)
    np.maximum.at(bottom, owner, rows)
    for index in range(1, count):
        total = int(came[index] + gone[index])
        if total >= least:
            edges = (left[index], top[index], right[index] - left[index] + 1, bottom[index] - top[index] + 1)
            box = tuple(BLOCK * int(edge) for edge in edges)
            yield Change(kind_of(int(came[index]), int(gone[index])), (box[0], box[1], box[2], box[3]), total)


def kind_of(came: int, gone: int) -> str:
    if gone < 0.1 * (came + gone):
        return "added"
    return "removed" if came < 0.1 * (came + gone) else "modified"


def toned(old: Grey, new: Grey, cover: Mask) -> Iterator[Change]:
    """Areas whose mean tone differs: hatches and fills, to which the comparison of lines is blind."""
    size = (max(1, new.shape[1] // TONE_CELL), max(1, new.shape[0] // TONE_CELL))
    before, after, within = (resized(each, size) for each in (old, new, cover))
    apart = (cv2.absdiff(cv2.blur(before, (5, 5)), cv2.blur(after, (5, 5))) > 30).astype(np.uint8)
    within[[0, -1]] = within[:, [0, -1]] = 0
    apart &= np.asarray(cv2.erode(within, np.ones((5, 5), np.uint8)), np.uint8)
    opened = cv2.morphologyEx(apart, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, _, statistics, _ = cv2.connectedComponentsWithStats(opened)
    across, down = new.shape[1] / size[0], new.shape[0] / size[1]
    for left, top, width, height, area in statistics[1:count].tolist():
        box = (round(left * across), round(top * down), round(width * across), round(height * down))
        yield Change("fill", box, round(area * across * down))


def meet(one: Box, other: Box, reach: float = 0.0) -> bool:
    """Whether two boxes overlap, or come within `reach` of it."""
    return (
        one[0] - reach < other[0] + other[2]
        and other[0] < one[0] + one[2] + reach
        and one[1] - reach < other[1] + other[3]
        and other[1] < one[1] + one[3] + reach
    )


def told(changes: Sequence[Change], words: WordChanges) -> list[Change]:
    """Each region with the differing words that it touches, its box grown to hold them."""
    removed, added = assigned(changes, words.removed), assigned(changes, words.added)
    return [
        replace(
            change,
            kind="modified" if removed[index] and added[index] else change.kind,
            box=around([change.box, *(box_of(each) for each in (*removed[index], *added[index]))]),
            words_removed=tuple(each.text for each in removed[index]),
            words_added=tuple(each.text for each in added[index]),
        )
        for index, change in enumerate(changes)
    ]


def assigned(changes: Sequence[Change], words: Sequence[Word]) -> list[list[Word]]:
    """Each word with the smallest region that it touches, in the words' order."""
    result: list[list[Word]] = [[] for _ in changes]
    for each in words:
        fits = [
            (change.box_pixels, index)
            for index, change in enumerate(changes)
            if meet(change.box, box_of(each), reach=0.25 * each.size)
        ]
        if fits:
            result[min(fits)[1]].append(each)
    return result


def unassigned(changes: Sequence[Change], words: WordChanges) -> WordChanges:
    """The differing words that touch no region."""

    def left(candidates: Sequence[Word]) -> tuple[Word, ...]:
        return tuple(
            each for each in candidates if not any(meet(change.box, box_of(each)) for change in changes)
        )

    return WordChanges(left(words.removed), left(words.added))


def overlooked(old: Grey, new: Grey, words: WordChanges) -> Iterator[Change]:
    """Words that differ by too little ink to be found as regions, if any of their ink does differ."""
    old_level, new_level = threshold(old), threshold(new)
    for removed, added in touching(words.removed, words.added):
        box = around([box_of(each) for each in (*removed, *added)])
        area = np.s_[max(box[1], 0) : box[1] + box[3], max(box[0], 0) : box[0] + box[2]]
        before, after = ink(old[area], old_level), ink(new[area], new_level)
        differing, inked = cv2.countNonZero(before ^ after), cv2.countNonZero(before | after)
        if inked and differing >= 0.25 * inked:
            kind = "modified" if removed and added else "added" if added else "removed"
            texts = [tuple(each.text for each in in_reading_order(group)) for group in (removed, added)]
            yield Change(kind, box, differing, *texts)


def box_of(word: Word) -> Box:
    return floor(word.x), floor(word.y), ceil(word.width) + 1, ceil(word.height) + 1


def around(boxes: Sequence[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top
