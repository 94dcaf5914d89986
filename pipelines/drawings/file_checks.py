"""File checks: content type detection, and protection against decompression bombs."""

import mmap
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import filetype
from magika import Magika

from core.errors import Invalid, UnsupportedContent

IMAGE_FORMATS = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}

MAX_DEFLATE_RATIO = 1032
"""Maximum compression ratio of Deflate."""

MAX_CONTENT_BYTES = 100 * 2**20
"""Maximum inflated size of a content stream; real ones are at most a tenth of it."""

MAX_IMAGE_BYTES = 450 * 2**20
"""Maximum inflated size of an image: 150 megapixels in three colours."""

TRAILER_BYTES = 64 * 1024

STREAM_START = re.compile(rb"(?<!end)stream\r?\n")
FLATE_FILTER = re.compile(rb"/(?:FlateDecode|Fl)\b")


def detect_kind(path: Path) -> str:
    """`pdf`, `png`, `jpeg` or `tiff`, by content. Raises `UnsupportedContent` for other content."""
    if not path.stat().st_size:
        raise Invalid("The file is empty.")
    with path.open("rb") as file:
        head = file.read(1024)
    if b"%PDF-" in head:
        return "pdf"
    guess = filetype.guess_extension(head)
    if guess in IMAGE_FORMATS:
        return IMAGE_FORMATS[guess].lower()
    output = content_detector().identify_path(path).output
    raise UnsupportedContent(
        f"The file is {output.description or output.label}; drawings must be PDF, PNG, JPEG or TIFF."
    )


@cache
def content_detector() -> Magika:
    """Content type model, loaded once per process."""
    return Magika()


def validate_pdf(path: Path) -> None:
    """Raises `Invalid` for a truncated PDF, `UnsupportedContent` for a decompression bomb."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.rfind(b"%%EOF", max(0, len(content) - TRAILER_BYTES)) < 0:
            raise Invalid("The PDF is incomplete: its end is missing. Upload the whole file again.")
        for dictionary, start, end in pdf_streams(content):
            layers = len(FLATE_FILTER.findall(dictionary))
            if layers > 1:
                raise UnsupportedContent(
                    "The PDF contains data with several layers of compression, which is not supported."
                )
            limit = MAX_IMAGE_BYTES if b"/Image" in dictionary else MAX_CONTENT_BYTES
            if (
                layers
                and (end - start) * MAX_DEFLATE_RATIO > limit
                and inflates_beyond(content, start, end, limit)
            ):
                raise UnsupportedContent(
                    f"The PDF contains a stream that decompresses to more than {limit >> 20} MB."
                )


def contains_bytes(path: Path, word: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(word) >= 0


def pdf_streams(content: mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    """Dictionary, start and end of each stream of a PDF."""
    for match in STREAM_START.finditer(content):
        start = match.end()
        dictionary_start = max(content.rfind(b"obj", max(0, match.start() - 2048), match.start()), 0)
        end = content.find(b"endstream", start)
        yield content[dictionary_start : match.start()], start, end if end >= 0 else len(content)


def inflates_beyond(content: mmap.mmap, start: int, end: int, limit: int) -> bool:
    """Whether deflated bytes inflate to more than `limit` bytes; inflates in chunks."""
    decompressor, size = zlib.decompressobj(), 0
    try:
        for position in range(start, end, 2**16):
            chunk = content[position : min(position + 2**16, end)]
            while chunk and not decompressor.eof:
                size += len(decompressor.decompress(chunk, 2**22))
                if size > limit:
                    return True
                chunk = decompressor.unconsumed_tail
    except zlib.error:
        return False
    return False
