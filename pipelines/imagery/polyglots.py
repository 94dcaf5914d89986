"""Polyglots: files that an image decoder opens, and the parser of another file type as well."""

import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from lxml import etree, html
from PIL import Image, UnidentifiedImageError

PROBE_BYTES = 4096
"""Bytes at each end of a file that are searched for markup."""
MAX_TRAILER_BYTES = 1024 * 1024
"""Bytes behind an image that are parsed."""
MARKUP = re.compile(rb"<(?:!doctype|html|script|svg|\?php|iframe)\b", re.IGNORECASE)
ACTIVE_ELEMENTS = ("script", "svg", "iframe", "object", "embed", "form", "img")
PDF_HEADER_BYTES = 1024
"""Bytes from the start of a file in which readers of PDF look for its header."""
LOCAL_HEADER = b"PK\x03\x04"
FRAMELESS_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of JPEG without a length."""
END_OF_IMAGE = 0xD9
UNSUPPORTED_FORMATS = {
    "ICO": "ICO",
    "TGA": "TGA",
    "PSD": "PSD",
    "ICNS": "ICNS",
    "PCX": "PCX",
    "DDS": "DDS",
    "PPM": "PPM",
}
"""Names of formats that are not taken, by Pillow's names."""


def is_polyglot(path: Path) -> bool:
    """Whether an image opens as an archive or a PDF too, or has a web page behind its end."""
    return is_archive(path) or is_pdf(path) or has_trailing_page(path)


def is_archive(path: Path) -> bool:
    """Whether the file opens as a ZIP archive that has a file. A signature alone makes none."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            for entry in archive.infolist()[:1]:
                file.seek(entry.header_offset)
                return file.read(len(LOCAL_HEADER)) == LOCAL_HEADER
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return False


def is_pdf(path: Path) -> bool:
    """Whether the file has the header and the cross-reference with which readers open a PDF."""
    content_end = read_tail(path)
    return b"%PDF-" in read_head(path)[:PDF_HEADER_BYTES] and b"startxref" in content_end


def has_trailing_page(path: Path) -> bool:
    """Whether the bytes behind the image parse as a page with an active element."""
    if not MARKUP.search(read_tail(path)):
        return False
    content = path.read_bytes()
    end = image_end(content)
    if end is None:
        return False
    try:
        root = html.document_fromstring(content[end : end + MAX_TRAILER_BYTES])
    except (etree.ParserError, ValueError):
        return False
    return any(next(root.iter(name), None) is not None for name in ACTIVE_ELEMENTS)


def image_end(content: bytes) -> int | None:
    """Where the image data of a file ends; None if its format does not tell."""
    for signature, end_of in END_FINDERS.items():
        if content.startswith(signature):
            try:
                return min(end_of(content), len(content))
            except (struct.error, IndexError):
                return None
    return None


def jpeg_end(content: bytes) -> int:
    """The end of the first image: its segments are followed to its end marker."""
    position = 2
    while position < len(content):
        position = content.find(b"\xff", position)
        if position < 0 or position + 1 >= len(content):
            break
        marker = content[position + 1]
        if marker == END_OF_IMAGE:
            return position + 2
        if marker in (0x00, 0xFF) or marker in FRAMELESS_MARKERS:
            position += 1 if marker == 0xFF else 2
        else:
            position += 2 + int(struct.unpack_from(">H", content, position + 2)[0])
    return len(content)


def png_end(content: bytes) -> int:
    """The end of the last chunk."""
    position = 8
    while True:
        length, kind = struct.unpack_from(">I4s", content, position)
        position += 12 + int(length)
        if kind == b"IEND":
            return position


def riff_end(content: bytes) -> int:
    """The end that the header names."""
    return 8 + int(struct.unpack_from("<I", content, 4)[0])


def gif_end(content: bytes) -> int:
    """The end of the last block."""
    flags = content[10]
    position = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while content[position] != 0x3B:
        if content[position] == 0x2C:
            flags = content[position + 9]
            position += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            position += 2
        while content[position]:
            position += 1 + content[position]
        position += 1
    return position + 1


def bmp_end(content: bytes) -> int:
    """The end that the header names."""
    return int(struct.unpack_from("<I", content, 2)[0])


END_FINDERS: dict[bytes, Callable[[bytes], int]] = {
    b"\xff\xd8\xff": jpeg_end,
    b"\x89PNG": png_end,
    b"RIFF": riff_end,
    b"GIF8": gif_end,
    b"BM": bmp_end,
}
"""Functions that find the end of an image, by the first bytes of its format."""


MAX_UNSUPPORTED_PIXELS = 50_000_000


def unsupported_format(path: Path) -> str | None:
    """The name of the format of an image that is not taken."""
    try:
        with Image.open(path, formats=list(UNSUPPORTED_FORMATS)) as image:
            if image.width * image.height > MAX_UNSUPPORTED_PIXELS:
                return None
            image.load()  # the signatures of some of them are weak
            return UNSUPPORTED_FORMATS[image.format or ""]
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, IndexError, KeyError):
        return None


def read_head(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(PROBE_BYTES)


def read_tail(path: Path) -> bytes:
    """The last bytes of a file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - PROBE_BYTES))
        return file.read()
