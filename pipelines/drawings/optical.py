"""Reading the words off a picture where a page carries no usable text."""

from functools import cache

import numpy as np
import numpy.typing as npt
from rapidocr import RapidOCR

from pipelines.drawings.words import Word

TITLE_BLOCK = (0.70, 0.76)
"""Where the title block begins, in shares of width and height: right 30 %, lower 24 %."""


def title_block(grey: npt.NDArray[np.uint8]) -> list[Word]:
    """The words in the lower right corner of a sheet, in pixels of the whole sheet. Takes seconds."""
    height, width = grey.shape
    left, top = int(width * TITLE_BLOCK[0]), int(height * TITLE_BLOCK[1])
    found = reader()(np.ascontiguousarray(np.repeat(grey[top:, left:, None], 3, axis=2)), use_cls=False)
    boxes, texts = getattr(found, "boxes", None), getattr(found, "txts", None)
    if boxes is None or texts is None:
        return []
    words = []
    for box, text in zip(boxes, texts, strict=True):
        (x, y), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
        words.extend(split(text, x + left, y + top, right - x, bottom - y))
    return words


def split(text: str, x: float, y: float, width: float, height: float) -> list[Word]:
    """A line's words, each with its share of the line's box by its share of the letters."""
    words, start, step = [], 0, width / max(len(text), 1)
    for part in text.split():
        start = text.index(part, start)
        words.append(Word(part, x + start * step, y, len(part) * step, height))
        start += len(part)
    return words


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
