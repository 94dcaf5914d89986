"""Sheets as ink on paper: thresholds, scaling, and moving one sheet onto another's pixels."""

import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import Invalid
from pipelines.drawings.page_words import Matrix

GreyImage = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
"""1 where something is, 0 elsewhere."""

INK_LEVEL_RANGE = (160.0, 235.0)
"""The bounds of the grey level below which a pixel is ink: light grey lines survive, paper tint does not."""


def read_greyscale(path: Path) -> GreyImage:
    """A sheet's picture in grey."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise Invalid("A sheet's picture can't be read.")
    return np.asarray(image, np.uint8)


def otsu_threshold(grey: GreyImage) -> float:
    """One grey level for the whole sheet (Otsu's, bounded); a level per part of it loses faint rooms."""
    level, _ = cv2.threshold(grey[::4, ::4], 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    return float(np.clip(level, *INK_LEVEL_RANGE))


def binarize(grey: GreyImage, level: float | None = None) -> Mask:
    return (grey < (otsu_threshold(grey) if level is None else level)).view(np.uint8)


def dilate(mask: Mask, radius: int) -> Mask:
    """The mask grown by `reach` pixels all round."""
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
    """Scaling of a pixel grid: the edges of the picture stay edges, so pixel centres shift by half the
    change.
    """
    return (across, 0.0, (across - 1) / 2, 0.0, down, (down - 1) / 2)


def compose_transforms(*matrices: Matrix) -> Matrix:
    """The transform that applies the last first."""
    result = np.eye(3)
    for matrix in matrices:
        result = result @ np.vstack([np.reshape(matrix, (2, 3)), (0.0, 0.0, 1.0)])
    return to_matrix(result[:2])


def invert_transform(matrix: Matrix) -> Matrix:
    return to_matrix(cv2.invertAffineTransform(np.reshape(matrix, (2, 3)).astype(np.float64)))


def to_matrix(array: npt.ArrayLike) -> Matrix:
    """The six numbers of a 2x3 array."""
    a, b, c, d, e, f = (float(value) for value in np.ravel(array))
    return a, b, c, d, e, f


def scale_factor(matrix: Matrix) -> float:
    """How many times longer lines become, both ways on average."""
    a, b, _, d, e, _ = matrix
    return math.sqrt(abs(a * e - b * d))


def warp(grey: GreyImage, matrix: Matrix, width: int, height: int) -> GreyImage:
    """The sheet carried through `matrix` onto a canvas of white paper; averaged first where it shrinks."""
    factor = scale_factor(matrix)
    if factor < 0.75:
        size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
        across, down = grey.shape[1] / size[0], grey.shape[0] / size[1]
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = compose_transforms(matrix, scaling_matrix(across, down))
    warped = cv2.warpAffine(
        grey, np.reshape(matrix, (2, 3)), (width, height), flags=cv2.INTER_LINEAR, borderValue=(255,)
    )
    return np.asarray(warped, np.uint8)


def coverage_mask(shape: tuple[int, ...], matrix: Matrix, width: int, height: int) -> Mask:
    """Where on a canvas a sheet of `shape` (height, width) comes to lie."""
    tall, wide = shape[:2]
    corners = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, tall - 0.5], [-0.5, tall - 0.5]])
    warped = corners @ np.reshape(matrix, (2, 3))[:, :2].T + np.reshape(matrix, (2, 3))[:, 2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round(warped).astype(np.int32), (1,))
    return mask
