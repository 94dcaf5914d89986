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

TITLE_BLOCK_ORIGIN = (0.70, 0.76)
"""Where the title block begins, in shares of width and height: right 30 %, lower 24 %."""

MAX_OCR_DPI = 150.0
MAX_OCR_PIXELS = 12_000_000
"""A whole sheet is read at this resolution at most, and made smaller than that where it has more pixels."""

TILE_SIZE, TILE_MARGIN = 1500, 120
"""A sheet is read in parts of so many pixels each way at most, that overlap by twice the margin.

The engine shrinks what is longer than 2,000 pixels.
"""

SHEET_TIMEOUT_SECONDS = 60.0
"""How long reading a whole sheet may take before it is given up, seconds on the clock."""

SEAM_TOLERANCE = 10
"""How far, in pixels, two readings of a word where parts of a sheet meet may put its middle apart."""

MIN_INK_PIXELS = 20
"""Dark pixels in a part below which there is nothing to read in it."""

VERTICAL_ASPECT_RATIO = 1.5
"""Height over width from which the engine takes a line to run along the sheet's height."""


def read_title_block(grey: Grey) -> list[Word]:
    """The words in the lower right corner of a sheet, in pixels of the whole sheet. Takes seconds."""
    height, width = grey.shape
    left, top = int(width * TITLE_BLOCK_ORIGIN[0]), int(height * TITLE_BLOCK_ORIGIN[1])
    return [translate(each, left, top) for each in recognize(grey[top:, left:])]


def read_sheet(grey: Grey, dpi: float | None, *, timeout: float = SHEET_TIMEOUT_SECONDS) -> list[Word]:
    """The words of a whole sheet, in its pixels, those of turned lines too; two seconds a megapixel or so.

    All of them or none: where it takes longer than `seconds` none, as words left unread would seem removed.
    """
    scale = min(1.0, sqrt(MAX_OCR_PIXELS / grey.size), MAX_OCR_DPI / dpi if dpi else 1.0)
    small = grey if scale == 1 else downscale(grey, scale)
    deadline = time.monotonic() + timeout
    words: list[Word] = []
    for (top, bottom), (left, right) in product(*(tile_ranges(length) for length in small.shape)):
        if time.monotonic() > deadline:
            return []
        x, y = max(left - TILE_MARGIN, 0), max(top - TILE_MARGIN, 0)
        tile = small[y : bottom + TILE_MARGIN, x : right + TILE_MARGIN]
        if np.count_nonzero(tile < 128) < MIN_INK_PIXELS:
            continue
        area = left - SEAM_TOLERANCE, right + SEAM_TOLERANCE, top - SEAM_TOLERANCE, bottom + SEAM_TOLERANCE
        recognized = [translate(each, x, y) for each in recognize(tile, vertical=True)]
        inside = [each for each in recognized if is_centre_inside(each, *area)]
        words += [each for each in inside if not any(is_same_place(other, each) for other in words)]
    return [scale_word(each, 1 / scale) for each in words]


def downscale(grey: Grey, scale: float) -> Grey:
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def tile_ranges(length: int) -> Iterator[tuple[int, int]]:
    """A length in equal parts of at most `TILE`."""
    count = ceil(length / TILE_SIZE)
    return pairwise(round(index * length / count) for index in range(count + 1))


def is_centre_inside(word: Word, left: float, right: float, top: float, bottom: float) -> bool:
    """Whether the middle of a word is there."""
    x, y = word.centre
    return left <= x < right and top <= y < bottom


def is_same_place(one: Word, other: Word) -> bool:
    """Whether a word has been read at the place of another."""
    return is_centre_inside(other, one.x, one.x + one.width, one.y, one.y + one.height)


def translate(word: Word, x: float, y: float) -> Word:
    return Word(word.text, word.x + x, word.y + y, word.width, word.height, word.angle, optical=True)


def scale_word(word: Word, factor: float) -> Word:
    x, y, width, height = (edge * factor for edge in (word.x, word.y, word.width, word.height))
    return Word(word.text, x, y, width, height, word.angle, optical=True)


def recognize(image: Grey, *, vertical: bool = False) -> list[Word]:
    """The words of a picture, in its pixels; with `upended`, also lines that run upwards or upside down."""
    output = ocr_engine()(np.ascontiguousarray(np.repeat(image[:, :, None], 3, axis=2)), use_cls=vertical)
    boxes, texts = getattr(output, "boxes", None), getattr(output, "txts", None)
    if boxes is None or texts is None:
        return []
    words: list[Word] = []
    for box, text in zip(boxes, texts, strict=True):
        (x, y), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
        split_words = split_vertical_line if vertical and bottom - y >= VERTICAL_ASPECT_RATIO * (right - x) else split_line
        words.extend(split_words(text, x, y, right - x, bottom - y))
    return words


def split_line(text: str, x: float, y: float, width: float, height: float) -> list[Word]:
    """A line's words, each with its share of the line's box by its share of the letters."""
    step = width / max(len(text), 1)
    return [
        Word(word, x + start * step, y, len(word) * step, height, optical=True)
        for start, word in word_offsets(text.split(), text)
    ]


def split_vertical_line(text: str, x: float, y: float, width: float, height: float) -> list[Word]:
    """The words of a line that is read from the bottom to the top."""
    step = height / max(len(text), 1)
    return [
        Word(part, x, y + height - (start + len(part)) * step, width, len(part) * step, 270, optical=True)
        for start, part in word_offsets(text.split(), text)
    ]


def word_offsets(words: Sequence[str], text: str) -> Iterator[tuple[int, str]]:
    """Where in a line each of its words begins."""
    start = 0
    for part in words:
        start = text.index(part, start)
        yield start, part
        start += len(part)


@cache
def ocr_engine() -> RapidOCR:
    """One engine per process, on one thread, with the models of its package."""
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
