"""Parsing of sitemaps and of RSS and Atom feeds."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree

from core.ports import FetchError, FetchErrorCode, ImageCandidate
from providers.web.html_pages import absolute_url, has_image_extension, normalize_text, parse_page

GZIP_MAGIC = b"\x1f\x8b"
MAX_SITEMAP_BYTES = 8 * 1024 * 1024
"""Bytes of a decompressed sitemap that are parsed."""
MAX_SITEMAP_PAGES, MAX_FEED_ENTRIES, MAX_ENTRY_ELEMENTS = 50_000, 10_000, 1000
"""Limits per sitemap (as in sitemaps.org), per feed, and per feed entry; the rest is ignored."""
UTF_8 = {"content-type": "text/html; charset=utf-8"}
HTML_ELEMENTS = ("encoded", "description", "content", "summary")
"""Elements of feeds that contain HTML."""


@dataclass(frozen=True)
class Sitemap:
    """Images, and pages or nested sitemaps, as absolute URLs."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()


def is_sitemap(content: bytes) -> bool:
    """Whether the content starts like a sitemap: gzip, or XML that is not XHTML."""
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(GZIP_MAGIC):
        return True
    return start.startswith((b"<?xml", b"<urlset", b"<sitemapindex")) and b"<html" not in start


def parse_sitemap(content: bytes, url: str) -> Sitemap:
    """Parses a sitemap or sitemap index. Raises `FetchError` for other documents."""
    root = _parse_xml(content)
    if _local_name(root) not in ("urlset", "sitemapindex"):
        raise _parse_error("sitemap")
    images, links = dict[str, ImageCandidate](), dict[str, None]()
    for entry in islice(root, MAX_SITEMAP_PAGES):
        page = absolute_url(url, _text(entry, "loc") or "")
        if page is None:
            continue
        links[page] = None
        for image in _children(entry, "image"):
            if image_url := absolute_url(page, _text(image, "loc") or ""):
                caption = _text(image, "caption") or _text(image, "title")
                images[image_url] = ImageCandidate(
                    image_url, page_url=page, licence=_text(image, "license"), caption=caption
                )
    return Sitemap(tuple(images.values()), tuple(links))


def parse_feed(content: bytes, url: str) -> tuple[ImageCandidate, ...]:
    """The distinct images of a feed's entries. Raises `FetchError` for other documents."""
    root = _parse_xml(content)
    if _local_name(root) not in ("rss", "feed", "RDF"):
        raise _parse_error("feed")
    licence = _licence(root) or next((_licence(channel) for channel in _children(root, "channel")), None)
    images: dict[str, ImageCandidate] = {}
    for entry in islice(root.iter("{*}item", "{*}entry"), MAX_FEED_ENTRIES):
        page = absolute_url(url, _link(entry))
        for image_url in _image_urls(entry, page or url):
            candidate = ImageCandidate(
                image_url,
                page_url=page,
                licence=_licence(entry) or licence,
                attribution=_author(entry),
                caption=_text(entry, "title"),
            )
            images.setdefault(image_url, candidate)
    return tuple(images.values())


def _parse_xml(content: bytes) -> Any:
    if content.startswith(GZIP_MAGIC):
        try:
            content = zlib.decompressobj(32 + zlib.MAX_WBITS).decompress(content, MAX_SITEMAP_BYTES)
        except zlib.error as error:
            raise _parse_error("listing") from error
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _parse_error("listing") from error
    if root is None:
        raise _parse_error("listing")
    return root


def _parse_error(document: str) -> FetchError:
    return FetchError(FetchErrorCode.INVALID_ANSWER, f"The {document} cannot be parsed.")


def _local_name(element: Any) -> str:
    """The element's name without its namespace, which many feeds get wrong."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in islice(element, MAX_SITEMAP_PAGES) if _local_name(child) == name)


def _text(element: Any, name: str) -> str | None:
    for child in _children(element, name):
        if text := normalize_text("".join(child.itertext())):
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
            return normalize_text(link.get("href", ""))
    return _text(element, "license") or _text(element, "rights") or _text(element, "copyright")


def _author(entry: Any) -> str | None:
    names = [
        _text(element, "credit")
        for element in (entry, *_children(entry, "content"), *_children(entry, "group"))
    ]
    names.append(_text(entry, "creator"))
    names.extend(_text(author, "name") for author in _children(entry, "author"))
    return next((name for name in names if name), None) or _text(entry, "author")


def _image_urls(entry: Any, base: str) -> Iterator[str]:
    for element in islice(entry.iter(), MAX_ENTRY_ELEMENTS):
        if url := _attached_image(element, base):
            yield url
    for element in islice(entry, MAX_ENTRY_ELEMENTS):
        if _local_name(element) in HTML_ELEMENTS and element.get("url") is None:
            markup = _inner_xml(element) if len(element) else element.text or ""
            yield from (image.url for image in parse_page(markup.encode(), base, UTF_8).images)


def _attached_image(element: Any, base: str) -> str | None:
    """The image URL of an enclosure, a `media:content` or an `itunes:image` element."""
    name = _local_name(element)
    is_enclosure = name == "enclosure" or (name == "link" and element.get("rel") == "enclosure")
    is_media = name == "content" and element.get("url") is not None
    is_image = name == "image" and bool(element.get("href"))
    if not (is_enclosure or is_media or is_image):
        return None
    url = absolute_url(base, element.get("url") or element.get("href") or "")
    if url and (name == "image" or _is_image(element) or has_image_extension(url)):
        return url
    return None


def _is_image(element: Any) -> bool:
    return str(element.get("type", "")).startswith("image/") or element.get("medium") == "image"


def _inner_xml(element: Any) -> str:
    """The XHTML content of an element."""
    return "".join(etree.tostring(child, encoding="unicode") for child in element)
