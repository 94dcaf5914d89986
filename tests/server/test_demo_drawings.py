from pathlib import Path

import numpy as np
import pytest

from pipelines.drawings import rendering
from server.demo import drawings
from tests.drawings.sample_plans import PIXELS_PER_POINT, a_plan


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    one, other = drawings.demo_set(first), drawings.demo_set(second)

    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_the_demo_has_a_sheet_without_partner_on_both_sides(tmp_path: Path) -> None:
    names = [
        [
            rendering.render(path, number, tmp_path / "page.png", dpi=60).sheet.name
            for number in range(1, rendering.inspect(path).page_count + 1)
        ]
        for path in drawings.demo_set(tmp_path)
    ]

    assert names == [["A-101", "A-102", "A-103", "A-201"], ["A-101", "A-102", "A-104", "A-201"]]


def test_the_truth_is_where_the_ink_differs() -> None:
    plan = a_plan(seed=3, changed=0.2)
    differs = np.abs(plan.pictures[0].astype(int) - plan.pictures[1]) > 128
    outside = differs.copy()

    for box in plan.sheet.changed:
        left, top, right, bottom = (round(edge * PIXELS_PER_POINT) for edge in box)
        assert differs[top : bottom + 1, left : right + 1].any()
        outside[top - 3 : bottom + 4, left - 3 : right + 4] = False

    assert differs.any()
    assert not outside.any()


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_as_much_changes_as_is_requested(share: float) -> None:
    sheet = drawings.plan("A-101", "PLAN", 5, changed=share)
    slots = len(drawings.plan("A-101", "PLAN", 5, changed=1).edits)

    assert len(sheet.edits) == round(share * slots)
    assert all(edit.old != edit.new for edit in sheet.edits)
