"""Transforms of sheets as 3 x 3 matrices: similarity, affine and perspective."""

from math import hypot

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings import binarization
from pipelines.drawings.binarization import GreyImage, to_matrix
from pipelines.drawings.page_words import Matrix

Homography = npt.NDArray[np.float64]
"""A 3 x 3 matrix whose last row is (0, 0, 1) unless it is a perspective."""

Points = npt.NDArray[np.float64]
"""One point (x, y) a row."""

SCALE_RANGE = (0.2, 5.0)
MAX_SHEAR = 0.002
MAX_ANISOTROPY = 0.015
"""By how much scanners stretch a sheet in one direction, at most."""

MAX_PERSPECTIVE = 0.35
"""By how much the scale may differ over a photographed sheet."""


def to_homography(matrix: Matrix) -> Homography:
    return np.vstack([np.reshape(matrix, (2, 3)), (0.0, 0.0, 1.0)])


def inverse(matrix: Homography) -> Homography:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def is_affine(matrix: Homography) -> bool:
    return not matrix[2, :2].any()


def transform_points(points: Points, matrix: Homography) -> Points:
    whole = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(whole[:, :2] / whole[:, 2:])


def corner_points(shape: tuple[int, ...]) -> Points:
    height, width = shape[:2]
    return np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float64)


def corner_distance(one: Homography, other: Homography, shape: tuple[int, ...]) -> float:
    """The greatest distance between the corners of a sheet under two transforms."""
    points = corner_points(shape)
    difference = transform_points(points, one) - transform_points(points, other)
    return float(np.linalg.norm(difference, axis=1).max())


def shear(matrix: Homography) -> float:
    """Deviation of the axes from a right angle, as a ratio."""
    (a, b), (d, e) = matrix[:2, :2]
    return float(abs(a * b + d * e) / max(abs(a * e - b * d), 1e-12))


def anisotropy(matrix: Homography) -> float:
    """Relative difference of the scales along the two axes."""
    (a, b), (d, e) = matrix[:2, :2]
    return abs(hypot(a, d) / max(hypot(b, e), 1e-12) - 1)


def is_plausible(matrix: Homography, shape: tuple[int, ...]) -> bool:
    """Whether a sheet of `shape` can have been printed, scanned or photographed with this transform."""
    points = corner_points(shape)
    depths = np.column_stack([points, np.ones(4)]) @ matrix[2]
    if depths.min() <= 0 or not np.isfinite(matrix).all():
        return False
    if depths.max() / depths.min() - 1 > MAX_PERSPECTIVE:
        return False
    corners = transform_points(points, matrix)
    area = cv2.contourArea(corners.astype(np.float32))
    scale = float(np.sqrt(area / max((shape[0] - 1) * (shape[1] - 1), 1)))
    if not SCALE_RANGE[0] < scale < SCALE_RANGE[1]:
        return False
    return not is_affine(matrix) or (shear(matrix) <= MAX_SHEAR and anisotropy(matrix) <= MAX_ANISOTROPY)


def affine_at(matrix: Homography, x: float, y: float) -> Matrix:
    """The affine transform that approximates a homography near a point."""
    points = np.array([(x, y), (x + 1, y), (x, y + 1)])
    start, across, down = transform_points(points, matrix)
    a, d = across - start
    b, e = down - start
    return (
        float(a),
        float(b),
        float(start[0] - a * x - b * y),
        float(d),
        float(e),
        float(start[1] - d * x - e * y),
    )


def warp_homography(image: GreyImage, matrix: Homography, width: int, height: int) -> GreyImage:
    """Warp a sheet, grey or in colour, onto a white canvas; area-averaged first if it shrinks."""
    white = (255,) * (image.shape[2] if image.ndim == 3 else 1)
    if is_affine(matrix):
        return binarization.warp(image, to_matrix(matrix[:2]), width, height)
    factor = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if factor < 0.75:
        size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
        across, down = image.shape[1] / size[0], image.shape[0] / size[1]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix @ to_homography(binarization.scaling_matrix(across, down))
    warped = cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=white)
    return np.asarray(warped, np.uint8)
