"""Text extraction from HTML: what a reader of the page sees, with the alternative texts of its images."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree, html

from core.errors import Invalid, UnsupportedContent
from core.text_decoding import BYTE_ORDER_MARKS, decode
from pipelines.knowledge.extraction.html_visibility import remove_invisible
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder
from pipelines.knowledge.extraction.tables import TableGrid, table_lines

BLOCK_ELEMENTS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "dd", "div", "dl", "dt", "figcaption"),
        *("figure", "footer", "form", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table"),
        *("thead", "tbody", "tfoot", "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6", "caption"),
        *("details", "summary", "fieldset", "legend", "dialog", "center", "search"),
    )
)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
DECLARED_ENCODING = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
XML_ENCODING = re.compile(rb"""\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{2,40})""", re.IGNORECASE)
ENCODING_BYTES = 4096
"""Leading bytes in which a page declares its encoding."""
WEB_ENCODINGS = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
"""Encodings as browsers read them."""
MAX_BYTES = 20 * 2**20
MAX_DEPTH = 200
"""Nesting depth; deeper elements are read as one block."""


def read_html(path: Path, limits: Limits) -> Iterator[Page]:
    """A web page as one page. Raises `Invalid` if it is empty or damaged."""
    if path.stat().st_size > min(MAX_BYTES, 4 * limits.characters):
        raise UnsupportedContent(f"The web page must be at most {MAX_BYTES >> 20} MB. Upload it in parts.")
    yield html_page(path.read_bytes())


def html_page(content: bytes, encoding: str | None = None) -> Page:
    """A page of HTML; `encoding` is what the transport declares. Raises `Invalid`."""
    text = decode_html(content, encoding)
    try:
        parser = html.HTMLParser(remove_comments=True, remove_pis=True, encoding="utf-8", huge_tree=True)
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
        if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
            raise UnsupportedContent("The web page is nested too deeply.")
        title = root.findtext(".//title")
        remove_invisible(root)
    except (etree.LxmlError, ValueError, RecursionError) as error:
        raise Invalid("The web page is damaged, or empty.") from error
    composer = PageBuilder()
    body = root.find("body")
    if title and (body is None or body.find(".//h1") is None):
        composer.add(" ".join(title.split()), level=1)
    if body is not None:
        images = sum("alt" not in image.attrib for image in body.iter("img"))
        if images:
            composer.warn(f"Images without alternative text were not read: {images}.")
        _walk(body, composer, 0)
    return composer.page()


def decode_html(content: bytes, encoding: str | None = None) -> str:
    """The page's text, in the encoding that it declares if its bytes agree."""
    if not any(content.startswith(mark) for mark, _ in BYTE_ORDER_MARKS):
        head = content[:ENCODING_BYTES]
        declared = DECLARED_ENCODING.search(head) or XML_ENCODING.match(head)
        for name in (encoding, declared[1].decode() if declared else None):
            try:
                if name and not name.lower().startswith("utf-16"):
                    codec = codecs.lookup(name).name
                    return content.decode(WEB_ENCODINGS.get(codec, codec))
            except (LookupError, UnicodeError):
                continue
    return decode(content)


def _walk(element: html.HtmlElement, composer: PageBuilder, depth: int) -> None:
    """Add an element's blocks in order; text between blocks is a separate block."""
    name = element.tag
    if name == "table" and not _is_layout(element):
        _add_table(element, composer)
        return
    if depth > MAX_DEPTH or name == "pre" or not _has_blocks(element):
        _add(composer, element, _text(element, preserve_whitespace=name == "pre"))
        return
    inline_parts = [element.text or ""]
    for child in element:
        tail = child.tail or ""
        if child.tag in BLOCK_ELEMENTS or _has_blocks(child):
            composer.add(" ".join("".join(inline_parts).split()))
            _walk(child, composer, depth + 1)
            inline_parts = [tail]
        else:
            inline_parts += [_text(child), tail]
    composer.add(" ".join("".join(inline_parts).split()))


def _add(composer: PageBuilder, element: html.HtmlElement, text: str) -> None:
    name = element.tag
    if name == "li":
        composer.add(f"- {text}" if text else "", gap="\n")
    else:
        composer.add(text, level=int(name[1]) if name in HEADINGS else None)


def _is_layout(table: html.HtmlElement) -> bool:
    """Whether a table only arranges blocks: it holds headings or tables, or has a single column."""
    if table.get("role", "").lower() in ("presentation", "none"):
        return True
    if any(True for _ in table.iter("table", *HEADINGS) if _ is not table):
        return True
    return all(len(row) <= 1 for row in table.iter("tr"))


def _add_table(table: html.HtmlElement, composer: PageBuilder) -> None:
    """A table by rows, below its caption. Leading rows of header cells are its header."""
    for caption in table.iter("caption"):
        composer.add(_text(caption))
    grid = TableGrid()
    headers = 0
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        is_header = bool(cells) and headers == len(grid.rows) and _is_header(row, cells)
        headers += is_header
        grid.add_row(
            ((_text(cell), _span(cell, "colspan"), _span(cell, "rowspan")) for cell in cells),
            repeat_columns=is_header,
        )
    headers = headers if headers < len(grid.rows) else 0
    composer.add_lines(table_lines(grid.rows, headers=headers or None, strict=True))


def _is_header(row: html.HtmlElement, cells: list[html.HtmlElement]) -> bool:
    return row.getparent().tag == "thead" or all(
        cell.tag == "th" or (index == 0 and not _text(cell)) for index, cell in enumerate(cells)
    )


def _span(cell: html.HtmlElement, name: str) -> int:
    value = cell.get(name, "1").strip()
    return int(value) if value.isdecimal() and len(value) < 5 else 1


def _has_blocks(element: html.HtmlElement) -> bool:
    return any(True for _ in element.iterdescendants(*BLOCK_ELEMENTS))


def _text(element: html.HtmlElement, *, preserve_whitespace: bool = False) -> str:
    """The element's text on one line, or with its white space; images are their alternative texts."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            separate = node.tag in BLOCK_ELEMENTS and node is not element
            alternative = node.get("alt", "") if node.tag in ("img", "area", "input") else ""
            parts.append(
                "\n"
                if node.tag == "br"
                else f" {alternative} "
                if alternative
                else " " * separate + (node.text or "")
            )
        elif node is not element:
            parts.append(" " * (node.tag in BLOCK_ELEMENTS) + (node.tail or ""))
    joined = "".join(parts)
    return joined if preserve_whitespace else " ".join(joined.split())
