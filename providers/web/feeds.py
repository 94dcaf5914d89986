"""Documents of XML that list images and pages: sitemaps, RSS and Atom feeds."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree

from core.ports import ImageCandidate, FetchErrorCode, FetchError
from providers.web.html_pages import absolute, is_image_name, one_line, read_page

GZIP = b"\x1f\x8b"
LONGEST_SITEMAP = 8 * 1024 * 1024
"""Bytes of a sitemap after unpacking; what comes after them is not read."""
MOST_PAGES, MOST_ENTRIES, MOST_ELEMENTS = 50_000, 10_000, 1000
"""Pages of a sitemap (as sitemaps.org has it), entries of a feed, elements of an entry that are looked at."""
UTF_8 = {"content-type": "text/html; charset=utf-8"}
HTML_BODIES = ("encoded", "description", "content", "summary")
"""Elements of feeds that hold HTML."""


@dataclass(frozen=True)
class Listing:
    """What a sitemap tells: images, and pages or further sitemaps, as absolute addresses."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()


def is_listing(content: bytes) -> bool:
    """Whether this begins like XML that is no page, or is compressed."""
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(GZIP):
        return True
    return start.startswith((b"<?xml", b"<urlset", b"<sitemapindex")) and b"<html" not in start


def read_sitemap(content: bytes, url: str) -> Listing:
    """The sitemap at `url`, or the index of sitemaps. Raises `Refused` for what is neither."""
    root = _root(content)
    if _name(root) not in ("urlset", "sitemapindex"):
        raise _unreadable("sitemap")
    images, links = dict[str, ImageCandidate](), dict[str, None]()
    for entry in islice(root, MOST_PAGES):
        page = absolute(url, _text(entry, "loc") or "")
        if page is None:
            continue
        links[page] = None
        for image in _children(entry, "image"):
            if found := absolute(page, _text(image, "loc") or ""):
                caption = _text(image, "caption") or _text(image, "title")
                images[found] = ImageCandidate(found, page_url=page, licence=_text(image, "license"), caption=caption)
    return Listing(tuple(images.values()), tuple(links))


def read_feed(content: bytes, url: str) -> tuple[ImageCandidate, ...]:
    """The images of a feed's entries, each once. Raises `Refused` for what is no feed."""
    root = _root(content)
    if _name(root) not in ("rss", "feed", "RDF"):
        raise _unreadable("feed")
    licence = _licence(root) or next((_licence(channel) for channel in _children(root, "channel")), None)
    found: dict[str, ImageCandidate] = {}
    for entry in islice(root.iter("{*}item", "{*}entry"), MOST_ENTRIES):
        page = absolute(url, _link(entry))
        for image in _pictured(entry, page or url):
            told = ImageCandidate(
                image,
                page_url=page,
                licence=_licence(entry) or licence,
                attribution=_author(entry),
                caption=_text(entry, "title"),
            )
            found.setdefault(image, told)
    return tuple(found.values())


def _root(content: bytes) -> Any:
    if content.startswith(GZIP):
        try:
            content = zlib.decompressobj(32 + zlib.MAX_WBITS).decompress(content, LONGEST_SITEMAP)
        except zlib.error as error:
            raise _unreadable("listing") from error
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _unreadable("listing") from error
    if root is None:
        raise _unreadable("listing")
    return root


def _unreadable(what: str) -> FetchError:
    return FetchError(FetchErrorCode.INVALID_ANSWER, f"The {what} can't be read.")


def _name(element: Any) -> str:
    """An element's name without its namespace; feeds in the wild get theirs wrong."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in islice(element, MOST_PAGES) if _name(child) == name)


def _text(element: Any, name: str) -> str | None:
    for child in _children(element, name):
        if text := one_line("".join(child.itertext())):
            return text
    return None


def _link(entry: Any) -> str:
    for link in _children(entry, "link"):
        if link.get("rel", "alternate") == "alternate":
            return str(link.get("href") or link.text or "").strip()
    return ""


def _licence(element: Any) -> str | None:
    for link in _children(element, "link"):
        if link.get("rel") == "license":
            return one_line(link.get("href", ""))
    return _text(element, "license") or _text(element, "rights") or _text(element, "copyright")


def _author(entry: Any) -> str | None:
    told = [
        _text(each, "credit") for each in (entry, *_children(entry, "content"), *_children(entry, "group"))
    ]
    told.append(_text(entry, "creator"))
    told.extend(_text(author, "name") for author in _children(entry, "author"))
    return next((name for name in told if name), None) or _text(entry, "author")


def _pictured(entry: Any, base: str) -> Iterator[str]:
    for element in islice(entry.iter(), MOST_ELEMENTS):
        name = _name(element)
        reference = element.get("url") or element.get("href") or ""
        is_attached = name == "enclosure" or (name == "link" and element.get("rel") == "enclosure")
        is_media = name == "content" and element.get("url") is not None
        if not (is_attached or is_media or (name == "image" and element.get("href"))):
            continue
        url = absolute(base, reference)
        if url and (_is_image(element) or is_image_name(url) or name == "image"):
            yield url
    for element in islice(entry, MOST_ELEMENTS):
        if _name(element) in HTML_BODIES and element.get("url") is None:
            markup = _inner(element) if len(element) else element.text or ""
            yield from (image.url for image in read_page(markup.encode(), base, UTF_8).images)


def _is_image(element: Any) -> bool:
    return str(element.get("type", "")).startswith("image/") or element.get("medium") == "image"


def _inner(element: Any) -> str:
    """The XHTML inside an element."""
    return "".join(etree.tostring(child, encoding="unicode") for child in element)
