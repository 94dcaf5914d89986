"""Comparison of two sheets that a person has aligned by points."""

import json
from pathlib import Path

import cv2
import numpy as np

from pipelines.drawings.binarization import GreyImage
from pipelines.drawings.comparison import ComparisonOptions, ComparisonResult, compare

WIDTH, HEIGHT = 1400, 1000
SHIFT = (260, 130)


def draw(target: Path, shift: tuple[int, int], changed: float, seed: int = 5) -> Path:
    """A frame that never moves, and a plan of short walls that does, some of them drawn anew."""
    sheet: GreyImage = np.full((HEIGHT, WIDTH), 255, np.uint8)
    cv2.rectangle(sheet, (20, 20), (WIDTH - 20, HEIGHT - 20), (0,), 3)
    walls, others = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    for _ in range(160):
        kept = walls.random() >= changed
        x, y, length, down = walls.integers((60, 60, 30, 0), (800, 600, 160, 2))
        if not kept:
            x, y, length, down = others.integers((60, 60, 30, 0), (800, 600, 160, 2))
        start = int(x + shift[0]), int(y + shift[1])
        end = (start[0], start[1] + int(length)) if down else (start[0] + int(length), start[1])
        cv2.line(sheet, start, end, (0,), 2)
    cv2.imwrite(str(target), sheet)
    return target


def compare_by_points(
    folder: Path, shift: tuple[int, int], min_side: float = 0.0, seed: int = 5
) -> ComparisonResult:
    """Clicked with errors of a few pixels."""
    old, new = draw(folder / "old.png", (0, 0), 0.0), draw(folder / "new.png", SHIFT, 0.3, seed)
    words = folder / "words.json"
    words.write_text(json.dumps([]))
    dx, dy = shift
    points = (((100.0, 100.0), (104.0 + dx, 97.0 + dy)), ((850.0, 650.0), (847.0 + dx, 654.0 + dy)))
    options = ComparisonOptions(points=points, min_side=min_side)
    return compare(old, new, words, words, folder, options)


def test_two_points_align_a_plan_that_has_moved_in_its_frame(tmp_path: Path) -> None:
    result = compare_by_points(tmp_path, SHIFT)

    rows = np.reshape(result.transform, (2, 3))
    corners = np.array([(60.0, 60.0), (900.0, 60.0), (60.0, 700.0), (900.0, 700.0)])
    errors = corners @ rows[:, :2].T + rows[:, 2] - corners - SHIFT
    assert np.hypot(*errors.T).max() < 3
    assert result.is_confident
    assert result.changes
    assert result.small_change_count == 0


def test_points_that_do_not_fit_are_doubted(tmp_path: Path) -> None:
    result = compare_by_points(tmp_path, (90, 40), seed=50)

    assert not result.is_confident
    assert result.changes


def test_changes_below_the_least_size_are_counted(tmp_path: Path) -> None:
    every = compare_by_points(tmp_path, SHIFT)
    large = compare_by_points(tmp_path, SHIFT, min_side=120.0)

    assert {change.box for change in large.changes} == {
        change.box for change in every.changes if max(change.box[2:]) >= 120
    }
    assert large.small_change_count == len(every.changes) - len(large.changes) > 0
