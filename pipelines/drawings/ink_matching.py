"""Ink of a small area on both sheets: how much has no counterpart at the best shift."""

from itertools import product

import cv2
import numpy as np

from pipelines.drawings.binarization import Mask, dilate

MAX_SHIFT = 2
"""Maximum shift of a word in pixels, to find the best overlap of ink."""


def unmatched_ink(old: Mask, new: Mask, tolerance: int = 1) -> int:
    """Pixels of ink without counterpart within `tolerance` pixels, at the best shift."""
    ink_pixels = cv2.countNonZero(old) + cv2.countNonZero(new)
    if not ink_pixels:
        return 0
    padded = np.pad(old, MAX_SHIFT)
    height, width = new.shape
    near_new = dilate(new, tolerance)
    fewest = ink_pixels
    for down, across in product(range(2 * MAX_SHIFT + 1), repeat=2):
        before = np.ascontiguousarray(padded[down : down + height, across : across + width])
        unmatched = cv2.countNonZero(before & ~near_new & 1) + cv2.countNonZero(
            new & ~dilate(before, tolerance) & 1
        )
        fewest = min(fewest, unmatched)
    return fewest


def unmatched_ink_ratio(old: Mask, new: Mask) -> float:
    """Share of ink without counterpart within a pixel, at the best shift."""
    ink_pixels = cv2.countNonZero(old) + cv2.countNonZero(new)
    return unmatched_ink(old, new) / max(ink_pixels, 1)
