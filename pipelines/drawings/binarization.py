"""Binarization of sheets, and their scaling and warping."""

import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import Invalid
from pipelines.drawings.page_words import Matrix

GreyImage = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
"""1 in the area, 0 elsewhere."""

INK_LEVEL_RANGE = (160.0, 235.0)
"""Bounds of the ink threshold, so that light grey lines are ink and paper tint is not."""


def read_greyscale(path: Path) -> GreyImage:
    """Read an image file in greyscale."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise Invalid("The image of the sheet cannot be read.")
    return np.asarray(image, np.uint8)


def otsu_threshold(grey: GreyImage) -> float:
    """Global Otsu threshold, bounded; local thresholds lose faint areas."""
    level, _ = cv2.threshold(grey[::4, ::4], 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    return float(np.clip(level, *INK_LEVEL_RANGE))


def binarize(grey: GreyImage, level: float | None = None) -> Mask:
    return (grey < (otsu_threshold(grey) if level is None else level)).view(np.uint8)


def dilate(mask: Mask, radius: int) -> Mask:
    """Dilate a mask by `radius` pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


def downscale(grey: GreyImage, max_side: int) -> tuple[GreyImage, Matrix]:
    """The sheet at most `longest_side` pixels long, and the transform from its pixels to the sheet's."""
    height, width = grey.shape
    factor = min(1.0, max_side / max(width, height))
    if factor == 1.0:
        return grey, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, scaling_matrix(width / size[0], height / size[1])


def scaling_matrix(across: float, down: float) -> Matrix:
    """Scaling of a pixel grid. The image edges stay aligned, so pixel centres shift by half the
    change.
    """
    return (across, 0.0, (across - 1) / 2, 0.0, down, (down - 1) / 2)


def compose_transforms(*matrices: Matrix) -> Matrix:
    """Compose transforms; the last is applied first."""
    result = np.eye(3)
    for matrix in matrices:
        result = result @ np.vstack([np.reshape(matrix, (2, 3)), (0.0, 0.0, 1.0)])
    return to_matrix(result[:2])


def invert_transform(matrix: Matrix) -> Matrix:
    return to_matrix(cv2.invertAffineTransform(np.reshape(matrix, (2, 3)).astype(np.float64)))


def to_matrix(array: npt.ArrayLike) -> Matrix:
    """A 2x3 array as matrix."""
    a, b, c, d, e, f = (float(value) for value in np.ravel(array))
    return a, b, c, d, e, f


def scale_factor(matrix: Matrix) -> float:
    """Mean scale factor of a transform."""
    a, b, _, d, e, _ = matrix
    return math.sqrt(abs(a * e - b * d))


def warp(grey: GreyImage, matrix: Matrix, width: int, height: int) -> GreyImage:
    """Warp a sheet onto a white canvas; area-averaged first if it shrinks."""
    factor = scale_factor(matrix)
    if factor < 0.75:
        size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
        across, down = grey.shape[1] / size[0], grey.shape[0] / size[1]
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = compose_transforms(matrix, scaling_matrix(across, down))
    warped = cv2.warpAffine(
        grey, np.reshape(matrix, (2, 3)), (width, height), flags=cv2.INTER_LINEAR, borderValue=(255,) * 4
    )
    return np.asarray(warped, np.uint8)


def coverage_mask(shape: tuple[int, ...], matrix: Matrix, width: int, height: int) -> Mask:
    """Mask of the canvas area that a warped sheet of `shape` (height, width) covers."""
    tall, wide = shape[:2]
    corners = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, tall - 0.5], [-0.5, tall - 0.5]])
    warped = corners @ np.reshape(matrix, (2, 3))[:, :2].T + np.reshape(matrix, (2, 3))[:, 2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round(warped).astype(np.int32), (1,))
    return mask
