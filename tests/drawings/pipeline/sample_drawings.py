"""Files to compare: small sheets with known edits, and files that are bad in every known way."""

import struct
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pypdfium2
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from server.demo.drawings import Sheet, plan, write

DPI = 100
"""At which these tests draw pages: enough for sheets of this size."""

HUGE = 36_000
"""The side of a page, in points, that no picture shows legibly."""


@cache
def sheet(number: str) -> Sheet:
    """A sheet of this number: always the same, with a dozen edits between its revisions."""
    return plan(number, f"PLAN {number}", sum(number.encode()), changed=0.06)


def sheets(target: Path, revision: int, *numbers: str) -> Path:
    """A file with these sheets in revision 0 or 1."""
    write([sheet(number) for number in numbers], revision, target)
    return target


def resize_page(target: Path, source: Path, page: int, side: float) -> Path:
    """A copy of a PDF in which one page (from 1) is a square of so many points."""
    document = pypdfium2.PdfDocument(source)
    document[page - 1].set_mediabox(0, 0, side, side)
    document[page - 1].set_cropbox(0, 0, side, side)
    document.save(str(target))
    document.close()
    return target


def blank(target: Path, pages: int, *, password: str | None = None) -> Path:
    """A PDF of so many pages with a line of text each, encrypted if there is a password."""
    canvas = Canvas(str(target), pagesize=A4, invariant=1, encrypt=password)
    for number in range(pages):
        canvas.drawString(100, 100, str(number))
        canvas.showPage()
    canvas.save()
    return target


def pdf(target: Path, *objects: bytes) -> Path:
    """A PDF of these objects, the first of which is its catalogue."""
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    tail = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    target.write_bytes(body + tail % (len(objects) + 1, table, len(objects) + 1, len(body)))
    return target


def without_pages(target: Path) -> Path:
    """A PDF that is whole, with no page in it."""
    return pdf(target, b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>")


def bomb(target: Path, size: int) -> Path:
    """A PDF whose one page has instructions that unpack to so many bytes."""
    packed = zlib.compress(bytes(size))
    return pdf(
        target,
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 792 612]/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
    )


def image(target: Path, size: tuple[int, int]) -> Path:
    """A white image of so many pixels, one bit each."""
    Image.new("1", size, 1).save(target)
    return target


def png_header(target: Path, size: tuple[int, int]) -> Path:
    """A PNG of a few bytes that says it has so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    target.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return target


def cut(target: Path, source: Path, share: float) -> Path:
    """The first part of a file."""
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def expected_boxes(numbers: Sequence[str], *, dpi: float = DPI) -> dict[str, list[tuple[float, ...]]]:
    """Where each sheet's edits are, in pixels: left, top, right, bottom."""
    scale = dpi / 72
    return {
        number: [tuple(edge * scale for edge in box) for box in sheet(number).changed] for number in numbers
    }
