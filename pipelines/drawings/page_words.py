"""Words of a page with their bounding boxes: the text layer of PDF pages, and words files."""

import ctypes
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2
from pypdfium2 import raw

from pipelines.drawings.pdf_layers import HIDDEN_KEY, MARKED_INFO

Matrix = tuple[float, float, float, float, float, float]
"""A 2x3 affine transform by rows: x' = a x + b y + c, y' = d x + e y + f."""

DUPLICATE_OFFSET_RATIO = 0.2
"""Equal characters within this share of their height are duplicates."""

INVISIBLE_MODES = frozenset((raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP))
"""Text rendering modes that draw nothing."""

SCAN_AREA_SHARE = 0.5
"""A page whose images cover at least this share of it is a scan."""

MAX_FORM_DEPTH = 8

MIN_CONTRAST = 4
"""Difference in grey that something visible makes."""

WORD_GAP_RATIO = 0.45
"""A gap wider than this share of the text height ends a word."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its box (left, top, width, height in pixels of the page's image).

    `angle` is 0, 90, 180 or 270 degrees, clockwise as one looks at the picture; 0 is from left to right.
    `optical` marks words from OCR, which may contain errors.
    """

    text: str
    x: float
    y: float
    width: float
    height: float
    angle: int = 0
    optical: bool = False

    @property
    def text_height(self) -> float:
        """Height of its letters in pixels, in any direction."""
        return self.height if self.angle % 180 == 0 else self.width

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(slots=True)
class Character:
    """A character's box in pixels and the direction of its line as a unit vector."""

    text: str
    box: tuple[float, float, float, float]
    direction: tuple[float, float]

    def extent(self, along: bool) -> tuple[float, float]:
        """First and last position along the line, or across it."""
        x, y = self.direction if along else (-self.direction[1], self.direction[0])
        left, top, right, bottom = self.box
        positions = [left * x + top * y, right * x + top * y, left * x + bottom * y, right * x + bottom * y]
        return min(positions), max(positions)


def read_text_layer(page: pypdfium2.PdfPage, width: int, height: int) -> list[Word]:
    """Visible words of a PDF page's text layer, in pixels of a `width` x `height` image of the page.

    Words that a scanner has recognized, which stand invisibly on the picture of the page, are `optical`.
    """
    texts = TextObjects(page)
    words = list(join_words(drop_duplicate_characters(page_characters(page, width, height, texts))))
    return [replace(word, optical=True) for word in words] if texts.is_recognized else words


