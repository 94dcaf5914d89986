"""Words and symbols that stand apart are judged as wholes; dust beside a change is none of it."""

import cv2
import numpy as np
import pytest

from pipelines.drawings import change_detection, sheet_ink
from pipelines.drawings.binarization import GreyImage
from pipelines.drawings.change_detection import Change, Sensitivity

SIZE = (600, 900)


def a_sheet(text: str = "", *, shift: int = 0, slopes: tuple[int, ...] = ()) -> GreyImage:
    """A frame, small text above a line, and a hatched square."""
    picture = np.full(SIZE, 255, np.uint8)
    cv2.rectangle(picture, (20, 20), (880, 580), (0,), 3)
    cv2.line(picture, (20, 128), (880, 128), (0,), 2)
    cv2.putText(picture, text, (300 + shift, 118), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0,), 2, cv2.LINE_AA)
    if slopes:
        square = np.full((120, 120), 255, np.uint8)
        for slope in slopes:
            for start in range(-120, 240, 14):
                cv2.line(square, (start, 0), (start + slope * 120, 120), (0,), 1, cv2.LINE_AA)
        picture[300:420, 300:420] = square
    return picture


def with_grain(picture: GreyImage, seed: int) -> GreyImage:
    grain = np.random.default_rng(seed).normal(0, 3, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 0.5) * 0.95 + grain, 0, 255).astype(np.uint8)


def detect(old: GreyImage, new: GreyImage) -> tuple[Change, ...]:
    sheets = sheet_ink.extract(old), sheet_ink.extract(new)
    return change_detection.detect(*sheets, np.ones(SIZE, np.uint8), sensitivity=Sensitivity()).changes


@pytest.mark.parametrize(("before", "after"), [("26-3", "24-3"), ("14-9", "14-6"), ("R12", "R17")])
def test_a_changed_digit_is_a_change_of_its_word(before: str, after: str) -> None:
    (change,) = detect(a_sheet(before), a_sheet(after))

    (width, height), _ = cv2.getTextSize(before, cv2.FONT_HERSHEY_SIMPLEX, 0.9, 2)
    left, top, across, down = change.box
    assert (abs(left - 300) < 5, abs(top + down - 119) < 5) == (True, True)
    assert (across > 0.85 * width, down < 1.6 * height) == (True, True)


def test_a_word_that_is_set_two_pixels_aside_is_the_same() -> None:
    assert detect(a_sheet("26-3"), a_sheet("26-3", shift=2)) == ()


def test_a_hatch_that_lost_one_direction_is_changed_as_a_whole() -> None:
    (change,) = detect(a_sheet(slopes=(1, -1)), a_sheet(slopes=(1,)))

    assert (change.kind, change.box) == ("removed", (300, 300, 120, 120))


def test_dust_near_a_change_is_none_of_it() -> None:
    old, new = a_sheet("26-3"), a_sheet("41-8")
    cv2.circle(old, (310, 70), 2, (90,), -1)

    (change,) = detect(with_grain(old, 1), with_grain(new, 2))

    assert change.box[1] > 90


@pytest.mark.parametrize("is_new", [True, False])
def test_a_symbol_beside_an_unchanged_one_is_a_change_without_it(is_new: bool) -> None:
    without = a_sheet()
    cv2.rectangle(without, (300, 300), (370, 420), (0,), 2)
    both = without.copy()
    cv2.circle(both, (440, 360), 60, (0,), 2)

    (change,) = detect(without, both) if is_new else detect(both, without)

    assert change.kind == ("added" if is_new else "removed")
    assert change.box == pytest.approx((379, 299, 122, 122), abs=4)


def test_a_symbol_beside_a_word_is_a_change_without_it() -> None:
    without = a_sheet("26-3")
    both = without.copy()
    cv2.line(both, (290, 40), (290, 118), (0,), 3)

    (change,) = detect(without, both)

    assert change.box[2] < 12
