import numpy as np

from benchmarks.drawings.alignment import measure
from benchmarks.drawings.alignment_cases import moved_plan
from core.alignment_notes import AlignmentNoteKind
from pipelines.drawings.alignment import Frame
from pipelines.drawings.alignment.result import Alignment


def test_a_moved_plan_and_its_frame_are_aligned_each_in_its_place() -> None:
    found = measure(("moved_plan", 0))

    assert found.note == "in parts"
    assert found.is_confident
    assert found.is_right
    assert found.by_points is not None
    assert found.by_points < 1


def test_floors_of_one_building_are_doubtful() -> None:
    found = measure(("look_alike", 0))

    assert (found.note, found.is_confident) == (AlignmentNoteKind.CONTENT_DIFFERS.value, False)


def test_a_photograph_is_rectified() -> None:
    found = measure(("photograph", 0))

    assert (found.note, found.is_right, found.is_confident) == ("photo", True, True)


def test_the_frame_is_drawn_in_its_own_place() -> None:
    case = moved_plan(0)
    plan = case.truths[0]
    x, y = plan.new[0] - plan.old[0]
    height, width = case.new.shape
    interior = (110, 110, 4380, 3190)
    fit = Alignment((1, 0, float(x), 0, 1, float(y)), 1.0, 0, Frame((1, 0, 0, 0, 1, 0), interior))

    warped = fit.warp(case.old, width, height)

    assert np.array_equal(warped[:100], case.old[:100])
    assert fit.matrix_at(5000, 3000) == (1, 0, 0, 0, 1, 0)
    assert fit.matrix_at(2500, 1600) == fit.matrix
    small = fit.downscale(4).transform_points(plan.old / 4)
    assert np.abs(4 * small - plan.new).max() < 2
    assert fit.notes == (AlignmentNoteKind.PLAN_MOVED,)
