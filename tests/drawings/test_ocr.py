"""Sheets that are pictures only: their words are read off them, and what was misread is no change."""

from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines.drawings import binarization, ocr, ocr_errors, page_words, rendering
from pipelines.drawings.comparison import compare
from pipelines.drawings.page_words import Word
from pipelines.drawings.rendering import RenderedPage
from pipelines.drawings.text_diff import WordChanges
from server.demo import drawings

DPI = 150
SMALL = (720.0, 540.0)


def scan(drawn: Path, turn: float, seed: int) -> Path:
    """A PDF of one picture: the page turned by so many degrees, blurred, greyed and grainy."""
    picture = binarization.read_greyscale(drawn)
    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    turned = cv2.GaussianBlur(
        cv2.warpAffine(picture, matrix, (width, height), borderValue=(255,)), (0, 0), 0.6
    )
    grain = np.random.default_rng(seed).normal(0, 6, turned.shape)
    grey = np.clip(235 - 0.9 * (255.0 - turned) + grain, 0, 255).astype(np.uint8)
    target = drawn.with_suffix(".scan.pdf")
    Image.fromarray(grey).save(target, resolution=DPI)
    return target


@cache
def scans() -> tuple[list[list[str]], tuple[RenderedPage, RenderedPage]]:
    """The words of a sheet's two revisions, and both as they come back from a scan."""
    folder = Path(mkdtemp(prefix="scans-"))
    sheet = drawings.plan("A-101", "GROUND FLOOR PLAN", 4, size=SMALL, changed=0.1)
    texts, read = [], []
    for revision, turn in enumerate((-0.2, 0.3)):
        drawings.write([sheet], revision, folder / f"{revision}.pdf")
        drawn = rendering.render(folder / f"{revision}.pdf", 1, folder / f"{revision}.png", dpi=DPI)
        texts.append([each.text for each in page_words.load(drawn.words)])
        document = scan(drawn.image, turn, revision)
        read.append(rendering.render(document, 1, folder / f"{revision}.read.png", dpi=DPI))
    return texts, (read[0], read[1])


def test_a_scanned_sheet_is_read_whole() -> None:
    texts, read = scans()

    for text, page in zip(texts, read, strict=True):
        found = page_words.load(page.words)
        assert (page.sheet.name, page.sheet.source, page.scale) == ("A-101", "ocr", "1:100")
        assert page.word_count == len(found)
        assert all(each.optical for each in found)
        missed = Counter(text) - Counter(each.text for each in found)
        assert missed.total() <= 0.1 * len(text)


def test_a_changed_word_is_found_on_scans(tmp_path: Path) -> None:
    (before, after), (old, new) = scans()

    outcome = compare(old.image, new.image, old.words, new.words, tmp_path)

    assert outcome.is_confident
    assert {"06", "NOV", "2024", "A"} <= set(outcome.words_removed)
    assert {"27", "MAR", "2025", "B"} <= set(outcome.words_added)
    assert {"NOV"} <= {word for change in outcome.changes for word in change.words_removed}
    gone, came = Counter(before) - Counter(after), Counter(after) - Counter(before)
    assert set(outcome.words_removed) <= set(gone)
    assert set(outcome.words_added) <= set(came)


def test_what_is_not_read_in_time_is_not_read_at_all() -> None:
    _, (page, _) = scans()

    assert ocr.read_sheet(binarization.read_greyscale(page.image), page.dpi, timeout=0) == []


def test_an_empty_sheet_has_no_words() -> None:
    assert ocr.read_sheet(np.full((2000, 3000), 255, np.uint8), None) == []


@pytest.mark.parametrize("side", [1, 1500, 1501, 6400])
def test_parts_cover_a_side(side: int) -> None:
    parts = list(ocr.tile_ranges(side))

    assert [parts[0][0], parts[-1][1]] == [0, side]
    assert all(end == begin for (_, end), (begin, _) in pairwise(parts))
    assert max(end - begin for begin, end in parts) <= ocr.TILE_SIZE


def test_the_words_of_an_upright_line_stand_above_one_another() -> None:
    assert ocr.split_vertical_line("NO EXIT", 10, 100, 20, 70) == [
        Word("NO", 10, 150, 20, 20, 270, optical=True),
        Word("EXIT", 10, 100, 20, 40, 270, optical=True),
    ]


def test_a_word_is_no_change_where_the_ink_is_alike() -> None:
    old = np.full((200, 400), 255, np.uint8)
    for text, x in (("ROOM", 20), ("STORE", 200)):
        cv2.putText(old, text, (x, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0,), 3)
    new = np.roll(old, 1, axis=1)
    new[:, 190:] = 255
    cv2.putText(new, "OFFICE", (200, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0,), 3)
    differing = WordChanges(
        (Word("ROOM", 20, 60, 130, 45), Word("STORE", 200, 60, 150, 45)),
        (Word("R00M", 20, 60, 130, 45), Word("OFFICE", 200, 60, 160, 45)),
    )

    kept = ocr_errors.drop_ocr_errors(differing, old, new)

    assert [each.text for each in kept.removed] == ["STORE"]
    assert [each.text for each in kept.added] == ["OFFICE"]
