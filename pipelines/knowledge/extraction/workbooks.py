"""Text extraction from Excel workbooks: the cells of visible sheets as they are displayed, and comments."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import python_calamine
from lxml import etree
from python_calamine import SheetTypeEnum, SheetVisibleEnum

from pipelines.knowledge.extraction.charts import chart_lines, drawing_text
from pipelines.knowledge.extraction.number_formats import BUILT_IN_FORMATS, format_value
from pipelines.knowledge.extraction.packages import (
    Element,
    Package,
    attribute,
    child,
    open_package,
)
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder, check_page_count
from pipelines.knowledge.extraction.tables import table_page


def read_xlsx(path: Path, limits: Limits) -> Iterator[Page]:
    """A workbook, each visible sheet as a page headed by its name; formulas as their cached values."""
    pages: list[Page] = []
    with (
        open_package(path, limits, "workbook") as package,
        closing(python_calamine.CalamineWorkbook.from_path(path)) as book,
    ):
        check_page_count(len(book.sheet_names), limits)
        parts = WorkbookParts(package)
        for number, sheet in enumerate(book.sheets_metadata, 1):
            if sheet.visible is not SheetVisibleEnum.Visible:
                warning = f"The hidden sheet {sheet.name} was not read."
                pages.append(Page(number, "", warnings=(warning,)))
                continue
            composer = PageBuilder()
            if sheet.typ is SheetTypeEnum.WorkSheet:
                cells = book.get_sheet_by_name(sheet.name)
                rows = parts.format_rows(sheet.name, cells.to_python(), cells.start or (0, 0))
                composer.add_page(table_page(rows, number, sheet.name))
            else:
                composer.add(sheet.name, level=1)
            parts.add_remarks(sheet.name, composer)
            pages.append(composer.page(number))
    yield from pages


class WorkbookParts:
    """What the values of a workbook do not tell: number formats, comments, text boxes and charts."""

    def __init__(self, package: Package) -> None:
        self._package = package
        (name,) = package.related("", "officeDocument").values()
        parts = {**package.related(name, "worksheet"), **package.related(name, "chartsheet")}
        sheets = package.xml(name).iter("{*}sheet")
        self._sheets = {
            sheet.get("name", ""): parts[id] for sheet in sheets if (id := attribute(sheet, "id")) in parts
        }
        self._formats = self._read_formats(name)

    def _read_formats(self, name: str) -> list[str]:
        """The format code of each cell style, empty for the general one."""
        formats: list[str] = []
        for part in self._package.related(name, "styles").values():
            root = self._package.xml(part)
            codes = {
                int(node.get("numFmtId", "0")): node.get("formatCode", "") for node in root.iter("{*}numFmt")
            }
            styles = child(root, "cellXfs")
            for style in styles if styles is not None else ():
                id = int(style.get("numFmtId", "0"))
                formats.append(codes.get(id, BUILT_IN_FORMATS.get(id, "")))
        return formats

    def format_rows(
        self, sheet: str, rows: Sequence[Sequence[object]], start: tuple[int, int]
    ) -> Iterator[list[str]]:
        """The rows of a sheet as displayed, without empty ones. They begin at a row and column from 0."""
        formats = self._row_formats(sheet)
        following = next(formats, None)
        for index, row in enumerate(rows, start[0] + 1):
            while following is not None and following[0] < index:
                following = next(formats, None)
            codes = following[1] if following is not None and following[0] == index else {}
            cells = [
                "" if value == "" else format_value(value, codes.get(column, ""))
                for column, value in enumerate(row, start[1] + 1)
            ]
            if any(cells):
                yield cells

    def _row_formats(self, sheet: str) -> Iterator[tuple[int, dict[int, str]]]:
        """The number of each row with number formats, and their codes by column."""
        part = self._sheets.get(sheet)
        if part is None or not any(self._formats):
            return
        number = 0
        events = etree.iterparse(
            self._package.open(part), tag="{*}row", resolve_entities=False, no_network=True, load_dtd=False
        )
        for _, row in events:
            number = int(row.get("r") or number + 1)
            codes = dict(self._cell_formats(row))
            if codes:
                yield number, codes
            row.clear(keep_tail=False)
            while row.getprevious() is not None:
                del row.getparent()[0]

    def _cell_formats(self, row: Element) -> Iterator[tuple[int, str]]:
        column = 0
        for cell in row:
            reference = cell.get("r")
            column = _column(reference) if reference else column + 1
            style = cell.get("s", "")
            if style.isdigit() and int(style) < len(self._formats) and self._formats[int(style)]:
                yield column, self._formats[int(style)]

    def add_remarks(self, sheet: str, composer: PageBuilder) -> None:
        """Add the comments, text boxes and charts of a sheet."""
        part = self._sheets.get(sheet)
        if part is None:
            return
        threads = self._package.related(part, "threadedComment").values()
        lines = [
            f"Comment on {node.get('ref')}: {text}"
            for name in threads or self._package.related(part, "comments").values()
            for node in self._package.xml(name).iter("{*}threadedComment", "{*}comment")
            if (text := " ".join("".join(node.itertext("{*}t", "{*}text")).split()))
        ]
        composer.add_lines(lines)
        images = 0
        for name in self._package.related(part, "drawing").values():
            drawing = self._package.xml(name)
            images += self._add_drawing(name, drawing, composer)
        if images:
            composer.warn(f"Images without alternative text were not read: {images}.")

    def _add_drawing(self, name: str, drawing: Element, composer: PageBuilder) -> int:
        """Add what a drawing says; returns how many of its images have no alternative text."""
        for body in drawing.iter("{*}txBody"):
            composer.add(drawing_text(body))
        charts = self._package.related(name, "chart")
        for reference in drawing.iter("{*}chart"):
            target = charts.get(attribute(reference, "id") or "")
            if target is None:
                composer.warn("A chart that is not in the file was not read.")
            else:
                composer.add_lines(chart_lines(self._package.xml(target)))
        images = 0
        for picture in drawing.iter("{*}pic"):
            properties = child(picture, "nvPicPr", "cNvPr")
            description = properties.get("descr", "") if properties is not None else ""
            composer.add(description)
            images += not description
        return images


def _column(reference: str) -> int:
    """The column, from 1, of a reference such as `B3`."""
    column = 0
    for letter in reference.rstrip("0123456789"):
        column = column * 26 + ord(letter) - ord("A") + 1
    return column
