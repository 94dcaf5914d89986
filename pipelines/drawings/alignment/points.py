"""Alignment by pairs of points that a person gives."""

from collections.abc import Sequence
from math import hypot, isfinite

import numpy as np

from core.errors import Invalid
from pipelines.drawings.alignment.blocks import refine
from pipelines.drawings.alignment.features import frame_transforms
from pipelines.drawings.alignment.line_work import line_mask
from pipelines.drawings.alignment.result import Alignment
from pipelines.drawings.alignment.scoring import AlignmentScorer
from pipelines.drawings.alignment.search import FINE_MAX_SIDE, Search, finish, page_transforms
from pipelines.drawings.alignment.transforms import (
    SCALE_RANGE,
    Homography,
    Points,
    inverse,
    to_homography,
    warp_homography,
)
from pipelines.drawings.binarization import GreyImage, downscale, scale_factor, to_matrix
from pipelines.drawings.page_words import Matrix

Point = tuple[float, float]
"""A position in pixels of a sheet's image, from its upper left corner."""

PAIR_COUNT = (2, 4)
MIN_DISTANCE_RATIO = 0.02
"""Least distance of two points as a share of the sheet's diagonal."""

MAX_RESIDUAL_RATIO = 0.02
"""Greatest deviation of a pair from the common transform as a share of the sheet's diagonal."""

POINT_STEPS = ((40, 192), (10, 96), (4, 96))
"""Greatest displacement and size of the blocks in pixels, from coarse to fine."""


def from_points(pairs: Sequence[tuple[Point, Point]], old: GreyImage, new: GreyImage) -> Alignment:
    """The similarity transform by 2 to 4 pairs (point of `old`, point of `new`), refined by line work.

    Raises `Invalid` if the points are too few, too close, outside the sheets, or do not fit each other.
    """
    matrix = similarity_from_points(pairs, old.shape, new.shape)
    old_small, old_up = downscale(old, FINE_MAX_SIDE)
    new_small, new_up = downscale(new, FINE_MAX_SIDE)
    up, down = to_homography(new_up), inverse(to_homography(old_up))
    scorer = AlignmentScorer(new_small)
    search = Search(old_small, new_small)
    start = inverse(up) @ to_homography(matrix) @ inverse(down)
    refined = refine(old_small, new_small, start, POINT_STEPS)

    def mean_agreement(transform: Homography) -> float:
        placed = warp_homography(old_small, transform, scorer.width, scorer.height)
        return scorer.line_agreement(placed).mean

    plan = refined if mean_agreement(refined) > mean_agreement(start) else start
    for frame in page_transforms(old, new):
        search.add(inverse(up) @ frame @ inverse(down))
    for frame in frame_transforms(line_mask(old_small), line_mask(new_small)):
        search.add(frame)
    return finish(search, scorer, plan, len(pairs), (up, down))


def similarity_from_points(
    pairs: Sequence[tuple[Point, Point]], old_shape: tuple[int, ...], new_shape: tuple[int, ...]
) -> Matrix:
    """The similarity transform with the least squared error over the pairs, if they are plausible."""
    if not PAIR_COUNT[0] <= len(pairs) <= PAIR_COUNT[1]:
        raise Invalid(
            f"An alignment needs {PAIR_COUNT[0]} to {PAIR_COUNT[1]} pairs of points, not {len(pairs)}."
        )
    source, target = (np.array([pair[side] for pair in pairs], np.float64) for side in (0, 1))
    check_points(source, old_shape, "old")
    check_points(target, new_shape, "new")
    matrix = least_squares(source, target)
    residuals = distances(source, target, matrix)
    limit = MAX_RESIDUAL_RATIO * hypot(*new_shape[:2])
    if residuals.max() > limit:
        if distances(source, target, least_squares(source, target, mirrored=True)).max() <= limit:
            raise Invalid("The points describe a mirrored sheet. Check that each pair marks the same place.")
        worst = int(residuals.argmax())
        raise Invalid(
            f"Pair {worst + 1} of the points does not fit the others: it is {residuals[worst]:.0f} px off."
        )
    if not SCALE_RANGE[0] < scale_factor(matrix) < SCALE_RANGE[1]:
        raise Invalid(f"The points imply a scale of {scale_factor(matrix):.2g}, which is not plausible.")
    return matrix


def check_points(points: Points, shape: tuple[int, ...], revision: str) -> None:
    """Refuses points outside the sheet or too close to each other."""
    height, width = shape[:2]
    for index, (x, y) in enumerate(points, 1):
        if not (isfinite(x) and isfinite(y) and -0.5 <= x <= width and -0.5 <= y <= height):
            raise Invalid(f"Point {index} lies outside the {revision} sheet of {width} x {height} pixels.")
    for index, (x, y) in enumerate(points, 1):
        for other, (left, top) in enumerate(points[: index - 1], 1):
            if hypot(x - left, y - top) < MIN_DISTANCE_RATIO * hypot(width, height):
                raise Invalid(
                    f"Points {other} and {index} are too close to each other on the {revision} sheet."
                )


def least_squares(source: Points, target: Points, mirrored: bool = False) -> Matrix:
    """The similarity transform with the least squared error; with a reflection if `mirrored`."""
    flip = np.array([-1.0 if mirrored else 1.0, 1.0])
    from_centre, to_centre = (source * flip).mean(axis=0), target.mean(axis=0)
    one, other = source * flip - from_centre, target - to_centre
    size = max(float((one**2).sum()), 1e-9)
    a = float((one * other).sum()) / size
    b = float((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum()) / size
    turn = np.array([[a, -b], [b, a]])
    shift = to_centre - turn @ from_centre
    return to_matrix(np.column_stack([turn * flip, shift]))


def distances(source: Points, target: Points, matrix: Matrix) -> Points:
    whole = np.reshape(matrix, (2, 3))
    return np.asarray(np.linalg.norm(source @ whole[:, :2].T + whole[:, 2] - target, axis=1))
