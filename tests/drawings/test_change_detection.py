import numpy as np
import pytest

from pipelines.drawings import alignment, binarization, change_detection, page_words, sheet_ink, text_diff
from pipelines.drawings.binarization import GreyImage
from pipelines.drawings.change_detection import DetectedChanges, Sensitivity
from pipelines.drawings.page_words import Word
from pipelines.drawings.text_diff import WordChanges
from tests.drawings.sample_plans import PIXELS_PER_POINT, a_plan

SIZE = (900, 1400)


def a_picture(*boxes: tuple[int, int, int, int], grey: int = 0) -> GreyImage:
    """White paper with a border and a filled box for each (left, top, width, height)."""
    picture = np.full(SIZE, 255, np.uint8)
    picture[40:44, 40:-40] = picture[-44:-40, 40:-40] = 0
    picture[40:-40, 40:44] = picture[40:-40, -44:-40] = 0
    for left, top, width, height in boxes:
        picture[top : top + height, left : left + width] = grey
    return picture


def detect(old: GreyImage, new: GreyImage, differing: WordChanges | None = None) -> DetectedChanges:
    return change_detection.detect(
        sheet_ink.extract(old), sheet_ink.extract(new), np.ones(SIZE, np.uint8), differing or WordChanges()
    )


def test_nothing_changed() -> None:
    picture = a_picture((300, 300, 50, 40))

    assert detect(picture, picture) == DetectedChanges((), 0.0)


@pytest.mark.parametrize(("kind", "before"), [("added", False), ("removed", True)])
def test_one_box_more_or_less_is_one_change(kind: str, before: bool) -> None:
    without, with_box = a_picture(), a_picture((300, 201, 51, 40))

    (change,) = (detect(with_box, without) if before else detect(without, with_box)).changes

    assert change.kind == kind
    assert change.box == pytest.approx((300, 201, 51, 40), abs=2)
    assert change.changed_pixels == 51 * 40
    assert change.box_pixels == change.box[2] * change.box[3]


def test_near_differences_are_one_change_and_far_ones_are_two() -> None:
    old = a_picture((300, 300, 40, 40))

    near = detect(old, a_picture((370, 300, 40, 40))).changes
    far = detect(old, a_picture((600, 300, 40, 40))).changes

    assert [change.kind for change in near] == ["modified"]
    assert sorted(change.kind for change in far) == ["added", "removed"]


def test_ink_may_stray_a_little() -> None:
    old, new = a_picture((300, 300, 40, 40)), a_picture((302, 301, 40, 40))

    assert detect(old, new).changes == ()
    assert len(detect(old, a_picture((306, 300, 40, 40))).changes) == 1


def test_a_fill_without_lines_is_found_by_its_tone() -> None:
    (change,) = detect(a_picture(), a_picture((500, 400, 120, 100), grey=200)).changes

    assert change.kind == "fill"
    assert change.box == pytest.approx((500, 400, 120, 100), abs=12)


def test_specks_and_cut_edges_are_no_change() -> None:
    new = a_picture()
    new[500, 500] = new[600:603, 700] = 0
    new[:, :3] = 0

    assert detect(a_picture(), new).changes == ()


def test_what_the_old_sheet_does_not_cover_is_added_not_removed() -> None:
    old, new = a_picture((300, 300, 40, 40)), a_picture((900, 300, 40, 40))
    cover = np.ones(SIZE, np.uint8)
    cover[:, 200:500] = 0

    (change,) = change_detection.detect(sheet_ink.extract(old), sheet_ink.extract(new), cover).changes

    assert change.kind == "added"


def test_the_ratio_is_the_share_of_ink_without_counterpart() -> None:
    border = 2 * 4 * (SIZE[1] - 80 + SIZE[0] - 88)

    assert detect(a_picture(), a_picture((300, 300, 100, 100))).ratio == pytest.approx(
        10_000 / (2 * border + 10_000), abs=1e-3
    )


def test_words_go_to_the_region_they_touch_and_widen_it() -> None:
    gone, came = Word("STORE", 290, 296, 70, 20), Word("OFFICE", 290, 296, 90, 20)
    old, new = a_picture((300, 300, 20, 14)), a_picture((340, 300, 20, 14))

    (change,) = detect(old, new, WordChanges((gone,), (came,))).changes

    assert (change.kind, change.words_removed, change.words_added) == ("modified", ("STORE",), ("OFFICE",))
    assert change.box == (290, 296, 91, 21)


def test_a_changed_word_too_small_to_be_a_region_is_one_all_the_same() -> None:
    old, new = a_picture((300, 300, 3, 14)), a_picture((300, 300, 3, 14), (306, 300, 3, 9))
    gone, came = Word("1", 300, 300, 4, 14), Word("11", 300, 300, 9, 14)
    invisible = Word("HIDDEN", 800, 700, 60, 14)

    (change,) = detect(old, new, WordChanges((gone,), (came, invisible))).changes

    assert (change.kind, change.words_removed, change.words_added) == ("modified", ("1",), ("11",))


def test_text_that_is_only_set_differently_is_no_change() -> None:
    old, new = a_picture((300, 300, 60, 14)), a_picture((312, 300, 66, 14))
    before, after = [Word("VDD_3V3A", 300, 300, 60, 14)], [Word("VDD_3V3A", 312, 300, 66, 14)]

    assert len(detect(old, new).changes) == 1
    assert detect(old, new, text_diff.diff(before, after, 12)).changes == ()


def test_every_edit_of_a_drawn_plan_is_found() -> None:
    plan = a_plan()
    old, new = plan.pictures
    fit = alignment.align(old, new)
    moved = binarization.warp(old, fit.matrix, new.shape[1], new.shape[0])
    cover = binarization.coverage_mask(old.shape, fit.matrix, new.shape[1], new.shape[0])
    differing = text_diff.diff(page_words.transform_words(plan.words[0], fit.matrix), plan.words[1], 6)

    findings = change_detection.detect(
        sheet_ink.extract(moved),
        sheet_ink.extract(new),
        cover,
        differing,
        Sensitivity(tolerance=2, merge_distance=22, min_ink=20),
    )

    for left, top, right, bottom in plan.sheet.changed:
        edges = (left, top, right - left, bottom - top)
        x, y, width, height = (round(edge * PIXELS_PER_POINT) for edge in edges)
        assert any(
            change_detection.boxes_overlap(change.box, (x, y, width, height)) for change in findings.changes
        )
    assert {word for change in findings.changes for word in change.words_added} == {
        word.text for word in differing.added
    }
