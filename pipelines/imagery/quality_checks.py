"""Quality checks of images; CPU-bound, for child processes."""

import warnings
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from core.image_rules import FORMAT_NAMES, ValidationRules
from pipelines.imagery.heif import register_heif

register_heif()

MAX_PIXELS = 178_956_970
"""Twice Pillow's warning limit; a larger image is a decompression bomb."""
ANALYSIS_SIZE = 512
"""Pixels of the longer side at which sharpness and blankness are measured, independent of image size."""
BLANK_MAX_STDDEV = 2.0
"""Standard deviation of brightness (256 levels) below which an image is blank."""
CUT_GREYS = 125, 131
"""Decoders fill the missing end of a JPEG with 128; a copy may be compressed again."""
MIN_CUT_SHARE = 0.02
"""Share of the height that must be missing for an image to be cut."""
BLACK, WHITE = 2, 253
"""Brightness up to which a pixel is fully black, and from which it is fully white."""
SHARPNESS_PARTS, SHARPEST_SHARE = 8, 16
"""Parts a side whose sharpness is measured; a picture is as sharp as its sharpest sixteenth."""
MEGABYTE = 1024 * 1024
LOOK_RULES = attrgetter(
    "refuse_blank", "min_sharpness", "min_brightness", "max_brightness", "max_clipped_share"
)
"""The rules for which an image's brightness is computed."""


def find_issues(path: Path | None, rules: ValidationRules) -> tuple[str, ...]:
    """Issue codes of a file, in a fixed order; a path of None is a missing file."""
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
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return (*found, *image_issues(path, rules))
    except Exception:  # Pillow's plugins raise any exception
        return (*found, "unreadable")


def find_all_issues(paths: Sequence[Path | None], rules: ValidationRules) -> list[tuple[str, ...]]:
    """Issue codes of each file."""
    return [find_issues(path, rules) for path in paths]


def image_issues(path: Path, rules: ValidationRules) -> list[str]:
    """Issue codes of an image. Raises Pillow's exception if it cannot be decoded."""
    with Image.open(path) as image:
        image.verify()
    with Image.open(path) as image:
        format = FORMAT_NAMES.get((image.format or "").lower().replace("mpo", "jpg"), "other")
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        image.load()
        width, height = oriented_size(image)
        found = []
        if rules.formats is not None and format not in rules.formats:
            found.append("format")
        found += size_issues(width, height, rules)
        if any(rule is not None for rule in LOOK_RULES(rules)):
            found += look_issues(greyscale(image), rules)
        if rules.refuse_cut and is_cut(image):
            found.append("cut")
        return found


def size_issues(width: int, height: int, rules: ValidationRules) -> Iterator[str]:
    """Issue codes of displayed width and height in pixels."""
    if rules.min_width is not None and width < rules.min_width:
        yield "narrow"
    if rules.min_height is not None and height < rules.min_height:
        yield "low"
    if rules.max_side is not None and max(width, height) > rules.max_side:
        yield "oversized"
    if not is_within(width / height, rules.min_aspect_ratio, rules.max_aspect_ratio):
        yield "aspect_ratio"


def look_issues(grey: np.ndarray, rules: ValidationRules) -> Iterator[str]:
    """Issue codes of the brightness of all pixels."""
    brightness = float(grey.mean())
    if rules.refuse_blank and float(grey.std()) < BLANK_MAX_STDDEV:
        yield "blank"
    if rules.min_sharpness is not None and sharpness(grey) < rules.min_sharpness:
        yield "blurred"
    if rules.min_brightness is not None and brightness < rules.min_brightness:
        yield "dark"
    if rules.max_brightness is not None and brightness > rules.max_brightness:
        yield "bright"
    if rules.max_clipped_share is not None and clipped_share(grey) > rules.max_clipped_share:
        yield "clipped"


def is_within(value: float, least: float | None, most: float | None) -> bool:
    """Whether a value lies between two bounds; None is no bound."""
    return (least is None or value >= least) and (most is None or value <= most)


def clipped_share(grey: np.ndarray) -> float:
    """Share of pixels that are fully black or fully white."""
    return float(((grey <= BLACK) | (grey >= WHITE)).mean())


def is_cut(image: Image.Image) -> bool:
    """Whether a picture ends in rows of the neutral grey with which decoders fill what was not sent.

    The grey may begin in the middle of a row of blocks. A picture that is grey as a whole is not cut.
    """
    pixels = np.asarray(image.convert("RGB"))
    lowest, highest = pixels.min(axis=(1, 2)), pixels.max(axis=(1, 2))
    is_grey = (lowest >= CUT_GREYS[0]) & (highest <= CUT_GREYS[1])
    filled = len(is_grey) if is_grey.all() else int(np.argmin(is_grey[::-1]))
    return MIN_CUT_SHARE * len(is_grey) <= filled < len(is_grey)


def oriented_size(image: Image.Image) -> tuple[int, int]:
    """Width and height after EXIF rotation."""
    swaps_sides = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if swaps_sides else (image.width, image.height)


def greyscale(image: Image.Image) -> np.ndarray:
    """Brightness from 0 to 255, at most `ANALYSIS_SIZE` pixels a side; transparent areas are white."""
    if image.mode.startswith("I") or image.mode == "F":
        levels = np.asarray(image, np.float32)
        span = float(levels.max()) - float(levels.min())
        grey = Image.fromarray(((levels - levels.min()) * (255 / span if span else 0)).astype(np.uint8))
    else:
        grey = on_white(image).convert("L")
    if max(grey.size) > ANALYSIS_SIZE:
        grey = ImageOps.contain(grey, (ANALYSIS_SIZE, ANALYSIS_SIZE))
    return np.asarray(grey)


def on_white(image: Image.Image) -> Image.Image:
    """The picture in RGB; transparent areas are white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def mean_sharpness(grey: np.ndarray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., 2000); small for a blurred image."""
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def sharpness(grey: np.ndarray) -> float:
    """Variance of the Laplacian in the sharpest parts of a picture, whose background may be soft."""
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    height, width = (max(8, -(-length // SHARPNESS_PARTS)) for length in edges.shape)
    parts = [
        float(edges[top : top + height, left : left + width].var())
        for top in range(0, edges.shape[0], height)
        for left in range(0, edges.shape[1], width)
    ]
    sharpest = sorted(parts, reverse=True)[: max(1, len(parts) // SHARPEST_SHARE)]
    return min(sharpest)
