"""Text of a page: its text layer and OCR, with the sheet number and title block that they print."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.drawings import ocr, page_words, sheet_numbers
from pipelines.drawings.page_words import Word
from pipelines.drawings.sheet_numbers import Frame, SheetName
from pipelines.drawings.title_blocks import TitleBlock, read_title_block

Grey = npt.NDArray[np.uint8]

MAX_WATERMARK_WORDS = 24
"""A text layer of more words is the drawing's own."""

MIN_WORD_SHARE = 0.2
"""A short text layer in less than this share of the sheet's parts with ink is a watermark or a stamp."""

GRID = 12
"""Parts of a sheet along each side."""

MIN_LINES = 6
MAX_DOUBTFUL_SHARE = 0.35
"""From this share of lines that OCR is unsure of, the sheet is in a writing that it does not know."""

UNKNOWN_WRITING = (
    "Much of the text could not be recognized: the sheet is an image, and only Latin, Chinese and Japanese "
    "letters and digits are recognized in images. Upload a PDF with text to compare the words."
)
ILLEGIBLE_LAYER = "The PDF's text cannot be read as letters, so the text was recognized from the image."


@dataclass(frozen=True, slots=True)
class PageText:
    """Words of a page in pixels, its sheet number and title block, and what of its text was not read."""

    words: list[Word]
    name: SheetName
    block: TitleBlock
    warnings: tuple[str, ...] = ()


def read_page(layer: Sequence[Word], grey: Grey, page: int, dpi: float | None, *, use_ocr: bool) -> PageText:
    """Text of page `page` (from 1): of its text layer, else, or where that is a watermark only, by OCR."""
    height, width = grey.shape
    frame = Frame(0, 0, width, height)
    text = list(layer) if page_words.is_legible(layer) else []
    name = sheet_numbers.find_sheet_name(text, page, frame=content_frame(text, frame))
    if not use_ocr or (text and not is_watermark(text, grey)):
        return PageText(text, name, read_title_block(text))
    scores: list[float] = []
    corner = ocr.read_title_block(grey)
    by_ocr = sheet_numbers.find_sheet_name(corner, page, source="ocr", frame=frame)
    recognized = ocr.read_sheet(grey, dpi, line_scores=scores)
    if by_ocr.source == "fallback":
        by_ocr = sheet_numbers.find_sheet_name(
            recognized, page, source="ocr", frame=content_frame(recognized, frame)
        )
    words = text + [word for word in recognized if not any(ocr.is_same_place(own, word) for own in text)]
    warnings = [UNKNOWN_WRITING] if is_unknown_writing(scores) else []
    if len(layer) >= MIN_LINES and not text:
        warnings.append(ILLEGIBLE_LAYER)
    best = max(name, by_ocr, key=lambda found: (found.source != "fallback", found.score))
    return PageText(words, best, read_title_block(words or corner), tuple(warnings))


def content_frame(words: Sequence[Word], page: Frame) -> Frame:
    """The bounding box of the words; a side much shorter than the page's is the page's."""
    box = sheet_numbers.bounding_frame(words)
    if box.right - box.left < 0.7 * (page.right - page.left):
        box = Frame(page.left, box.top, page.right, box.bottom)
    if box.bottom - box.top < 0.7 * (page.bottom - page.top):
        box = Frame(box.left, page.top, box.right, page.bottom)
    return box


def is_watermark(words: Sequence[Word], grey: Grey) -> bool:
    """Whether a few words of text stand on a sheet that is drawn or scanned without text."""
    if len(words) > MAX_WATERMARK_WORDS:
        return False
    height, width = grey.shape
    cells = {
        (
            min(int(word.centre[1] * GRID / height), GRID - 1),
            min(int(word.centre[0] * GRID / width), GRID - 1),
        )
        for word in words
    }
    rows, columns = (np.linspace(0, side, GRID + 1).astype(int) for side in (height, width))
    ink = (grey[::2, ::2] < 160).astype(np.uint32)
    counts = np.add.reduceat(np.add.reduceat(ink, rows[:-1] // 2, axis=0), columns[:-1] // 2, axis=1)
    return len(cells) < MIN_WORD_SHARE * int((counts > 20).sum())


def is_unknown_writing(scores: Sequence[float]) -> bool:
    """Whether OCR was unsure of many lines of letters."""
    doubtful = sum(score < ocr.MIN_LINE_SCORE for score in scores)
    return len(scores) >= MIN_LINES and doubtful >= MAX_DOUBTFUL_SHARE * len(scores)
