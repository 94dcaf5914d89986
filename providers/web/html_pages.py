"""What a page of HTML tells of images, and where it leads."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree, html

from core.ports import ImageCandidate

IMAGE_NAME = re.compile(r"\.(?:jpe?g|png|webp|gif|bmp|tiff?|avif)\Z", re.IGNORECASE)
OTHER_NAME = re.compile(
    r"\.(?:css|js|json|pdf|zip|gz|tar|7z|exe|dmg|mp3|mp4|m4a|mov|avi|webm|woff2?|ttf|docx?|xlsx?|pptx?)\Z",
    re.IGNORECASE,
)
"""Names of what is neither a page nor an image."""
SOURCES = ("src", "data-src", "data-original", "data-lazy-src")
SETS = ("srcset", "data-srcset")
ANNOUNCED = (
    "//meta[@property='og:image' or @property='og:image:url' or @property='og:image:secure_url'"
    " or @name='twitter:image' or @property='twitter:image' or @name='og:image']/@content"
    " | //link[contains(concat(' ', @rel, ' '), ' image_src ')]/@href"
)
SET_ENTRY = re.compile(r"\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)([wx])[^,]*)?\s*(?:,|\Z)")
MOST = 10_000
"""Images, and links, of one page that are looked at."""
TINY = 2
"""Pixels on a side up to which an image is there to count visitors."""
LONGEST_CAPTION = 500
LEAVE_IMAGES = frozenset({"noimageindex", "noai", "noimageai", "none"})
LEAVE_LINKS = frozenset({"nofollow", "none"})


@dataclass(frozen=True)
class Page:
    """The images of a page and the pages it links to, each once, in order, with absolute addresses."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()


def read_page(content: bytes, url: str, headers: Mapping[str, str]) -> Page:
    """The page at `url`; what it asks machines to leave alone is left out."""
    root = parsed(content, headers)
    if root is None:
        return Page()
    base = urljoin(url, str(next(iter(root.xpath("//base/@href")), "")))
    wishes = _wishes(root, headers.get("x-robots-tag", ""))
    licence = next((absolute(base, str(href)) for href in root.xpath("//*[@rel='license']/@href")), None)
    images: dict[str, ImageCandidate] = {}
    for image, caption in () if wishes & LEAVE_IMAGES else _images(root, base):
        images.setdefault(image, ImageCandidate(image, page_url=url, licence=licence, caption=caption))
    links = () if wishes & LEAVE_LINKS else _links(root, base)
    return Page(tuple(images.values()), tuple(dict.fromkeys(links)))


def parsed(content: bytes, headers: Mapping[str, str]) -> Any:
    """The tree of a page, in the charset that the server or the page names; None for an empty one."""
    charset = re.search(r"charset=[\"']?([\w.:-]+)", headers.get("content-type", ""))
    try:
        parser = html.HTMLParser(encoding=charset[1] if charset else None)
    except LookupError:
        parser = html.HTMLParser()
    try:
        return html.document_fromstring(content, parser=parser)
    except (etree.ParserError, ValueError):
        return None


@lru_cache(maxsize=1000)
def absolute(base: str, reference: str) -> str | None:
    """The whole address of what a page refers to, without a fragment; None for what is not in the web."""
    try:
        url = urldefrag(urljoin(base, reference.strip())).url
        return url if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname else None
    except ValueError:
        return None


def is_image_name(url: str) -> bool:
    """Whether an address ends like the name of an image."""
    return IMAGE_NAME.search(urlsplit(url).path) is not None


def text_of(markup: str) -> str | None:
    """The text in a piece of HTML, on one line; None where there is none."""
    if "<" not in markup and "&" not in markup:
        return one_line(markup)
    try:
        return one_line(html.fromstring(markup).text_content())
    except (etree.ParserError, ValueError):
        return None


def one_line(text: str) -> str | None:
    """A text without line breaks, of bounded length; None where it is empty."""
    return " ".join(text.split())[:LONGEST_CAPTION] or None


def _wishes(root: Any, header: str) -> set[str]:
    """What the page asks machines not to do, in the words of robots' meta elements."""
    said = [header, *root.xpath("//meta[translate(@name, 'ROBTS', 'robts')='robots']/@content")]
    return {word.strip().lower() for line in said for word in re.split(r"[,:]", str(line))}


def _images(root: Any, base: str) -> Iterator[tuple[str, str | None]]:
    captions = _captions(root)
    for image in islice(root.iter("img"), MOST):
        if (url := _best(image, base)) and not _is_tiny(image):
            figure = next(image.iterancestors("figure"), None)
            yield url, one_line(image.get("alt") or image.get("title") or captions.get(figure, ""))
    for reference in root.xpath(ANNOUNCED):
        if url := absolute(base, str(reference)):
            yield url, None
    for link in islice(root.iter("a"), MOST):
        if (url := absolute(base, link.get("href", "about:blank"))) and is_image_name(url):
            yield url, one_line(link.get("title") or link.text_content())


def _best(image: Any, base: str) -> str | None:
    """Of the renditions of an image, the largest; its plain one where sizes are not told."""
    picture = next(image.iterancestors("picture"), None)
    alternatives = () if picture is None else picture.iter("source")
    sets = [element.get(name, "") for element in (image, *alternatives) for name in SETS]
    renditions = sorted(_renditions(sets), key=lambda rendition: -rendition[0])
    plain = (image.get(name, "") for name in SOURCES)
    references = [reference for _, reference in renditions] + [reference for reference in plain if reference]
    return next((url for reference in references if (url := absolute(base, reference))), None)


def _renditions(sets: Iterable[str]) -> Iterator[tuple[float, str]]:
    for each in sets:
        for reference, number, unit in SET_ENTRY.findall(each):
            yield float(number or 1) * (1 if unit == "w" else 1000), reference


def _is_tiny(image: Any) -> bool:
    sizes = [image.get(side, "") for side in ("width", "height")]
    return any(size.isdecimal() and int(size[:6]) <= TINY for size in sizes)


def _captions(root: Any) -> dict[Any, str]:
    """The captions of figures."""
    captions = islice(root.iter("figcaption"), MOST)
    return {next(caption.iterancestors("figure"), None): caption.text_content() for caption in captions}


def _links(root: Any, base: str) -> Iterator[str]:
    for link in islice(root.iter("a", "area"), MOST):
        url = absolute(base, link.get("href", "about:blank"))
        if url is None or "nofollow" in link.get("rel", "").split():
            continue
        path = urlsplit(url).path
        if not IMAGE_NAME.search(path) and not OTHER_NAME.search(path):
            yield url
