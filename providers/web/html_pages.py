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
NON_PAGE_NAME = re.compile(
    r"\.(?:css|js|json|pdf|zip|gz|tar|7z|exe|dmg|mp3|mp4|m4a|mov|avi|webm|woff2?|ttf|docx?|xlsx?|pptx?)\Z",
    re.IGNORECASE,
)
"""Names of what is neither a page nor an image."""
SRC_ATTRIBUTES = ("src", "data-src", "data-original", "data-lazy-src")
SRCSET_ATTRIBUTES = ("srcset", "data-srcset")
META_IMAGES_XPATH = (
    "//meta[@property='og:image' or @property='og:image:url' or @property='og:image:secure_url'"
    " or @name='twitter:image' or @property='twitter:image' or @name='og:image']/@content"
    " | //link[contains(concat(' ', @rel, ' '), ' image_src ')]/@href"
)
SRCSET_ENTRY = re.compile(r"\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)([wx])[^,]*)?\s*(?:,|\Z)")
MAX_ELEMENTS = 10_000
"""Images, and links, of one page that are looked at."""
MAX_TRACKING_PIXEL_SIZE = 2
"""Pixels on a side up to which an image is there to count visitors."""
MAX_CAPTION_LENGTH = 500
NO_IMAGE_DIRECTIVES = frozenset({"noimageindex", "noai", "noimageai", "none"})
NO_FOLLOW_DIRECTIVES = frozenset({"nofollow", "none"})


@dataclass(frozen=True)
class HtmlPage:
    """The images of a page and the pages it links to, each once, in order, with absolute addresses."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()


def parse_page(content: bytes, url: str, headers: Mapping[str, str]) -> HtmlPage:
    """The page at `url`; what it asks machines to leave alone is left out."""
    root = parse_html(content, headers)
    if root is None:
        return HtmlPage()
    base = urljoin(url, str(next(iter(root.xpath("//base/@href")), "")))
    directives = _robots_directives(root, headers.get("x-robots-tag", ""))
    licence = next((absolute_url(base, str(href)) for href in root.xpath("//*[@rel='license']/@href")), None)
    images: dict[str, ImageCandidate] = {}
    for image, caption in () if directives & NO_IMAGE_DIRECTIVES else _images(root, base):
        images.setdefault(image, ImageCandidate(image, page_url=url, licence=licence, caption=caption))
    links = () if directives & NO_FOLLOW_DIRECTIVES else _links(root, base)
    return HtmlPage(tuple(images.values()), tuple(dict.fromkeys(links)))


def parse_html(content: bytes, headers: Mapping[str, str]) -> Any:
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
def absolute_url(base: str, reference: str) -> str | None:
    """The whole address of what a page refers to, without a fragment; None for what is not in the web."""
    try:
        url = urldefrag(urljoin(base, reference.strip())).url
        return url if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname else None
    except ValueError:
        return None


def has_image_extension(url: str) -> bool:
    """Whether an address ends like the name of an image."""
    return IMAGE_NAME.search(urlsplit(url).path) is not None


def plain_text(markup: str) -> str | None:
    """The text in a piece of HTML, on one line; None where there is none."""
    if "<" not in markup and "&" not in markup:
        return normalize_text(markup)
    try:
        return normalize_text(html.fromstring(markup).text_content())
    except (etree.ParserError, ValueError):
        return None


def normalize_text(text: str) -> str | None:
    """A text without line breaks, of bounded length; None where it is empty."""
    return " ".join(text.split())[:MAX_CAPTION_LENGTH] or None


def _robots_directives(root: Any, header: str) -> set[str]:
    """What the page asks machines not to do, in the words of robots' meta elements."""
    values = [header, *root.xpath("//meta[translate(@name, 'ROBTS', 'robts')='robots']/@content")]
    return {word.strip().lower() for line in values for word in re.split(r"[,:]", str(line))}


def _images(root: Any, base: str) -> Iterator[tuple[str, str | None]]:
    captions = _captions(root)
    for image in islice(root.iter("img"), MAX_ELEMENTS):
        if (url := _largest_rendition(image, base)) and not _is_tracking_pixel(image):
            figure = next(image.iterancestors("figure"), None)
            yield url, normalize_text(image.get("alt") or image.get("title") or captions.get(figure, ""))
    for reference in root.xpath(META_IMAGES_XPATH):
        if url := absolute_url(base, str(reference)):
            yield url, None
    for link in islice(root.iter("a"), MAX_ELEMENTS):
        if (url := absolute_url(base, link.get("href", "about:blank"))) and has_image_extension(url):
            yield url, normalize_text(link.get("title") or link.text_content())


def _largest_rendition(image: Any, base: str) -> str | None:
    """Of the renditions of an image, the largest; its plain one where sizes are not told."""
    picture = next(image.iterancestors("picture"), None)
    alternatives = () if picture is None else picture.iter("source")
    srcsets = [element.get(name, "") for element in (image, *alternatives) for name in SRCSET_ATTRIBUTES]
    renditions = sorted(_renditions(srcsets), key=lambda rendition: -rendition[0])
    sources = (image.get(name, "") for name in SRC_ATTRIBUTES)
    references = [reference for _, reference in renditions] + [reference for reference in sources if reference]
    return next((url for reference in references if (url := absolute_url(base, reference))), None)


def _renditions(srcsets: Iterable[str]) -> Iterator[tuple[float, str]]:
    for srcset in srcsets:
        for reference, number, unit in SRCSET_ENTRY.findall(srcset):
            yield float(number or 1) * (1 if unit == "w" else 1000), reference


def _is_tracking_pixel(image: Any) -> bool:
    sizes = [image.get(side, "") for side in ("width", "height")]
    return any(size.isdecimal() and int(size[:6]) <= MAX_TRACKING_PIXEL_SIZE for size in sizes)


def _captions(root: Any) -> dict[Any, str]:
    """The captions of figures."""
    captions = islice(root.iter("figcaption"), MAX_ELEMENTS)
    return {next(caption.iterancestors("figure"), None): caption.text_content() for caption in captions}


def _links(root: Any, base: str) -> Iterator[str]:
    for link in islice(root.iter("a", "area"), MAX_ELEMENTS):
        url = absolute_url(base, link.get("href", "about:blank"))
        if url is None or "nofollow" in link.get("rel", "").split():
            continue
        path = urlsplit(url).path
        if not IMAGE_NAME.search(path) and not NON_PAGE_NAME.search(path):
            yield url
