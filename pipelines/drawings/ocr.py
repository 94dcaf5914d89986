"""Reading the words off a picture where a page carries no usable text."""

import time
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise, product
from math import ceil, sqrt

import cv2
import numpy as np
import numpy.typing as npt
from rapidocr import RapidOCR

from pipelines.drawings.page_words import Word

Grey = npt.NDArray[np.uint8]

TITLE_BLOCK = (0.70, 0.76)
"""Where the title block begins, in shares of width and height: right 30 %, lower 24 %."""

SHEET_DPI = 150.0
SHEET_PIXELS = 12_000_000
"""A whole sheet is read at this resolution at most, and made smaller than that where it has more pixels."""

TILE, MARGIN = 1500, 120
"""A sheet is read in parts of so many pixels each way at most, that overlap by twice the margin.

The engine shrinks what is longer than 2,000 pixels.
"""

SHEET_SECONDS = 60.0
"""How long reading a whole sheet may take before it is given up, seconds on the clock."""

SEAM = 10
"""How far, in pixels, two readings of a word where parts of a sheet meet may put its middle apart."""

SPECKS = 20
"""Dark pixels in a part below which there is nothing to read in it."""

UPENDED = 1.5
"""Height over width from which the engine takes a line to run along the sheet's height."""


def title_block(grey: Grey) -> list[Word]:
    """The words in the lower right corner of a sheet, in pixels of the whole sheet. Takes seconds."""
    height, width = grey.shape
    left, top = int(width * TITLE_BLOCK[0]), int(height * TITLE_BLOCK[1])
    return [moved(each, left, top) for each in read(grey[top:, left:])]


def sheet(grey: Grey, dpi: float | None, *, seconds: float = SHEET_SECONDS) -> list[Word]:
    """The words of a whole sheet, in its pixels, those of turned lines too; two seconds a megapixel or so.

    All of them or none: where it takes longer than `seconds` none, as words left unread would seem removed.
    """
    scale = min(1.0, sqrt(SHEET_PIXELS / grey.size), SHEET_DPI / dpi if dpi else 1.0)
    small = grey if scale == 1 else shrunk(grey, scale)
    end = time.monotonic() + seconds
    words: list[Word] = []
    for (top, bottom), (left, right) in product(*(parts(length) for length in small.shape)):
        if time.monotonic() > end:
            return []
        x, y = max(left - MARGIN, 0), max(top - MARGIN, 0)
        part = small[y : bottom + MARGIN, x : right + MARGIN]
        if np.count_nonzero(part < 128) < SPECKS:
            continue
        area = left - SEAM, right + SEAM, top - SEAM, bottom + SEAM
        found = [moved(each, x, y) for each in read(part, upended=True)]
        inside = [each for each in found if within(each, *area)]
        words += [each for each in inside if not any(covers(other, each) for other in words)]
    return [enlarged(each, 1 / scale) for each in words]


def shrunk(grey: Grey, scale: float) -> Grey:
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def parts(length: int) -> Iterator[tuple[int, int]]:
    """A length in equal parts of at most `TILE`."""
    count = ceil(length / TILE)
    return pairwise(round(index * length / count) for index in range(count + 1))


def within(word: Word, left: float, right: float, top: float, bottom: float) -> bool:
    """Whether the middle of a word is there."""
    x, y = word.centre
    return left <= x < right and top <= y < bottom


def covers(one: Word, other: Word) -> bool:
    """Whether a word has been read at the place of another."""
    return within(other, one.x, one.x + one.width, one.y, one.y + one.height)


def moved(word: Word, x: float, y: float) -> Word:
    return Word(word.text, word.x + x, word.y + y, word.width, word.height, word.angle, optical=True)


def enlarged(word: Word, by: float) -> Word:
    x, y, width, height = (edge * by for edge in (word.x, word.y, word.width, word.height))
    return Word(word.text, x, y, width, height, word.angle, optical=True)


def read(picture: Grey, *, upended: bool = False) -> list[Word]:
    """The words of a picture, in its pixels; with `upended`, also lines that run upwards or upside down."""
    found = reader()(np.ascontiguousarray(np.repeat(picture[:, :, None], 3, axis=2)), use_cls=upended)
    boxes, texts = getattr(found, "boxes", None), getattr(found, "txts", None)
    if boxes is None or texts is None:
        return []
    words: list[Word] = []
    for box, text in zip(boxes, texts, strict=True):
        (x, y), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
        apart = split_upwards if upended and bottom - y >= UPENDED * (right - x) else split
        words.extend(apart(text, x, y, right - x, bottom - y))
    return words


def split(text: str, x: float, y: float, width: float, height: float) -> list[Word]:
    """A line's words, each with its share of the line's box by its share of the letters."""
    step = width / max(len(text), 1)
    return [
        Word(part, x + start * step, y, len(part) * step, height, optical=True)
        for start, part in placed(text.split(), text)
    ]


def split_upwards(text: str, x: float, y: float, width: float, height: float) -> list[Word]:
    """The words of a line that is read from the bottom to the top."""
    step = height / max(len(text), 1)
    return [
        Word(part, x, y + height - (start + len(part)) * step, width, len(part) * step, 270, optical=True)
        for start, part in placed(text.split(), text)
    ]


def placed(words: Sequence[str], text: str) -> Iterator[tuple[int, str]]:
    """Where in a line each of its words begins."""
    start = 0
    for part in words:
        start = text.index(part, start)
        yield start, part
        start += len(part)


@cache
def reader() -> RapidOCR:
    """One engine per process, on one thread, with the models of its package."""
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
