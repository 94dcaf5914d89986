"""A small plan to compare: drawn once, in both revisions, at 150 dpi."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from pipelines.drawings import binarization, page_words, rendering
from pipelines.drawings.binarization import GreyImage
from pipelines.drawings.page_words import Word
from server.demo import drawings
from server.demo.drawings import Sheet

DPI = 150
PIXELS_PER_POINT = DPI / 72


@dataclass(frozen=True)
class Plan:
    """A sheet with its pictures and words, old and new."""

    sheet: Sheet
    pictures: tuple[GreyImage, GreyImage]
    words: tuple[list[Word], list[Word]]


@cache
def a_plan(seed: int = 11, changed: float = 0.05, number: str = "A-101") -> Plan:
    folder = Path(mkdtemp(prefix="plan-"))
    sheet = drawings.plan(number, "GROUND FLOOR PLAN", seed, changed=changed)
    pictures, texts = [], []
    for revision in (0, 1):
        document = folder / f"{revision}.pdf"
        drawings.write([sheet], revision, document)
        page = rendering.render(document, 1, folder / f"{revision}.png", dpi=DPI)
        pictures.append(binarization.read_greyscale(page.image))
        texts.append(page_words.load(page.words))
    return Plan(sheet, (pictures[0], pictures[1]), (texts[0], texts[1]))
