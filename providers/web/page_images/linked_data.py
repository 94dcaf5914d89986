"""Images in JSON-LD."""

import json
import re
from collections.abc import Iterator
from typing import Any

from providers.web.page_images.css import Absolute
from providers.web.page_images.renditions import Picture, Place, Rendition

IMAGE_KEYS = frozenset(
    {
        "image",
        "images",
        "photo",
        "photos",
        "logo",
        "thumbnail",
        "thumbnailurl",
        "primaryimageofpage",
        "associatedmedia",
        "screenshot",
        "contenturl",
    }
)
MAX_DEPTH, MAX_PICTURES = 30, 10_000


def linked_data_pictures(text: str, absolute: Absolute) -> Iterator[Picture]:
    """The pictures of a JSON-LD block; none if it is not JSON."""
    bare = re.sub(r"^\s*(?:<!--|//<!\[CDATA\[)|(?:-->|//\]\]>)\s*$", "", text)
    try:
        content = json.loads(bare, strict=False)
    except (ValueError, RecursionError):
        return
    for number, picture in enumerate(_walk(content, absolute, 0)):
        if number == MAX_PICTURES:
            return
        yield picture


def _walk(node: Any, absolute: Absolute, depth: int) -> Iterator[Picture]:
    if depth > MAX_DEPTH:
        return
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, absolute, depth + 1)
    elif isinstance(node, dict):
        if picture := _image_object(node, absolute):
            yield picture
            return
        for key, value in node.items():
            if key.lower() in IMAGE_KEYS:
                yield from _values(value, absolute, depth + 1)
            elif isinstance(value, list | dict):
                yield from _walk(value, absolute, depth + 1)


def _values(value: Any, absolute: Absolute, depth: int) -> Iterator[Picture]:
    """The pictures in the value of a key that names images."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            if url := absolute(item):
                yield Picture([Rendition(url, Place.LATER)])
        elif isinstance(item, dict) and "url" in item and not _is_image_object(item):
            yield from _values(item["url"], absolute, depth + 1)
        else:
            yield from _walk(item, absolute, depth)


def _is_image_object(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    return any("image" in str(kind).lower() for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _image_object(node: dict[str, Any], absolute: Absolute) -> Picture | None:
    """An `ImageObject` as one picture: its content before its page and its thumbnail."""
    if not _is_image_object(node):
        return None
    renditions = []
    for key, place in (("contentUrl", Place.LARGE), ("url", Place.LATER), ("thumbnailUrl", Place.SHOWN)):
        if isinstance(node.get(key), str) and (url := absolute(node[key])):
            renditions.append(Rendition(url, place))
    caption = node.get("caption") or node.get("name")
    return Picture(renditions, caption if isinstance(caption, str) else None) if renditions else None
