"""Quality checks of images; CPU-bound, for child processes."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from pipelines.imagery.heif import register_heif
from resolvers.imagery.validation import FORMAT_NAMES, ValidationRules

register_heif()

MAX_PIXELS = 178_956_970
"""Twice Pillow's warning limit; a larger image is a decompression bomb."""
ANALYSIS_SIZE = 512
"""Pixels of the longer side at which sharpness and blankness are measured, independent of image size."""
BLANK_MAX_STDDEV = 2.0
"""Standard deviation of brightness (256 levels) below which an image is blank."""
SHARPNESS_PARTS, SHARPEST_SHARE = 8, 16
"""Parts a side whose sharpness is measured; a picture is as sharp as its sharpest sixteenth."""
MEGABYTE = 1024 * 1024


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
        if rules.min_width is not None and width < rules.min_width:
            found.append("narrow")
        if rules.min_height is not None and height < rules.min_height:
            found.append("low")
        if rules.refuse_blank or rules.min_sharpness is not None:
            grey = greyscale(image)
            if rules.refuse_blank and float(grey.std()) < BLANK_MAX_STDDEV:
                found.append("blank")
            if rules.min_sharpness is not None and sharpness(grey) < rules.min_sharpness:
                found.append("blurred")
        return found


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
