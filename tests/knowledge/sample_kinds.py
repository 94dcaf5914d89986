"""Files of many kinds that the tests write themselves: what must be read of each, what not, and warnings."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pptx
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches
from reportlab.pdfgen.canvas import Canvas
from xlsxwriter import Workbook

ODF = "urn:oasis:names:tc:opendocument:xmlns"
ODF_NAMESPACES = " ".join(
    f'xmlns:{name}="{ODF}:{name}:1.0"'
    for name in ("office", "text", "table", "draw", "style", "presentation")
)


@dataclass(frozen=True)
class Sample:
    """A file: how it is written, the sentences that must be quotable, what must not be read, and warnings."""

    name: str
    write: Callable[[Path], object]
    found: tuple[str, ...]
    absent: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def text(content: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content.encode(encoding))


def package(parts: dict[str, str], mime_type: str) -> Callable[[Path], object]:
    """A ZIP package that begins with its media type."""

    def write(path: Path) -> None:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", mime_type, ZIP_STORED)
            for name, content in parts.items():
                archive.writestr(name, content)

    return write


def open_document(kind: str, body: str, *, styles: str = "", margins: str = "") -> Callable[[Path], object]:
    content = (
        f"<office:document-content {ODF_NAMESPACES}>"
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    parts = {"content.xml": content}
    if margins:
        parts["styles.xml"] = f"<office:document-styles {ODF_NAMESPACES}>{margins}</office:document-styles>"
    return package(parts, f"application/vnd.oasis.opendocument.{kind}")


def table(rows: Sequence[Sequence[str]], name: str = "t", style: str = "") -> str:
    lines = (
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
        + "</table:table-row>"
        for row in rows
    )
    return f'<table:table table:name="{name}" table:style-name="{style}">{"".join(lines)}</table:table>'


def book(chapters: Sequence[str], *, encryption: str = "") -> Callable[[Path], object]:
    """An EPUB whose chapters are listed in another order than they are read."""
    items = "".join(
        f'<item id="c{n}" href="c%20{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in reversed(range(len(chapters)))
    )
    order = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    parts = {
        "META-INF/container.xml": '<container><rootfile full-path="o/b.opf"/></container>',
        "o/b.opf": f"<package><manifest>{items}</manifest><spine>{order}</spine></package>",
        **{f"o/c {n}.xhtml": f"<html><body>{chapter}</body></html>" for n, chapter in enumerate(chapters)},
    }
    if encryption:
        parts["META-INF/encryption.xml"] = (
            f'<encryption><EncryptionMethod Algorithm="{encryption}"/></encryption>'
        )
    return package(parts, "application/epub+zip")


def message(
    subject: str, body: str, *, html: str = "", attachments: dict[str, bytes] | None = None
) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "Ada <ada@demo.example>", "bo@demo.example"
    mail["Date"] = "Mon, 03 Mar 2031 10:00:00 +0000"
    mail.set_content(body)
    if html:
        mail.add_alternative(html, subtype="html")
    for name, content in (attachments or {}).items():
        mail.add_attachment(content, "application", "octet-stream", filename=name)
    return mail


def mail(content: EmailMessage) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content.as_bytes())


def nested_mail(depth: int) -> EmailMessage:
    """An e-mail in an e-mail, and so on."""
    inner = message(f"Level {depth}", f"This is level {depth}.")
    for level in range(depth - 1, 0, -1):
        outer = message(f"Level {level}", f"This is level {level}.")
        outer.add_attachment(inner)
        inner = outer
    return inner


def price_list(path: Path) -> None:
    """Sheets with number formats, a comment, a chart, and hidden sheets."""
    with Workbook(str(path)) as file:
        prices, secret = file.add_worksheet("Prices"), file.add_worksheet("Margins")
        deep = file.add_worksheet("Deep")
        secret.write(0, 0, "Margin of 40 percent")
        deep.write(0, 0, "Deeper still")
        secret.hide()
        deep.very_hidden()
        prices.write(0, 0, "Price list of 2031")
        prices.write_row(2, 0, ("Model", "Price", "Share", "From", "Count", "Net"))
        formats = ("", '#,##0.00 "EUR"', "0.0%", "dd.mm.yyyy", "General", "[$\u20ac-407] #,##0")
        values = ("Borealis 9", 14350.5, 0.125, 48000, 0.1 + 0.2, 1234)
        for column, (value, code) in enumerate(zip(values, formats, strict=True)):
            prices.write(3, column, value, file.add_format({"num_format": code}) if code else None)
        prices.write_comment(3, 1, "Agreed by phone", {"author": "Ada"})
        chart = file.add_chart({"type": "line"})
        chart.add_series({"values": "=Prices!$B$4:$B$4"})
        chart.set_title({"name": "Prices over time"})
        prices.insert_chart("H1", chart)
        prices.insert_textbox("H20", "Valid until March")


def talk(path: Path) -> None:
    """Slides with a table, a chart, grouped shapes and notes."""
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Prices"
    cells = slide.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(5), Inches(1)).table
    for row, values in enumerate(
        (("Model", "Power", "Price"), ("Borealis 9", "9", "14,350"), ("B 12", "12", "17,900"))
    ):
        for column, value in enumerate(values):
            cells.cell(row, column).text = value
    group = slide.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(Inches(1), Inches(5), Inches(1), Inches(1)).text_frame.text = "Grouped twice."
    chart_data = CategoryChartData()  # type: ignore[no-untyped-call] # python-pptx
    chart_data.categories = ("2030", "2031")
    chart_data.add_series("Sales", (31.5, 74))  # type: ignore[no-untyped-call] # python-pptx
    chart = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(5), Inches(3), Inches(2), chart_data
    ).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sales by year"
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    presentation.save(str(path))


def report(path: Path) -> None:
    """Pages with a running header, a page number, and a figure that only looks like a running line."""
    canvas = Canvas(str(path), pagesize=(595, 842))
    for number in range(1, 5):
        canvas.setFont("Helvetica", 10)
        canvas.drawString(72, 810, "Annual report 2031 of the harbour")
        canvas.drawString(280, 30, f"Page {number} of 4")
        canvas.drawString(72, 740, f"The total of section {number} is {number * 731} euros.")
        for line in range(20):
            canvas.drawString(
                72, 700 - 14 * line, f"Line {line} of the text of page {number} tells of doors."
            )
        canvas.showPage()
    canvas.save()


RTF = (
    r"{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial;}}"
    r"{\info{\title SECRET}}"
    r"{\header Lease 4711\par}{\pard\outlinelevel0 Fees\par}\pard Caf\'e9 costs 14\u8364?. Payment is due in "
    r"{\revised thirty}{\deleted ninety} days{\footnote Not in March.}.\par {\v hidden}"
    r"{\f1 \'cf\'f0\'e8\'e2\'e5\'f2}\par"
    r"\trowd Zone\cell Kind\cell Fee\cell\row North\cell Car\cell 31.50\cell\row\pard"
    r"{\*\unknown NOISE}{\pict 0102}\u-10179?\u-9138? end.\par}"
)
XML = (
    '<?xml version="1.0" encoding="koi8-r"?><fees year="2031"><!-- NOISE -->'
    '<fee id="7"><zone>\u0421\u0435\u0432\u0435\u0440</zone>'
    "<price>31.50</price></fee><fee><zone>Port</zone><note>See <b>annex</b> two</note></fee></fees>"
)
JSON = json.dumps(
    {
        "fees": [{"zone": "North", "price": 31.5}, {"zone": "Port", "tags": ["a", "b"]}],
        "ok": True,
        "none": None,
    }
)
CZECH = "P\u0159\u00edli\u0161 \u017elu\u0165ou\u010dk\u00fd k\u016f\u0148 \u00fap\u011bl \u00f3dy."
RUSSIAN = "\u0413\u0430\u0440\u0430\u043d\u0442\u0438\u044f \u0441\u0435\u043c\u044c \u043b\u0435\u0442."
JAPANESE = "\u4fdd\u8a3c\u671f\u9593\u306f\u4e03\u5e74\u9593\u3067\u3059\u3002"
CHINESE = "\u8fd9\u53f0\u70ed\u6cf5\u7684\u4ef7\u683c\u662f\u4e00\u4e07\u4e8c\u5343\u5143\u3002"
TAIWANESE = "\u9019\u53f0\u71b1\u6cf5\u7684\u50f9\u683c\u662f\u4e00\u842c\u4e8c\u5343\u5143\u3002"
TURKISH = "Garanti s\u00fcresi yedi y\u0131ld\u0131r, de\u011fi\u015fmez."
ROWS = (("Zone", "Kind", "Fee"), ("North", "Car", "31.50"), ("Port", "Lorry", "74.00"))
LABELLED = ("Zone: North; Kind: Car; Fee: 31.50", "Zone: Port; Kind: Lorry; Fee: 74.00")
PAGE = "<html><body><nav>NOISE</nav><h1>Fees</h1><p>Permits cost 31.50.</p></body></html>"
