"""Images and links of HTML pages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree, html

from core.ports import ImageCandidate
from providers.web.page_images import collect_pictures, css_pictures
from providers.web.page_images.collector import MAX_ELEMENTS
from providers.web.page_images.renditions import IMAGE_NAME, shared_addresses

NON_PAGE_NAME = re.compile(
    r"\.(?:css|js|json|pdf|zip|gz|tar|7z|exe|dmg|mp3|mp4|m4a|mov|avi|webm|woff2?|ttf|docx?|xlsx?|pptx?)\Z",
    re.IGNORECASE,
)
"""Extensions of files that are neither pages nor images."""
MAX_CAPTION_LENGTH = 500
NUMBER_OF_PAGE = re.compile(
    r"[?&](?:page|p|pg|paged|seite|offset|start)=\d+|/(?:page|seite|p)/?\d+/?|[-_](?:page)?\d+(?=\.html?$|/?$)",
    re.IGNORECASE,
)
"""The part of an address that numbers the pages of a list."""
NO_IMAGE_DIRECTIVES = frozenset({"noimageindex", "noai", "noimageai", "none"})
NO_FOLLOW_DIRECTIVES = frozenset({"nofollow", "none"})


@dataclass(frozen=True)
class HtmlPage:
    """The distinct images and links of a page, in document order, as absolute URLs."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()
    continuations: tuple[str, ...] = ()
    """The next pages of the same list: `rel=next`, or the same address with another number."""
    style_sheets: tuple[str, ...] = ()


def parse_page(content: bytes, url: str, headers: Mapping[str, str]) -> HtmlPage:
    """Parses the page at `url`. Omits images or links if its robots directives forbid their use."""
    root = parse_html(content, headers)
    if root is None:
        return HtmlPage()
    base = urljoin(url, str(next(iter(root.xpath("//base/@href")), "")))
    directives = _robots_directives(root, headers.get("x-robots-tag", ""))
    licence = next((absolute_url(base, str(href)) for href in root.xpath("//*[@rel='license']/@href")), None)
    images: dict[str, ImageCandidate] = {}
    for image, caption in () if directives & NO_IMAGE_DIRECTIVES else _pictures(root, base):
        images.setdefault(image, ImageCandidate(image, page_url=url, licence=licence, caption=caption))
    if directives & NO_FOLLOW_DIRECTIVES:
        return HtmlPage(tuple(images.values()))
    return HtmlPage(
        tuple(images.values()),
        tuple(dict.fromkeys(_links(root, base))),
        tuple(dict.fromkeys(_continuations(root, base, url))),
        () if directives & NO_IMAGE_DIRECTIVES else tuple(dict.fromkeys(_style_sheets(root, base))),
    )


def style_sheet_images(content: bytes, url: str) -> tuple[str, ...]:
    """The distinct addresses of the images in the style sheet at `url`."""
    text = content.decode(errors="replace")
    pictures = css_pictures(text, lambda reference: absolute_url(url, reference))
    return tuple(dict.fromkeys(image for picture in pictures if (image := picture.best())))


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


def _pictures(root: Any, base: str) -> Iterator[tuple[str, str | None]]:
    """The largest real rendition of each picture, with its caption."""
    captions = _captions(root)
    found = list(collect_pictures(root, lambda reference: absolute_url(base, reference)))
    shared = shared_addresses(picture for _, picture in found)
    for element, picture in found:
        if url := picture.best(shared):
            yield url, normalize_text(picture.caption or _caption(element, captions))


def _caption(element: Any, captions: Mapping[Any, str]) -> str:
    """What a page says of an image: its alternative text, its title, the text of its link or its figure."""
    said: str = element.get("alt") or element.get("title") or ""
    if not said and element.tag == "a":
        said = element.text_content()
    return said or captions.get(next(element.iterancestors("figure"), None), "")


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


def _continuations(root: Any, base: str, url: str) -> Iterator[str]:
    """The pages that continue a list: those of `rel=next`, or those that differ in their number alone."""
    for link in islice(root.iter("a", "link"), MAX_ELEMENTS):
        target = absolute_url(base, link.get("href", "about:blank"))
        if target is None or "nofollow" in link.get("rel", "").split():
            continue
        if "next" in link.get("rel", "").lower().split() or (
            link.tag == "a" and link.text_content().strip().isdecimal() and is_numbered_page(url, target)
        ):
            yield target


def is_numbered_page(url: str, target: str) -> bool:
    """Whether two addresses differ in the number of a page only; the first page may have none."""
    one, other = (NUMBER_OF_PAGE.sub("", address).rstrip("/?&") for address in (url, target))
    return url != target and NUMBER_OF_PAGE.search(target) is not None and one == other


def _style_sheets(root: Any, base: str) -> Iterator[str]:
    for link in islice(root.iter("link"), MAX_ELEMENTS):
        if "stylesheet" in link.get("rel", "").lower().split() and (
            url := absolute_url(base, link.get("href", "about:blank"))
        ):
            yield url
