"""Text extraction from HTML: the visible text."""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree, html

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder

HIDDEN_ELEMENTS = frozenset(
    ("script", "style", "template", "noscript", "head", "svg", "iframe", "object", "nav", "select", "canvas")
)
BLOCK_ELEMENTS = frozenset(
    (
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "dd",
            "div",
            "dl",
            "dt",
            "figcaption",
            "figure",
        ),
        *("footer", "form", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody"),
        *("thead", "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6", "caption", "details", "summary"),
    )
)
MAX_BYTES = 20 * 2**20
"""Bytes."""
MAX_DEPTH = 200
"""Nesting depth; deeper elements are read as one block."""


def read_html(path: Path, limits: Limits) -> Iterator[Page]:
    """A web page as one page. Raises `Invalid` if it is empty or damaged."""
    if path.stat().st_size > min(MAX_BYTES, 4 * limits.characters):
        raise UnsupportedContent(f"The web page must be at most {MAX_BYTES >> 20} MB. Upload it in parts.")
    try:
        root = html.document_fromstring(path.read_bytes(), parser=html.HTMLParser(remove_comments=True))
    except (etree.LxmlError, ValueError) as error:
        raise Invalid("The web page is damaged, or empty.") from error
    composer = PageBuilder()
    title = root.findtext(".//title")
    body = root.find("body")
    if title and (body is None or body.find(".//h1") is None):
        composer.add(" ".join(title.split()), level=1)
    if body is not None:
        _walk(body, composer, 0)
    yield composer.page()


def _walk(element: html.HtmlElement, composer: PageBuilder, depth: int) -> None:
    """Add an element's blocks in order; text between blocks is a separate block."""
    name = element.tag
    if depth > MAX_DEPTH or name in ("tr", "pre") or not _has_blocks(element):
        _add(composer, element, _visible_text(element, preserve_whitespace=name == "pre"))
        return
    inline_parts = [element.text or ""]
    for child in element:
        tail = child.tail or ""
        if not isinstance(child.tag, str) or child.tag in HIDDEN_ELEMENTS:
            inline_parts.append(tail)
        elif child.tag in BLOCK_ELEMENTS or _has_blocks(child):
            composer.add(" ".join("".join(inline_parts).split()))
            _walk(child, composer, depth + 1)
            inline_parts = [tail]
        else:
            inline_parts += [_visible_text(child), tail]
    composer.add(" ".join("".join(inline_parts).split()))


def _add(composer: PageBuilder, element: html.HtmlElement, text: str) -> None:
    name = element.tag
    if name == "tr":
        composer.add(
            " | ".join(_visible_text(cell) for cell in element if isinstance(cell.tag, str)), gap="\n"
        )
    elif name == "li":
        composer.add(f"- {text}" if text else "", gap="\n")
    else:
        composer.add(text, level=int(name[1]) if name in ("h1", "h2", "h3", "h4", "h5", "h6") else None)


def _has_blocks(element: html.HtmlElement) -> bool:
    return any(child.tag in BLOCK_ELEMENTS for child in element.iterdescendants())


def _visible_text(element: html.HtmlElement, *, preserve_whitespace: bool = False) -> str:
    """The element's visible text on one line, or with its white space."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        hidden = not isinstance(node.tag, str) or any(
            isinstance(above.tag, str) and above.tag in HIDDEN_ELEMENTS
            for above in (node, *node.iterancestors())
        )
        if event == "start" and not hidden:
            parts.append("\n" if node.tag == "br" else node.text or "")
        elif event == "end" and node is not element:
            parent = node.getparent()
            if parent is None or parent.tag not in HIDDEN_ELEMENTS:
                parts.append(node.tail or "")
    joined = "".join(parts)
    return joined if preserve_whitespace else " ".join(joined.split())
