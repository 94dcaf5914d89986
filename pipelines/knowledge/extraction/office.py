"""Text extraction from Word documents, presentations and workbooks."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import docx
import pptx
import python_calamine
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError
from pptx.exc import PackageNotFoundError as PresentationNotFound
from pptx.shapes.base import BaseShape
from pptx.shapes.group import GroupShape

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder, check_page_count
from pipelines.knowledge.extraction.text import table_page

COMPOUND_FILE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The signature of legacy Office files and of password-protected ones."""
MAX_ARCHIVE_ENTRIES = 20_000
HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


@contextmanager
def validate_archive(path: Path, limits: Limits, file_kind: str) -> Iterator[None]:
    """Refuse encrypted, damaged and decompression-bomb files; `file_kind` names the file in messages."""
    with path.open("rb") as file:
        if file.read(8) == COMPOUND_FILE_SIGNATURE:
            raise UnsupportedContent(
                f"The {file_kind} is password-protected or in a legacy format. Save it without a password."
            )
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
            if any(part.flag_bits & 1 for part in parts):
                raise UnsupportedContent(
                    f"The {file_kind} is password-protected. Save it without a password."
                )
            if (
                len(parts) > MAX_ARCHIVE_ENTRIES
                or sum(part.file_size for part in parts) > limits.unpacked_bytes
            ):
                raise UnsupportedContent(
                    f"The {file_kind} unpacks to more than {limits.unpacked_bytes >> 20} MB."
                )
        yield
    except (
        *(BadZipFile, PackageNotFoundError, PresentationNotFound, LxmlError, KeyError, ValueError),
        *(AttributeError, EOFError, OSError, python_calamine.CalamineError),
    ) as error:
        raise Invalid(f"The {file_kind} is damaged and can't be read.") from error


def read_docx(path: Path, limits: Limits) -> Iterator[Page]:
    """A Word document as one page, because page breaks depend on the layout."""
    with validate_archive(path, limits, "Word document"):
        composer = PageBuilder()
        _add_blocks(docx.Document(str(path)), composer)
        page = composer.page()
    yield page


def _add_blocks(document: Document, composer: PageBuilder) -> None:
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for index, line in enumerate(_rows(block)):
                composer.add(line, gap="\n" if index else "\n\n")
            continue
        style = (block.style.name if block.style is not None else "") or ""
        heading = HEADING.match(style)
        level = int(heading[1]) if heading else 1 if style == "Title" else None
        listed = style.startswith("List")
        composer.add(f"- {_text(block)}" if listed and _text(block) else _text(block), level=level)


def _text(paragraph: Paragraph) -> str:
    return paragraph.text.strip()


def _rows(table: Table) -> Iterator[str]:
    """Each row as a line; merged cells are read once."""
    for row in table.rows:
        cells = {id(cell._tc): " ".join(cell.text.split()) for cell in row.cells}
        yield " | ".join(text for text in cells.values() if text)


def read_pptx(path: Path, limits: Limits) -> Iterator[Page]:
    """A presentation, each slide as a page: title, texts from top to bottom, and notes."""
    pages: list[Page] = []
    with validate_archive(path, limits, "presentation"):
        presentation = pptx.Presentation(str(path))
        check_page_count(len(presentation.slides), limits)
        for number, slide in enumerate(presentation.slides, 1):
            composer = PageBuilder()
            title = slide.shapes.title
            if title is not None:
                composer.add(" ".join(title.text.split()), level=1)
            shapes = sorted(slide.shapes, key=lambda shape: (shape.top or 0, shape.left or 0))
            for shape in shapes:
                if title is None or shape.shape_id != title.shape_id:
                    _add_shape(shape, composer)
            if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
                composer.add(slide.notes_slide.notes_text_frame.text)
            pages.append(composer.page(number))
    yield from pages


def _add_shape(shape: BaseShape, composer: PageBuilder) -> None:
    if isinstance(shape, GroupShape):
        for inner in shape.shapes:
            _add_shape(inner, composer)
    elif shape.has_table:
        for row in shape.table.rows:  # type: ignore[attr-defined] # a graphic frame, which has one
            composer.add(" | ".join(" ".join(cell.text.split()) for cell in row.cells), gap="\n")
    elif shape.has_text_frame:
        composer.add(shape.text_frame.text.replace("\v", "\n"))  # type: ignore[attr-defined] # it has one


def read_xlsx(path: Path, limits: Limits) -> Iterator[Page]:
    """A workbook, each sheet as a page headed by its name; formulas as their cached values."""
    pages: list[Page] = []
    with (
        validate_archive(path, limits, "workbook"),
        closing(python_calamine.CalamineWorkbook.from_path(path)) as book,
    ):
        check_page_count(len(book.sheet_names), limits)
        for number, name in enumerate(book.sheet_names, 1):
            rows = book.get_sheet_by_name(name).iter_rows()
            pages.append(table_page((map(_cell, row) for row in rows), number, name))
    yield from pages


def _cell(value: object) -> str:
    """A cell as text; whole numbers without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
