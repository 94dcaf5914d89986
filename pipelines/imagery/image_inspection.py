"""What a downloaded file is: a picture with its measures, hashes and thumbnail, or the reason why not.

Runs in child processes: the files come from anywhere.
"""

import hashlib
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core.images import DecodedImage

FORMATS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "BMP": "bmp",
    "TIFF": "tiff",
    "AVIF": "avif",
}
"""What is taken, by Pillow's names, and how its files end."""

THUMBNAIL = 256
"""Pixels of a thumbnail's longer side."""
SMALLEST = 2
"""Pixels of the shorter side of what is a picture: smaller ones count readers."""

ENDS = 4096
"""Bytes at each end of a file in which another kind of document would begin."""
MARKUP = re.compile(rb"<(?:!doctype|html|script|svg|\?php|iframe)\b", re.IGNORECASE)
HASHED, KEPT = 32, 8
"""A perceptual hash is of so many pixels a side, and keeps so many frequencies a side."""


@dataclass(frozen=True)
class Unfit:
    """Why a file is no picture: a code, and a sentence for a person."""

    code: str
    message: str


class Refusal(Exception):
    """Carries an `Unfit`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.unfit = Unfit(code, message)


def inspect(paths: Sequence[Path], most_pixels: int) -> list[DecodedImage | Unfit]:
    """What each file is; of a picture, a thumbnail is written to `thumbnail_of` its path."""
    return [_inspect(path, most_pixels) for path in paths]


def thumbnail_of(path: Path) -> Path:
    """Where the thumbnail of a downloaded file is written."""
    return path.with_name(f"{path.name}.webp")


def perceptual_hash(picture: Image.Image) -> int:
    """64 bits as a signed number: which of the lowest frequencies of 32 by 32 greys exceed their median.

    The DCT is scaled as imagehash's `phash` has it, so that its measured distances hold.
    """
    small = picture.convert("L").resize((HASHED, HASHED), Image.Resampling.LANCZOS)
    low = cv2.dct(np.asarray(small, dtype=np.float32))[:KEPT, :KEPT]
    low[0] *= np.sqrt(2)
    low[:, 0] *= np.sqrt(2)
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big", signed=True)


def _inspect(path: Path, most_pixels: int) -> DecodedImage | Unfit:
    try:
        with Image.open(path, formats=[name for name in FORMATS if name != "MPO"]) as image:
            format, size = FORMATS[image.format or ""], image.size
            if size[0] * size[1] > most_pixels:
                raise Refusal("TOO_MANY_PIXELS", f"{size[0]} by {size[1]} pixels are more than are taken.")
            if min(size) < SMALLEST:
                raise Refusal("TOO_SMALL", "It has a single row or column of pixels.")
            _single_natured(path)
            image.verify()
        with Image.open(path) as image:  # what was verified cannot be used any more
            image.load()
            upright = _upright(image)
    except Refusal as refusal:
        return refusal.unfit
    except Image.DecompressionBombError:
        return Unfit("TOO_MANY_PIXELS", "It has far more pixels than are taken.")
    except UnidentifiedImageError:
        return _other(path)
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, ZeroDivisionError, MemoryError):
        return Unfit("DAMAGED", "It is an image that cannot be read to its end.")
    width, height = upright.size
    seen = _seen(upright)
    thumbnail = seen.copy()
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    thumbnail.save(thumbnail_of(path), "WEBP", quality=80, method=2)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return DecodedImage(digest, format, width, height, path.stat().st_size, perceptual_hash(seen))


def _upright(image: Image.Image) -> Image.Image:
    """As its EXIF orientation wants it looked at; as it is where that cannot be read."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return image


def _seen(image: Image.Image) -> Image.Image:
    """What one sees of it, in eight bits a colour: 16 bits are scaled, transparent parts are white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        bright = values.max(initial=1)
        return Image.fromarray((values.clip(0) * (255 / bright)).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _single_natured(path: Path) -> None:
    """Refuses an image that is an archive or a page as well: what opens it decides what it is."""
    if zipfile.is_zipfile(path) or any(MARKUP.search(end) for end in _ends(path)):
        raise Refusal("POLYGLOT", "It is an image and another kind of file at once.")


def _other(path: Path) -> Unfit:
    """What a file is that is no image that is taken."""
    head, _ = _ends(path)
    if not head:
        return Unfit("EMPTY", "There is nothing in it.")
    if b"<svg" in head.lower():
        return Unfit("NOT_TAKEN", "It is an SVG drawing, which may hold scripts.")
    if MARKUP.search(head):
        return Unfit("NOT_AN_IMAGE", "It is a page, whatever its name says.")
    return Unfit("NOT_AN_IMAGE", "It is no image of a kind that is taken.")


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(ENDS)
        file.seek(max(0, path.stat().st_size - ENDS))
        return head, file.read()
