"""What an uploaded file really is, and whether it is safe to open."""

import mmap
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import filetype
from magika import Magika

from core.errors import Invalid, UnsupportedContent

IMAGES = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}

EXPANSION = 1032
"""Deflate makes at most this many bytes out of one."""

CONTENT_LIMIT = 100 * 2**20
"""A page's instructions, inflated, in bytes; the largest real ones are a tenth of it."""

IMAGE_LIMIT = 450 * 2**20
"""A picture's samples, inflated, in bytes: 150 megapixels in three colours."""

TAIL = 64 * 1024

STREAM = re.compile(rb"(?<!end)stream\r?\n")
DEFLATED = re.compile(rb"/(?:FlateDecode|Fl)\b")


def kind(path: Path) -> str:
    """`pdf`, `png`, `jpeg` or `tiff`, by content and never by name; anything else raises `Unsupported`."""
    if not path.stat().st_size:
        raise Invalid("The file is empty.")
    with path.open("rb") as file:
        head = file.read(1024)
    if b"%PDF-" in head:
        return "pdf"
    guess = filetype.guess_extension(head)
    if guess in IMAGES:
        return IMAGES[guess].lower()
    output = judge().identify_path(path).output
    raise UnsupportedContent(
        f"The file is {output.description or output.label}; drawings are read as PDF, PNG, JPEG or TIFF."
    )


@cache
def judge() -> Magika:
    """The model that tells two hundred kinds of content apart; loaded once per process."""
    return Magika()


def refuse_unsafe_pdf(path: Path) -> None:
    """Raise `Invalid` for a PDF that was cut off, and `Unsupported` for one made to fill the memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.rfind(b"%%EOF", max(0, len(content) - TAIL)) < 0:
            raise Invalid("The PDF is incomplete: its end is missing. Upload the whole file again.")
        for dictionary, start, end in streams(content):
            layers = len(DEFLATED.findall(dictionary))
            if layers > 1:
                raise UnsupportedContent("The PDF holds data compressed several times over, as no drawing does.")
            limit = IMAGE_LIMIT if b"/Image" in dictionary else CONTENT_LIMIT
            if layers and (end - start) * EXPANSION > limit and inflates_past(content, start, end, limit):
                raise UnsupportedContent(f"The PDF holds data that unpacks to more than {limit >> 20} MB.")


def mentions(path: Path, word: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(word) >= 0


def streams(content: mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    """Each stream's dictionary, and where its bytes begin and end."""
    for match in STREAM.finditer(content):
        start = match.end()
        opening = max(content.rfind(b"obj", max(0, match.start() - 2048), match.start()), 0)
        end = content.find(b"endstream", start)
        yield content[opening : match.start()], start, end if end >= 0 else len(content)


def inflates_past(content: mmap.mmap, start: int, end: int, limit: int) -> bool:
    """Whether deflated bytes unpack to more than `limit`, found out a piece at a time."""
    inflater, size = zlib.decompressobj(), 0
    try:
        for position in range(start, end, 2**16):
            piece = content[position : min(position + 2**16, end)]
            while piece and not inflater.eof:
                size += len(inflater.decompress(piece, 2**22))
                if size > limit:
                    return True
                piece = inflater.unconsumed_tail
    except zlib.error:
        return False
    return False
