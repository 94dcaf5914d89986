"""HEIC images: libheif as a decoder of Pillow."""

import pi_heif

MAX_THREADS = 1
"""Threads of one decoder. Images are decoded in several processes at once."""


def register_heif() -> None:
    """Let Pillow open HEIC files in this process."""
    pi_heif.register_heif_opener(thumbnails=False, decode_threads=MAX_THREADS)
