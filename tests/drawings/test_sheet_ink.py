"""What a reader sees on a sheet counts: pale and coloured lines, on any paper, and nothing of the paper."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.drawings import change_detection, ocr_errors, rendering, sheet_ink
from pipelines.drawings.alignment import Alignment
from pipelines.drawings.change_detection import Change
from pipelines.drawings.comparison import compare
from pipelines.drawings.page_words import Word
from pipelines.drawings.sheet_ink import Picture
from pipelines.drawings.text_diff import WordChanges

SIZE = (900, 1400)
CASES = Path(os.environ.get("CASES", Path(__file__).parents[3] / "shared/cases")) / "drawings"
Colour = tuple[int, int, int]
"""Blue, green and red."""

BLACK: Colour = (0, 0, 0)
YELLOW, CYAN, LIME = (0, 255, 255), (255, 255, 0), (0, 255, 0)


def a_sheet(*, width: int = 3, paper: Colour = (255, 255, 255)) -> Picture:
    """A grid of black lines on paper."""
    picture = np.full((*SIZE, 3), paper, np.uint8)
    for x in range(100, 1400, 200):
        cv2.line(picture, (x, 60), (x, 840), BLACK, width)
    for y in range(100, 900, 200):
        cv2.line(picture, (60, y), (1340, y), BLACK, width)
    return picture


def with_marks(picture: Picture, *colours: Colour, width: int = 2) -> Picture:
    """A small cross for each colour, in cells of the grid."""
    picture = picture.copy()
    for index, colour in enumerate(colours):
        x, y = 200 + 200 * (index % 6), 200 + 200 * (index // 6)
        cv2.line(picture, (x - 40, y), (x + 40, y), colour, width)
        cv2.line(picture, (x, y - 40), (x, y + 40), colour, width)
    return picture


def scan(picture: Picture, seed: int, grain: float = 3.0) -> Picture:
    """A yellowed ground with a shadow along its middle, and grain."""
    random = np.random.default_rng(seed)
    shadow = 1 - 0.2 * np.exp(-((np.linspace(-1, 1, SIZE[1]) / 0.3) ** 2))
    tinted = picture * (np.array([200, 228, 240]) / 255) * shadow[None, :, None]
    noisy = cv2.GaussianBlur(tinted, (0, 0), 0.6) + random.normal(0, grain, (*SIZE, 1))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def detect(
    old: Picture, new: Picture, words: WordChanges = change_detection.NO_WORD_CHANGES
) -> tuple[Change, ...]:
    coverage = np.ones(SIZE, np.uint8)
    return change_detection.detect(sheet_ink.extract(old), sheet_ink.extract(new), coverage, words).changes


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("colour", [(230, 230, 230), (180, 180, 180), YELLOW, CYAN, LIME])
def test_pale_and_coloured_lines_are_found(colour: Colour, width: int) -> None:
    without, with_mark = a_sheet(), with_marks(a_sheet(), colour, width=width)

    for old, new, kind in ((without, with_mark, "added"), (with_mark, without, "removed")):
        (change,) = detect(old, new)
        assert change.kind == kind
        assert change.box == pytest.approx((160, 160, 81, 81), abs=6)


def test_a_yellow_line_on_yellowed_and_shaded_paper_is_found_and_the_paper_is_not() -> None:
    old, new = scan(a_sheet(), 1), scan(with_marks(a_sheet(), YELLOW, (120, 120, 120), width=3), 2)

    assert sorted((change.kind, change.box[0] // 200) for change in detect(old, new)) == [
        ("added", 0),
        ("added", 1),
    ]


def test_lines_of_another_colour_are_recoloured() -> None:
    old = with_marks(a_sheet(), BLACK, (0, 0, 255), BLACK)
    new = with_marks(a_sheet(), (0, 0, 255), (255, 0, 0), (200, 200, 200))

    changes = detect(old, new)

    assert [change.kind for change in changes] == ["recoloured"] * 3
    assert sorted(change.box[0] // 100 for change in changes) == [1, 3, 5]
    assert not any(change.is_sheet_wide for change in changes)


def test_a_sheet_plotted_without_its_colours_is_one_change() -> None:
    colours = [(0, 0, 255), (255, 0, 0), (0, 160, 0)] * 4

    (change,) = detect(with_marks(a_sheet(), *colours), with_marks(a_sheet(), *[BLACK] * 12))

    assert (change.kind, change.is_sheet_wide) == ("recoloured", True)


@pytest.mark.parametrize("widths", [(1, 5), (2, 9), (9, 2)])
def test_another_line_weight_is_one_change_beside_those_of_the_sheet(widths: tuple[int, int]) -> None:
    old, new = (a_sheet(width=width) for width in widths)

    weight, change = detect(old, with_marks(new, BLACK))

    assert (weight.kind, weight.is_sheet_wide) == ("line_weight", True)
    assert (change.kind, change.is_sheet_wide) == ("added", False)


def test_a_filled_room_is_one_fill_with_the_marks_in_it() -> None:
    fills = a_sheet()
    fills[310:490, 310:490] = (230, 230, 230)

    (fill,) = detect(a_sheet(), fills)
    both = detect(a_sheet(), with_marks(fills, *[BLACK] * 8))

    assert fill.kind == "fill"
    assert fill.box == pytest.approx((310, 310, 180, 180), abs=8)
    assert sorted(change.kind for change in both) == ["added"] * 8 + ["fill"]


def test_what_a_bilevel_sheet_cannot_hold_is_not_removed() -> None:
    old = with_marks(a_sheet(), (200, 200, 200), BLACK, width=3)
    bilevel = np.where(a_sheet()[:, :, 0] < 128, 0, 255).astype(np.uint8)

    (change,) = detect(old, bilevel)

    assert (change.kind, change.box[0] // 100) == ("removed", 3)


def test_a_changed_number_in_a_dense_hatch_is_a_region_at_its_place() -> None:
    old, new = a_sheet(), a_sheet()
    for picture, text in ((old, "3"), (new, "8")):
        for offset in range(-200, 200, 8):
            cv2.line(picture, (520 + offset, 520), (700 + offset, 700), BLACK, 1)
        cv2.putText(picture, text, (560, 620), cv2.FONT_HERSHEY_SIMPLEX, 0.8, BLACK, 1)
    words = WordChanges((Word("3", 560, 602, 14, 20),), (Word("8", 560, 602, 14, 20),))

    (change,) = detect(old, new, words)

    assert (change.words_removed, change.words_added) == (("3",), ("8",))
    assert change.box == (560, 602, 15, 21)


def test_words_that_nobody_sees_differ_are_no_change() -> None:
    lines = sheet_ink.extract(a_sheet()).lines
    words = WordChanges(
        (Word("OLD", 90, 90, 30, 20),), (Word("NEW", 90, 90, 30, 20), Word("HID", 150, 150, 30, 9))
    )

    assert ocr_errors.drop_invisible(words, lines, lines) == WordChanges()


@pytest.mark.skipif(not CASES.is_dir(), reason=f"there are no cases in {CASES}")
def test_a_line_and_a_rectangle_in_light_grey_are_two_additions(tmp_path: Path) -> None:
    old, new = (
        rendering.render(CASES / f"light_lgrey_{state}.pdf", 1, tmp_path / f"{state}.png")
        for state in ("old", "new")
    )

    outcome = compare(old.image, new.image, old.words, new.words, tmp_path)

    assert [change.kind for change in outcome.changes] == ["added", "added"]


def test_a_sheet_drawn_at_another_size_is_not_recoloured() -> None:
    """Thin lines of a smaller sheet are paler, not of another grey."""
    new = with_marks(a_sheet(width=1), *[BLACK] * 12, width=1)
    small = cv2.resize(new, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    matrix = (1 / 0.6, 0.0, 1 / 3, 0.0, 1 / 0.6, 1 / 3)
    old = sheet_ink.warp_sheet(
        sheet_ink.extract(np.asarray(small, np.uint8)), Alignment(matrix, 1.0, 0), SIZE[1], SIZE[0]
    )

    found = change_detection.detect(old, sheet_ink.extract(new), np.ones(SIZE, np.uint8))

    assert "recoloured" not in {change.kind for change in found.changes}


@pytest.mark.parametrize("fraction", [0.3, 0.5, 0.7])
def test_a_sheet_displaced_by_a_part_of_a_pixel_is_not_recoloured(fraction: float) -> None:
    """Thin lines lie on one row of pixels or on two, which are paler."""
    large = np.full((SIZE[0] * 4, SIZE[1] * 4), 255, np.uint8)
    for at in range(200, 2600, 160):
        cv2.line(large, (160, at), (3000, at), (0,), 3)
        cv2.line(large, (160, at + 40), (3000, at + 40), (0,), 12)
    moved = np.roll(large, round(4 * fraction), axis=0)
    old, new = (
        np.asarray(cv2.resize(picture, SIZE[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        for picture in (large, moved)
    )
    fit = Alignment((1.0, 0.0, 0.0, 0.0, 1.0, fraction), 1.0, 0)
    warped = sheet_ink.warp_sheet(sheet_ink.extract(old), fit, SIZE[1], SIZE[0])

    found = change_detection.detect(warped, sheet_ink.extract(new), np.ones(SIZE, np.uint8))

    assert found.changes == ()
