"""Rendering of reports as PDF, Word, Markdown and CSV, and of charts as SVG and PNG."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO, StringIO
from typing import Any
from xml.sax.saxutils import escape

import docx
from docx.shared import Cm, Pt, RGBColor
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    SimpleDocTemplate,
    Spacer,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from core.csv_formulas import escape_formula
from core.markup import neutral_text
from pipelines.insights import charts
from pipelines.insights.report_content import report_blocks, roadmap_table
from pipelines.insights.report_layout import Block, Chart, Figures, Heading, Paragraph, Table

TEXT_COLOUR, ACCENT_COLOUR, FILL_COLOUR, LINE_COLOUR = (
    HexColor("#22303c"),
    HexColor("#0f766e"),
    HexColor("#f1f5f4"),
    HexColor("#cbd5d1"),
)
MARGIN = 2 * cm
WIDTH = A4[0] - 2 * MARGIN - 12
"""Without the padding of the page's frame."""
MAX_UNSPLIT_ROWS = 12
"""Tables with at most this many rows stay on one page."""
UNSUPPORTED_CHARACTERS = re.compile(
    "[^\x20-\x7e\u00a0-\u00ff\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u20ac]"
)
"""Characters that the built-in PDF fonts lack."""


@dataclass(frozen=True)
class File:
    """A file of a report."""

    name: str
    format: str
    mime_type: str
    content: bytes


def render_files(title: str, date_line: str, data: Mapping[str, Any], text: str | None) -> list[File]:
    """Every file of a report; `dated` is a line below the title. Runs in a child process."""
    blocks, drawings = report_blocks(data, text), charts.draw_charts(data)
    word_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    rendered = [
        File("report.pdf", "PDF", "application/pdf", render_pdf(title, date_line, blocks, drawings)),
        File("report.docx", "DOCX", word_type, render_docx(title, date_line, blocks, drawings)),
        File("report.md", "MARKDOWN", "text/markdown", render_markdown(title, date_line, blocks).encode()),
        File("report.csv", "CSV", "text/csv", render_csv(data).encode()),
    ]
    for name, drawing in drawings.items():
        rendered.append(File(f"{name}.svg", "SVG", "image/svg+xml", charts.render_svg(drawing)))
        rendered.append(File(f"{name}.png", "PNG", "image/png", charts.render_png(drawing)))
    return rendered


def render_csv(data: Mapping[str, Any]) -> str:
    """The roadmap as CSV with plain numbers and escaped formulas."""
    buffer = StringIO()
    headings, rows = roadmap_table(data)
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([escape_formula(heading) for heading in headings])
    writer.writerows(rows)
    return buffer.getvalue()


def render_markdown(title: str, date_line: str, blocks: Sequence[Block]) -> str:
    """The report as Markdown, without charts. HTML, links and images of its texts are neutral."""
    parts = [f"# {escape_cell(title)}", date_line]
    for block in blocks:
        match block:
            case Heading(text=text):
                parts.append(f"## {text}")
            case Paragraph(text=text):
                parts.append(text)
            case Figures(rows=rows):
                parts.append("\n".join(f"- {name}: {value}" for name, value in rows))
            case Table(headings=headings, rows=rows):
                lines = [headings, ("---",) * len(headings), *rows]
                parts.append("\n".join("| " + " | ".join(map(escape_cell, line)) + " |" for line in lines))
            case Chart():
                pass
    return neutral_text("\n\n".join(parts) + "\n")


def escape_cell(text: str) -> str:
    """A text on one line with escaped cell separators."""
    return " ".join(text.split()).replace("|", "\\|")


def render_docx(
    title: str, date_line: str, blocks: Sequence[Block], drawings: Mapping[str, Drawing]
) -> bytes:
    """The report as a Word document."""
    document = docx.Document()
    document.core_properties.title = title
    for section in document.sections:
        section.left_margin = section.right_margin = Cm(2)
    document.styles["Normal"].font.size = Pt(10)
    document.add_heading(title, 0)
    document.add_paragraph(date_line).runs[0].font.color.rgb = RGBColor(0x64, 0x74, 0x8B)
    for block in blocks:
        match block:
            case Heading(text=text):
                document.add_heading(text, 1)
            case Paragraph(text=text):
                document.add_paragraph(text)
            case Figures(rows=rows):
                add_docx_table(document, ("", ""), rows, header=False)
            case Table(headings=headings, rows=rows):
                add_docx_table(document, headings, rows, header=True)
            case Chart(name=name, caption=caption) if name in drawings:
                document.add_picture(BytesIO(charts.render_png(drawings[name])), width=Cm(17))
                document.add_paragraph(caption, style="Caption")
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def add_docx_table(
    document: Any, headings: Sequence[str], rows: Sequence[Sequence[str]], *, header: bool
) -> None:
    """Add a table to a Word document."""
    table = document.add_table(rows=0, cols=len(headings))
    table.style = "Light Grid Accent 1" if header else "Light List Accent 1"
    for line in ([headings] if header else []) + list(rows):
        for cell, text in zip(table.add_row().cells, line, strict=True):
            run = cell.paragraphs[0].add_run(text)
            run.font.size = Pt(8 if header else 10)
    document.add_paragraph()


def render_pdf(title: str, date_line: str, blocks: Sequence[Block], drawings: Mapping[str, Drawing]) -> bytes:
    """The report as PDF, A4."""
    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author="Seshat",
        invariant=1,
    )
    story: list[Flowable] = [
        Text(pdf_text(title), TITLE),
        Text(pdf_text(date_line), DATE_LINE),
        Spacer(1, 0.5 * cm),
    ]
    story += keep_headings_with_next([list(block_flowables(block, drawings)) for block in blocks], blocks)
    draw_page_footer = partial(draw_footer, title)
    document.build(story, onFirstPage=draw_page_footer, onLaterPages=draw_page_footer)
    return buffer.getvalue()


