"""Displacement of line work between two sheets, block by block."""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import GreyImage, binarize, to_matrix
from pipelines.drawings.page_words import Matrix

MIN_BLOCK_INK = 60
MIN_CORRELATION = 0.5
MIN_PEAK_MARGIN = 0.08
"""By how much the best displacement of a block must beat others, so that lines and patterns do not count."""

MIN_BLOCKS = 6
FIT_DISTANCE = 1.5

Points = npt.NDArray[np.float64]
"""One point (x, y) a row."""


@dataclass(frozen=True, slots=True)
class Displacements:
    """Centres of blocks of an old sheet, and where their line work lies on the new one."""

    old: Points
    new: Points


def measure_displacements(old: GreyImage, new: GreyImage, radius: int, block: int) -> Displacements:
    """Displacement of each distinctive block of two sheets of one size, at most `radius` pixels."""
    before, after = line_image(old), line_image(new)
    height, width = new.shape
    inked = cv2.integral(binarize(old))
    rows = []
    steps = (range(radius, extent - radius - block + 1, block * 3 // 4) for extent in (height, width))
    for top, left in product(*steps):
        ink = (
            inked[top + block, left + block]
            - inked[top, left + block]
            - inked[top + block, left]
            + inked[top, left]
        )
        if ink < MIN_BLOCK_INK:
            continue
        window = after[top - radius : top + block + radius, left - radius : left + block + radius]
        found = peak(
            cv2.matchTemplate(window, before[top : top + block, left : left + block], cv2.TM_CCOEFF_NORMED)
        )
        if found:
            x, y = left + (block - 1) / 2, top + (block - 1) / 2
            rows.append((x, y, x + found[0] - radius, y + found[1] - radius))
    table = np.array(rows, np.float64).reshape(-1, 4)
    return Displacements(table[:, :2], table[:, 2:])


def line_image(grey: GreyImage) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(binarize(grey).astype(np.float32), (0, 0), 1.2), np.float32)


def peak(correlation: cv2.typing.MatLike) -> tuple[float, float] | None:
    """Position of the maximum to a fraction of a pixel; None at the rim, if low, or if others are as high."""
    _, highest, _, (x, y) = cv2.minMaxLoc(correlation)
    rows, columns = correlation.shape
    if highest < MIN_CORRELATION or not (0 < x < columns - 1 and 0 < y < rows - 1):
        return None
    rest = np.array(correlation)
    rest[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = -1
    if rest.max() > highest - MIN_PEAK_MARGIN:
        return None
    return (
        x + vertex(correlation[y, x - 1], highest, correlation[y, x + 1]),
        y + vertex(correlation[y - 1, x], highest, correlation[y + 1, x]),
    )


def vertex(before: float, middle: float, after: float) -> float:
    """Offset of the vertex of the parabola through three neighbours."""
    curvature = before - 2 * middle + after
    return float(np.clip(0.5 * (before - after) / curvature, -0.5, 0.5)) if curvature < 0 else 0.0


def fit_similarity(blocks: Displacements) -> Matrix | None:
    """The similarity transform that most blocks follow; None for too few."""
    if len(blocks.old) < MIN_BLOCKS:
        return None
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        blocks.old.astype(np.float32),
        blocks.new.astype(np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=FIT_DISTANCE,
        maxIters=4000,
    )
    return to_matrix(matrix) if int(np.sum(inliers)) >= MIN_BLOCKS else None
