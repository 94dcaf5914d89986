"""Formats of images, and decoded images."""

from dataclasses import dataclass

IMAGE_FORMATS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "BMP": "bmp",
    "TIFF": "tiff",
    "AVIF": "avif",
    "HEIF": "heic",
    "JPEG2000": "jp2",
}
"""File extensions of the formats that crawls take, by Pillow's names."""


@dataclass(frozen=True)
class DecodedImage:
    """Properties of an image file: dimensions in pixels after EXIF rotation, and size in bytes."""

    hash: str
    format: str
    width: int
    height: int
    size: int
    perceptual_hash: int
