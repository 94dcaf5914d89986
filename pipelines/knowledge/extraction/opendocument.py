"""Text extraction from OpenDocument texts, spreadsheets and presentations."""

from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import UnsupportedContent
from pipelines.knowledge.extraction.packages import (
    Element,
    Package,
    attribute,
    child,
    local_name,
    open_package,
)
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder, check_page_count
from pipelines.knowledge.extraction.tables import MAX_SPAN, TableGrid, table_lines

CONTENT, STYLES, MANIFEST = "content.xml", "styles.xml", "META-INF/manifest.xml"
MAX_CELLS = 2_000_000
"""Cells of a file, with repetitions."""
SKIPPED_ELEMENTS = frozenset(
    (
        *("tracked-changes", "page-number", "page-count", "sequence-decls", "forms", "note-citation"),
        *("hidden-text", "hidden-paragraph", "ruby-text", "creator", "date", "date-string"),
    )
)


def read_odt(path: Path, limits: Limits) -> Iterator[Page]:
    """A text document as one page, with headers and footers; changes are read as accepted."""
    with open_package(path, limits, "OpenDocument text") as package:
        reader = OpenDocumentReader(package)
        reader.read_margins("header")
        reader.read_blocks(reader.body("text"))
        reader.read_margins("footer")
        page = reader.page()
    yield page


def read_ods(path: Path, limits: Limits) -> Iterator[Page]:
    """A spreadsheet, each visible sheet as a page headed by its name, with cells as displayed."""
    with open_package(path, limits, "OpenDocument spreadsheet") as package:
        pages = _read_parts(package, limits, "spreadsheet", "table", OpenDocumentReader.read_sheet)
    yield from pages


def read_odp(path: Path, limits: Limits) -> Iterator[Page]:
    """A presentation, each slide with its notes as a page."""
    with open_package(path, limits, "OpenDocument presentation") as package:
        pages = _read_parts(package, limits, "presentation", "page", OpenDocumentReader.read_blocks)
    yield from pages


def _read_parts(
    package: Package,
    limits: Limits,
    kind: str,
    name: str,
    read: Callable[["OpenDocumentReader", Element], None],
) -> list[Page]:
    pages: list[Page] = []
    reader = OpenDocumentReader(package)
    parts = [node for node in reader.body(kind) if local_name(node) == name]
    check_page_count(len(parts), limits)
    for number, part in enumerate(parts, 1):
        read(reader, part)
        pages.append(reader.page(number))
    return pages


