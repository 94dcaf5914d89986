"""Displacement of line work between two sheets, block by block, and the transforms that blocks follow."""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.alignment.line_work import line_mask
from pipelines.drawings.alignment.transforms import (
    MAX_ANISOTROPY,
    MAX_SHEAR,
    Homography,
    Points,
    anisotropy,
    shear,
    to_homography,
    transform_points,
    warp_homography,
)
from pipelines.drawings.binarization import GreyImage, to_matrix

MIN_BLOCK_INK = 60
MIN_CORRELATION = 0.5
MIN_PEAK_MARGIN = 0.08
"""By how much the best displacement of a block must beat others, so that lines and patterns do not count."""

MIN_BLOCKS = 6
FIT_DISTANCE = 1.5

AFFINE_GAIN = 0.8
"""An affine transform pays if it leaves at most this share of a similarity transform's error."""


@dataclass(frozen=True, slots=True)
class Displacements:
    """Centres of blocks of an old sheet, and where their line work lies on the new one."""

    old: Points
    new: Points

    def __len__(self) -> int:
        return len(self.old)


def measure_displacements(old: GreyImage, new: GreyImage, radius: int, block: int) -> Displacements:
    """Displacement of each distinctive block of two sheets of one size, at most `radius` pixels."""
    lines = line_mask(old)
    before, after = blur(lines), blur(line_mask(new))
    height, width = new.shape
    inked = np.asarray(cv2.integral(lines))
    rows = []
    steps = (range(radius, extent - radius - block + 1, block * 3 // 4) for extent in (height, width))
    for top, left in product(*steps):
        bottom, right = top + block, left + block
        if inked[bottom, right] - inked[top, right] - inked[bottom, left] + inked[top, left] < MIN_BLOCK_INK:
            continue
        window = after[top - radius : bottom + radius, left - radius : right + radius]
        found = peak(cv2.matchTemplate(window, before[top:bottom, left:right], cv2.TM_CCOEFF_NORMED))
        if found:
            x, y = left + (block - 1) / 2, top + (block - 1) / 2
            rows.append((x, y, x + found[0] - radius, y + found[1] - radius))
    table = np.array(rows, np.float64).reshape(-1, 4)
    return Displacements(table[:, :2], table[:, 2:])


def blur(lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(lines.astype(np.float32), (0, 0), 1.2), np.float32)


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


def fit_blocks(blocks: Displacements, *, perspective: bool) -> Homography | None:
    """The transform that most blocks follow; None for too few.

    A similarity transform, or an affine one where that leaves clearly less error and neither shears nor
    stretches more than scanners do.
    """
    if len(blocks) < MIN_BLOCKS:
        return None
    source, target = blocks.old.astype(np.float32), blocks.new.astype(np.float32)
    cv2.setRNGSeed(0)
    if perspective:
        if len(blocks) < 2 * MIN_BLOCKS:
            return None
        matrix, inliers = cv2.findHomography(
            source, target, method=cv2.RANSAC, ransacReprojThreshold=FIT_DISTANCE
        )
        return np.asarray(matrix, np.float64) if int(np.sum(inliers)) >= 2 * MIN_BLOCKS else None
    similarity, inliers = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=FIT_DISTANCE, maxIters=4000
    )
    if int(np.sum(inliers)) < MIN_BLOCKS:
        return None
    result = to_homography(to_matrix(similarity))
    if len(blocks) >= 4 * MIN_BLOCKS:
        affine, inliers = cv2.estimateAffine2D(
            source, target, method=cv2.RANSAC, ransacReprojThreshold=FIT_DISTANCE, maxIters=4000
        )
        other = to_homography(to_matrix(affine)) if int(np.sum(inliers)) >= 2 * MIN_BLOCKS else result
        is_allowed = shear(other) <= MAX_SHEAR and anisotropy(other) <= MAX_ANISOTROPY
        if is_allowed and median_error(blocks, other) < AFFINE_GAIN * median_error(blocks, result):
            result = other
    return result


def median_error(blocks: Displacements, matrix: Homography) -> float:
    return float(np.median(np.linalg.norm(transform_points(blocks.old, matrix) - blocks.new, axis=1)))


def refine(
    old: GreyImage, new: GreyImage, start: Homography, steps: tuple[tuple[int, int], ...]
) -> Homography:
    """Follow the displacements of blocks; `steps` are greatest displacement and size of the blocks."""
    matrix = start
    height, width = new.shape
    perspective = bool(start[2, :2].any())
    for radius, block in steps:
        placed = warp_homography(old, matrix, width, height)
        step = fit_blocks(measure_displacements(placed, new, radius, block), perspective=perspective)
        if step is None:
            break
        matrix = step @ matrix
    if not perspective and (shear(matrix) > MAX_SHEAR or anisotropy(matrix) > MAX_ANISOTROPY):
        return start
    return matrix
