"""Documents that the tests write themselves."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import docx
import pptx
from PIL import Image, ImageDraw, ImageFont
from pptx.util import Inches
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from xlsxwriter import Workbook

LEFT = [
    "The north hall was built in the year",
    "of the great flood and has stood since",
    "then without any repair of its roof. Its",
    "doors are rated for ninety minutes and",
    "are looked at by the safety officer in",
    "March of every year without exception.",
    "Whoever blocks them is asked to leave.",
    "The south hall has no doors of its own.",
]
RIGHT = [line.upper().capitalize() for line in reversed(LEFT)]


def columns(path: Path) -> Path:
    """Two columns under a heading, written row by row across both."""
    canvas = Canvas(str(path), pagesize=(612, 792))
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(72, 720, "The halls and their doors, as they were found by us")
    canvas.setFont("Helvetica", 10)
    for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        canvas.drawString(72, 680 - 12 * row, left)
        canvas.drawString(320, 680 - 12 * row, right)
    canvas.save()
    return path


def pages(path: Path, texts: Sequence[str], *, password: str | None = None) -> Path:
    """A PDF of one line on each page."""
    locked = StandardEncryption(password) if password else None
    canvas = Canvas(str(path), encrypt=locked)
    for text in texts:
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()
    return path


def write_scanned_pdf(path: Path, line: str) -> Path:
    """A PDF whose second page is a picture of a line of text."""
    picture = Image.new("RGB", (1600, 400), "white")
    ImageDraw.Draw(picture).text((80, 150), line, "black", ImageFont.load_default(size=64))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    canvas = Canvas(str(path), pagesize=(612, 792))
    canvas.drawString(72, 700, "This page carries its text itself.")
    canvas.showPage()
    canvas.drawImage(ImageReader(buffer), 36, 400, 540, 135)
    canvas.save()
    return path


def word(path: Path) -> Path:
    """A heading, a paragraph, a list and a table."""
    document = docx.Document()
    document.add_heading("Lease \U0001f3e2", 1)
    document.add_paragraph("The rent is 4,200 euros.")
    document.add_paragraph("No pets", style="List Bullet")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Ends", "2031"
    document.save(str(path))
    return path


def slides(path: Path) -> Path:
    """Two slides, the second with a text box and notes."""
    presentation = pptx.Presentation()
    for title in ("Doors", "Rents"):
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = title
    slide.shapes.add_textbox(Inches(1), Inches(3), Inches(4), Inches(1)).text_frame.text = "4,200 euros"
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    presentation.save(str(path))
    return path


def workbook(path: Path) -> Path:
    """A sheet with named columns, and one with bare numbers."""
    with Workbook(str(path)) as book:
        towns, bare = book.add_worksheet("Towns"), book.add_worksheet("Bare")
        for row, cells in enumerate([("City", "People"), ("Paris", 2102650), ("Lyon", 513275.5)]):
            towns.write_row(row, 0, cells)
        bare.write_row(0, 0, (1, 2))
    return path
