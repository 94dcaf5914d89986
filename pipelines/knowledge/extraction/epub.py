"""Text extraction from EPUB books: the chapters in reading order."""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction.html import html_page
from pipelines.knowledge.extraction.packages import Package, open_package
from pipelines.knowledge.extraction.pages import Limits, Page, PageBuilder

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
FONT_OBFUSCATION = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


def read_epub(path: Path, limits: Limits) -> Iterator[Page]:
    """A book as one page, because its pages depend on the reader."""
    with open_package(path, limits, "book") as package:
        page = _read_book(package)
    yield page


def _read_book(package: Package) -> Page:
    if ENCRYPTION in package.names:
        methods = {node.get("Algorithm", "") for node in package.xml(ENCRYPTION).iter("{*}EncryptionMethod")}
        if methods - set(FONT_OBFUSCATION):
            raise UnsupportedContent("The book is protected against copying.")
    name = next(node.get("full-path", "") for node in package.xml(CONTAINER).iter("{*}rootfile"))
    root = package.xml(name)
    items = {item.get("id"): item for item in root.iter("{*}item")}
    composer = PageBuilder()
    for reference in root.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "nav" in item.get("properties", "").split():
            continue
        part = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(item.get("href", ""))))
        if part not in package.names:
            composer.warn(f"The chapter {part} is missing.")
        elif "html" in item.get("media-type", ""):
            try:
                composer.add_page(html_page(package.read(part)))
            except Invalid:
                composer.warn(f"The chapter {part} is damaged, or empty.")
        else:
            composer.warn(f"The chapter {part} was not read.")
    return composer.page()
