"""Images and links of HTML pages."""

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
"""Extensions of files that are neither pages nor images."""
SRC_ATTRIBUTES = ("src", "data-src", "data-original", "data-lazy-src")
SRCSET_ATTRIBUTES = ("srcset", "data-srcset")
META_IMAGES_XPATH = (
    "//meta[@property='og:image' or @property='og:image:url' or @property='og:image:secure_url'"
    " or @name='twitter:image' or @property='twitter:image' or @name='og:image']/@content"
    " | //link[contains(concat(' ', @rel, ' '), ' image_src ')]/@href"
)
SRCSET_ENTRY = re.compile(r"\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)([wx])[^,]*)?\s*(?:,|\Z)")
MAX_ELEMENTS = 10_000
"""Images, and links, of one page that are read."""
MAX_TRACKING_PIXEL_SIZE = 2
"""Side in pixels up to which an image counts as a tracking pixel."""
MAX_CAPTION_LENGTH = 500
NO_IMAGE_DIRECTIVES = frozenset({"noimageindex", "noai", "noimageai", "none"})
NO_FOLLOW_DIRECTIVES = frozenset({"nofollow", "none"})


@dataclass(frozen=True)
class HtmlPage:
    """The distinct images and links of a page, in document order, as absolute URLs."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()


def parse_page(content: bytes, url: str, headers: Mapping[str, str]) -> HtmlPage:
    """Parses the page at `url`. Omits images or links if its robots directives forbid their use."""
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
    """The document tree, in the charset of the header or the page; None if the document is empty."""
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
    """The absolute URL of a reference, without a fragment; None if it is not `http` or `https`."""
    try:
        url = urldefrag(urljoin(base, reference.strip())).url
        return url if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname else None
    except ValueError:
        return None


def has_image_extension(url: str) -> bool:
    """Whether the URL's path ends in an image extension."""
    return IMAGE_NAME.search(urlsplit(url).path) is not None


def plain_text(markup: str) -> str | None:
    """The text of an HTML fragment on one line; None if it is empty."""
    if "<" not in markup and "&" not in markup:
        return normalize_text(markup)
    try:
        return normalize_text(html.fromstring(markup).text_content())
    except (etree.ParserError, ValueError):
        return None


def normalize_text(text: str) -> str | None:
    """The text on one line, truncated to the maximum caption length; None if it is empty."""
    return " ".join(text.split())[:MAX_CAPTION_LENGTH] or None


def _robots_directives(root: Any, header: str) -> set[str]:
    """The directives of the `X-Robots-Tag` header and the robots meta elements."""
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
    """The URL of the largest rendition in `srcset`, else of `src`."""
    picture = next(image.iterancestors("picture"), None)
    alternatives = () if picture is None else picture.iter("source")
    srcsets = [element.get(name, "") for element in (image, *alternatives) for name in SRCSET_ATTRIBUTES]
    renditions = sorted(_renditions(srcsets), key=lambda rendition: -rendition[0])
    sources = (image.get(name, "") for name in SRC_ATTRIBUTES)
    references = [reference for _, reference in renditions] + [
        reference for reference in sources if reference
    ]
    return next((url for reference in references if (url := absolute_url(base, reference))), None)


def _renditions(srcsets: Iterable[str]) -> Iterator[tuple[float, str]]:
    for srcset in srcsets:
        for reference, number, unit in SRCSET_ENTRY.findall(srcset):
            yield float(number or 1) * (1 if unit == "w" else 1000), reference


def _is_tracking_pixel(image: Any) -> bool:
    sizes = [image.get(side, "") for side in ("width", "height")]
    return any(size.isdecimal() and int(size[:6]) <= MAX_TRACKING_PIXEL_SIZE for size in sizes)


def _captions(root: Any) -> dict[Any, str]:
    """Captions by figure element."""
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
