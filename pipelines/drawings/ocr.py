"""OCR of pages without a text layer."""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import ceil, sqrt

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.page_words import Word
from pipelines.ocr_engine import ocr_engine

Grey = npt.NDArray[np.uint8]

TITLE_BLOCK_ORIGIN = (0.70, 0.76)
"""Upper left corner of the title block, in shares of width and height: right 30 %, lower 24 %."""

MAX_OCR_DPI = 150.0
MAX_OCR_PIXELS = 12_000_000
"""Sheets are downscaled to this resolution and number of pixels."""

TILE_SIZE, TILE_MARGIN = 1500, 120
"""Maximum side of a tile and its margin in pixels; tiles overlap by twice the margin.

The OCR engine downscales images of more than 2,000 pixels a side.
"""

SHEET_TIMEOUT_SECONDS = 60.0
"""Timeout of the OCR of a sheet, in wall-clock seconds."""

SEAM_TOLERANCE = 10
"""Maximum distance in pixels of the centres of a word that is recognized in two tiles."""

MIN_INK_PIXELS = 20
"""Tiles with fewer dark pixels are skipped."""

MIN_LINE_SCORE = 0.9
"""OCR is unsure of a line with a lower score."""

VERTICAL_ASPECT_RATIO = 1.5
"""Ratio of height to width from which the OCR engine considers a line vertical."""


def read_title_block(grey: Grey) -> list[Word]:
    """Words of the title block, in pixels of the whole sheet. Takes seconds."""
    height, width = grey.shape
    left, top = int(width * TITLE_BLOCK_ORIGIN[0]), int(height * TITLE_BLOCK_ORIGIN[1])
    return [translate(word, left, top) for word in recognize(grey[top:, left:])]


def read_sheet(
    grey: Grey,
    dpi: float | None,
    *,
    timeout: float = SHEET_TIMEOUT_SECONDS,
    line_scores: list[float] | None = None,
) -> list[Word]:
    """Words of a whole sheet, including rotated lines; about two seconds per megapixel.

    `line_scores` takes how sure OCR is of each line with letters, from 0 to 1. Returns no words at all after
    `timeout` seconds, as missing words would be reported as removed.
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
        recognized = [
            translate(word, x, y) for word in recognize(tile, vertical=True, line_scores=line_scores)
        ]
        inside = [word for word in recognized if is_centre_inside(word, *area)]
        words += [word for word in inside if not any(is_same_place(other, word) for other in words)]
    return [scale_word(word, 1 / scale) for word in words]


def downscale(grey: Grey, scale: float) -> Grey:
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def tile_ranges(length: int) -> Iterator[tuple[int, int]]:
    """Split a length into equal ranges of at most `TILE_SIZE`."""
    count = ceil(length / TILE_SIZE)
    return pairwise(round(index * length / count) for index in range(count + 1))


def is_centre_inside(word: Word, left: float, right: float, top: float, bottom: float) -> bool:
    """Whether the centre of a word is inside the box."""
    x, y = word.centre
    return left <= x < right and top <= y < bottom


def is_same_place(one: Word, other: Word) -> bool:
    """Whether the centre of `other` is inside `one`."""
    return is_centre_inside(other, one.x, one.x + one.width, one.y, one.y + one.height)


def translate(word: Word, x: float, y: float) -> Word:
    return Word(word.text, word.x + x, word.y + y, word.width, word.height, word.angle, optical=True)


def scale_word(word: Word, factor: float) -> Word:
    x, y, width, height = (edge * factor for edge in (word.x, word.y, word.width, word.height))
    return Word(word.text, x, y, width, height, word.angle, optical=True)


def recognize(image: Grey, *, vertical: bool = False, line_scores: list[float] | None = None) -> list[Word]:
    """Words of an image, in its pixels; with `vertical`, also vertical and upside-down lines."""
    output = ocr_engine()(np.ascontiguousarray(np.repeat(image[:, :, None], 3, axis=2)), use_cls=vertical)
    boxes, texts = getattr(output, "boxes", None), getattr(output, "txts", None)
    if boxes is None or texts is None:
        return []
    words: list[Word] = []
    if line_scores is not None:
        scores = zip(texts, getattr(output, "scores", None) or (), strict=True)
        line_scores += [float(score) for text, score in scores if sum(map(str.isalpha, text)) >= 2]
    for box, text in zip(boxes, texts, strict=True):
        (x, y), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
        split_words = (
            split_vertical_line
            if vertical and bottom - y >= VERTICAL_ASPECT_RATIO * (right - x)
            else split_line
        )
        words.extend(split_words(text, x, y, right - x, bottom - y))
    return words


def split_line(text: str, x: float, y: float, width: float, height: float) -> list[Word]:
    """Words of a line; its box is divided in proportion to the number of characters."""
    step = width / max(len(text), 1)
    return [
        Word(word, x + start * step, y, len(word) * step, height, optical=True)
        for start, word in word_offsets(text.split(), text)
    ]


def split_vertical_line(text: str, x: float, y: float, width: float, height: float) -> list[Word]:
    """Words of a line that reads from bottom to top."""
    step = height / max(len(text), 1)
    return [
        Word(part, x, y + height - (start + len(part)) * step, width, len(part) * step, 270, optical=True)
        for start, part in word_offsets(text.split(), text)
    ]


def word_offsets(words: Sequence[str], text: str) -> Iterator[tuple[int, str]]:
    """Offset of each word in a line."""
    start = 0
    for part in words:
        start = text.index(part, start)
        yield start, part
        start += len(part)
