"""Coloured overlay of two sheets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipelines.drawings.binarization import GreyImage

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

SHADE_LEVELS = 16
"""Shades per sheet: 16 x 16 fit a palette image, which has a third of the size."""

PREVIEW_MAX_SIDE = 2000


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of ink that only the old sheet has, that only the new one has, and that both have; on
    white.
    """

    removed: Colour = (214, 39, 40)
    added: Colour = (30, 150, 60)
    common: Colour = (110, 110, 110)


def configured_colours(codes: Sequence[str]) -> Colours:
    """The colours of removed, added and common ink, each such as `#d62728`."""
    removed, added, common = ((int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)) for code in codes)
    return Colours(removed, added, common)


def write_overlay(
    old: GreyImage,
    new: GreyImage,
    target: Path,
    preview: Path,
    colours: Colours = Colours(),
) -> None:
    """Write the overlay of an old sheet, already warped to the new one, and its downscaled preview."""
    height, width = new.shape
    write_png(palette_indices(old, new), target, colours)
    factor = min(1.0, PREVIEW_MAX_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = [
        np.asarray(cv2.resize(sheet, size, interpolation=cv2.INTER_AREA), np.uint8) for sheet in (old, new)
    ]
    write_png(palette_indices(*small), preview, colours)


def palette_indices(old: GreyImage, new: GreyImage) -> GreyImage:
    """Palette index of each pixel: upper four bits for the old sheet's shade, lower for the new."""
    return np.asarray((old & 0xF0) | (new >> 4), np.uint8)


def palette(colours: Colours) -> bytes:
    """The colour of each pair of shades: what both have inked is common, what exceeds it is added or
    removed.
    """
    old, new = np.divmod(np.arange(SHADE_LEVELS * SHADE_LEVELS), SHADE_LEVELS)
    old_ink, new_ink = 1 - old / (SHADE_LEVELS - 1), 1 - new / (SHADE_LEVELS - 1)
    common = np.minimum(old_ink, new_ink)
    shares = np.stack([old_ink - common, new_ink - common, common], axis=1)
    inks = 255.0 - np.array([colours.removed, colours.added, colours.common])
    return np.clip(np.rint(255.0 - shares @ inks), 0, 255).astype(np.uint8).tobytes()


def write_png(indices: GreyImage, target: Path, colours: Colours) -> None:
    image = Image.fromarray(indices)
    image.putpalette(palette(colours))
    image.save(target, "PNG", compress_level=1)
