"""Images in style sheets and style attributes."""

import re
from collections.abc import Callable, Iterator

from providers.web.page_images.renditions import Picture, Place, Rendition, has_image_name

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
QUOTED_OR_BARE = r"""(?:"([^"]*)"|'([^']*)'|([^"')\s]*))"""
ADDRESS = re.compile(rf"url\(\s*{QUOTED_OR_BARE}\s*\)", re.IGNORECASE)
SET_ENTRY = re.compile(
    rf"(?:url\(\s*{QUOTED_OR_BARE}\s*\)|\"([^\"]*)\"|'([^']*)')\s*(?:([\d.]+)(x|dppx|dpi))?", re.IGNORECASE
)
DECLARATION = re.compile(
    r"([\w-]+)\s*:\s*((?:[^;{}\"'()]|\([^()]*(?:\([^()]*\)[^()]*)*\)|\"[^\"]*\"|'[^']*')*)", re.DOTALL
)
IMAGE_PROPERTY = re.compile(r"background|list-style|border-image|content|mask|cursor|--", re.IGNORECASE)
MAX_SHEET_LENGTH = 2_000_000

Absolute = Callable[[str], str | None]


def css_pictures(text: str, absolute: Absolute) -> Iterator[Picture]:
    """A picture for each address in a style sheet; the entries of an `image-set` are renditions of one."""
    for name, value in DECLARATION.findall(COMMENT.sub("", text[:MAX_SHEET_LENGTH])):
        if "url(" not in value.lower() and "image-set(" not in value.lower():
            continue
        if not IMAGE_PROPERTY.match(name):
            continue
        if "image-set(" in value.lower():
            yield Picture(list(_set_renditions(value, absolute)))
            continue
        for groups in ADDRESS.findall(value):
            reference = next(filter(None, groups), "")
            if (url := _address(reference, name, absolute)) is not None:
                yield Picture([Rendition(url, Place.LATER)])


def _set_renditions(value: str, absolute: Absolute) -> Iterator[Rendition]:
    for *references, number, unit in SET_ENTRY.findall(value[value.lower().index("image-set(") + 10 :]):
        reference = next(filter(None, references), "")
        if reference and "/" not in reference and "." not in reference:
            continue  # the type of an entry: type("image/avif") has a slash, words have none
        if reference.startswith("image/"):
            continue
        if (url := absolute(reference)) is not None and not reference.startswith("data:"):
            yield Rendition(url, Place.SET, float(number or 1) / (96 if unit.lower() == "dpi" else 1))


def _address(reference: str, name: str, absolute: Absolute) -> str | None:
    """The absolute address of an image; references into fonts, data and the page itself are none."""
    if not reference or reference.startswith(("data:", "#", "about:")):
        return None
    if not has_image_name(reference) and not name.lower().startswith(
        ("background", "list-style", "border-image")
    ):
        return None
    return absolute(reference)
