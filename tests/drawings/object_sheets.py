"""Plans with one changed object each, drawn in both revisions at 1:100, and their comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.drawings import rendering
from pipelines.drawings.change_detection import Change
from pipelines.drawings.comparison import ComparisonResult, compare
from pipelines.drawings.locations import Place
from server.demo import drawings
from server.demo.drawings import Edit, Sheet, frame, grid, walls
from server.demo.marks import SYMBOLS, Mark, Shape, Stroke, Text, arc, rectangle

SIZE = (842.0, 595.0)
DPI = 150
COLUMNS, ROWS = (90.0, 260.0, 430.0, 640.0), (100.0, 300.0, 520.0)
ROOMS = {
    ("OFFICE", "101"): (175, 130),
    ("STORE", "102"): (345, 130),
    ("LOBBY", "103"): (535, 130),
    ("KITCHEN", "104"): (175, 330),
    ("STUDIO", "105"): (345, 330),
    ("LIBRARY", "106"): (535, 330),
}
"""Labels of the rooms by the positions of their names."""


@dataclass(frozen=True)
class Comparison:
    """The changes of a sheet and where they are."""

    result: ComparisonResult

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.result.changes

    @property
    def places(self) -> tuple[Place, ...]:
        return self.result.places


def label(name: str, number: str, x: float, y: float) -> Mark:
    return Mark("label", (Text(x, y, name, 8), Text(x, y + 11, number, 7)))


def text(x: float, y: float, words: str, size: float = 7) -> Mark:
    return Mark("text", (Text(x, y, words, size),))


def box(left: float, top: float, width: float, height: float) -> Mark:
    return Mark("table", (rectangle((left, top, left + width, top + height), 0.8),))


def desk(left: float, top: float) -> Mark:
    """A symbol that looks like no other."""
    shapes: tuple[Shape, ...] = (
        rectangle((left, top, left + 34, top + 20), 0.8),
        Stroke(((left + 4, top + 4), (left + 20, top + 15)), 0.8),
        arc((left + 26, top + 10), 5, 0, 360, 0.8),
    )
    return Mark("desk", shapes)


def door(left: float, wall: float, width: float) -> Mark:
    """A door leaf with its swing, on a wall."""
    leaf = Stroke(((left, wall), (left, wall - width)), 0.9)
    return Mark("door", (leaf, arc((left, wall), width, 270, 360)))


def symbol(name: str, left: float, top: float, width: float, height: float) -> Mark:
    return Mark(name, SYMBOLS[name]((left, top, left + width, top + height)))


def draw(edits: Sequence[Edit], common: Sequence[Mark] = (), rooms: bool = True) -> Sheet:
    """A plan of six rooms with these edits."""
    area = (COLUMNS[0], ROWS[0], COLUMNS[-1], ROWS[-1])
    marks = [*frame(SIZE, "GROUND FLOOR PLAN"), *grid(COLUMNS, ROWS, area), walls(COLUMNS, ROWS), *common]
    if rooms:
        marks += [label(*names, x, y) for names, (x, y) in ROOMS.items()]
    return Sheet("A-101", "GROUND FLOOR PLAN", SIZE, tuple(marks), tuple(edits))


def compare_sheet(sheet: Sheet, folder: Path) -> Comparison:
    """Compare both revisions of a sheet."""
    pages = []
    for revision in (0, 1):
        file = folder / f"{revision}.pdf"
        drawings.write([sheet], revision, file)
        pages.append(rendering.render(file, 1, folder / f"{revision}.png", dpi=DPI))
    old, new = pages
    return Comparison(compare(old.image, new.image, old.words, new.words, folder))
