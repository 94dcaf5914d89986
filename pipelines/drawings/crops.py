"""Pictures of what changed, for who looks at them."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image

from core.ports import DrawingImages

Box = tuple[int, int, int, int]

MOST = 12
"""Regions that are pictured; more than that, nobody looks at with care."""
AROUND = 0.25
"""How much of its surroundings a picture shows, in shares of the region's longer side."""
LEAST_AROUND = 60
"""In pixels of the sheet."""
SIDE = 1_024
"""Pixels of the longer side of a picture at most."""
QUALITY = 80


def pictures(overlay: Path, preview: Path, boxes: Mapping[int, Box]) -> DrawingImages:
    """The preview, and the parts of the overlay around boxes: left, top, width, height in its pixels."""
    with Image.open(preview) as small:
        sheet = jpeg(small.convert("RGB"))
    if not boxes:
        return DrawingImages(sheet, {})
    with Image.open(overlay) as image:
        image.load()
        return DrawingImages(sheet, {index: jpeg(part(image, box)) for index, box in boxes.items()})


def part(image: Image.Image, box: Box) -> Image.Image:
    """The box and what is around it, as far as the sheet goes."""
    left, top, width, height = box
    around = max(LEAST_AROUND, round(AROUND * max(width, height)))
    corners = left - around, top - around, left + width + around, top + height + around
    limits = image.width, image.height, image.width, image.height
    kept = tuple(min(max(0, corner), limit) for corner, limit in zip(corners, limits, strict=True))
    return image.crop((kept[0], kept[1], max(kept[2], kept[0] + 1), max(kept[3], kept[1] + 1))).convert("RGB")


def jpeg(image: Image.Image) -> bytes:
    """A JPEG file of the picture, made smaller where it is large."""
    image.thumbnail((SIDE, SIDE))
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
