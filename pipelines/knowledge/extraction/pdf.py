"""PDFs: the text they carry, and what is read off their pictures where they carry none."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pypdfium2
from pypdfium2 import raw
from rapidocr import RapidOCR

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.pages import Limits, Page, check_page_count
from pipelines.knowledge.extraction.reading_order import Line, compose_page

SOFT_HYPHEN = "\u00ad"
"""What stands for a hyphen at a line's end that parts a word."""
HYPHEN_CODES = {0xFFFE: SOFT_HYPHEN, 0x2: SOFT_HYPHEN}
"""PDFium's own marks for it."""
COLUMN_GAP = 1.5
"""The gap within a line, in times its height, that divides it: the next column begins there."""
MIN_CHARACTERS = 12
"""Letters below which a page with a picture on it counts as scanned."""
MIN_ALPHANUMERIC_SHARE = 0.5
"""The share of a page's signs that are letters or digits; broken fonts have less."""
OCR_DPI = 200
MAX_OCR_PIXELS = 12_000_000
POINTS_PER_INCH = 72
ENCRYPTED = re.compile(rb"/Encrypt\b")


def read_pdf(path: Path, limits: Limits) -> Iterator[Page]:
    """Its pages; one without usable text that shows something is marked as scanned, and empty."""
    with open_pdf(path) as document:
        check_page_count(len(document), limits)
        for number in range(1, len(document) + 1):
            yield read_page(document, number)


@contextmanager
def open_pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """Raises `Unsupported` for an encrypted PDF, and `Invalid` for a damaged one."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if ENCRYPTED.search(path.read_bytes()):
            raise UnsupportedContent("The PDF is encrypted. Upload it without a password.") from error
        raise Invalid("The PDF is damaged, or has no pages.") from error
    with closing(document):
        if not len(document):
            raise Invalid("The PDF is damaged, or has no pages.")
        yield document


def read_page(document: pypdfium2.PdfDocument, number: int) -> Page:
    """One page's own text; a page that is damaged is empty."""
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return Page(number, "")
    with closing(page), closing(page.get_textpage()) as text:
        page_text = compose_page(text_lines(text, page.get_height()), number)
        characters = [sign for sign in page_text.text if not sign.isspace()]
        usable = sum(map(str.isalnum, characters))
        if usable >= MIN_CHARACTERS and usable >= MIN_ALPHANUMERIC_SHARE * len(characters):
            return page_text
        has_images = any(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        return Page(number, "", scanned=True) if has_images or len(characters) > usable else page_text


def text_lines(text: pypdfium2.PdfTextPage, height: float) -> list[Line]:
    """The page's lines in the order of its content, divided at wide gaps."""
    lines_: list[Line] = []
    characters: list[str] = []
    box = [0.0, 0.0, 0.0, 0.0]

    def end() -> None:
        line = "".join(characters)
        if line.strip():
            lines_.append(Line(line, box[0], height - box[3], box[2], height - box[1]))
        characters.clear()

    rectangle = raw.FS_RECTF()
    for index in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, index)
        character = HYPHEN_CODES.get(code) or chr(code)
        if character in "\r\n" or character == SOFT_HYPHEN:
            characters += [SOFT_HYPHEN] if character == SOFT_HYPHEN and characters else []
            end()
            continue
        known = raw.FPDFText_GetLooseCharBox(text, index, ctypes.byref(rectangle))
        if not known or character.isspace() or rectangle.right <= rectangle.left:
            if characters:
                characters.append(character)
            continue
        if characters and rectangle.left - box[2] > COLUMN_GAP * (box[3] - box[1]):
            end()
        if not characters:
            box[:] = rectangle.left, rectangle.bottom, rectangle.right, rectangle.top
        box[0], box[1] = min(box[0], rectangle.left), min(box[1], rectangle.bottom)
        box[2], box[3] = max(box[2], rectangle.right), max(box[3], rectangle.top)
        characters.append(character)
    end()
    return lines_


def ocr_page(path: Path, number: int) -> Page:
    """A page read off its picture, English and Chinese. Takes seconds, and may find nothing."""
    with open_pdf(path) as document, closing(document[number - 1]) as page:
        width, height = page.get_size()
        scale = min(OCR_DPI / POINTS_PER_INCH, (MAX_OCR_PIXELS / max(width * height, 1)) ** 0.5)
        image = np.asarray(page.render(scale=scale, rev_byteorder=False).to_numpy(), np.uint8)
    result = ocr_engine()(np.ascontiguousarray(image[:, :, :3]), use_cls=True)
    boxes, texts = getattr(result, "boxes", None), getattr(result, "txts", None)
    if boxes is None or texts is None:
        return Page(number, "", from_ocr=True)
    lines = []
    for box, text in zip(boxes, texts, strict=True):
        (left, top), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
        lines.append(Line(text, left / scale, top / scale, right / scale, bottom / scale))
    page = compose_page(sorted(lines, key=lambda line: (round(line.top / line.height), line.left)), number)
    return Page(number, page.text, page.headings, from_ocr=True)


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