def keep_headings_with_next(parts: Sequence[list[Flowable]], blocks: Sequence[Block]) -> list[Flowable]:
    """The flowables, with each heading on the same page as the next block."""
    story: list[Flowable] = []
    heading: list[Flowable] = []
    for block, part in zip(blocks, parts, strict=True):
        if isinstance(block, Heading):
            heading = part
        elif heading:
            story.append(KeepTogether([*heading, *flowable_contents(part)]))
            heading = []
        else:
            story += part
    return story


def flowable_contents(parts: Sequence[Flowable]) -> Iterator[Flowable]:
    """The flowables without what keeps them together: nested, it would always begin a page."""
    for part in parts:
        yield from part._content if isinstance(part, KeepTogether) else [part]


def paragraph_style(name: str, **options: Any) -> ParagraphStyle:
    """A paragraph style of the PDF."""
    defaults = {
        "fontName": "Helvetica",
        "fontSize": 9.5,
        "leading": 13.5,
        "textColor": TEXT_COLOUR,
        "spaceAfter": 6,
    }
    return ParagraphStyle(name, **{**defaults, **options})


TITLE = paragraph_style("title", fontName="Helvetica-Bold", fontSize=22, leading=27, textColor=ACCENT_COLOUR)
DATE_LINE = paragraph_style("dated", textColor=HexColor("#64748b"))
HEADING = paragraph_style(
    "part", fontName="Helvetica-Bold", fontSize=14, leading=18, spaceBefore=14, textColor=ACCENT_COLOUR
)
BODY = paragraph_style("body")
CAPTION = paragraph_style("caption", fontSize=8, leading=11, textColor=HexColor("#64748b"), spaceAfter=10)
CELL = paragraph_style("cell", fontSize=7.5, leading=9.5, spaceAfter=0)
NUMBER = paragraph_style("number", fontSize=7.5, leading=9.5, spaceAfter=0, alignment=TA_RIGHT)
TABLE_HEAD = paragraph_style("head", fontName="Helvetica-Bold", fontSize=7.5, leading=9.5, spaceAfter=0)
TABLE_HEAD_NUMBER = paragraph_style(
    "head_number", fontName="Helvetica-Bold", fontSize=7.5, leading=9.5, spaceAfter=0, alignment=TA_RIGHT
)
LABEL = paragraph_style("label", fontSize=9, leading=12, spaceAfter=0, textColor=HexColor("#64748b"))
VALUE = paragraph_style("value", fontName="Helvetica-Bold", fontSize=10.5, leading=13, spaceAfter=0)


def block_flowables(block: Block, drawings: Mapping[str, Drawing]) -> Iterator[Flowable]:
    """A block as flowables of the PDF."""
    match block:
        case Heading(text=text):
            yield Text(pdf_text(text), HEADING)
        case Paragraph(text=text):
            yield Text(pdf_text(text), BODY)
        case Figures(rows=rows):
            cells = [[Text(pdf_text(name), LABEL), Text(pdf_text(value), VALUE)] for name, value in rows]
            yield Grid(cells, colWidths=[WIDTH * 0.38, WIDTH * 0.62], style=FIGURES, spaceAfter=10)
        case Table(headings=headings, rows=rows):
            grid = pdf_table(headings, rows)
            yield KeepTogether([grid]) if len(rows) <= MAX_UNSPLIT_ROWS else grid
        case Chart(name=name, caption=caption) if name in drawings:
            yield KeepTogether([drawings[name], Text(pdf_text(caption), CAPTION)])


FIGURES = [
    ("BACKGROUND", (0, 0), (-1, -1), FILL_COLOUR),
    ("LINEBELOW", (0, 0), (-1, -2), 0.4, LINE_COLOUR),
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ("TOPPADDING", (0, 0), (-1, -1), 5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
]
LINES = [
    ("LINEBELOW", (0, 0), (-1, 0), 0.8, ACCENT_COLOUR),
    ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE_COLOUR),
    ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
    ("LEFTPADDING", (0, 0), (-1, -1), 3),
    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ("TOPPADDING", (0, 0), (-1, -1), 2.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]


def pdf_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Grid:
    """A table with its header repeated on every page, and a first column as wide as its texts."""
    longest = max((len(row[0]) for row in rows), default=0)
    widest = 0.36 if len(headings) > 2 else 0.75
    first = min(widest, max(0.09, longest * 4.2 / WIDTH + 0.02))
    widths = [WIDTH * first, *[WIDTH * (1 - first) / (len(headings) - 1)] * (len(headings) - 1)]
    styles = [TABLE_HEAD, *[TABLE_HEAD_NUMBER] * (len(headings) - 1)]
    cells = [[Text(pdf_text(text), style) for text, style in zip(headings, styles, strict=True)]]
    for row in rows:
        cells.append([Text(pdf_text(text), NUMBER if index else CELL) for index, text in enumerate(row)])
    return Grid(cells, colWidths=widths, style=LINES, repeatRows=1, spaceAfter=8)


def pdf_text(text: str) -> str:
    """A text for the PDF: markup is escaped, and unsupported characters are replaced."""
    return escape(UNSUPPORTED_CHARACTERS.sub("?", " ".join(text.split())))


def draw_footer(title: str, canvas: Any, document: Any) -> None:
    """Draw the title and the page number at the foot of a page."""
    canvas.saveState()
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(HexColor("#64748b"))
    canvas.drawString(MARGIN + 6, 1.1 * cm, UNSUPPORTED_CHARACTERS.sub("?", title)[:90])
    canvas.drawRightString(A4[0] - MARGIN - 6, 1.1 * cm, f"{document.page}")
    canvas.restoreState()
