"""The words of a page with their places, and how the words of two sheets differ."""

import ctypes
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2
from pypdfium2 import raw

Matrix = tuple[float, float, float, float, float, float]
"""A 2x3 affine transform by rows: x' = a x + b y + c, y' = d x + e y + f."""

STRUCK_TWICE = 0.2
"""Equal characters nearer than this share of their height are one character, struck again."""

WORD_GAP = 0.45
"""A gap along the line wider than this share of the text height ends a word."""


@dataclass(frozen=True, slots=True)
class Word:
    """Text in a box (left, top, width, height in pixels of the page's picture) and the direction it is read
    in.

    `angle` is 0, 90, 180 or 270 degrees, clockwise as one looks at the picture; 0 is from left to right.
    """

    text: str
    x: float
    y: float
    width: float
    height: float
    angle: int = 0

    @property
    def size(self) -> float:
        """The height of its letters in pixels, whichever way it is turned."""
        return self.height if self.angle % 180 == 0 else self.width

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class WordChanges:
    """The words of the old sheet that are gone and those that came, in the new sheet's pixels.

    `shifted` are words that both sheets have at nearly the same place, with their old and new boxes: text
    that was set anew, in another width or a little aside.
    """

    removed: tuple[Word, ...] = ()
    added: tuple[Word, ...] = ()
    shifted: tuple[Word, ...] = ()


@dataclass(slots=True)
class Character:
    """A character's box in pixels and the direction of its line as a unit vector."""

    text: str
    box: tuple[float, float, float, float]
    direction: tuple[float, float]

    def extent(self, along: bool) -> tuple[float, float]:
        """Its first and last position along its line, or across it."""
        x, y = self.direction if along else (-self.direction[1], self.direction[0])
        left, top, right, bottom = self.box
        positions = [left * x + top * y, right * x + top * y, left * x + bottom * y, right * x + bottom * y]
        return min(positions), max(positions)


def read(page: pypdfium2.PdfPage, width: int, height: int) -> list[Word]:
    """The words a PDF page draws, each once, on a picture of the page of `width` x `height` pixels."""
    return list(join(once(characters(page, width, height))))


def characters(page: pypdfium2.PdfPage, width: int, height: int) -> Iterator[Character | None]:
    """The visible characters in the order of drawing; None stands for a blank."""
    a, b, c, d, e, f = page_to_picture(page, width, height)
    text = page.get_textpage()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    matrix = raw.FS_MATRIX()
    for index in range(text.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text.raw, index) or 32)
        known = raw.FPDFText_GetCharBox(text.raw, index, left, right, bottom, top)
        if not known or not character.isprintable() or character.isspace():
            yield None
            continue
        xs = [a * x + b * y + c for x in (left.value, right.value) for y in (bottom.value, top.value)]
        ys = [d * x + e * y + f for x in (left.value, right.value) for y in (bottom.value, top.value)]
        raw.FPDFText_GetMatrix(text.raw, index, matrix)
        along = a * matrix.a + b * matrix.b, d * matrix.a + e * matrix.b
        length = math.hypot(*along) or 1.0
        yield Character(
            character, (min(xs), min(ys), max(xs), max(ys)), (along[0] / length, along[1] / length)
        )


def page_to_picture(page: pypdfium2.PdfPage, width: int, height: int) -> Matrix:
    """From PDF points (y up, before /Rotate) to pixels of the displayed page (y down)."""
    probe = 1000.0
    place = (0, 0, width * 1000, height * 1000, 0)
    x, y = (ctypes.c_int(), ctypes.c_int()), (ctypes.c_int(), ctypes.c_int())
    corners = []
    for point in ((0.0, 0.0), (probe, 0.0), (0.0, probe)):
        raw.FPDF_PageToDevice(page.raw, *place, *point, x[0], y[0])
        corners.append((x[0].value / 1000, y[0].value / 1000))
    (ox, oy), (rx, ry), (ux, uy) = corners
    return (rx - ox) / probe, (ux - ox) / probe, ox, (ry - oy) / probe, (uy - oy) / probe, oy


