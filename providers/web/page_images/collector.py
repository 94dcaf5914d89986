"""The pictures of a page: elements, attributes, styles, linked data and the page's head."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from providers.web.page_images.css import Absolute, css_pictures
from providers.web.page_images.linked_data import linked_data_pictures
from providers.web.page_images.renditions import (
    Picture,
    Place,
    Rendition,
    attribute_references,
    has_image_name,
    srcset_entries,
)

MAX_ELEMENTS = 10_000
"""Pictures, and links, of one page that are read."""
MAX_SCANNED_ELEMENTS = 100_000
MAX_TRACKING_PIXEL_SIZE = 2
"""Side in pixels up to which an image counts as a tracking pixel."""
LATER_NAMES = re.compile(
    r"^data-(?:(?:lazy|original|orig|full|large|hi-?res|retina|actual|real|main|image|img|photo|pic|zoom|bg|"
    r"background|poster|thumb)[\w-]*|(?:[\w-]+-)?(?:src|url|image|img))$",
    re.IGNORECASE,
)
"""Attributes that hold an image's address whatever its name."""
IMAGE_TAGS = frozenset({"img", "amp-img", "image", "{http://www.w3.org/2000/svg}image"})
SHOWN_ATTRIBUTES = {
    "video": "poster",
    "input": "src",
    "iframe": "src",
    "object": "data",
    "embed": "src",
    "body": "background",
    "table": "background",
    "td": "background",
}
"""Attributes of other elements that show an image."""
HEAD_IMAGES = re.compile(
    r"^(?:og:image(?::url|:secure_url)?|twitter:image(?::src)?|thumbnail|msapplication-\w+image)$",
    re.IGNORECASE,
)
ITEM_PROPERTIES = frozenset({"image", "thumbnailurl", "contenturl", "logo", "photo"})
ICON_RELATIONS = frozenset(
    {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "image_src"}
)
IGNORED_ATTRIBUTES = frozenset({"href", "action", "content", "class", "id", "alt", "title", "style", "value"})


def collect_pictures(root: Any, absolute: Absolute) -> Iterator[tuple[Any, Picture]]:
    """The pictures of a document, each with its element. `absolute` makes references absolute."""
    groups: dict[Any, Picture] = {}
    found = 0
    for element in islice(root.iter(), MAX_SCANNED_ELEMENTS):
        tag = element.tag
        if not isinstance(tag, str):
            continue
        if tag in IMAGE_TAGS:
            if (found := found + 1) > MAX_ELEMENTS:
                continue
            picture = image_picture(element, absolute)
            owner = fallback_owner(element)
            if owner in groups:
                groups[owner].renditions.extend(later(picture))
            elif picture.renditions and not is_tracking_pixel(element):
                groups[element] = picture
                yield element, picture
        else:
            for picture in other_pictures(element, tag, absolute):
                yield element, picture


def later(picture: Picture) -> Iterator[Rendition]:
    """Renditions that stand in for those of a script."""
    for one in picture.renditions:
        yield Rendition(one.url, max(one.place, Place.LATER), one.size)


def fallback_owner(image: Any) -> Any:
    """The picture for which an image in a `noscript` stands in: the one just before or after it."""
    noscript = next(image.iterancestors("noscript"), None)
    if noscript is None:
        return None
    for neighbour in (
        noscript.getprevious(),
        noscript.getparent() if noscript.getparent() is not None else None,
    ):
        if neighbour is not None and neighbour.tag in ("img", "picture", "a", "figure", "div", "span"):
            if neighbour.tag == "img":
                return neighbour
            images = [each for each in islice(neighbour.iter("img"), 3) if not is_inside(each, "noscript")]
            if len(images) == 1:
                return images[0]
    return None


def is_inside(element: Any, tag: str) -> bool:
    return next(element.iterancestors(tag), None) is not None


def image_picture(image: Any, absolute: Absolute) -> Picture:
    """An `img` with all its renditions: its own attributes, the sources of its `picture`, and its link."""
    picture = Picture()

    def add(reference: str, place: Place, size: float = 0.0) -> None:
        if not reference.strip().startswith("data:") and (url := absolute(reference)):
            picture.renditions.append(Rendition(url, place, size))

    for name, value in image.items():
        name = name.lower()
        if name in ("src", "href", "{http://www.w3.org/1999/xlink}href", "xlink:href"):
            add(value, Place.SHOWN)
        elif name in IGNORED_ATTRIBUTES or name in ("width", "height", "sizes"):
            continue
        else:
            for reference, place, size in attribute_references(name, value):
                if place is Place.SET or has_image_name(reference) or LATER_NAMES.match(name):
                    add(reference, place, size)
    owner = next(image.iterancestors("picture"), None)
    for source in () if owner is None else owner.iter("source"):
        for name, value in source.items():
            if "srcset" in name:
                for reference, size in srcset_entries(value):
                    add(reference, Place.SET, size)
            elif name.lower() in ("src", "data-src"):
                add(value, Place.LATER)
    link = next(image.iterancestors("a"), None)
    if link is not None and has_single_image(link):
        for reference in linked_references(link):
            add(reference, Place.LINKED)
    return picture


