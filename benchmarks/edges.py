"""Documents at and beyond the limits of text extraction."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

PDF, TEXT, CSV = "application/pdf", "text/plain", "text/csv"
MEGABYTE = 2**20
WORDS = ("harbour", "master", "lock", "gate", "river", "bridge", "tower", "light", "ship", "crew", "rope")


@dataclass(frozen=True)
class Case:
    """A file and its expected outcome: the start of the error message, or None if it is readable."""

    what: str
    make: Callable[[Path], object]
    kind: str
    error: str | None = None


def sentences(count: int, seed: int = 1) -> str:
    """Random sentences of twelve words."""
    chosen = random.Random(seed)
    return " ".join(" ".join(chosen.choices(WORDS, k=12)).capitalize() + "." for _ in range(count))


def pdf(path: Path, pages: int, **options: Any) -> None:
    """Writes a PDF with about 350 words per page."""
    canvas = Canvas(str(path), pageCompression=1, **options)
    for number in range(pages):
        for line in range(45):
            words = sentences(1, seed=number * 45 + line)[:90]
            canvas.drawString(50, 780 - 16 * line, words)
        canvas.showPage()
    canvas.save()


def write_scanned_pdf(path: Path, pages: int) -> None:
    """Writes a PDF whose pages are images of 20 lines."""
    pictures = []
    for number in range(pages):
        picture = Image.new("L", (1654, 2339), 255)
        pen = ImageDraw.Draw(picture)
        for line in range(20):
            pen.text((120, 120 + 100 * line), sentences(1, seed=number * 20 + line)[:60], 0, font_size=40)
        pictures.append(picture)
    pictures[0].save(path, "PDF", save_all=True, append_images=pictures[1:], resolution=200)


def table(path: Path, size: int) -> None:
    """Writes a CSV file of about `size` bytes."""
    row = "".join(f"{number},Paris,2102650,{sentences(1, seed=number)}\n" for number in range(1_000))
    path.write_text("number,town,people,remark\n" + row * (size // len(row)))


def write_mixed_encodings(path: Path) -> None:
    """Writes UTF-8 text with some lines of Windows-1252."""
    lines = [(f"Café {number} ", "utf-8" if number % 20 else "cp1252") for number in range(100_000)]
    path.write_bytes(b"".join((text + "naïve façade.\n").encode(encoding) for text, encoding in lines))


CASES = (
    Case("PDF of 2,000 pages", lambda path: pdf(path, 2_000), PDF),
    Case("PDF of 2,001 pages", lambda path: pdf(path, 2_001), PDF, "The file must have at most"),
    Case("scanned PDF of 5 pages", lambda path: write_scanned_pdf(path, 5), PDF),
    Case(
        "encrypted PDF",
        lambda path: pdf(path, 3, encrypt=StandardEncryption("secret")),
        PDF,
        "The PDF is encrypted",
    ),
    Case(
        "50 MB of bytes named .txt",
        lambda path: path.write_bytes(random.Random(1).randbytes(50 * MEGABYTE)),
        TEXT,
        "The file must have at most",
    ),
    Case(
        "5 MB of bytes named .txt",
        lambda path: path.write_bytes(random.Random(1).randbytes(5 * MEGABYTE)),
        TEXT,
        "The file is not a text file",
    ),
    Case("CSV of 50 MB", lambda path: table(path, 50 * MEGABYTE), CSV, "The file must have at most"),
    Case("CSV of 5 MB", lambda path: table(path, 5 * MEGABYTE), CSV),
    Case("9.5 MB of text", lambda path: path.write_text(sentences(120_000)[:9_500_000]), TEXT),
    Case("text without a space, 5 MB", lambda path: path.write_text("a" * 5_000_000), TEXT),
    Case("mixed encodings, 2.5 MB", write_mixed_encodings, TEXT),
    Case("Arabic, 2 million letters", lambda path: path.write_text("هذا نص عربي. " * 155_000), TEXT),
    Case("emoji, 1 million", lambda path: path.write_text("\U0001f3e2\U0001f525 so. " * 500_000), TEXT),
)
