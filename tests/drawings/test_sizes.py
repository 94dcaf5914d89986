from typing import Any

import pytest

from pipelines.drawings.sizes import SheetScale, sheet_scale
from pipelines.drawings.title_blocks import read_title_block
from tests.drawings.test_title_blocks import a_block


def a_sheet(scale: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """The metadata of an A3 sheet at 300 dpi."""
    others = {"otherScales": values.pop("others")} if "others" in values else {}
    sheet = {"dpi": 300.0, "width": 4961, "height": 3508, "titleBlock": {"scale": scale, **others}}
    return sheet | values


def a_scale(text: str, ratio: float | None, **values: Any) -> dict[str, Any]:
    return {"text": text, "ratio": ratio, "source": "label", **values}


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        (a_scale("1:100", 100.0), {"width": 1.0, "height": 0.5, "area": 0.5, "unit": "m"}),
        (a_scale("1:50", 50.0), {"width": 0.5, "height": 0.25, "area": 0.12, "unit": "m"}),
        (a_scale('1/8" = 1\'-0"', 96.0), {"width": 3.15, "height": 1.57, "area": 4.96, "unit": "ft"}),
        (None, {"width": 10.0, "height": 5.0, "area": 50.0, "unit": "mm on paper"}),
        (a_scale("NTS", None), {"width": 10.0, "height": 5.0, "area": 50.0, "unit": "mm on paper"}),
    ],
)
def test_sizes_are_those_of_the_building_only_with_a_scale(
    scale: dict[str, Any] | None, size: dict[str, Any]
) -> None:
    found = sheet_scale(a_sheet(scale))

    assert found.size((100, 100, 118, 59)) == pytest.approx(size, abs=0.1)
    assert (found.note is None) is (size["unit"] != "mm on paper")


def test_lengths_follow_the_resolution_of_the_image() -> None:
    scale = sheet_scale(a_sheet(a_scale("1:100", 100.0), dpi=150.0, width=2480, height=1754))

    assert scale.size((0, 0, 59, 59)) == {"width": 1.0, "height": 1.0, "area": 1.0, "unit": "m"}


def test_a_sheet_with_several_scales_has_sizes_on_paper() -> None:
    found = sheet_scale(a_sheet(a_scale("1:100", 100.0), others=["1:20"]))

    assert (found.unit, found.note) == (
        "mm on paper",
        "The sheet has several scales (1:100, 1:20): sizes are those on paper.",
    )


def test_a_scale_for_a_larger_sheet_is_corrected_and_said() -> None:
    found = sheet_scale(a_sheet(a_scale("1:100", 100.0, paper="A1")))

    assert found.ratio == pytest.approx(200.0, rel=0.01)
    assert found.note == "The scale 1:100 is that of A1: sizes are corrected for this sheet's size."
    assert sheet_scale(a_sheet(a_scale("1:100", 100.0, paper="A3"))).note is None


def test_pictures_have_sizes_only_if_they_are_sheets() -> None:
    scale = a_scale("1:100", 100.0)
    photograph = a_sheet(scale, width=4032, height=3024)

    assert sheet_scale(a_sheet(scale), is_image=True).unit == "m"
    assert sheet_scale(photograph, is_image=True).size((0, 0, 9, 9)) is None
    assert sheet_scale(a_sheet(scale, dpi=None)).size((0, 0, 9, 9)) is None


@pytest.mark.parametrize(
    ("new", "direction"),
    [
        ((200, 100, 10, 10), "to the right"),
        ((100, 0, 10, 10), "up"),
        ((0, 200, 10, 10), "down and to the left"),
    ],
)
def test_a_movement_has_a_distance_and_a_direction(new: tuple[int, int, int, int], direction: str) -> None:
    found = SheetScale(25.4 / 300, 100.0).movement((100, 100, 10, 10), new)

    assert found == {
        "distance": pytest.approx(0.85 if direction != "down and to the left" else 1.2, abs=0.01)
    } | {
        "unit": "m",
        "direction": direction,
    }


def test_slopes_and_details_are_no_scale_of_the_sheet() -> None:
    assert read_title_block(a_block("RAMP 1:12", "SHEET A-101")).scale is None
    block = read_title_block(a_block("SCALE 1:100 @ A1", "DETAIL 1:20", "SLOPE 1:50", "SHEET A-101"))
    assert block.scale is not None
    assert (block.scale.text, block.scale.paper, block.other_scales) == ("1:100", "A1", ("1:20",))
