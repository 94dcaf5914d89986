"""What is known of a picture from its file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodedImage:
    """What a file's content says: an image `width` by `height` pixels as it is looked at, of `size` bytes."""

    hash: str
    format: str
    width: int
    height: int
    size: int
    perceptual_hash: int
