"""Resizing of exported images, in a child process."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

ENCODERS: dict[str, tuple[str, str]] = {
    "jpeg": ("JPEG", "jpg"),
    "png": ("PNG", "png"),
    "webp": ("WEBP", "webp"),
}
"""Pillow's name and the file extension of each format."""
DEFAULT_QUALITY = 90
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Resize:
    """Longest side in pixels, whether images fit into it or are cropped to a square, and the file format."""

    longest_side: int
    crop: bool = False
    format: str = "jpeg"
    quality: int = DEFAULT_QUALITY

    @property
    def extension(self) -> str:
        """File extension of the images."""
        return ENCODERS[self.format][1]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Resize":
        """From the stored option."""
        return cls(
            stored["longest_side"],
            stored.get("mode") == "crop",
            stored.get("format") or "jpeg",
            stored.get("quality") or DEFAULT_QUALITY,
        )


@dataclass(frozen=True)
class ResizedImage:
    """A resized image. Its content is empty if the file could not be decoded."""

    content: bytes
    width: int = 0
    height: int = 0
    extension: str = ""

    def describe(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The metadata of the file as it is exported; `original_sha256` is that of the stored file."""
        stem, _, _ = metadata["file_name"].rpartition(".")
        changed = {
            "file_name": f"{stem}.{self.extension}",
            "width": self.width,
            "height": self.height,
            "file_size": len(self.content),
            "format": self.extension,
            "sha256": hashlib.sha256(self.content).hexdigest(),
        }
        return {**metadata, **changed, "original_sha256": metadata["sha256"]}


def resize_image(content: bytes, resize: Resize) -> ResizedImage:
    """The image upright, without metadata, in RGB on white. FIT never enlarges it."""
    side = resize.longest_side
    try:
        with Image.open(io.BytesIO(content)) as opened:
            upright = flatten(ImageOps.exif_transpose(opened))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ResizedImage(b"")
    if resize.crop:
        drawn = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
    else:
        drawn = upright
        drawn.thumbnail((side, side), Image.Resampling.LANCZOS)
    encoder, extension = ENCODERS[resize.format]
    options: dict[str, Any] = {} if encoder == "PNG" else {"quality": resize.quality}
    file = io.BytesIO()
    drawn.save(file, encoder, **options)
    return ResizedImage(file.getvalue(), drawn.width, drawn.height, extension)


def flatten(image: Image.Image) -> Image.Image:
    """The first frame in RGB, with transparency on white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, (*WHITE, 255))
        return Image.alpha_composite(background, layer).convert("RGB")
    return image.convert("RGB")
