"""Differences of lines between two aligned sheets: ink of one without counterpart on the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, floor

import cv2
import numpy as np

from pipelines.drawings.binarization import GreyImage, Mask, binarize, dilate
from pipelines.drawings.line_weights import WeightChange
from pipelines.drawings.page_words import Word
from pipelines.drawings.sheet_ink import SheetInk

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the new sheet."""

SAME_WEIGHTS = WeightChange()

BLOCK_SIZE = 2
"""Side in pixels of the blocks in which differing ink is counted."""

TILE_SIZE = 1200
TILE_MARGIN = 16
EDGE_MARGIN = 8
"""Margin in pixels along the edges that is not compared, as lines may be cut off there."""

BILEVEL_TONE = 140
"""Mean tone of a block below which a bilevel sheet has ink there."""

INK_LEVEL, FAINT_INK_LEVEL = 128.0, 178.0
"""Levels of ink, and of its counterpart on the other sheet, relative to the strongest ink nearby."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How many pixels of each block are ink of only the new sheet, or of only the old one.

    `precise_added` and `precise_removed` are the same at a third of the tolerance, and `ink` is the ink of
    either sheet. `total` counts the ink of both sheets.
    """

    added: Mask
    removed: Mask
    precise_added: Mask
    precise_removed: Mask
    ink: Mask
    total: int


def diff_ink(
    old: SheetInk, new: SheetInk, coverage: Mask, tolerance: int, weights: WeightChange = SAME_WEIGHTS
) -> Difference:
    """Ink without counterpart within `tolerance` pixels, tile by tile, after registration of each tile.

    Where all lines are wider on one sheet, the tolerance of its ink is greater. Thin and pale lines that a
    bilevel sheet cannot hold are not missing there.
    """
    is_drawn = old.is_clean and new.is_clean
    height, width = new.lines.shape
    shape = -(-height // BLOCK_SIZE), -(-width // BLOCK_SIZE)
    added, removed, precise_added, precise_removed, ink = (np.zeros(shape, np.uint8) for _ in range(5))
    total = 0
    for top, left in product(range(0, height, TILE_SIZE), range(0, width, TILE_SIZE)):
        bottom, right = min(top + TILE_SIZE, height), min(left + TILE_SIZE, width)
        rows = slice(max(0, top - TILE_MARGIN), min(height, bottom + TILE_MARGIN))
        columns = slice(max(0, left - TILE_MARGIN), min(width, right + TILE_MARGIN))
        after = new.lines[rows, columns]
        before = register_tile(old.lines[rows, columns], after)
        old_ink, new_ink = binarize(before, INK_LEVEL), binarize(after, INK_LEVEL)
        faint_old, faint_new = binarize(before, FAINT_INK_LEVEL), binarize(after, FAINT_INK_LEVEL)
        inner = np.s_[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
        blocks = np.s_[
            top // BLOCK_SIZE : -(-bottom // BLOCK_SIZE), left // BLOCK_SIZE : -(-right // BLOCK_SIZE)
        ]
        precise = precise_tolerance(tolerance)
        for counts, inked, other, distance, is_exact in (
            (added, new_ink, faint_old, tolerance + weights.grown, is_drawn),
            (removed, old_ink, faint_new, tolerance + weights.shrunk, is_drawn),
            (precise_added, new_ink, faint_old, precise, True),
            (precise_removed, old_ink, faint_new, precise, True),
        ):
            unmatched = inked & ~dilate(other, distance) & 1
            counts[blocks] = block_counts(np.asarray(unmatched[inner], np.uint8), is_exact)
        ink[blocks] = block_counts((old_ink | new_ink)[inner], is_drawn=True)
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
    comparable_old = comparable & within
    if new.is_bilevel and not old.is_bilevel:
        comparable_old &= holdable_blocks(old, comparable.shape)
    if old.is_bilevel and not new.is_bilevel:
        comparable &= holdable_blocks(new, comparable.shape)
    return Difference(
        added * comparable,
        removed * comparable_old,
        precise_added * comparable,
        precise_removed * comparable_old,
        ink * comparable,
        total,
    )


def precise_tolerance(tolerance: int) -> int:
    """Tolerance in pixels within a mark that stands apart and is registered by itself."""
    return max(1, tolerance // 3)


def holdable_blocks(sheet: SheetInk, shape: tuple[int, ...]) -> Mask:
    """Blocks whose lines are dark and wide enough for a bilevel sheet of the same resolution as the tones."""
    grey = sheet.tone if sheet.tone.ndim == 2 else sheet.tone.min(axis=2)
    dark = (np.asarray(cv2.erode(grey, np.ones((3, 3), np.uint8))) < BILEVEL_TONE).view(np.uint8)
    return np.asarray(cv2.resize(dark, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST), np.uint8)


def mask_moved_words(difference: Difference, shifted: Sequence[Word]) -> Difference:
    """Mask the ink of words that both sheets have at slightly different positions."""
    unmasked = np.ones_like(difference.added)
    for word in shifted:
        left, top, width, height = (edge // BLOCK_SIZE for edge in word_box(word))
        unmasked[max(top - 1, 0) : top + height + 2, max(left - 1, 0) : left + width + 2] = 0
    masks = ("added", "removed", "precise_added", "precise_removed", "ink")
    return replace(difference, **{name: getattr(difference, name) * unmasked for name in masks})


def block_counts(mask: Mask, is_drawn: bool) -> Mask:
    """Number of set pixels in each block; on scanned sheets without isolated specks."""
    opened = mask
    if not is_drawn:
        opened = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    down, across = -opened.shape[0] % BLOCK_SIZE, -opened.shape[1] % BLOCK_SIZE
    padded = np.pad(opened, ((0, down), (0, across))) if down or across else opened
    parts = [padded[y::BLOCK_SIZE, x::BLOCK_SIZE] for y in range(BLOCK_SIZE) for x in range(BLOCK_SIZE)]
    return np.asarray(sum(parts[1:], parts[0]), np.uint8)


def register_tile(old: GreyImage, new: GreyImage) -> GreyImage:
    """The old tile shifted by phase correlation, if that increases the overlap of ink."""
    old_ink, new_ink = binarize(old, INK_LEVEL), binarize(new, INK_LEVEL)
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
    better = cv2.countNonZero(binarize(shifted, INK_LEVEL) & dilated) > cv2.countNonZero(old_ink & dilated)
    return shifted if better else old


def word_box(word: Word) -> Box:
    return floor(word.x), floor(word.y), ceil(word.width) + 1, ceil(word.height) + 1
