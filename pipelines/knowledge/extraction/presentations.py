"""Text extraction from presentations: shapes, tables, charts, diagrams, notes and comments of each slide."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pptx
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.shapes.base import BaseShape
from pptx.shapes.group import GroupShape
from pptx.slide import Slide

from pipelines.knowledge.extraction.charts import chart_lines, diagram_lines, drawing_text
from pipelines.knowledge.extraction.packages import attribute, child, open_package, parse_xml
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder, check_page_count
from pipelines.knowledge.extraction.tables import table_lines


def read_pptx(path: Path, limits: Limits) -> Iterator[Page]:
    """A presentation, each slide as a page: title, texts from top to bottom, notes, and comments."""
    pages: list[Page] = []
    with open_package(path, limits, "presentation"):
        presentation = pptx.Presentation(str(path))
        check_page_count(len(presentation.slides), limits)
        for number, slide in enumerate(presentation.slides, 1):
            pages.append(SlideReader(slide).read(number))
    yield from pages


class SlideReader:
    """Reads a slide into a page."""

    def __init__(self, slide: Slide) -> None:
        self._slide = slide
        self._composer = PageBuilder()
        self._images = self._objects = 0

    def read(self, number: int) -> Page:
        title = self._slide.shapes.title
        if title is not None:
            self._composer.add(" ".join(title.text.split()), level=1)
        for shape in sorted(self._slide.shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
            if title is None or shape.shape_id != title.shape_id:
                self._add_shape(shape)
        for alternative in self._slide.element.iter("{*}AlternateContent"):
            choice = child(alternative, "Choice")
            text = drawing_text(choice) if choice is not None else ""
            fallback = child(alternative, "Fallback")
            self._composer.add(text or (drawing_text(fallback) if fallback is not None else ""))
        if self._slide.has_notes_slide and self._slide.notes_slide.notes_text_frame is not None:
            self._composer.add(self._slide.notes_slide.notes_text_frame.text)
        self._add_comments()
        if self._images:
            self._composer.warn(f"Images without alternative text were not read: {self._images}.")
        if self._objects:
            self._composer.warn(f"Embedded files were not read: {self._objects}.")
        return self._composer.page(number)

    def _add_shape(self, shape: BaseShape) -> None:
        if isinstance(shape, GroupShape):
            for inner in shape.shapes:
                self._add_shape(inner)
        elif shape.has_table:
            self._add_table(shape)
        elif shape.has_text_frame:
            if not (shape.is_placeholder and shape.placeholder_format.type == PP_PLACEHOLDER.SLIDE_NUMBER):
                text = shape.text_frame.text  # type: ignore[attr-defined] # it has one
                self._composer.add(text.replace("\v", "\n"))
        else:
            self._add_graphic(shape)

    def _add_table(self, shape: Any) -> None:
        rows = [
            [" ".join(cell.text.split()) if not cell.is_spanned else "" for cell in row.cells]
            for row in shape.table.rows
        ]
        self._composer.add_lines(table_lines(rows, strict=True))

    def _add_graphic(self, shape: BaseShape) -> None:
        """A chart, a diagram, an image or an embedded file."""
        graphic = shape.element
        for reference in graphic.iter("{*}chart"):
            self._add_related(attribute(reference, "id"), chart_lines)
        for reference in graphic.iter("{*}relIds"):
            self._add_related(attribute(reference, "dm"), diagram_lines)
        description = next((node.get("descr", "") for node in graphic.iter("{*}cNvPr")), "")
        self._composer.add(description)
        self._images += not description and graphic.tag.endswith("}pic")
        self._objects += any(True for _ in graphic.iter("{*}oleObj"))

    def _add_related(self, id: str | None, read: Callable[[Any], Iterator[str]]) -> None:
        """Add the part that a graphic shows; one that is not in the file is counted."""
        try:
            part = self._slide.part.related_part(id or "")
        except KeyError:
            self._objects += 1
            return
        self._composer.add_lines(read(parse_xml(part.blob)))

    def _add_comments(self) -> None:
        for relation in self._slide.part.rels.values():
            if relation.reltype.endswith("/comments") and not relation.is_external:
                for comment in parse_xml(relation.target_part.blob).iter("{*}cm"):
                    text = " ".join("".join(comment.itertext("{*}text", "{*}t")).split())
                    self._composer.add(f"Comment: {text}" if text else "")
