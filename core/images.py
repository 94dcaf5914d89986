"""Decoded images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodedImage:
    """Properties of an image file: dimensions in pixels after EXIF rotation, and size in bytes."""

    hash: str
    format: str
    width: int
    height: int
    size: int
    perceptual_hash: int
