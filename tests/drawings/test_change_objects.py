"""One object is one change: moved, resized, renamed, added, removed or replaced, and in its room."""

from pathlib import Path

import pytest

from pipelines.drawings.change_detection import Change
from pipelines.drawings.locations import Place
from server.demo.drawings import Edit
from server.demo.marks import Mark, Stroke
from tests.drawings.object_sheets import box, compare_sheet, desk, door, draw, label, text

PIXELS = 150 / 72


def only_change(edits: list[Edit], folder: Path) -> tuple[Change, Place]:
    """The one change of a sheet."""
    found = compare_sheet(draw(edits), folder)
    assert [change.kind for change in found.changes] == [found.changes[0].kind]
    return found.changes[0], found.places[0]


def shift(change: Change) -> tuple[float, float]:
    """Displacement of a moved object in points."""
    assert change.old_box is not None
    across, down = ((change.box[side] - change.old_box[side]) / PIXELS for side in (0, 1))
    return round(across), round(down)


@pytest.mark.parametrize(("across", "down"), [(12, 0), (60, 0), (0, 90), (-40, 30), (140, -10)])
def test_a_symbol_elsewhere_has_moved(across: int, down: int, tmp_path: Path) -> None:
    change, _ = only_change([Edit(desk(310, 390), desk(310 + across, 390 + down))], tmp_path)

    assert change.kind == "moved"
    assert shift(change) == pytest.approx((across, down), abs=1)


def test_an_object_that_moved_to_another_room_names_both(tmp_path: Path) -> None:
    change, place = only_change([Edit(desk(310, 420), desk(460, 420))], tmp_path)

    assert (change.kind, place.room, place.old_room) == ("moved", "LIBRARY 106", "STUDIO 105")


def test_a_wall_elsewhere_has_moved(tmp_path: Path) -> None:
    old, new = (Mark("wall", (Stroke(((x, 310), (x, 510)), 1.2),)) for x in (480, 510))

    change, _ = only_change([Edit(old, new)], tmp_path)

    assert change.kind == "moved"
    assert shift(change) == pytest.approx((30, 0), abs=1)


@pytest.mark.parametrize(("width", "height"), [(70, 30), (40, 45), (60, 60), (25, 30)])
def test_a_table_of_another_size_is_resized(width: float, height: float, tmp_path: Path) -> None:
    change, _ = only_change([Edit(box(310, 390, 40, 30), box(310, 390, width, height))], tmp_path)

    assert change.kind == "resized"
    assert change.old_box is not None
    assert [round(side / PIXELS) for side in change.old_box[2:]] == pytest.approx([41, 31], abs=1)
    assert [round(side / PIXELS) for side in change.box[2:]] == pytest.approx([width + 1, height + 1], abs=1)


def test_a_wider_door_in_a_wall_is_resized(tmp_path: Path) -> None:
    change, _ = only_change([Edit(door(310, 517.8, 24), door(310, 517.8, 34))], tmp_path)

    assert change.kind == "resized"


def test_a_table_in_place_of_a_desk_is_one_change(tmp_path: Path) -> None:
    change, place = only_change([Edit(desk(310, 390), box(312, 391, 28, 40))], tmp_path)

    assert (change.kind, place.room) == ("modified", "STUDIO 105")


def test_new_and_removed_objects_are_no_moves(tmp_path: Path) -> None:
    edits = [Edit(desk(110, 400), None), Edit(None, box(480, 400, 34, 20))]

    found = compare_sheet(draw(edits), tmp_path)

    assert sorted(zip([change.kind for change in found.changes], found.places, strict=True), key=str) == [
        ("added", found.places[[change.kind for change in found.changes].index("added")]),
        ("removed", found.places[[change.kind for change in found.changes].index("removed")]),
    ]
    assert {place.room for place in found.places} == {"KITCHEN 104", "LIBRARY 106"}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("PRINTER", "PLOTTER", "renamed"),
        ("DOOR D12", "DOOR D14", "renamed"),
        ("3600", "3800", "modified"),
        ("12'-6\"", "13'-0\"", "modified"),
        ("2.50 m", "2.75 m", "modified"),
    ],
)
def test_another_name_is_a_renaming_and_another_dimension_is_not(
    old: str, new: str, kind: str, tmp_path: Path
) -> None:
    change, _ = only_change([Edit(text(345, 430, old, 12), text(345, 430, new, 12))], tmp_path)

    assert (change.kind, change.text_before, change.text_after) == (kind, old, new)


def test_a_renamed_room_lies_in_itself(tmp_path: Path) -> None:
    change, place = only_change(
        [Edit(label("SERVER", "107", 200, 450), label("ARCHIVE", "107", 200, 450))], tmp_path
    )

    assert (change.kind, change.text_before, change.text_after) == ("renamed", "SERVER", "ARCHIVE")
    assert place.grid is not None


def test_a_word_of_a_line_changes_with_its_line(tmp_path: Path) -> None:
    lines = [text(345, 450, f"{minutes} MIN FIRE DOOR", 12) for minutes in (60, 90)]

    change, _ = only_change([Edit(*lines)], tmp_path)

    assert (change.text_before, change.text_after) == ("60 MIN FIRE DOOR", "90 MIN FIRE DOOR")


def test_a_text_that_moved_is_one_change(tmp_path: Path) -> None:
    change, _ = only_change([Edit(text(320, 400, "PRINTER"), text(360, 460, "PRINTER"))], tmp_path)

    assert change.kind == "moved"
    assert shift(change) == pytest.approx((40, 60), abs=1)


def test_without_labels_no_room_is_named(tmp_path: Path) -> None:
    found = compare_sheet(draw([Edit(None, desk(310, 390))], rooms=False), tmp_path)

    assert [place.room for place in found.places] == [None]
