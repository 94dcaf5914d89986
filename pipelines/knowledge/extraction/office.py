"""Text extraction from presentations and workbooks."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pptx
import python_calamine
from pptx.shapes.base import BaseShape
from pptx.shapes.group import GroupShape

from pipelines.knowledge.extraction.packages import open_package
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder, check_page_count
from pipelines.knowledge.extraction.tables import table_page


def read_pptx(path: Path, limits: Limits) -> Iterator[Page]:
    """A presentation, each slide as a page: title, texts from top to bottom, and notes."""
    pages: list[Page] = []
    with open_package(path, limits, "presentation"):
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
        open_package(path, limits, "workbook"),
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
