"""Text extraction from PDFs, and OCR of pages without a text layer."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
from pypdfium2 import raw

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.pages import Limits, Page, check_page_count
from pipelines.knowledge.extraction.reading_order import Line, compose_page
from pipelines.knowledge.extraction.running_lines import remove_running_lines
from pipelines.ocr_engine import ocr_engine

SOFT_HYPHEN = "\u00ad"
"""Marks a word that is hyphenated at the end of a line."""
HYPHEN_CODES = {0xFFFE: SOFT_HYPHEN, 0x2: SOFT_HYPHEN}
"""PDFium's codes for it."""
COLUMN_GAP = 1.5
"""The gap within a line, in line heights, at which the next column begins."""
MIN_CHARACTERS = 12
"""A page with an image and fewer letters counts as scanned."""
MIN_ALPHANUMERIC_SHARE = 0.5
"""The share of letters and digits; text in broken fonts has less."""
OCR_DPI = 200
MAX_OCR_PIXELS = 12_000_000
POINTS_PER_INCH = 72
ENCRYPTED = re.compile(rb"/Encrypt\b")


def read_pdf(path: Path, limits: Limits) -> Iterator[Page]:
    """The pages without running headers, footers and page numbers.

    A page without usable text that shows something is empty and marked as scanned.
    """
    with open_pdf(path) as document:
        check_page_count(len(document), limits)
        numbers = range(1, len(document) + 1)
        layers = [read_lines(document, number) for number in numbers]
        pages, texts = remove_running_lines([lines for lines, _ in layers], [height for _, height in layers])
        warnings = [f"The running header or footer \u201c{text}\u201d was not read." for text in texts]
        for number, lines in zip(numbers, pages, strict=True):
            page = compose_pdf_page(document, lines, number)
            yield replace(page, warnings=tuple(warnings)) if number == 1 else page


@contextmanager
def open_pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """Open a PDF. Raises `UnsupportedContent` if it is encrypted, and `Invalid` if it is damaged."""
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


def read_lines(document: pypdfium2.PdfDocument, number: int) -> tuple[list[Line], float]:
    """The lines of a page's text layer, and the page's height; a damaged page has none."""
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return [], 0.0
    with closing(page), closing(page.get_textpage()) as text:
        height = page.get_height()
        return text_lines(text, height), height


def compose_pdf_page(document: pypdfium2.PdfDocument, lines: list[Line], number: int) -> Page:
    """A page of the lines of its text layer, if they are usable or all that it shows."""
    page_text = compose_page(lines, number)
    characters = [sign for sign in page_text.text if not sign.isspace()]
    usable = sum(map(str.isalnum, characters))
    if usable >= MIN_CHARACTERS and usable >= MIN_ALPHANUMERIC_SHARE * len(characters):
        return page_text
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return Page(number, "", warnings=(f"Page {number} is damaged and was not read.",))
    with closing(page):
        has_images = any(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        return Page(number, "", scanned=True) if has_images or len(characters) > usable else page_text


def text_lines(text: pypdfium2.PdfTextPage, height: float) -> list[Line]:
    """The lines in content order, divided at wide gaps."""
    found: list[Line] = []
    characters: list[str] = []
    box = [0.0, 0.0, 0.0, 0.0]

    def end() -> None:
        line = "".join(characters)
        if line.strip():
            found.append(Line(line, box[0], height - box[3], box[2], height - box[1]))
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
    return found


def ocr_page(path: Path, number: int) -> Page:
    """A page's text by OCR, in English and Chinese. Takes seconds."""
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
