from collections.abc import Sequence

import numpy as np
import pytest

from core.errors import Invalid
from pipelines.drawings import alignment, binarization
from pipelines.drawings.alignment.points import Point, similarity_from_points
from pipelines.drawings.page_words import Matrix
from tests.drawings.alignment.test_search import corner_error, transform
from tests.drawings.sample_plans import a_plan

SHEET = (1000, 2000)


def transform_point(matrix: Matrix, point: Point) -> Point:
    a, b, c, d, e, f = matrix
    return a * point[0] + b * point[1] + c, d * point[0] + e * point[1] + f


def test_two_imprecise_points_are_refined_by_line_work() -> None:
    old, new = a_plan(changed=0.3).pictures
    scan, scanning = transform(old, 93, 0.9, 30, -50)
    marks = [((500, 400), (6, -4)), ((1900, 1200), (-5, 5))]
    pairs = [(transform_point(scanning, point), (point[0] + dx, point[1] + dy)) for point, (dx, dy) in marks]

    found = alignment.from_points(pairs, scan, new)

    assert corner_error(old.shape, binarization.compose_transforms(found.matrix, scanning)) < 0.5
    assert found.is_confident


def test_points_count_where_line_work_says_nothing() -> None:
    blank = np.full(SHEET, 255, np.uint8)

    found = alignment.from_points([((100, 100), (110, 120)), ((900, 700), (910, 720))], blank, blank)

    assert found.matrix == pytest.approx((1, 0, 10, 0, 1, 20))
    assert not found.is_confident


def test_more_points_are_averaged() -> None:
    pairs = [
        ((100, 100), (101, 100)),
        ((900, 100), (899, 100)),
        ((900, 900), (899, 900)),
        ((100, 900), (101, 900)),
    ]

    a, b, _, d, e, _ = similarity_from_points(pairs, SHEET, SHEET)

    assert (a, e) == pytest.approx((0.99875, 0.99875))
    assert (b, d) == pytest.approx((0, 0))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([((1, 1), (1, 1))], "2 to 4 pairs"),
        ([((index, 1), (index, 1)) for index in range(0, 500, 100)], "2 to 4 pairs"),
        (
            [((10, 10), (10, 10)), ((20, 10), (900, 900))],
            "Points 1 and 2 are too close to each other on the old",
        ),
        (
            [((10, 10), (10, 10)), ((900, 900), (20, 10))],
            "Points 1 and 2 are too close to each other on the new",
        ),
        ([((10, 10), (10, 10)), ((2100, 900), (900, 900))], "Point 2 lies outside the old sheet"),
        ([((10, 10), (10, 10)), ((900, 900), (float("nan"), 900))], "Point 2 lies outside the new sheet"),
        ([((10, 10), (10, 10)), ((60, 10), (1900, 10))], "scale of 38"),
        (
            [
                ((100, 100), (100, 100)),
                ((900, 100), (900, 100)),
                ((900, 900), (900, 900)),
                ((100, 900), (400, 900)),
            ],
            "Pair 4 of the points does not fit the others: it is 1",
        ),
        (
            [((100, 100), (900, 100)), ((900, 100), (100, 100)), ((900, 900), (100, 900))],
            "mirrored",
        ),
    ],
)
def test_implausible_points_are_refused(pairs: Sequence[tuple[Point, Point]], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        similarity_from_points(pairs, SHEET, SHEET)
