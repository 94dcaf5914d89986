import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from pipelines.drawings import binarization, rendering
from pipelines.drawings.comparison import ComparisonOptions, ComparisonResult, compare
from pipelines.drawings.rendering import RenderedPage
from server.demo import drawings

REAL = Path(os.environ.get("DRAWINGS", Path(__file__).parents[3] / "shared/data/drawings"))


def draw_pages(folder: Path, seed: int = 11) -> tuple[RenderedPage, RenderedPage]:
    sheet = drawings.plan("A-101", "GROUND FLOOR PLAN", seed, changed=0.05)
    drawings.write([sheet], 0, folder / "old.pdf")
    drawings.write([sheet], 1, folder / "new.pdf")
    old, new = (
        rendering.render(folder / f"{name}.pdf", 1, folder / f"{name}.png") for name in ("old", "new")
    )
    return old, new


def compare_pages(old: RenderedPage, new: RenderedPage, folder: Path) -> ComparisonResult:
    return compare(old.image, new.image, old.words, new.words, folder)


def test_a_pair_in_a_child_process_gives_plain_values_and_pictures(tmp_path: Path) -> None:
    old, new = draw_pages(tmp_path)
    arguments = (old.image, new.image, old.words, new.words, tmp_path, ComparisonOptions())

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        outcome = pool.submit(compare, *arguments).result()

    assert outcome.is_confident
    assert (round(outcome.score, 2), round(outcome.change_ratio, 4)) == (1.0, 0.0028)
    assert {"27", "MAR", "2025", "B"} <= set(outcome.words_added)
    assert {"06", "NOV", "2024", "A"} <= set(outcome.words_removed)
    assert len(outcome.changes) == 6
    assert sorted(outcome.locations) == [
        "in COPY 250, upper left, near grid E/2",
        "in MEETING 243, centre, near grid C/5",
        "in PANTRY 290, centre, near grid D/5",
        *["lower right, near grid B/7"] * 2,
        "upper right, near grid E/6",
    ]
    assert set(outcome.seconds) == {
        "reading",
        "alignment",
        "moving",
        "words",
        "changes",
        "objects",
        "overlay",
    }
    assert binarization.read_greyscale(outcome.overlay).shape == (new.height, new.width)
    assert max(binarization.read_greyscale(outcome.preview).shape) == 2000
    assert pickle.loads(pickle.dumps(outcome)) == outcome


def test_the_same_pair_gives_the_same_bytes(tmp_path: Path) -> None:
    old, new = draw_pages(tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    one, other = compare_pages(old, new, first), compare_pages(old, new, second)

    assert (one.changes, one.transform, one.score) == (other.changes, other.transform, other.score)
    assert one.overlay.read_bytes() == other.overlay.read_bytes()


def test_without_confidence_no_regions_are_listed(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (old, _), (_, new) = draw_pages(here, seed=11), draw_pages(there, seed=77)

    outcome = compare_pages(old, new, tmp_path)

    assert not outcome.is_confident
    assert (outcome.changes, outcome.change_ratio) == ((), 1.0)
    assert outcome.overlay.exists()


@pytest.mark.skipif(not REAL.is_dir(), reason=f"there are no real drawings in {REAL}")
def test_a_real_revision_says_which_resistor_changed(tmp_path: Path) -> None:
    old = rendering.render(REAL / "beaglebone_sch_A6A_rot90.pdf", 2, tmp_path / "old.png")
    new = rendering.render(REAL / "beaglebone_sch_B.pdf", 2, tmp_path / "new.png")

    outcome = compare_pages(old, new, tmp_path)

    received = {(change.words_removed, change.words_added) for change in outcome.changes}
    assert (old.sheet.name, new.sheet.name) == ("Sheet_02", "Sheet_02")
    assert outcome.score >= 0.8
    assert outcome.rotation == pytest.approx(-90, abs=0.1)
    assert {(("0,DNI",), ("0",)), (("0,1%",), ("0,1%,DNI",)), (("A6A",), ("B",))} <= received
