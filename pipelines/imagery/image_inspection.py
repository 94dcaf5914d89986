"""Inspection of downloaded files: decoding, hashes and thumbnails of images, and reasons to reject a file.

Runs in child processes, as the files are untrusted.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core.images import IMAGE_FORMATS, DecodedImage
from pipelines.imagery.heif import register_heif
from pipelines.imagery.polyglots import MARKUP, is_polyglot, read_head, unsupported_format

register_heif()

THUMBNAIL_SIZE = 256
"""Maximum length in pixels of a thumbnail's longer side."""
MIN_SIDE = 2
"""Minimum length in pixels of an image's shorter side; smaller images are tracking pixels."""

HASH_IMAGE_SIZE, HASH_SIZE = 32, 8
"""Pixels a side that a perceptual hash is computed from, and frequencies a side that it keeps."""
MARGIN_SHARE, MIN_MARGIN = 0.01, 8.0
"""What a frequency exceeds the median by if it is no noise: a share of all frequencies, or so much."""


@dataclass(frozen=True)
class RejectedImage:
    """The reason why a file is rejected: an error code, and a message for the user."""

    code: str
    message: str


class ImageRejected(Exception):
    """Raised with the reason why a file is rejected."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.rejection = RejectedImage(code, message)


def inspect(paths: Sequence[Path], max_pixels: int) -> list[DecodedImage | RejectedImage]:
    """The image or the rejection of each file; writes the thumbnail of an image to its `thumbnail_path`."""
    return [_inspect(path, max_pixels) for path in paths]


def thumbnail_path(path: Path) -> Path:
    """Path of the thumbnail of a downloaded file."""
    return path.with_name(f"{path.name}.webp")


def perceptual_hash(image: Image.Image) -> int:
    """64-bit perceptual hash (pHash) as a signed number: the lowest DCT frequencies that exceed their median.

    The DCT is scaled as in imagehash's `phash`. Frequencies close to the median, relative to all that the
    picture has, set no bit: in flat pictures, gradients and patterns they are noise.
    """
    small = image.convert("L").resize((HASH_IMAGE_SIZE, HASH_IMAGE_SIZE), Image.Resampling.LANCZOS)
    frequencies = cv2.dct(np.asarray(small, dtype=np.float32))
    low = frequencies[:HASH_SIZE, :HASH_SIZE].copy()
    frequencies[0, 0] = 0
    margin = max(MIN_MARGIN, MARGIN_SHARE * float(np.linalg.norm(frequencies)))
    low[0] *= np.sqrt(2)
    low[:, 0] *= np.sqrt(2)
    return int.from_bytes(np.packbits(low > np.median(low) + margin).tobytes(), "big", signed=True)


def _inspect(path: Path, max_pixels: int) -> DecodedImage | RejectedImage:
    try:
        with Image.open(path, formats=[name for name in IMAGE_FORMATS if name != "MPO"]) as image:
            format, size = IMAGE_FORMATS[image.format or ""], image.size
            if size[0] * size[1] > max_pixels:
                raise ImageRejected(
                    "TOO_MANY_PIXELS",
                    f"The image has {size[0]} x {size[1]} pixels, more than the maximum of {max_pixels}.",
                )
            if min(size) < MIN_SIDE:
                raise ImageRejected("TOO_SMALL", "The image has a single row or column of pixels.")
            if is_polyglot(path):
                raise ImageRejected("POLYGLOT", "The file is an image and another file type at once.")
            image.verify()
        with Image.open(path) as image:  # verify() leaves the image unusable
            image.load()
            oriented = _apply_orientation(image)
    except ImageRejected as rejected:
        return rejected.rejection
    except Image.DecompressionBombError:
        return RejectedImage(
            "TOO_MANY_PIXELS", f"The image has far more pixels than the maximum of {max_pixels}."
        )
    except UnidentifiedImageError:
        return _rejection(path)
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, ZeroDivisionError, MemoryError):
        return RejectedImage("DAMAGED", "The image is damaged or incomplete.")
    width, height = oriented.size
    rgb = _to_rgb(oriented)
    thumbnail = rgb.copy()
    thumbnail.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS)
    thumbnail.save(thumbnail_path(path), "WEBP", quality=80, method=2)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return DecodedImage(digest, format, width, height, path.stat().st_size, perceptual_hash(rgb))


def _apply_orientation(image: Image.Image) -> Image.Image:
    """The image rotated by its EXIF orientation; unchanged if that cannot be read."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    """The image in 8-bit RGB: 16-bit values are scaled, transparent areas become white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        bright = values.max(initial=1)
        return Image.fromarray((values.clip(0) * (255 / bright)).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _rejection(path: Path) -> RejectedImage:
    """The reason why a file that Pillow cannot identify is rejected."""
    head = read_head(path)
    if not head:
        return RejectedImage("EMPTY", "The file is empty.")
    if b"<svg" in head.lower():
        return RejectedImage("NOT_TAKEN", "SVG is not supported, as it may contain scripts.")
    if MARKUP.search(head):
        return RejectedImage("NOT_AN_IMAGE", "The file is a web page, not an image.")
    if (name := unsupported_format(path)) is not None:
        return RejectedImage("NOT_TAKEN", f"{name} is not supported.")
    return RejectedImage("NOT_AN_IMAGE", "The file is not an image of a supported format.")
