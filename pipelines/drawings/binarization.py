"""Sheets as ink on paper: thresholds, scaling, and moving one sheet onto another's pixels."""

import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import Invalid
from pipelines.drawings.page_words import Matrix

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
"""1 where something is, 0 elsewhere."""

LIGHTEST_INK = (160.0, 235.0)
"""The bounds of the grey level below which a pixel is ink: light grey lines survive, paper tint does not."""


def read(path: Path) -> Grey:
    """A sheet's picture in grey."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise Invalid("A sheet's picture can't be read.")
    return np.asarray(picture, np.uint8)


def threshold(grey: Grey) -> float:
    """One grey level for the whole sheet (Otsu's, bounded); a level per part of it loses faint rooms."""
    level, _ = cv2.threshold(grey[::4, ::4], 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    return float(np.clip(level, *LIGHTEST_INK))


def ink(grey: Grey, level: float | None = None) -> Mask:
    return (grey < (threshold(grey) if level is None else level)).view(np.uint8)


def widened(mask: Mask, reach: int) -> Mask:
    """The mask grown by `reach` pixels all round."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask, disc), np.uint8)


def shrunk(grey: Grey, longest_side: int) -> tuple[Grey, Matrix]:
    """The sheet at most `longest_side` pixels long, and the transform from its pixels to the sheet's."""
    height, width = grey.shape
    factor = min(1.0, longest_side / max(width, height))
    if factor == 1.0:
        return grey, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, stretch(width / size[0], height / size[1])


def stretch(across: float, down: float) -> Matrix:
    """Scaling of a pixel grid: the edges of the picture stay edges, so pixel centres shift by half the
    change.
    """
    return (across, 0.0, (across - 1) / 2, 0.0, down, (down - 1) / 2)


def chain(*matrices: Matrix) -> Matrix:
    """The transform that applies the last first."""
    result = np.eye(3)
    for matrix in matrices:
        result = result @ np.vstack([np.reshape(matrix, (2, 3)), (0.0, 0.0, 1.0)])
    return plain(result[:2])


def inverse(matrix: Matrix) -> Matrix:
    return plain(cv2.invertAffineTransform(np.reshape(matrix, (2, 3)).astype(np.float64)))


def plain(array: npt.ArrayLike) -> Matrix:
    """The six numbers of a 2x3 array."""
    a, b, c, d, e, f = (float(value) for value in np.ravel(array))
    return a, b, c, d, e, f


def scale_of(matrix: Matrix) -> float:
    """How many times longer lines become, both ways on average."""
    a, b, _, d, e, _ = matrix
    return math.sqrt(abs(a * e - b * d))


def moved(grey: Grey, matrix: Matrix, width: int, height: int) -> Grey:
    """The sheet carried through `matrix` onto a canvas of white paper; averaged first where it shrinks."""
    factor = scale_of(matrix)
    if factor < 0.75:
        size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
        across, down = grey.shape[1] / size[0], grey.shape[0] / size[1]
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = chain(matrix, stretch(across, down))
    warped = cv2.warpAffine(
        grey, np.reshape(matrix, (2, 3)), (width, height), flags=cv2.INTER_LINEAR, borderValue=(255,)
    )
    return np.asarray(warped, np.uint8)


def covered(shape: tuple[int, ...], matrix: Matrix, width: int, height: int) -> Mask:
    """Where on a canvas a sheet of `shape` (height, width) comes to lie."""
    tall, wide = shape[:2]
    corners = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, tall - 0.5], [-0.5, tall - 0.5]])
    placed = corners @ np.reshape(matrix, (2, 3))[:, :2].T + np.reshape(matrix, (2, 3))[:, 2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round(placed).astype(np.int32), (1,))
    return mask
