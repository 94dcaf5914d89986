from math import cos, hypot, radians, sin

import cv2
import numpy as np
import pytest

from pipelines.drawings import alignment, binarization
from pipelines.drawings.binarization import GreyImage
from pipelines.drawings.page_words import Matrix
from tests.drawings.sample_plans import a_plan


def transform(grey: GreyImage, angle: float, scale: float, x: float, y: float) -> tuple[GreyImage, Matrix]:
    """A scan of the sheet, turned about its middle on a large glass, and the transform onto it."""
    height, width = grey.shape
    a, b = scale * cos(radians(angle)), scale * sin(radians(angle))
    side = int(hypot(width, height) * scale) + 40
    matrix = (
        a,
        -b,
        side / 2 - a * width / 2 + b * height / 2 + x,
        b,
        a,
        side / 2 - b * width / 2 - a * height / 2 + y,
    )
    return binarization.warp(grey, matrix, side, side), matrix


def corner_error(shape: tuple[int, ...], matrix: Matrix) -> float:
    """The mean distance of the corners from their places under a transform that should change nothing."""
    a, b, c, d, e, f = matrix
    corners = [(x, y) for x in (0, shape[1] - 1) for y in (0, shape[0] - 1)]
    return sum(hypot(a * x + b * y + c - x, d * x + e * y + f - y) for x, y in corners) / 4


@pytest.mark.parametrize(
    ("angle", "scale"), [(0, 1), (0, 0.5), (3.3, 0.9), (-9.5, 1.2), (90, 1), (180, 0.8), (273, 1.1)]
)
def test_a_known_transform_is_found(angle: float, scale: float) -> None:
    old, new = a_plan().pictures
    scan, scanning = transform(old, angle, scale, 11, -7)

    found = alignment.align(scan, new)

    assert corner_error(old.shape, binarization.compose_transforms(found.matrix, scanning)) < 0.5
    assert found.score > 0.95
    assert found.is_confident
    assert found.scale == pytest.approx(1 / scale, rel=1e-3)
    assert abs((found.rotation + angle + 180) % 360 - 180) < 0.05


def test_noise_and_blur_do_no_harm() -> None:
    old, new = a_plan().pictures
    scan, scanning = transform(old, 1.7, 0.95, 0, 0)
    grain = np.random.default_rng(5).normal(0, 12, scan.shape)
    noisy = np.clip(cv2.GaussianBlur(scan, (0, 0), 0.8) + grain, 0, 245).astype(np.uint8)

    found = alignment.align(noisy, new)

    assert corner_error(old.shape, binarization.compose_transforms(found.matrix, scanning)) < 0.5
    assert found.is_confident


def test_another_sheet_of_the_set_gives_no_confidence() -> None:
    first, second = a_plan(seed=11, number="A-101"), a_plan(seed=77, number="A-102")

    found = alignment.align(first.pictures[0], second.pictures[1])

    assert not found.is_confident
    assert found.score < 0.3


def test_a_blank_sheet_is_no_error() -> None:
    blank = np.full((800, 1200), 255, np.uint8)

    assert alignment.align(blank, blank).score == 0
    assert alignment.align(blank, a_plan().pictures[1]).score == 0
    assert not alignment.align(a_plan().pictures[0], blank).is_confident


def test_the_same_pictures_give_the_same_result() -> None:
    old, new = a_plan().pictures
    scan, _ = transform(old, 4, 0.9, 0, 0)

    assert alignment.align(scan, new) == alignment.align(scan, new)


def test_moving_keeps_pixel_centres() -> None:
    checks = np.kron(np.indices((10, 10)).sum(axis=0) % 2, np.ones((20, 20))).astype(np.uint8) * 255
    small, back = binarization.downscale(checks, 100)

    assert back == (2, 0, 0.5, 0, 2, 0.5)
    assert np.abs(binarization.warp(small, back, 200, 200).astype(int) - checks).mean() < 20
    assert binarization.compose_transforms(back, binarization.invert_transform(back)) == pytest.approx(
        (1, 0, 0, 0, 1, 0)
    )


def test_cover_is_where_the_old_sheet_lies() -> None:
    mask = binarization.coverage_mask((50, 100), (1, 0, 10, 0, 1, 20), 200, 100)

    assert int(mask.sum()) == pytest.approx(5000, rel=0.05)
    assert (mask[20:70, 10:110] == 1).mean() > 0.95