def once(marks: Iterable[Character | None]) -> Iterator[Character | None]:
    """Drop what is struck again at the same place, as CAD programs do for bold text."""
    seen: dict[tuple[str, int, int], list[tuple[float, float]]] = defaultdict(list)
    for mark in marks:
        if mark is None:
            yield None
            continue
        left, top, right, bottom = mark.box
        reach = STRUCK_TWICE * max(right - left, bottom - top, 1.0)
        column, row = int(left // 8), int(top // 8)
        near = (
            place
            for across in (-1, 0, 1)
            for down in (-1, 0, 1)
            for place in seen.get((mark.text, column + across, row + down), ())
        )
        if any(abs(x - left) <= reach and abs(y - top) <= reach for x, y in near):
            yield None
            continue
        seen[mark.text, column, row].append((left, top))
        yield mark


def join(marks: Iterable[Character | None]) -> Iterator[Word]:
    """Characters that follow one another on a line become words."""
    run: list[Character] = []
    for mark in marks:
        if run and (mark is None or not follows(run, mark)):
            yield word(run)
            run = []
        if mark is not None:
            run.append(mark)
    if run:
        yield word(run)


def follows(run: Sequence[Character], mark: Character) -> bool:
    """Whether a character carries on the word that ends with `run`."""
    last = run[-1]
    turn = last.direction[0] * mark.direction[0] + last.direction[1] * mark.direction[1]
    size = max(high - low for low, high in (each.extent(along=False) for each in (*run[-4:], mark)))
    gap = mark.extent(along=True)[0] - last.extent(along=True)[1]
    low, high = mark.extent(along=False)
    line_low, line_high = last.extent(along=False)
    apart = max(line_low, low) - min(line_high, high)
    return turn > 0.99 and -0.6 * size < gap < WORD_GAP * size and apart < 0.6 * size


def word(run: Sequence[Character]) -> Word:
    lefts, tops, rights, bottoms = zip(*(mark.box for mark in run), strict=True)
    angle = round(math.degrees(math.atan2(run[0].direction[1], run[0].direction[0])) / 90) * 90 % 360
    text = "".join(mark.text for mark in run)
    left, top = min(lefts), min(tops)
    return Word(text, left, top, max(rights) - left, max(bottoms) - top, angle)


def save(words: Iterable[Word], path: Path) -> None:
    """Write them as JSON, positions to a tenth of a pixel."""
    rows = [
        {key: round(value, 1) if isinstance(value, float) else value for key, value in asdict(each).items()}
        for each in words
    ]
    path.write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def load(path: Path) -> list[Word]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [Word(**row) for row in rows]


def legible(words: Sequence[Word]) -> bool:
    """Whether the text layer can be trusted: some of it, and mostly letters and digits.

    Fonts without a mapping to Unicode give control characters and private signs instead.
    """
    counts = Counter(sign.isalnum() and sign.isascii() for each in words for sign in each.text)
    return counts.total() >= 4 and counts[True] >= 0.5 * counts.total()


def move(words: Iterable[Word], matrix: Matrix) -> list[Word]:
    """The words with their boxes carried through a transform, straightened to the picture's axes."""
    a, b, c, d, e, f = matrix
    turn = round(math.degrees(math.atan2(d, a)) / 90) * 90
    moved = []
    for each in words:
        corners = [(each.x + i * each.width, each.y + j * each.height) for i in (0, 1) for j in (0, 1)]
        xs, ys = zip(*((a * x + b * y + c, d * x + e * y + f) for x, y in corners), strict=True)
        moved.append(
            Word(
                each.text,
                min(xs),
                min(ys),
                max(xs) - min(xs),
                max(ys) - min(ys),
                (each.angle + turn) % 360,
            )
        )
    return moved


def difference(old: Iterable[Word], new: Iterable[Word], tolerance: float) -> WordChanges:
    """Words without a partner of equal text nearby. Both in one sheet's pixels.

    Partners are found nearest first. They may be `tolerance` pixels apart, or half the letters' height across
    the line and one and a quarter along it. What is left and says the same in the same place, only cut into
    words differently, is no difference.
    """
    places: dict[str, list[int]] = defaultdict(list)
    before, after = list(old), list(new)
    for index, each in enumerate(after):
        places[each.text].append(index)
    pairs = [
        (math.dist(each.centre, after[other].centre), index, other)
        for index, each in enumerate(before)
        for other in places.get(each.text, ())
        if near(each, after[other], tolerance)
    ]
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for _, index, other in sorted(pairs):
        if index not in partners and other not in taken:
            partners[index] = other
            taken.add(other)
    removed = [each for index, each in enumerate(before) if index not in partners]
    added = [each for index, each in enumerate(after) if index not in taken]
    for gone, came in touching(removed, added):
        if spelled(gone) == spelled(came):
            removed = [each for each in removed if each not in gone]
            added = [each for each in added if each not in came]
    shifted = [
        each
        for index, other in sorted(partners.items())
        for each in (before[index], after[other])
        if displaced(before[index], after[other])
    ]
    return WordChanges(tuple(in_reading_order(removed)), tuple(in_reading_order(added)), tuple(shifted))


def near(one: Word, other: Word, tolerance: float) -> bool:
    """Whether two equal words are close enough to be one."""
    across, along = abs(one.centre[0] - other.centre[0]), abs(one.centre[1] - other.centre[1])
    if one.angle % 180 == 0:
        across, along = along, across
    size = min(one.size, other.size)
    return across <= max(tolerance, 0.5 * size) and along <= max(tolerance, 1.25 * size)


def displaced(one: Word, other: Word, slack: float = 2.0) -> bool:
    """Whether the boxes of a word on both sheets differ by more than `slack` pixels on any side."""
    return bool(np.abs(edges([one]) - edges([other])).max() > slack)


def touching(old: Sequence[Word], new: Sequence[Word]) -> list[tuple[list[Word], list[Word]]]:
    """Old and new words in groups that overlap one another; a word alone is a group too."""
    if not old or not new:
        return [([each], []) for each in old] + [([], [each]) for each in new]
    one, other = edges(old), edges(new)
    meet = ((one[:, None, :2] < other[None, :, 2:]) & (other[None, :, :2] < one[:, None, 2:])).all(axis=2)
    parents = list(range(len(old) + len(new)))
    for index, partner in np.argwhere(meet).tolist():
        parents[root(parents, index)] = root(parents, len(old) + partner)
    members: dict[int, tuple[list[Word], list[Word]]] = {}
    for index, each in enumerate((*old, *new)):
        group = members.setdefault(root(parents, index), ([], []))
        group[0 if index < len(old) else 1].append(each)
    return list(members.values())


def root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def edges(words: Sequence[Word]) -> npt.NDArray[np.float64]:
    """Left, top, right, bottom of each."""
    rows = [(each.x, each.y, each.x + each.width, each.y + each.height) for each in words]
    return np.array(rows, np.float64).reshape(-1, 4)


def spelled(words: Sequence[Word]) -> str:
    return "".join(each.text for each in in_reading_order(words))


def in_reading_order(words: Sequence[Word]) -> list[Word]:
    """Line by line, each in the direction that it reads in; words of one direction together."""
    result: list[Word] = []
    for angle in sorted({each.angle for each in words}):
        turned = [each for each in words if each.angle == angle]
        slack = 0.7 * median(each.size for each in turned)
        lines: list[list[Word]] = []
        for each in sorted(turned, key=base_line):
            if not lines or base_line(each) - base_line(lines[-1][0]) > slack:
                lines.append([])
            lines[-1].append(each)
        result += [each for line in lines for each in sorted(line, key=line_start)]
    return result


def base_line(each: Word) -> float:
    """How far down its lower edge is, for one who reads it."""
    return {0: each.y + each.height, 90: -each.x, 180: -each.y, 270: each.x + each.width}[each.angle]


def line_start(each: Word) -> float:
    """How far along its line it begins, for one who reads it."""
    return {0: each.x, 90: each.y, 180: -each.x - each.width, 270: -each.y - each.height}[each.angle]
