"""Comparison of pictures by aligned pixels, and choice of the best; CPU-bound, for child processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipelines.imagery.quality_checks import greyscale, mean_sharpness, on_white

SIDE = 128
"""Pixels a side at which pictures are compared as wholes, whatever their shape."""
MIN_CORRELATION = 0.93
"""Correlation of brightness from which two pictures may be the same. `make bench of=duplicates` measures it,
as all that follow, on pictures of ten kinds.
"""
MAX_BLOCK_DIFFERENCE = 1.3
"""Difference of a sixty-fourth of the pictures, in standard deviations of brightness."""
MAX_DETAIL_SIDE, MIN_DETAIL_SIDE = 256, 64
"""Pixels a side at which details are compared: as many as the smaller picture has, within these limits."""
BLURRED_SHARE = 0.25
"""Sharpness, as a share of that of the other picture, below which only coarser details are compared."""
DETAIL_BAND = 1.5, 5.0
"""Standard deviations in pixels between which details are: finer ones are lost in copies."""
MIN_DETAIL, MIN_DETAIL_CORRELATION = 2.0, 0.88
"""Standard deviation in levels from which a picture has details, and the correlation of the same details."""
FLAT_DEVIATION, MAX_FLAT_DIFFERENCE = 4.0, 6.0
"""Standard deviation below which a picture is one colour, and the difference of two of the same colour."""
COLOUR_SIDE = 32
"""Parts a side whose colours are compared."""
GREY_CHROMA, MAX_CHROMA_DIFFERENCE, MAX_CHROMA_SHARE = 8.0, 12.0, 0.3
"""Chroma up to which a part of a picture is grey, and the difference of coloured parts (CIE Lab)."""
MAX_OTHER_PARTS = 0.15
"""Share of the coloured parts that may have another colour, as under a watermark."""
LUMA, MAX_SHADE_DIFFERENCE = np.array((0.299, 0.587, 0.114), np.float32), 3.0
"""Weights of red, green and blue in brightness, and the mean difference of the same shades in levels."""
MIN_PART_CORRELATION, MAX_DIFFERING_PARTS = 0.9, 0.15
"""Correlation of the details of a part, and the share of parts with less, as under a watermark."""


@dataclass(frozen=True)
class Appearance:
    """How a picture looks: brightness and colour in small, its pixels, sharpness and bytes."""

    grey: np.ndarray
    brightness: np.ndarray
    colours: np.ndarray
    side: int
    pixels: int
    sharpness: float
    size: int

    @property
    def quality(self) -> tuple[int, float, int]:
        """Of two copies, the one with more is kept: pixels, then sharpness, then bytes."""
        return self.pixels, self.sharpness, self.size

    def details(self, side: int) -> np.ndarray:
        """What varies within a few pixels, at so many pixels a side."""
        small = cv2.resize(self.grey, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
        fine, broad = (cv2.GaussianBlur(small, (0, 0), deviation) for deviation in DETAIL_BAND)
        return fine - broad


def appearance_of(path: Path) -> Appearance | None:
    """How the picture in a file looks; None if it cannot be decoded."""
    try:
        with Image.open(path) as image:
            image.load()
            return appearance(image, path.stat().st_size)
    except Exception:  # Pillow's plugins raise any exception
        return None


def appearance(image: Image.Image, size: int) -> Appearance:
    """How a picture of this file size looks."""
    grey = greyscale(image)
    colours = on_white(image).resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    brightness = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return Appearance(
        cv2.resize(grey, (MAX_DETAIL_SIDE, MAX_DETAIL_SIDE), interpolation=cv2.INTER_AREA),
        cv2.GaussianBlur(brightness, (0, 0), 1.0),
        np.asarray(colours, np.float32).reshape(-1, 3),
        min(image.size),
        image.width * image.height,
        mean_sharpness(grey),
        size,
    )


def show_the_same(one: Appearance, other: Appearance) -> bool:
    """Whether two pictures show the same: recompressed, resized, grey, brightened or with a watermark."""
    deviations = float(one.brightness.std()), float(other.brightness.std())
    if max(deviations) < FLAT_DEVIATION:
        return float(np.abs(one.colours - other.colours).max()) <= MAX_FLAT_DIFFERENCE
    if min(deviations) < FLAT_DEVIATION / 4 or not have_same_colours(one, other):
        return False
    first, second = (
        (each.brightness - each.brightness.mean()) / (each.brightness.std() + 1e-6) for each in (one, other)
    )
    if float((first * second).mean()) < MIN_CORRELATION:
        return False
    block = cv2.resize(np.abs(first - second), (8, 8), interpolation=cv2.INTER_AREA).max()
    return float(block) <= MAX_BLOCK_DIFFERENCE and have_same_details(one, other)


def have_same_colours(one: Appearance, other: Appearance) -> bool:
    """Whether the coloured parts of two pictures have similar colours; true if one of them is grey."""
    first, second = lab_chroma(one.colours), lab_chroma(other.colours)
    chromas = [np.linalg.norm(chroma, axis=1) for chroma in (first, second)]
    if min(float(chroma.max()) for chroma in chromas) < GREY_CHROMA:
        return True
    strongest = np.maximum(*chromas)
    coloured = strongest > GREY_CHROMA
    limit = MAX_CHROMA_DIFFERENCE + MAX_CHROMA_SHARE * strongest
    differing = (np.linalg.norm(first - second, axis=1) > limit)[coloured]
    return int(differing.sum()) <= MAX_OTHER_PARTS * int(coloured.sum())


def have_same_shades(one: Appearance, other: Appearance) -> bool:
    """Whether two pictures without details have the same shades, but for their brightness as a whole."""
    first, second = one.colours, other.colours
    if min(float(np.linalg.norm(lab_chroma(each), axis=1).max()) for each in (first, second)) < GREY_CHROMA:
        first, second = first @ LUMA, second @ LUMA
    gain = float((first * second).sum() / ((second**2).sum() + 1e-6))
    return float(np.abs(first - gain * second).mean()) <= MAX_SHADE_DIFFERENCE * max(1.0, gain)


def lab_chroma(colours: np.ndarray) -> np.ndarray:
    """The chroma (a, b) of RGB colours in CIE Lab."""
    lab = cv2.cvtColor((colours / 255).astype(np.float32)[None], cv2.COLOR_RGB2LAB)
    return np.asarray(lab[0, :, 1:])


def have_same_details(one: Appearance, other: Appearance) -> bool:
    """Whether details agree, such as letters, also within most parts; shades if there are none."""
    side = max(MIN_DETAIL_SIDE, min(MAX_DETAIL_SIDE, one.side, other.side))
    if min(one.sharpness, other.sharpness) < BLURRED_SHARE * max(one.sharpness, other.sharpness):
        side //= 2
    first, second = one.details(side), other.details(side)
    deviations = float(first.std()), float(second.std())
    if min(deviations) < MIN_DETAIL:
        return max(deviations) >= MIN_DETAIL or have_same_shades(one, other)
    whole = float((first * second).sum()) / float(np.linalg.norm(first) * np.linalg.norm(second))
    if whole < MIN_DETAIL_CORRELATION:
        return False
    products, squares, others = (
        cv2.resize(each, (8, 8), interpolation=cv2.INTER_AREA)
        for each in (first * second, first**2, second**2)
    )
    detailed = np.minimum(squares, others) > MIN_DETAIL**2
    differing = products < MIN_PART_CORRELATION * np.sqrt(squares * others)
    return float(differing[detailed].sum()) <= MAX_DIFFERING_PARTS * max(1, int(detailed.sum()))


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
