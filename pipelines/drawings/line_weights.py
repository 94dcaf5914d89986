"""Line weights: whether the lines of a whole sheet are thicker or thinner than on the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import GreyImage, Mask, binarize

TILE = 512
MAX_TILES = 24
INK_LEVEL = 128.0

MAX_HALF_WIDTH = 14.0
"""Half the width in pixels of the widest line."""

MIN_GROWTH = 0.9
"""Pixels by which half the width of a line differs."""

MIN_SHARE = 0.6
"""Share of the length of lines from which a line weight is the sheet's."""

MIN_RIDGE_PIXELS = 2_000
MAX_ASIDE = 3
"""Pixels by which the middle of a line may lie aside."""


@dataclass(frozen=True, slots=True)
class WeightChange:
    """Pixels by which lines are wider on each side, on the new sheet and on the old one."""

    grown: int = 0
    shrunk: int = 0

    def __bool__(self) -> bool:
        return bool(self.grown or self.shrunk)


def compare_weights(old: GreyImage, new: GreyImage) -> WeightChange:
    """How the line weights of two aligned sheets differ; the same unless most lines do."""
    growths = np.concatenate(list(tile_growths(old, new)) or [np.empty(0, np.float32)])
    if len(growths) < MIN_RIDGE_PIXELS:
        return WeightChange()
    if np.mean(growths >= MIN_GROWTH) >= MIN_SHARE:
        return WeightChange(grown=ceil(float(np.quantile(growths, 0.98))))
    if np.mean(growths <= -MIN_GROWTH) >= MIN_SHARE:
        return WeightChange(shrunk=ceil(-float(np.quantile(growths, 0.02))))
    return WeightChange()


def tile_growths(old: GreyImage, new: GreyImage) -> Iterator[npt.NDArray[np.float32]]:
    """Growth of half the width along the lines that both sheets have, in evenly chosen tiles."""
    corners = [(top, left) for top in range(0, new.shape[0], TILE) for left in range(0, new.shape[1], TILE)]
    for top, left in corners[:: max(1, len(corners) // MAX_TILES)]:
        tile = np.s_[top : top + TILE, left : left + TILE]
        before, after = (
            half_widths(binarize(old[tile], INK_LEVEL)),
            half_widths(binarize(new[tile], INK_LEVEL)),
        )
        yield (nearby(after) - nearby(before))[ridges(before)]


def half_widths(ink: Mask) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform(ink, cv2.DIST_L2, 3), np.float32)


def nearby(widths: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    side = 2 * MAX_ASIDE + 1
    return np.asarray(cv2.dilate(widths, np.ones((side, side), np.uint8)), np.float32)


def ridges(widths: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """The middle of each line."""
    highest = np.asarray(cv2.dilate(widths, np.ones((3, 3), np.uint8)), np.float32)
    return (widths > 0) & (widths >= highest) & (widths <= MAX_HALF_WIDTH)