class OpenDocumentReader:
    """Reads the elements of a document into pages."""

    def __init__(self, package: Package) -> None:
        if MANIFEST in package.names and b"encryption-data" in package.read(MANIFEST):
            raise UnsupportedContent("The document is password-protected. Save it without a password.")
        self._package = package
        self._content = package.xml(CONTENT)
        self._composer = PageBuilder()
        self._notes: list[Element] = []
        self._images = self._cells = 0
        self._hidden_styles = {
            attribute(style, "name")
            for style in self._content.iter("{*}style")
            if any(attribute(node, "display") == "false" for node in style.iter("{*}table-properties"))
        }

    def body(self, kind: str) -> Element:
        """The content of this kind. Raises `ValueError` if the document is of another kind."""
        body = child(self._content, "body", kind)
        if body is None:
            raise ValueError("the document has another kind")
        return body

    def page(self, number: int | None = None) -> Page:
        """The page read so far; the next one begins."""
        if self._images:
            self._composer.warn(f"Images without alternative text were not read: {self._images}.")
        page, self._composer, self._images = self._composer.page(number), PageBuilder(), 0
        return page

    def read_margins(self, kind: str) -> None:
        """Headers or footers of all page styles, each text once."""
        if STYLES not in self._package.names:
            return
        texts: set[str] = set()
        for node in self._package.xml(STYLES).iter(f"{{*}}{kind}", f"{{*}}{kind}-left", f"{{*}}{kind}-first"):
            text = " ".join("".join(node.itertext()).split())
            if text not in texts and attribute(node, "display") != "false":
                texts.add(text)
                self.read_blocks(node)

    def read_blocks(self, parent: Element) -> None:
        for node in parent:
            name = local_name(node)
            if name in SKIPPED_ELEMENTS:
                continue
            if name in ("p", "h"):
                level = attribute(node, "outline-level") if name == "h" else None
                self._add_paragraph(node, int(level or 1) if name == "h" else None)
            elif name == "list-item":
                self._read_item(node)
            elif name == "table":
                self._read_table(node)
            elif name == "image":
                self._images += 1
            elif name == "frame":
                self._read_frame(node)
            else:
                self.read_blocks(node)

    def _add_paragraph(self, node: Element, level: int | None, prefix: str = "") -> None:
        attached: list[Element] = []
        text = self._text(node, attached).strip()
        self._composer.add(prefix + text if text else "", level=level)
        self._read_attached(attached)

    def _read_attached(self, attached: list[Element]) -> None:
        for node in attached:
            name = local_name(node)
            if name == "annotation":
                author = next((creator.text for creator in node.iter("{*}creator")), None) or "unknown"
                text = " ".join(self._text(inner, []) for inner in node if local_name(inner) == "p")
                self._composer.add(f"Comment by {author}: {text}" if text.strip() else "")
            elif name == "frame":
                self._read_frame(node)
            else:
                self.read_blocks(node)

    def _read_item(self, item: Element) -> None:
        for node in item:
            if local_name(node) == "p":
                self._add_paragraph(node, None, "- ")
            else:
                self.read_blocks([node])

    def _read_frame(self, frame: Element) -> None:
        """A frame's text box or table; of an image its description."""
        words = [child(frame, name) for name in ("title", "desc")]
        description = " ".join(node.text or "" for node in words if node is not None).strip()
        self._composer.add(description)
        for node in frame:
            name = local_name(node)
            if name == "image":
                self._images += not description
                return
            if name not in ("title", "desc"):
                self.read_blocks([node])

    def _text(self, element: Element, attached: list[Element]) -> str:
        """The text of a paragraph; notes, comments and frames are attached."""
        parts = [element.text or ""]
        for node in element:
            name = local_name(node)
            if name in ("note", "annotation", "frame", "custom-shape", "text-box"):
                attached.append(node)
            elif name == "s":
                count = attribute(node, "c") or "1"
                parts.append(" " * min(int(count), MAX_SPAN))
            elif name in ("tab", "line-break"):
                parts.append("\t" if name == "tab" else "\n")
            elif name and name not in SKIPPED_ELEMENTS:
                parts.append(self._text(node, attached))
            parts.append(node.tail or "")
        return "".join(parts)

    def _read_table(self, table: Element) -> None:
        attached: list[Element] = []
        lines, headers = self._rows(table, attached)
        self._composer.add_lines(table_lines(lines, headers=headers or None, strict=True))
        self._read_attached(attached)

    def read_sheet(self, sheet: Element) -> None:
        """A sheet of a spreadsheet; a hidden one gives a warning."""
        name = attribute(sheet, "name") or ""
        if attribute(sheet, "style-name") in self._hidden_styles:
            self._composer.warn(f"The hidden sheet {name} was not read.")
            return
        attached: list[Element] = []
        lines, _ = self._rows(sheet, attached)
        self._composer.add(name, level=1)
        self._composer.add_lines(table_lines([line for line in lines if any(line)]))
        self._read_attached(attached)

    def _rows(self, table: Element, attached: list[Element]) -> tuple[list[list[str]], int]:
        """The rows of a table, and how many of them are its header."""
        grid = TableGrid()
        headers = 0
        for row in _rows(table):
            cells = list(self._row_cells(row, attached))
            repeated = (
                min(_number(row, "number-rows-repeated"), MAX_SPAN) if any(cell[0] for cell in cells) else 1
            )
            for _ in range(repeated):
                self._cells += len(cells)
                if self._cells > MAX_CELLS:
                    raise UnsupportedContent(f"The file must have at most {MAX_CELLS:,} cells.")
                grid.add_row(cells)
            headers += local_name(row.getparent()) == "table-header-rows"
        return grid.rows, headers if headers < len(grid.rows) else 0

    def _row_cells(self, row: Element, attached: list[Element]) -> Iterator[tuple[str, int, int]]:
        """The cells of a row with their spans, without empty ones at its end."""
        cells: list[tuple[str, int, int]] = []
        filled = 0
        for cell in row:
            name = local_name(cell)
            if name not in ("table-cell", "covered-table-cell"):
                continue
            text = self._cell_text(cell, attached) if name == "table-cell" else ""
            repeated = min(_number(cell, "number-columns-repeated"), MAX_SPAN)
            if name == "covered-table-cell":
                continue
            height, width = _number(cell, "number-rows-spanned"), _number(cell, "number-columns-spanned")
            cells += [(text, width, height)] * repeated
            filled = len(cells) if text else filled
        yield from cells[:filled]

    def _cell_text(self, cell: Element, attached: list[Element]) -> str:
        texts: list[str] = []
        for node in cell:
            name = local_name(node)
            if name in ("p", "h"):
                texts.append(self._text(node, attached))
            elif name == "list":
                texts += [self._text(inner, attached) for inner in node.iter("{*}p")]
            elif name in ("table", "annotation", "frame"):
                attached.append(node)
        return " ".join(" ".join(texts).split())


def _rows(table: Element) -> Iterator[Element]:
    for node in table:
        name = local_name(node)
        if name == "table-row":
            yield node
        elif name in ("table-header-rows", "table-row-group", "table-rows"):
            yield from _rows(node)


def _number(element: Element, name: str) -> int:
    value = attribute(element, name) or "1"
    return int(value) if value.isdigit() else 1
