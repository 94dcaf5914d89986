"""Scanned sheets with title blocks of several layouts, and the sheet numbers that they print."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
from reportlab.pdfgen.canvas import Canvas

from benchmarks.drawings import sheet_sets

SHEETS_PER_LAYOUT = 20
SIZES = ((1191.0, 842.0), (1224.0, 792.0), (842.0, 595.0))
FONTS = ("Helvetica", "Helvetica-Bold", "Times-Roman", "Courier-Bold")


@dataclass(frozen=True, slots=True)
class PrintedBlock:
    """What a title block prints."""

    number: str
    revision: str
    date: str
    scale: str


def make_scan(layout: str, index: int, folder: Path) -> tuple[Path, PrintedBlock]:
    """Scan number `index` of a layout at 100 to 200 dpi, and what its title block prints."""
    random = Random(f"{layout} {index}")
    block = printed_block(random)
    size = random.choice(SIZES)
    path = folder / f"{layout}-{index}.pdf"
    canvas = Canvas(str(path), pagesize=size, invariant=1)
    canvas.rect(20, 20, size[0] - 40, size[1] - 40)
    draw_contents(canvas, random)
    LAYOUTS[layout](canvas, random, size, block)
    canvas.save()
    document = pypdfium2.PdfDocument(path)
    dpi = random.choice((120, 150, 200))
    drawn = document[0].render(scale=dpi / 72, grayscale=True).to_numpy()
    document.close()
    image = sheet_sets.scan(np.asarray(drawn, np.uint8), np.random.default_rng(random.randrange(10**6)))
    target = folder / f"{layout}-{index}.png"
    cv2.imwrite(str(target), fade(image, random))
    return target, block


def printed_block(random: Random) -> PrintedBlock:
    series = random.choice(("A", "S", "M", "E", "FP", "C", "AR", "L"))
    forms = (
        f"{series}-{random.randint(100, 599)}",
        f"{series}{random.randint(1, 9)}.{random.randint(1, 29):02d}",
    )
    others = (
        f"{series}{random.randint(100, 599)}",
        f"{series}-{random.randint(10, 99)}{random.choice('ABC')}",
    )
    year = random.randint(2019, 2026)
    return PrintedBlock(
        random.choice((*forms, *others)),
        random.choice("ABCDEFG123"),
        f"{year}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}",
        random.choice(("1:100", "1:50", "1:200", "1/100", "NTS")),
    )


def draw_contents(canvas: Canvas, random: Random) -> None:
    content = sheet_sets.Content(
        random.choice(("plan", "detail")), random.randrange(10**6), random.randrange(99)
    )
    for item in sheet_sets.items(content, "latin"):
        if item.points:
            canvas.lines([(*a, *b) for a, b in pairwise(item.points)])
        else:
            canvas.setFont("Helvetica", random.choice((6, 7)))
            canvas.drawString(item.x, item.y, item.text)


def fade(image: npt.NDArray[np.uint8], random: Random) -> npt.NDArray[np.uint8]:
    """Paper and ink of a worn original."""
    paper, ink = random.randint(225, 255), random.randint(0, 80)
    return np.asarray(np.interp(image, (0, 255), (ink, paper)), np.uint8)


def corner(canvas: Canvas, random: Random, size: tuple[float, float], block: PrintedBlock) -> None:
    """A block in the lower right corner; the number is its largest text, with a label above or before it."""
    width, height = random.uniform(170, 230), random.uniform(75, 110)
    left, low = size[0] - 20 - width, 20.0
    canvas.rect(left, low, width, height)
    font = random.choice(FONTS)
    rows = [low + height * share for share in (0.38, 0.55, 0.72, 0.86)]
    for y in rows:
        canvas.line(left, y, left + width, y)
    canvas.setFont(font, 6)
    canvas.drawString(
        left + 4, rows[2] + 3, f"PROJECT {random.choice(('NORTH HOUSE', 'CITY LIBRARY', 'HARBOUR 12'))}"
    )
    canvas.drawString(
        left + 4, rows[1] + 3, random.choice(("FLOOR PLAN", "SECTION A-A", "DETAILS", "ROOF PLAN"))
    )
    canvas.drawString(
        left + 4, rows[0] + 3, f"SCALE {block.scale}   DATE {block.date}   REV {block.revision}"
    )
    canvas.drawString(
        left + 4, rows[0] - 8, random.choice(("SHEET", "SHEET NO.", "DWG NO", "DRAWING NUMBER"))
    )
    canvas.setFont(font, random.uniform(14, 22))
    canvas.drawString(left + width * random.uniform(0.3, 0.45), low + 6, block.number)


def strip(canvas: Canvas, random: Random, size: tuple[float, float], block: PrintedBlock) -> None:
    """A strip along the right edge with a box for each field, the number at its foot."""
    width = random.uniform(80, 110)
    left, low = size[0] - 20 - width, 20.0
    canvas.rect(left, low, width, size[1] - 40)
    font = random.choice(FONTS)
    fields = [
        (random.choice(("SHEET NUMBER", "SHEET", "DRAWING NO.")), block.number, random.uniform(15, 24)),
        ("SHEET TITLE", random.choice(("LEVEL 2 PLAN", "ELEVATIONS", "WALL SECTIONS")), 9.0),
        ("SCALE", block.scale, 8.0),
        ("ISSUE DATE", block.date, 8.0),
        ("REVISION", block.revision, 10.0),
        ("PROJECT NO", str(random.randint(10000, 99999)), 8.0),
    ]
    for label, text, letters in fields:
        rise = max(34.0, letters + 20)
        canvas.line(left, low + rise, left + width, low + rise)
        canvas.setFont(font, 5.5)
        canvas.drawString(left + 4, low + rise - 8, label)
        canvas.setFont(font, letters)
        while canvas.stringWidth(text, font, letters) > width - 8:
            letters -= 0.5
            canvas.setFont(font, letters)
        canvas.drawString(left + 5, low + 7, text)
        low += rise


def band(canvas: Canvas, random: Random, size: tuple[float, float], block: PrintedBlock) -> None:
    """A band along the lower edge with labels before their values, the number in a cell of its own at its
    right end. Written after the rules for numbers, which were not changed for it.
    """
    height, left, right = random.uniform(42, 60), 20.0, size[0] - 20
    low, cell = 20.0, random.uniform(120, 160)
    canvas.rect(left, low, right - left, height)
    font = random.choice(FONTS)
    x = right - cell
    canvas.line(x, low, x, low + height)
    canvas.setFont(font, 6)
    canvas.drawCentredString(
        x + cell / 2, low + height - 9, random.choice(("DRAWING NO:", "Sheet No.", "DWG #"))
    )
    canvas.setFont(font, random.uniform(15, 20))
    canvas.drawCentredString(x + cell / 2, low + 10, block.number)
    fields = [
        ("Rev:", block.revision),
        ("Date:", block.date),
        ("Scale:", block.scale),
        ("Drawn by:", random.choice(("JH", "MK", "A. Roy"))),
        ("Project:", f"{random.choice(('Mill Lane', 'Tower Bay'))} {random.randint(1, 99)}"),
    ]
    for label, value in fields:
        width = random.uniform(85, 110)
        x -= width
        canvas.line(x, low, x, low + height)
        canvas.setFont(font, 7)
        canvas.drawString(x + 4, low + height / 2 - 3, label)
        canvas.drawString(x + 8 + canvas.stringWidth(label, font, 7), low + height / 2 - 3, value)


LAYOUTS: dict[str, Callable[[Canvas, Random, tuple[float, float], PrintedBlock], None]] = {
    "corner": corner,
    "strip": strip,
    "band": band,
}
