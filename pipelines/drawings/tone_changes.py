"""Changes of tone between two aligned sheets: filled and hatched areas, and lines of another colour."""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import GreyImage, Mask
from pipelines.drawings.sheet_ink import TONE_STEP, Picture, SheetInk

Area = tuple[tuple[int, int, int, int], int]
"""Left, top, width and height of an area, and its changed pixels."""

MIN_TONE_DIFFERENCE = 30
"""Levels by which the mean tone of a hatched or filled area differs."""

MIN_FILL_DIFFERENCE, MIN_SCANNED_FILL_DIFFERENCE = 8, 20
"""Levels by which a fill without lines differs, drawn and scanned."""

FILL_SIDE = 9
"""Least side of a filled area, in blocks."""

MIN_COVERAGE = 12
"""Mean darkness of a block of lines, in levels, from which its colour is judged."""

MIN_ABSORPTION, MIN_SCANNED_ABSORPTION = 6.0, 14.0
"""Mean absorption in the neighbourhood of a block from which its hue is judged, drawn and scanned."""

MAX_HUE_COSINE = 0.955
"""Inks whose absorptions have a higher cosine are of one hue."""

MAX_STRENGTH_RATIO = 0.65
"""Inks of one hue are of another grey if one is so much fainter; only on drawn sheets."""

MAX_ABSORPTION_RATIO = 0.7
"""And if one absorbs so much less: a line displaced by half a pixel is fainter, but has as much ink."""

MIN_RECOLOURED_BLOCKS = 6
"""Recoloured blocks of a region: 24 pixels of a line."""

SHEET_EXTENT = 0.1
"""Share of the sheet that one recoloured area takes up, from which it may be the whole sheet's colouring."""

SHEET_SHARE, SHEET_REGIONS, MIN_HUE_SHARE = 0.6, 8, 0.02
"""Share of the lines and number of regions from which the whole sheet has another colouring.

So has a sheet that lost all its colours: less than this share of its recoloured lines has a hue.
"""


def same_channels(one: Picture, other: Picture) -> tuple[Picture, Picture]:
    """Both pictures in grey, or both in colour."""
    if one.ndim == other.ndim:
        return one, other
    if one.ndim == 2:
        return np.asarray(cv2.cvtColor(one, cv2.COLOR_GRAY2BGR), np.uint8), other
    return one, np.asarray(cv2.cvtColor(other, cv2.COLOR_GRAY2BGR), np.uint8)


def strongest(channels: Picture) -> GreyImage:
    return channels if channels.ndim == 2 else np.asarray(channels.max(axis=2), np.uint8)


def covered_blocks(shape: tuple[int, ...], coverage: Mask, margin: int) -> Mask:
    """Blocks that both sheets cover, without a margin of blocks."""
    height, width = shape[:2]
    inside = np.ascontiguousarray(coverage[::TONE_STEP, ::TONE_STEP][:height, :width])
    inside[[0, -1]] = inside[:, [0, -1]] = 0
    return np.asarray(cv2.erode(inside, np.ones((margin, margin), np.uint8)), np.uint8)


def filled_areas(old: SheetInk, new: SheetInk, coverage: Mask) -> Iterator[Area]:
    """Areas whose pale fill differs, whatever is drawn on it."""
    least = MIN_FILL_DIFFERENCE if old.is_clean and new.is_clean else MIN_SCANNED_FILL_DIFFERENCE
    yield from wide_areas(np.asarray(cv2.absdiff(old.ground, new.ground)) >= least, coverage)


def toned_areas(old: SheetInk, new: SheetInk, coverage: Mask) -> Iterator[Area]:
    """Areas whose mean tone differs: hatches and fills, which the comparison of lines may not detect."""
    before, after = same_channels(old.tone, new.tone)
    side = (FILL_SIDE, FILL_SIDE)
    difference = strongest(np.asarray(cv2.absdiff(cv2.blur(before, side), cv2.blur(after, side)), np.uint8))
    yield from wide_areas(np.asarray(difference > MIN_TONE_DIFFERENCE), coverage)


def wide_areas(differs: npt.NDArray[np.bool_], coverage: Mask) -> Iterator[Area]:
    """Connected areas that are at least `FILL_SIDE` blocks wide."""
    inside = differs.view(np.uint8) & covered_blocks(differs.shape, coverage, FILL_SIDE)
    opened = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((FILL_SIDE, FILL_SIDE), np.uint8))
    count, _, statistics, _ = cv2.connectedComponentsWithStats(opened)
    for left, top, width, height, blocks in statistics[1:count].tolist():
        yield (
            (left * TONE_STEP, top * TONE_STEP, width * TONE_STEP, height * TONE_STEP),
            blocks * TONE_STEP**2,
        )


