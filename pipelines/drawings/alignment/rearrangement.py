"""Text that moved in passages, as tables and notes that grew: one sheet, though little is in its place."""

from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.alignment.blocks import blur
from pipelines.drawings.binarization import Mask

BLOCK = 96
RADIUS = 60
MIN_BLOCK_INK = 100
MIN_CORRELATION = 0.7
UNMOVED_DISTANCE = 2
PASSAGE_DISTANCE = 3
MIN_PASSAGE_BLOCKS = 5
"""Blocks with one displacement; on two floors of one building at most 3 coincide."""

MIN_PASSAGE_SHARE = 0.03


def is_rearranged(old: Mask, new: Mask) -> bool:
    """Whether several blocks of letters and symbols moved by the same distance."""
    before, after = blur(old), blur(new)
    inked = np.asarray(cv2.integral(old))
    height, width = old.shape
    total, moves = 0, []
    for top, left in product(*(range(RADIUS, extent - RADIUS - BLOCK, BLOCK) for extent in (height, width))):
        bottom, right = top + BLOCK, left + BLOCK
        if inked[bottom, right] - inked[top, right] - inked[bottom, left] + inked[top, left] < MIN_BLOCK_INK:
            continue
        total += 1
        window = after[top - RADIUS : bottom + RADIUS, left - RADIUS : right + RADIUS]
        found = cv2.matchTemplate(window, before[top:bottom, left:right], cv2.TM_CCOEFF_NORMED)
        unmoved = np.s_[RADIUS - UNMOVED_DISTANCE : RADIUS + UNMOVED_DISTANCE + 1]
        if found[unmoved, unmoved].max() > MIN_CORRELATION:
            continue
        _, highest, _, (x, y) = cv2.minMaxLoc(found)
        if highest > MIN_CORRELATION:
            moves.append((x, y))
    largest = largest_cluster(np.array(moves, np.int64).reshape(-1, 2))
    return largest >= max(MIN_PASSAGE_BLOCKS, MIN_PASSAGE_SHARE * total)


def largest_cluster(moves: npt.NDArray[np.int64]) -> int:
    if not len(moves):
        return 0
    near = np.abs(moves[:, None] - moves[None]).max(axis=2) <= PASSAGE_DISTANCE
    return int(near.sum(axis=1).max())
