"""Signatures of image files: what a server sends is decided by its first bytes, not by its media type."""

import re

SIGNATURE_BYTES = 16
"""Bytes from the start of a file that hold its signature."""
SIGNATURES = re.compile(
    rb"\xff\xd8\xff"  # JPEG
    rb"|\x89PNG\r\n\x1a\n"
    rb"|GIF8[79]a"
    rb"|RIFF....WEBP"
    rb"|BM....\x00\x00\x00\x00"
    rb"|II\*\x00|MM\x00\*|II\+\x00|MM\x00\+"  # TIFF
    rb"|....ftyp(?:avif|avis|heic|heix|heim|heis|hevc|mif1|msf1)"
    rb"|\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"  # JPEG 2000
    rb"|\x00\x00\x01\x00[\x01-\xff]\x00",  # ICO
    re.DOTALL,
)


def is_image_signature(head: bytes) -> bool:
    """Whether a file that starts so is an image."""
    return SIGNATURES.match(head) is not None