def recoloured_areas(
    old: SheetInk, new: SheetInk, coverage: Mask, differing: Mask, merge_distance: int
) -> tuple[list[Area], bool]:
    """Lines of the same shape in another colour, and whether they are the whole sheet's.

    `differing` masks the blocks whose lines differ. Colours of bilevel sheets are unknown.
    """
    if old.is_bilevel or new.is_bilevel:
        return [], False
    size = (new.ground.shape[1], new.ground.shape[0])
    covers = old.cover, new.cover
    lines = (np.minimum(*covers) >= MIN_COVERAGE).view(np.uint8) & covered_blocks(size[::-1], coverage, 3)
    lines &= 1 - np.asarray(cv2.dilate(differing, np.ones((5, 5), np.uint8)), np.uint8)
    rows, columns = np.nonzero(lines)
    if not len(rows):
        return [], False
    before, after = (absorption(sheet) for sheet in same_channels(old.tone, new.tone))
    one, other = before[rows, columns], after[rows, columns]
    is_drawn = old.is_clean and new.is_clean
    least = MIN_ABSORPTION if is_drawn else MIN_SCANNED_ABSORPTION
    visible = np.minimum(one.max(axis=1), other.max(axis=1)) >= least
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    differs = visible & ((one * other).sum(axis=1) < MAX_HUE_COSINE * norms)
    if is_drawn and not old.is_resized:
        inked = [cv2.boxFilter(cover, cv2.CV_32F, (3, 3))[rows, columns] for cover in covers]
        strengths = one.max(axis=1) / np.maximum(inked[0], 1), other.max(axis=1) / np.maximum(inked[1], 1)
        absorbed = [
            absorption(np.asarray(cv2.GaussianBlur(tone, (5, 5), 0), np.uint8))[rows, columns].max(axis=1)
            for tone in same_channels(old.tone, new.tone)
        ]
        differs |= (np.minimum(*strengths) < MAX_STRENGTH_RATIO * np.maximum(*strengths)) & (
            np.minimum(*absorbed) < MAX_ABSORPTION_RATIO * np.maximum(*absorbed)
        )
    changed = np.zeros_like(lines)
    changed[rows[differs], columns[differs]] = 1
    areas = list(merge_blocks(changed, lines, merge_distance))
    is_discoloured = (
        any(has_hue(inks[differs]).mean() < MIN_HUE_SHARE for inks in (one, other)) if areas else False
    )
    extent = max((box[2] * box[3] for box, _ in areas), default=0) / new.lines.size
    is_sheet_wide = (len(areas) >= SHEET_REGIONS or extent >= SHEET_EXTENT) and (
        is_discoloured or int(differs.sum()) >= SHEET_SHARE * len(rows)
    )
    return areas, is_sheet_wide


def has_hue(absorptions: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which inks are neither black nor grey."""
    return np.asarray(np.ptp(absorptions, axis=1) > 0.3 * absorptions.max(axis=1))


def absorption(tone: Picture) -> npt.NDArray[np.float32]:
    """Mean absorption of each channel around each block."""
    means = cv2.boxFilter(cv2.bitwise_not(tone), cv2.CV_32F, (3, 3))
    return np.asarray(means, np.float32).reshape(*tone.shape[:2], -1)


def merge_blocks(changed: Mask, lines: Mask, merge_distance: int) -> Iterator[Area]:
    """Areas of changed blocks within `merge_distance` pixels that are most of their lines."""
    side = max(3, round(merge_distance / TONE_STEP))
    count, labels = cv2.connectedComponents(cv2.dilate(changed, np.ones((side, side), np.uint8)))
    rows, columns = np.nonzero(changed)
    owner = np.asarray(labels[rows, columns])
    for index in range(1, count):
        of_area = owner == index
        blocks = int(of_area.sum())
        if blocks < MIN_RECOLOURED_BLOCKS:
            continue
        left, right = int(columns[of_area].min()), int(columns[of_area].max()) + 1
        top, bottom = int(rows[of_area].min()), int(rows[of_area].max()) + 1
        box = (left * TONE_STEP, top * TONE_STEP, (right - left) * TONE_STEP, (bottom - top) * TONE_STEP)
        yield box, blocks * TONE_STEP**2
