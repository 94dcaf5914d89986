"""What is wrong with an image, and which images show the same: pure computing, for child processes."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageOps

from resolvers.imagery.validation import FORMAT_NAMES, ValidationRules

MOST_PIXELS = 178_956_970
"""Beyond twice what Pillow warns of, a file is a bomb rather than a picture."""
LOOKED_AT = 512
"""Pixels of the longer side at which sharpness and blankness are measured, so that size does not matter."""
BLANK = 2.0
"""Standard deviation of brightness, of 256 levels, below which nothing is to be seen."""
MEGABYTE = 1024 * 1024


def issues(path: Path | None, rules: ValidationRules) -> tuple[str, ...]:
    """What is wrong with the file, one word each, in a fixed order; None is a file that is not there."""
    if path is None:
        return ("not_stored",)
    size = path.stat().st_size
    found = []
    if rules.max_size_mb is not None and size > rules.max_size_mb * MEGABYTE:
        found.append("large")
    if rules.min_bytes is not None and size < rules.min_bytes:
        found.append("small")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Picture.DecompressionBombWarning)
            return (*found, *of_picture(path, rules))
    except Exception:  # Pillow's plugins raise whatever their parsing runs into
        return (*found, "unreadable")


def all_issues(paths: Sequence[Path | None], rules: ValidationRules) -> list[tuple[str, ...]]:
    """`issues` of each."""
    return [issues(path, rules) for path in paths]


def of_picture(path: Path, rules: ValidationRules) -> list[str]:
    """What is wrong with a picture. Raises what Pillow does where it does not open."""
    with Picture.open(path) as picture:
        picture.verify()
    with Picture.open(path) as picture:
        format = FORMAT_NAMES.get((picture.format or "").lower().replace("mpo", "jpg"), "other")
        if picture.width * picture.height > MOST_PIXELS:
            raise Picture.DecompressionBombError
        picture.load()
        width, height = upright(picture)
        found = []
        if rules.formats is not None and format not in rules.formats:
            found.append("format")
        if rules.min_width is not None and width < rules.min_width:
            found.append("narrow")
        if rules.min_height is not None and height < rules.min_height:
            found.append("low")
        if rules.refuse_blank or rules.min_sharpness is not None:
            grey = greyscale(picture)
            if rules.refuse_blank and float(grey.std()) < BLANK:
                found.append("blank")
            if rules.min_sharpness is not None and sharpness(grey) < rules.min_sharpness:
                found.append("blurred")
        return found


def upright(picture: Picture.Image) -> tuple[int, int]:
    """Width and height as the picture is shown: EXIF may turn it."""
    turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (picture.height, picture.width) if turned else (picture.width, picture.height)


def greyscale(picture: Picture.Image) -> np.ndarray:
    """Brightness from 0 to 255, in `LOOKED_AT` pixels at most; what is transparent is white."""
    if picture.mode.startswith("I") or picture.mode == "F":
        levels = np.asarray(picture, np.float32)
        span = float(levels.max()) - float(levels.min())
        plain = Picture.fromarray(((levels - levels.min()) * (255 / span if span else 0)).astype(np.uint8))
    else:
        shown = picture.convert("RGBA")
        plain = Picture.alpha_composite(Picture.new("RGBA", shown.size, "white"), shown).convert("L")
    if max(plain.size) > LOOKED_AT:
        plain = ImageOps.contain(plain, (LOOKED_AT, LOOKED_AT))
    return np.asarray(plain)


def sharpness(grey: np.ndarray) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al., 2000): small where nothing has an edge."""
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def duplicates(
    digests: Sequence[str | None], looks: Sequence[int | None], distance: int
) -> tuple[list[int], list[int]]:
    """Positions of images of equal content with an earlier one, and of those that look like an earlier one.

    An image is compared with those that are kept, so that a chain of small differences is not one picture.
    `looks` are perceptual hashes of 64 bits; None is like no other.
    """
    exact, near = [], []
    seen: set[str] = set()
    kept = np.empty(len(looks), np.uint64)
    count = 0
    for position, (digest, look) in enumerate(zip(digests, looks, strict=True)):
        if digest is not None and digest in seen:
            exact.append(position)
            continue
        if digest is not None:
            seen.add(digest)
        if look is None:
            continue
        bits = np.uint64(look % 2**64)
        if count and int(np.bitwise_count(kept[:count] ^ bits).min()) <= distance:
            near.append(position)
            continue
        kept[count] = bits
        count += 1
    return exact, near