class TextObjects:
    """Which texts of a page are displayed: neither drawn invisibly nor on a hidden layer."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        self._page = page
        self._visible: dict[int, bool] = {}
        self._hidden = hidden_texts(page) if page.pdf.get_metadata_value(MARKED_INFO) else frozenset()
        self.is_recognized = False
        """Whether text is shown that is drawn invisibly on a scan."""

    def is_visible(self, text: Any) -> bool:
        """Whether a text object is displayed."""
        address = ctypes.cast(text, ctypes.c_void_p).value
        if address is None:
            return True
        if address not in self._visible:
            self._visible[address] = address not in self._hidden and not is_marked_hidden(text)
            if raw.FPDFTextObj_GetTextRenderMode(text) in INVISIBLE_MODES and self._visible[address]:
                self._visible[address] = self._is_scan
                self.is_recognized |= self._is_scan
        return self._visible[address]

    @cached_property
    def _is_scan(self) -> bool:
        width, height = self._page.get_size()
        area = 0.0
        for image in self._page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,), max_depth=3):
            left, bottom, right, top = image.get_bounds()
            area += (right - left) * (top - bottom)
        return bool(area >= SCAN_AREA_SHARE * width * height)


def hidden_texts(page: pypdfium2.PdfPage) -> frozenset[int]:
    """Addresses of the text objects in forms that are on hidden layers."""
    addresses: set[int] = set()

    def collect(form: Any, depth: int) -> None:
        for index in range(max(0, raw.FPDFFormObj_CountObjects(form))):
            part = raw.FPDFFormObj_GetObject(form, index)
            if raw.FPDFPageObj_GetType(part) == raw.FPDF_PAGEOBJ_FORM and depth < MAX_FORM_DEPTH:
                collect(part, depth + 1)
            addresses.add(ctypes.cast(part, ctypes.c_void_p).value or 0)

    def search(count: int, part_at: Callable[[int], Any], depth: int) -> None:
        for index in range(count):
            part = part_at(index)
            if raw.FPDFPageObj_GetType(part) != raw.FPDF_PAGEOBJ_FORM:
                continue
            if is_marked_hidden(part):
                collect(part, 0)
            elif depth < MAX_FORM_DEPTH:
                search(
                    max(0, raw.FPDFFormObj_CountObjects(part)),
                    partial(raw.FPDFFormObj_GetObject, part),
                    depth + 1,
                )

    search(raw.FPDFPage_CountObjects(page.raw), partial(raw.FPDFPage_GetObject, page.raw), 0)
    return frozenset(addresses)


def is_marked_hidden(part: Any) -> bool:
    """Whether a page object has the mark of a hidden layer."""
    value = ctypes.c_int()
    return any(
        raw.FPDFPageObjMark_GetParamIntValue(
            raw.FPDFPageObj_GetMark(part, index), HIDDEN_KEY[1:].encode(), value
        )
        for index in range(max(0, raw.FPDFPageObj_CountMarks(part)))
    )


def page_characters(
    page: pypdfium2.PdfPage, width: int, height: int, texts: TextObjects
) -> Iterator[Character | None]:
    """Visible characters in drawing order; None is a blank."""
    a, b, c, d, e, f = page_to_pixels(page, width, height)
    text = page.get_textpage()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    matrix = raw.FS_MATRIX()
    for index in range(text.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text.raw, index) or 32)
        has_box = raw.FPDFText_GetCharBox(text.raw, index, left, right, bottom, top)
        if not has_box or not character.isprintable() or character.isspace():
            yield None
            continue
        xs = [a * x + b * y + c for x in (left.value, right.value) for y in (bottom.value, top.value)]
        ys = [d * x + e * y + f for x in (left.value, right.value) for y in (bottom.value, top.value)]
        is_on_page = 0 <= min(xs) + max(xs) <= 2 * width and 0 <= min(ys) + max(ys) <= 2 * height
        if not is_on_page or not texts.is_visible(raw.FPDFText_GetTextObject(text.raw, index)):
            yield None
            continue
        raw.FPDFText_GetMatrix(text.raw, index, matrix)
        baseline = a * matrix.a + b * matrix.b, d * matrix.a + e * matrix.b
        length = math.hypot(*baseline) or 1.0
        yield Character(
            character, (min(xs), min(ys), max(xs), max(ys)), (baseline[0] / length, baseline[1] / length)
        )


def drop_unseen(words: Iterable[Word], picture: npt.NDArray[np.uint8]) -> list[Word]:
    """The words whose place in the picture shows anything: others are clipped, covered or white."""
    seen = []
    for word in words:
        left, top = max(0, math.floor(word.x)), max(0, math.floor(word.y))
        place = picture[top : math.ceil(word.y + word.height) + 1, left : math.ceil(word.x + word.width) + 1]
        if place.size and np.ptp(place, axis=(0, 1)).max() >= MIN_CONTRAST:
            seen.append(word)
    return seen


def page_to_pixels(page: pypdfium2.PdfPage, width: int, height: int) -> Matrix:
    """From PDF points (y up, before /Rotate) to pixels of the displayed page (y down)."""
    probe = 1000.0
    viewport = (0, 0, width * 1000, height * 1000, 0)
    x, y = (ctypes.c_int(), ctypes.c_int()), (ctypes.c_int(), ctypes.c_int())
    corners = []
    for point in ((0.0, 0.0), (probe, 0.0), (0.0, probe)):
        raw.FPDF_PageToDevice(page.raw, *viewport, *point, x[0], y[0])
        corners.append((x[0].value / 1000, y[0].value / 1000))
    (ox, oy), (rx, ry), (ux, uy) = corners
    return (rx - ox) / probe, (ux - ox) / probe, ox, (ry - oy) / probe, (uy - oy) / probe, oy


def drop_duplicate_characters(characters: Iterable[Character | None]) -> Iterator[Character | None]:
    """Drop characters that are drawn again at the same position, as CAD programs do for bold text."""
    seen: dict[tuple[str, int, int], list[tuple[float, float]]] = defaultdict(list)
    for character in characters:
        if character is None:
            yield None
            continue
        left, top, right, bottom = character.box
        max_offset = DUPLICATE_OFFSET_RATIO * max(right - left, bottom - top, 1.0)
        column, row = int(left // 8), int(top // 8)
        nearby = (
            place
            for across in (-1, 0, 1)
            for down in (-1, 0, 1)
            for place in seen.get((character.text, column + across, row + down), ())
        )
        if any(abs(x - left) <= max_offset and abs(y - top) <= max_offset for x, y in nearby):
            yield None
            continue
        seen[character.text, column, row].append((left, top))
        yield character


def join_words(characters: Iterable[Character | None]) -> Iterator[Word]:
    """Join consecutive characters of a line to words."""
    run: list[Character] = []
    for character in characters:
        if run and (character is None or not continues_word(run, character)):
            yield to_word(run)
            run = []
        if character is not None:
            run.append(character)
    if run:
        yield to_word(run)


def continues_word(run: Sequence[Character], character: Character) -> bool:
    """Whether a character continues the word that ends with `run`."""
    last = run[-1]
    alignment = last.direction[0] * character.direction[0] + last.direction[1] * character.direction[1]
    size = max(high - low for low, high in (part.extent(along=False) for part in (*run[-4:], character)))
    gap = character.extent(along=True)[0] - last.extent(along=True)[1]
    low, high = character.extent(along=False)
    line_low, line_high = last.extent(along=False)
    line_gap = max(line_low, low) - min(line_high, high)
    return alignment > 0.99 and -0.6 * size < gap < WORD_GAP_RATIO * size and line_gap < 0.6 * size


def to_word(run: Sequence[Character]) -> Word:
    lefts, tops, rights, bottoms = zip(*(mark.box for mark in run), strict=True)
    angle = round(math.degrees(math.atan2(run[0].direction[1], run[0].direction[0])) / 90) * 90 % 360
    text = "".join(mark.text for mark in run)
    left, top = min(lefts), min(tops)
    return Word(text, left, top, max(rights) - left, max(bottoms) - top, angle)


def save(words: Iterable[Word], path: Path) -> None:
    """Write words as JSON, with positions to a tenth of a pixel."""
    rows = [
        {key: round(value, 1) if isinstance(value, float) else value for key, value in asdict(word).items()}
        for word in words
    ]
    path.write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def load(path: Path) -> list[Word]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [Word(**row) for row in rows]


def is_legible(words: Sequence[Word]) -> bool:
    """Whether the text layer is usable: not empty, and mostly letters and digits of any
    alphabet.

    Fonts without a Unicode mapping yield control and private-use characters.
    """
    counts = Counter(sign.isalnum() for word in words for sign in word.text)
    return counts.total() >= 4 and counts[True] >= 0.5 * counts.total()


def transform_words(words: Iterable[Word], matrix: Matrix) -> list[Word]:
    """Transform the boxes of words, aligned to the image's axes."""
    a, b, c, d, e, f = matrix
    rotation = round(math.degrees(math.atan2(d, a)) / 90) * 90
    transformed = []
    for word in words:
        corners = [(word.x + i * word.width, word.y + j * word.height) for i in (0, 1) for j in (0, 1)]
        xs, ys = zip(*((a * x + b * y + c, d * x + e * y + f) for x, y in corners), strict=True)
        transformed.append(
            Word(
                word.text,
                min(xs),
                min(ys),
                max(xs) - min(xs),
                max(ys) - min(ys),
                (word.angle + rotation) % 360,
                word.optical,
            )
        )
    return transformed
