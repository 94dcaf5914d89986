import pytest

from pipelines.drawings import locations
from pipelines.drawings.locations import Grid
from pipelines.drawings.page_words import Word
from tests.drawings.sample_plans import a_plan


def test_the_bubbles_of_a_plan_are_its_grid() -> None:
    plan = a_plan()
    height, width = plan.pictures[1].shape

    found = locations.detect_grid(plan.words[1], width, height)

    assert [name for _, name in found.columns] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [name for _, name in found.rows] == ["E", "D", "C", "B", "A"]


def test_scattered_numbers_are_no_grid() -> None:
    words = [
        Word(text, x, y, 10, 10)
        for text, x, y in (("3", 100, 10), ("1", 300, 12), ("7", 500, 11), ("2", 700, 9))
    ]

    assert locations.detect_grid(words, 1000, 800) == Grid()
    assert locations.detect_grid([], 1000, 800) == Grid()


@pytest.mark.parametrize(
    ("box", "place"),
    [
        ((10, 10, 20, 20), "upper left"),
        ((490, 390, 20, 20), "centre"),
        ((480, 700, 40, 40), "lower centre"),
        ((900, 390, 20, 20), "middle right"),
    ],
)
def test_a_place_is_reported_by_ninths(box: tuple[int, int, int, int], place: str) -> None:
    assert locations.describe(box, 1000, 800, Grid()) == place


def test_a_place_is_reported_by_the_nearest_grid_marks() -> None:
    grid = Grid(columns=((100.0, "1"), (500.0, "2"), (900.0, "3")), rows=((100.0, "B"), (700.0, "A")))

    assert locations.describe((560, 600, 20, 20), 1000, 800, grid) == "lower centre, near grid A/2"
