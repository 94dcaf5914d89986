"""Words and symbols that stand apart on a sheet: each is judged as a whole, more precisely than the sheet."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import GreyImage, Mask, binarize
from pipelines.drawings.ink_matching import unmatched_ink
from pipelines.drawings.line_differences import BLOCK_SIZE, INK_LEVEL, Difference

GAP_BLOCKS = 3
"""Ink within twice so many blocks is of one mark: letters of a word are, lines of text are not."""

MAX_SIDE, MAX_TEXT_HEIGHT = 500, 60
"""Sides in pixels of a mark, and of one line of text."""

MIN_SIDE = 12
MIN_INK = 60

MIN_TEXT_RATIO, MIN_SCANNED_TEXT_RATIO, MIN_SYMBOL_RATIO = 0.05, 0.1, 0.25
"""Share of a mark's ink without precise counterpart from which it is another word, or another symbol."""

MIN_PRECISE_PIXELS = 12

MIN_ALONE_SHARE = 0.7
"""Share of the ink of a symbol without counterpart from which only one sheet has it."""

MAX_SPECK_SIDE, MAX_SPECK_INK = 12, 40
"""Ink on scanned sheets that may be dust."""

SPECK_CELL, MIN_SPECKS = 48, 6
"""So many specks in cells of this side, in pixels, and in those around are a pattern."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks by their label: `labels` of each block, the box of each in blocks, and its ink in pixels.

    `parts` are the labels of connected ink, of which a mark may have several, such as letters.
    """

    labels: npt.NDArray[np.int32]
    parts: npt.NDArray[np.int32]
    boxes: npt.NDArray[np.int32]
    ink: npt.NDArray[np.int64]

    def count(self, mask: Mask) -> npt.NDArray[np.int64]:
        """Sum of a mask over each mark."""
        rows, columns = np.nonzero(mask)
        sums = np.bincount(self.labels[rows, columns], mask[rows, columns], len(self.ink))
        return np.asarray(sums, np.int64)


def find_marks(difference: Difference) -> Marks:
    """Connected ink of either sheet with what is near, without what is larger than a mark.

    Symbols that only one sheet has stand apart: what is beside them is no part of them.
    """
    inked = (difference.ink > 0).view(np.uint8)
    _, parts, statistics, _ = cv2.connectedComponentsWithStats(inked, connectivity=8, ltype=cv2.CV_32S)
    sides = np.asarray(statistics[:, 2:4].max(axis=1), np.int32)
    is_small = (sides <= MAX_SIDE // BLOCK_SIZE) & ~is_one_sided(
        difference, np.asarray(parts, np.int32), sides
    )
    is_small[0] = False
    small = is_small[parts].view(np.uint8)
    side = 2 * GAP_BLOCKS + 1
    near = cv2.dilate(small, np.ones((side, side), np.uint8))
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(near, connectivity=8, ltype=cv2.CV_32S)
    labels *= np.where(inked > small, 0, cv2.dilate(small, np.ones((3, 3), np.uint8)))
    boxes = statistics[:, :4] + np.array([GAP_BLOCKS, GAP_BLOCKS, -2 * GAP_BLOCKS, -2 * GAP_BLOCKS])
    labelled, connected = np.asarray(labels, np.int32), np.asarray(parts, np.int32)
    marks = Marks(labelled, connected, np.asarray(boxes, np.int32), np.zeros(count, np.int64))
    return replace(marks, ink=marks.count(difference.ink))


def is_one_sided(
    difference: Difference, parts: npt.NDArray[np.int32], sides: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """Which connected ink, larger than a letter, has no counterpart on the other sheet."""
    rows, columns = np.nonzero(difference.ink)
    owner = parts[rows, columns]
    ink = np.bincount(owner, difference.ink[rows, columns], len(sides))
    differing = np.maximum(difference.added, difference.removed)[rows, columns]
    alone = np.bincount(owner, differing, len(sides))
    return np.asarray((alone >= MIN_ALONE_SHARE * ink) & (sides > MAX_TEXT_HEIGHT // BLOCK_SIZE))


def judge_marks(
    old: GreyImage, new: GreyImage, difference: Difference, *, tolerance: int, min_ink: int, has_grain: bool
) -> tuple[Difference, Mask]:
    """The difference without dust, precise in changed marks; and the blocks of changed marks.

    A mark is changed if its shape differs at the best shift. So is a line of text of which a part is changed.
    """
    marks = find_marks(difference)
    sides = BLOCK_SIZE * marks.boxes[:, 2:]
    precise = marks.count(difference.precise_added) + marks.count(difference.precise_removed)
    rough = marks.count(difference.added) + marks.count(difference.removed)
    is_text = sides.min(axis=1) <= MAX_TEXT_HEIGHT
    text_ratio = MIN_SCANNED_TEXT_RATIO if has_grain else MIN_TEXT_RATIO
    least = np.where(is_text, text_ratio, MIN_SYMBOL_RATIO)
    apart = (sides.max(axis=1) <= MAX_SIDE) & (sides.min(axis=1) >= MIN_SIDE) & (marks.ink >= MIN_INK)
    apart[0] = False
    changed = apart & is_text & (rough >= min_ink)
    differs = (precise >= np.maximum(least * marks.ink, MIN_PRECISE_PIXELS)) & (marks.ink >= min_ink)
    for label in np.flatnonzero(apart & differs & ~changed).tolist():
        left, top, width, height = (BLOCK_SIZE * int(edge) for edge in marks.boxes[label])
        place = np.s_[top : top + height, left : left + width]
        before, after = binarize(old[place], INK_LEVEL), binarize(new[place], INK_LEVEL)
        changed[label] = unmatched_ink(before, after, tolerance) >= max(
            least[label] * marks.ink[label], MIN_PRECISE_PIXELS
        )
    blocks = changed[marks.labels].view(np.uint8) & (difference.ink > 0).view(np.uint8)
    blocks &= is_text[marks.labels].view(np.uint8) | touched_parts(marks, difference)
    same = (apart & is_text & ~changed) | specks(marks, sides) if has_grain else np.zeros_like(changed)
    kept = (~same)[marks.labels].view(np.uint8)
    return replace(
        difference,
        added=np.where(blocks, difference.precise_added, difference.added * kept),
        removed=np.where(blocks, difference.precise_removed, difference.removed * kept),
    ), blocks


def touched_parts(marks: Marks, difference: Difference) -> Mask:
    """Blocks of the connected ink that a difference touches: a symbol is changed without those beside it."""
    is_touched = np.zeros(int(marks.parts.max()) + 1, np.bool_)
    differing = (difference.precise_added | difference.precise_removed) > 0
    is_touched[marks.parts[differing]] = True
    is_touched[0] = False
    return is_touched[marks.parts].view(np.uint8)


def specks(marks: Marks, sides: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Marks that are dust: small, and not one of a pattern of dots."""
    small = (sides.max(axis=1) <= MAX_SPECK_SIDE) & (marks.ink <= MAX_SPECK_INK)
    small[0] = False
    cells = marks.boxes[:, 1::-1] * BLOCK_SIZE // SPECK_CELL
    height, width = (side * BLOCK_SIZE // SPECK_CELL + 1 for side in marks.labels.shape)
    counts = np.zeros((height, width), np.float32)
    np.add.at(counts, (cells[small, 0], cells[small, 1]), 1)
    around = np.asarray(cv2.boxFilter(counts, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT))
    result = np.zeros(small.shape, np.bool_)
    result[small] = around[cells[small, 0], cells[small, 1]] < MIN_SPECKS
    return result
