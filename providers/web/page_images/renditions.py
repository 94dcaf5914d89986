"""Pictures with renditions: one motif at several addresses, of which the largest real one counts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from urllib.parse import urlsplit

IMAGE_NAME = re.compile(r"\.(?:jpe?g|png|webp|gif|bmp|tiff?|avif)\Z", re.IGNORECASE)
PLACEHOLDER_NAME = re.compile(
    r"(?:^|[^a-z])(?:placeholder|blank|spacer|transparent|1x1|pixel|loading|loader|spinner|lazy(?:load)?|dummy|"
    r"grey|gray|empty)(?:[^a-z]|$)",
    re.IGNORECASE,
)
LARGE_NAME = re.compile(r"full|zoom|large|orig|hi-?res|retina|big|max|2x|hd", re.IGNORECASE)
SRCSET_ENTRY = re.compile(r"\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)([wxh])[^,]*)?\s*(?:,|\Z)")
CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')\s]+)["']?\s*\)""", re.IGNORECASE)
SRCSET = re.compile(r"\S\s+\d+(?:\.\d+)?[wx]\s*(?:,|$)")
JSON_ADDRESS = re.compile(
    r"""["'\s\[(]((?:https?:)?/{1,2}[^"'\s<>\\]+?\.(?:jpe?g|png|webp|gif|avif))(?=["'\s?#])""",
    re.IGNORECASE,
)
MAX_REPETITIONS = 2
"""A picture's first address that this many pictures with other addresses share is a placeholder."""


class Place(IntEnum):
    """Where an address stands; of two renditions, that of the higher place is the larger one."""

    SHOWN = 0
    """What is shown first: `src`, or a thumbnail."""
    LATER = 1
    """What a script shows later: `data-src` and the like."""
    SET = 2
    """An entry of a `srcset`, with its width or density."""
    LARGE = 3
    """An attribute whose name says that it is the large one."""
    LINKED = 4
    """The image to which the picture is linked."""


@dataclass(frozen=True)
class Rendition:
    """An absolute address of a picture, and the width in pixels or the density that the page gives."""

    url: str
    place: Place = Place.SHOWN
    size: float = 0.0


@dataclass
class Picture:
    """A motif with its renditions, and what the page says of it."""

    renditions: list[Rendition] = field(default_factory=list)
    caption: str | None = None

    def best(self, shared: frozenset[str] = frozenset()) -> str | None:
        """The address of the largest real rendition; None if there is none.

        `shared` are addresses that other pictures of the page have, too: placeholders.
        """
        real = [one for one in self.renditions if not is_placeholder(one, shared)]
        return max(real, key=lambda one: (one.place, one.size)).url if real else None


def is_placeholder(rendition: Rendition, shared: frozenset[str]) -> bool:
    """Whether an address stands for a picture that is shown later."""
    name = urlsplit(rendition.url).path.rpartition("/")[2]
    return rendition.place is Place.SHOWN and (
        rendition.url in shared or PLACEHOLDER_NAME.search(name.rpartition(".")[0] or name) is not None
    )


def shared_addresses(pictures: Iterable[Picture]) -> frozenset[str]:
    """First addresses of several pictures that have other ones as well."""
    counts: dict[str, int] = {}
    for picture in pictures:
        if any(one.place is not Place.SHOWN for one in picture.renditions):
            for url in {one.url for one in picture.renditions if one.place is Place.SHOWN}:
                counts[url] = counts.get(url, 0) + 1
    return frozenset(url for url, count in counts.items() if count >= MAX_REPETITIONS)


def srcset_entries(srcset: str) -> Iterator[tuple[str, float]]:
    """The addresses of a `srcset` with their width, or a thousand times their density."""
    for reference, number, unit in SRCSET_ENTRY.findall(srcset):
        yield reference, float(number or 1) * (1 if unit in ("w", "h") else 1000)


def attribute_references(name: str, value: str) -> Iterator[tuple[str, Place, float]]:
    """The references to images in an attribute: a `srcset`, an address, or JSON with addresses."""
    value = value.strip()
    if not value or value.startswith(("data:", "blob:", "javascript:", "#")):
        return
    if match := CSS_ADDRESS.fullmatch(value):
        yield match[1], Place.LATER, 0.0
    elif "srcset" in name or SRCSET.search(value):
        for reference, size in srcset_entries(value):
            if not reference.startswith("data:"):
                yield reference, Place.SET, size
    elif value[0] in "{[":
        for reference in JSON_ADDRESS.findall(value.replace("\\/", "/") + " "):
            yield reference, Place.LATER, 0.0
    elif not any(character in value for character in "<>\n{}\"'") and len(value) < 2000:
        yield value, Place.LARGE if LARGE_NAME.search(name) else Place.LATER, 0.0


def has_image_name(reference: str) -> bool:
    """Whether the path of an address ends like an image's."""
    try:
        return IMAGE_NAME.search(urlsplit(reference.strip()).path) is not None
    except ValueError:
        return False
