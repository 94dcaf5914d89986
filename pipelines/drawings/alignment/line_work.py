"""Line work of a sheet: what stands out from its surroundings, whatever the tone of paper and fills."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import GreyImage, Mask, dilate

LINE_WINDOW = 15
LINE_CONTRAST = 12
"""Grey levels by which a line is darker than the mean of its surroundings."""

CONTENT_RATIO = 0.035
"""Greatest extent of letters and symbols as a share of the sheet's longest side."""

CHANCE_WINDOW = 17
"""Side of the area in pixels in which ink counts as near; ink that hits everywhere in it says nothing."""

HIT_RADIUS = 2

Levels = npt.NDArray[np.float32]


def line_mask(grey: GreyImage) -> Mask:
    """Lines, letters and the edges of fills; not the inside of fills."""
    mask = cv2.adaptiveThreshold(
        grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, LINE_WINDOW, LINE_CONTRAST
    )
    return np.asarray(mask, np.uint8)


def content_mask(lines: Mask) -> Mask:
    """Letters and symbols: connected lines of small extent that are not dashes."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    across, down, area = table[:, 2], table[:, 3], table[:, 4]
    longest, shortest = np.maximum(across, down), np.minimum(across, down)
    is_content = (longest <= CONTENT_RATIO * max(lines.shape)) & (longest >= 4) & (area >= 6)
    is_content &= (shortest > 4) | (longest < 6 * shortest)
    is_content[0] = False
    return np.asarray(is_content.astype(np.uint8)[labels], np.uint8)


@dataclass(frozen=True, slots=True)
class LineWork:
    """Lines with the area that they hit, and the chance of hitting them near each pixel."""

    mask: Mask
    wide: Mask
    chance: Levels

    @classmethod
    def of(cls, mask: Mask, radius: int = HIT_RADIUS) -> "LineWork":
        wide = dilate(mask, radius)
        chance = cv2.blur(wide.astype(np.float32), (CHANCE_WINDOW, CHANCE_WINDOW))
        return cls(mask, wide, np.asarray(chance, np.float32))
