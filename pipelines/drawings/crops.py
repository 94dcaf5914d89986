"""Crops of changed regions, for vision models."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image

from core.ports import DrawingImages

Box = tuple[int, int, int, int]

MAX_CROPS = 12
"""Maximum number of regions that are cropped."""
MARGIN_RATIO = 0.25
"""Margin around a region, as a share of its longer side."""
MIN_MARGIN = 60
"""Minimum margin in pixels of the sheet."""
MAX_CROP_SIDE = 1_024
"""Maximum length in pixels of a crop's longer side."""
JPEG_QUALITY = 80


def crop_regions(overlay: Path, preview: Path, boxes: Mapping[int, Box]) -> DrawingImages:
    """The preview, and a crop of the overlay for each box (left, top, width, height in pixels)."""
    with Image.open(preview) as small:
        sheet = encode_jpeg(small.convert("RGB"))
    if not boxes:
        return DrawingImages(sheet, {})
    with Image.open(overlay) as image:
        image.load()
        return DrawingImages(sheet, {index: encode_jpeg(crop(image, box)) for index, box in boxes.items()})


def crop(image: Image.Image, box: Box) -> Image.Image:
    """The box with its margin, clipped to the sheet."""
    left, top, width, height = box
    margin = max(MIN_MARGIN, round(MARGIN_RATIO * max(width, height)))
    corners = left - margin, top - margin, left + width + margin, top + height + margin
    limits = image.width, image.height, image.width, image.height
    clamped = tuple(min(max(0, corner), limit) for corner, limit in zip(corners, limits, strict=True))
    return image.crop(
        (clamped[0], clamped[1], max(clamped[2], clamped[0] + 1), max(clamped[3], clamped[1] + 1))
    ).convert("RGB")


def encode_jpeg(image: Image.Image) -> bytes:
    """The image as JPEG, downscaled to `MAX_CROP_SIDE`."""
    image.thumbnail((MAX_CROP_SIDE, MAX_CROP_SIDE))
    file = BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
