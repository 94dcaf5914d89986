from pathlib import Path

import pypdfium2
import pytest
from reportlab.pdfgen.canvas import Canvas

from pipelines.drawings import page_words
from pipelines.drawings.page_words import Word


def read(path: Path) -> list[Word]:
    with pypdfium2.PdfDocument(path) as document:
        return page_words.read_text_layer(document[0], 1275, 825)


def a_page(path: Path, *, rotate: int = 0, strikes: int = 1) -> Path:
    """612 x 396 points; at 150 dpi `A-101` stands at (200, 825 - 100) pixels, `UP` reads upwards."""
    canvas = Canvas(str(path), pagesize=(612, 396), invariant=1)
    if rotate:
        canvas.setPageRotation(rotate)
    canvas.setFont("Helvetica", 24)
    for strike in range(strikes):
        canvas.drawString(96 + 0.2 * strike, 48, "A-101 LEVEL")
    canvas.rotate(90)
    canvas.drawString(100, -300, "UP")
    canvas.save()
    return path


def test_words_have_their_places_and_directions(tmp_path: Path) -> None:
    found = {word.text: word for word in read(a_page(tmp_path / "a.pdf"))}

    assert set(found) == {"A-101", "LEVEL", "UP"}
    assert (found["A-101"].x, found["A-101"].y + found["A-101"].height) == pytest.approx((200, 725), abs=3)
    assert [found[text].angle for text in ("A-101", "LEVEL", "UP")] == [0, 0, 270]
    assert found["UP"].text_height == pytest.approx(0.72 * 24 * 150 / 72, abs=3)


@pytest.mark.parametrize("strikes", [2, 3])
def test_what_is_struck_again_is_read_once(tmp_path: Path, strikes: int) -> None:
    texts = sorted(word.text for word in read(a_page(tmp_path / "a.pdf", strikes=strikes)))

    assert texts == ["A-101", "LEVEL", "UP"]


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_rotated_page_is_read_as_displayed(tmp_path: Path, rotate: int) -> None:
    found = {word.text: word.angle for word in read(a_page(tmp_path / "a.pdf", rotate=rotate))}

    assert found == {"A-101": rotate, "LEVEL": rotate, "UP": (270 + rotate) % 360}


def test_words_survive_a_file(tmp_path: Path) -> None:
    every = [Word("Größe", 1.25, 2, 30, 10.04, 90), Word('1/4"', 5, 6, 7, 8)]

    page_words.save(every, tmp_path / "words.json")

    assert page_words.load(tmp_path / "words.json") == [
        Word("Größe", 1.2, 2, 30, 10.0, 90),
        Word('1/4"', 5, 6, 7, 8),
    ]


def test_moved_words_turn_with_the_sheet() -> None:
    quarter = (0.0, -2.0, 500.0, 2.0, 0.0, 10.0)

    assert page_words.transform_words([Word("A", 10, 20, 30, 8)], quarter) == [Word("A", 444, 30, 16, 60, 90)]


def test_signs_without_a_meaning_are_not_legible() -> None:
    assert not page_words.is_legible([])
    assert not page_words.is_legible([Word("\ue001\ue002\ue003A", 0, 0, 1, 1)] * 5)
    assert page_words.is_legible([Word("A-101", 0, 0, 1, 1)])
