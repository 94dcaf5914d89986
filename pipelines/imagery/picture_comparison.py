"""Comparison of pictures by aligned pixels, and choice of the best; CPU-bound, for child processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipelines.imagery.quality_checks import greyscale, sharpness

SIDE = 128
"""Pixels a side at which pictures are compared, whatever their shape."""
MIN_CORRELATION = 0.93
"""Correlation of brightness from which two pictures are the same. Measured on ten kinds of pictures: copies
from 0.93 (with a watermark), different texts, digits and crops up to 0.83, different icons up to 0.91.
"""
MAX_BLOCK_DIFFERENCE = 1.3
"""Difference of a sixty-fourth of the pictures, in standard deviations of brightness."""
FLAT_DEVIATION, MAX_FLAT_DIFFERENCE = 4.0, 6.0
"""Standard deviation below which a picture is one colour, and the difference of two of the same colour."""
GREY_CHROMA, MAX_CHROMA_DIFFERENCE = 4.0, 20.0
"""Mean chroma below which a picture is grey, and the difference of parts of coloured ones (CIE Lab)."""


@dataclass(frozen=True)
class Appearance:
    """How a picture looks: brightness and colour in small, its pixels, sharpness and bytes."""

    brightness: np.ndarray
    chroma: np.ndarray
    pixels: int
    sharpness: float
    size: int

    @property
    def quality(self) -> tuple[int, float, int]:
        """Of two copies, the one with more is kept: pixels, then sharpness, then bytes."""
        return self.pixels, self.sharpness, self.size


def appearance_of(path: Path) -> Appearance | None:
    """How the picture in a file looks; None if it cannot be decoded."""
    try:
        with Image.open(path) as image:
            image.load()
            pixels, grey = image.width * image.height, greyscale(image)
            colours = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    except Exception:  # Pillow's plugins raise any exception
        return None
    brightness = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    lab = cv2.cvtColor(np.asarray(colours, np.float32) / 255, cv2.COLOR_RGB2LAB)[:, :, 1:]
    return Appearance(
        cv2.GaussianBlur(brightness, (0, 0), 1.0),
        cv2.resize(lab, (8, 8), interpolation=cv2.INTER_AREA),
        pixels,
        sharpness(grey),
        path.stat().st_size,
    )


def show_the_same(one: Appearance, other: Appearance) -> bool:
    """Whether two pictures show the same: recompressed, resized, grey, brightened or with a watermark."""
    deviations = float(one.brightness.std()), float(other.brightness.std())
    chroma = np.abs(one.chroma - other.chroma).max()
    coloured = min(np.abs(one.chroma).mean(), np.abs(other.chroma).mean()) > GREY_CHROMA
    if coloured and chroma > MAX_CHROMA_DIFFERENCE:
        return False
    if max(deviations) < FLAT_DEVIATION:
        shade = abs(float(one.brightness.mean() - other.brightness.mean()))
        return max(shade, float(chroma)) <= MAX_FLAT_DIFFERENCE
    if min(deviations) < FLAT_DEVIATION / 4:
        return False
    first, second = (
        (each.brightness - each.brightness.mean()) / (each.brightness.std() + 1e-6) for each in (one, other)
    )
    block = cv2.resize(np.abs(first - second), (8, 8), interpolation=cv2.INTER_AREA).max()
    return float((first * second).mean()) >= MIN_CORRELATION and float(block) <= MAX_BLOCK_DIFFERENCE


def confirm_group(paths: Sequence[Path | None], ranks: Sequence[int]) -> list[list[int]]:
    """The groups of pictures among candidates that show the same, by position, the best picture first.

    A picture of a higher rank is better; pictures that show something else are left out.
    """
    looks = {number: look for number, path in enumerate(paths) if path and (look := appearance_of(path))}
    left = sorted(looks, key=lambda number: (ranks[number], looks[number].quality), reverse=True)
    confirmed = []
    while left:
        best = left[0]
        same = [number for number in left if number == best or show_the_same(looks[best], looks[number])]
        if len(same) > 1:
            confirmed.append(same)
        left = [number for number in left if number not in same]
    return confirmed