def linked_references(link: Any) -> Iterator[str]:
    """The images to which a link leads, or which a script shows when it is followed."""
    if has_image_name(link.get("href", "")):
        yield link.get("href")
    for name, value in link.items():
        if name.lower() not in IGNORED_ATTRIBUTES:
            for reference, _, _ in attribute_references(name.lower(), value):
                if has_image_name(reference):
                    yield reference


def other_pictures(element: Any, tag: str, absolute: Absolute) -> Iterator[Picture]:
    """The pictures that an element names which is no image itself."""
    if tag == "meta":
        yield from meta_pictures(element, absolute)
    elif tag == "link":
        yield from link_pictures(element, absolute)
    elif tag == "style":
        yield from css_pictures(element.text or "", absolute)
    elif tag == "script":
        if "ld+json" in element.get("type", ""):
            yield from linked_data_pictures(element.text or "", absolute)
    elif tag in ("a", "area"):
        if has_image_name(element.get("href", "")) and not has_single_image(element):
            yield from one_picture(element.get("href"), absolute, Place.LINKED)
    elif tag != "source":
        yield from attribute_pictures(element, tag, absolute)
    if "url(" in (style := element.get("style", "")) or "image-set(" in style:
        yield from css_pictures(style, absolute)


def has_single_image(link: Any) -> bool:
    return len(list(islice(link.iter("img"), 2))) == 1


def one_picture(reference: str, absolute: Absolute, place: Place = Place.LATER) -> Iterator[Picture]:
    if not reference.strip().startswith("data:") and (url := absolute(reference)):
        yield Picture([Rendition(url, place)])


def meta_pictures(element: Any, absolute: Absolute) -> Iterator[Picture]:
    name = element.get("property") or element.get("name") or ""
    if HEAD_IMAGES.match(name.strip()) or element.get("itemprop", "").lower() in ITEM_PROPERTIES:
        yield from one_picture(element.get("content", ""), absolute)


def link_pictures(element: Any, absolute: Absolute) -> Iterator[Picture]:
    relations = set(element.get("rel", "").lower().split())
    if relations & {"preload", "prefetch"} and element.get("as", "").lower() == "image":
        renditions = [
            Rendition(url, Place.SET, size)
            for reference, size in srcset_entries(element.get("imagesrcset", ""))
            if (url := absolute(reference))
        ]
        if url := absolute(element.get("href", "about:blank")):
            renditions.append(Rendition(url, Place.LATER))
        yield Picture(renditions)
    elif relations & ICON_RELATIONS or element.get("itemprop", "").lower() in ITEM_PROPERTIES:
        yield from one_picture(element.get("href", "about:blank"), absolute)


def attribute_pictures(element: Any, tag: str, absolute: Absolute) -> Iterator[Picture]:
    """The picture in the attributes of any other element, as of a `div` whose background a script sets."""
    renditions = []
    shown = SHOWN_ATTRIBUTES.get(tag)
    for name, value in element.items():
        name = name.lower()
        if name == shown:
            if tag in ("video", "input", "body", "table", "td") or has_image_name(value):
                references: Iterator[tuple[str, Place, float]] = iter([(value, Place.SHOWN, 0.0)])
            else:
                continue
        elif name in IGNORED_ATTRIBUTES or name == "src":
            continue
        else:
            references = attribute_references(name, value)
        for reference, place, size in references:
            is_image = name == shown or place is Place.SET or has_image_name(reference)
            if is_image and (url := absolute(reference)):
                renditions.append(Rendition(url, place, size))
    if renditions:
        yield Picture(renditions)


def is_tracking_pixel(image: Any) -> bool:
    """Whether an image is as small as those that count visits."""
    sizes = [image.get(side, "") for side in ("width", "height")]
    return any(size.isdecimal() and int(size[:6]) <= MAX_TRACKING_PIXEL_SIZE for size in sizes)
