"""Pictures of what changed, for who looks at them."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image

from core.ports import DrawingImages

Box = tuple[int, int, int, int]

MAX_CROPS = 12
"""Regions that are pictured; more than that, nobody looks at with care."""
MARGIN_RATIO = 0.25
"""How much of its surroundings a picture shows, in shares of the region's longer side."""
MIN_MARGIN = 60
"""In pixels of the sheet."""
MAX_CROP_SIDE = 1_024
"""Pixels of the longer side of a picture at most."""
JPEG_QUALITY = 80


def crop_regions(overlay: Path, preview: Path, boxes: Mapping[int, Box]) -> DrawingImages:
    """The preview, and the parts of the overlay around boxes: left, top, width, height in its pixels."""
    with Image.open(preview) as small:
        sheet = encode_jpeg(small.convert("RGB"))
    if not boxes:
        return DrawingImages(sheet, {})
    with Image.open(overlay) as image:
        image.load()
        return DrawingImages(sheet, {index: encode_jpeg(crop(image, box)) for index, box in boxes.items()})


def crop(image: Image.Image, box: Box) -> Image.Image:
    """The box and what is around it, as far as the sheet goes."""
    left, top, width, height = box
    margin = max(MIN_MARGIN, round(MARGIN_RATIO * max(width, height)))
    corners = left - margin, top - margin, left + width + margin, top + height + margin
    limits = image.width, image.height, image.width, image.height
    clamped = tuple(min(max(0, corner), limit) for corner, limit in zip(corners, limits, strict=True))
    return image.crop((clamped[0], clamped[1], max(clamped[2], clamped[0] + 1), max(clamped[3], clamped[1] + 1))).convert("RGB")


def encode_jpeg(image: Image.Image) -> bytes:
    """A JPEG file of the picture, made smaller where it is large."""
    image.thumbnail((MAX_CROP_SIDE, MAX_CROP_SIDE))
    file = BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
