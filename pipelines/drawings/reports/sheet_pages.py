"""The page of a sheet in a report: the new sheet in its size, with a numbered cloud around each change."""

from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from pathlib import Path
from zlib import compress

import cv2
import numpy as np
import numpy.typing as npt
from pikepdf import Dictionary, Name, Pdf, Stream

from pipelines.drawings.reports.clouds import Rectangle, add_annotations, change_colour, cloud_annotation
from pipelines.drawings.reports.content import ReportChange, ReportSheet, SheetResult

POINTS_PER_INCH = 72.0
ASSUMED_DPI = 150.0
"""Resolution of images that do not state theirs."""
MAX_SIDE_POINTS = 14_400.0
"""The longest side of a page that viewers open."""
MAX_IMAGE_DPI, MAX_IMAGE_PIXELS = 200.0, 40_000_000
"""Resolution of the sheets' images, which keeps 2 mm letters on A1 legible."""
LOW_TEXT = "LOW confidence: the sheets could not be aligned well. Compare them by eye."
LABEL_PADDING = 0.3
"""Margin of a label around its number, as a share of the font's size."""
DIGIT_WIDTH = 0.556
"""Width of a digit of Helvetica, as a share of the font's size."""


@dataclass(frozen=True, slots=True)
class PageGeometry:
    """Size of a page in points, how many points a pixel of the image has, and sizes of its marks."""

    width: float
    height: float
    scale: float

    @property
    def font_size(self) -> float:
        """Size of the numbers: 8 points on A4, 14 on A1."""
        return min(24.0, max(8.0, max(self.width, self.height) / 170))

    @property
    def cloud_radius(self) -> float:
        """Radius of the arcs of clouds."""
        return self.font_size / 2

    def rectangle(self, box: tuple[int, int, int, int]) -> Rectangle:
        """Where the cloud of a box runs: outside of it, so that it covers nothing."""
        x, y, width, height = box
        margin, scale = self.cloud_radius * 0.6, self.scale
        left, right = x * scale - margin, (x + width) * scale + margin
        top, bottom = self.height - y * scale + margin, self.height - (y + height) * scale - margin
        return left, bottom, right, top


def page_geometry(sheet: ReportSheet) -> PageGeometry:
    """The page of a sheet, as large as the sheet if viewers open pages of this size."""
    scale = POINTS_PER_INCH / (sheet.dpi or ASSUMED_DPI)
    scale = min(scale, MAX_SIDE_POINTS / max(sheet.width, sheet.height))
    return PageGeometry(sheet.width * scale, sheet.height * scale, scale)


def write_sheet_page(sheet: ReportSheet, image: Path, target: Path, made_at: datetime) -> Path:
    """Write the page of a sheet; `image` is the stored image of the new sheet."""
    geometry, date = page_geometry(sheet), pdf_date(made_at)
    with Pdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(geometry.width, geometry.height))
        page.Resources = Dictionary(
            XObject=Dictionary(Sheet=image_object(pdf, image, geometry)), Font=Dictionary(Label=label_font())
        )
        page.Contents = pdf.make_stream(page_content(sheet, geometry).encode("ascii"))
        clouds = [
            cloud_annotation(pdf, sheet, change, geometry.rectangle(change.box), geometry.cloud_radius, date)
            for change in sheet.changes
        ]
        add_annotations(page, clouds)
        pdf.save(target)
    return target


def pdf_date(moment: datetime) -> str:
    """A moment in UTC as a PDF date."""
    return f"D:{moment:%Y%m%d%H%M%S}Z"


def image_object(pdf: Pdf, path: Path, geometry: PageGeometry) -> Stream:
    """An image as PDF object, reduced to what the page needs."""
    pixels: npt.NDArray[np.uint8] = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)
    height, width = pixels.shape[:2]
    needed = MAX_IMAGE_DPI / POINTS_PER_INCH * geometry.scale
    factor = min(1.0, needed, sqrt(MAX_IMAGE_PIXELS / (width * height)))
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    is_grey = pixels.ndim == 2
    ordered = pixels if is_grey else np.ascontiguousarray(pixels[:, :, 2::-1])
    return pdf.make_stream(
        compress(ordered.tobytes(), 6),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=ordered.shape[1],
        Height=ordered.shape[0],
        BitsPerComponent=8,
        ColorSpace=Name.DeviceGray if is_grey else Name.DeviceRGB,
        Filter=Name.FlateDecode,
    )


def page_content(sheet: ReportSheet, geometry: PageGeometry) -> str:
    """The content of the page: the image and the numbers."""
    parts = [f"q {geometry.width:.3f} 0 0 {geometry.height:.3f} 0 0 cm /Sheet Do Q"]
    parts += [label(change, geometry) for change in sheet.changes]
    if sheet.result is SheetResult.LOW:
        parts.append(banner(geometry))
    return "\n".join(parts)


def label_font() -> Dictionary:
    """The font of numbers, which all viewers have."""
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.Type1,
        BaseFont=Name("/Helvetica-Bold"),
        Encoding=Name.WinAnsiEncoding,
    )


def label(change: ReportChange, geometry: PageGeometry) -> str:
    """The number of a change, above the left corner of its cloud, and always on the page."""
    size, text = geometry.font_size, str(change.number)
    width = (len(text) * DIGIT_WIDTH + 2 * LABEL_PADDING) * size
    height = (1 + LABEL_PADDING) * size
    left, _, _, top = geometry.rectangle(change.box)
    x = min(max(0.0, left), geometry.width - width)
    y = min(max(0.0, top + geometry.cloud_radius), geometry.height - height)
    red, green, blue = change_colour(change)
    return (
        f"q {red} {green} {blue} rg {x:.2f} {y:.2f} {width:.2f} {height:.2f} re f 1 g "
        f"BT /Label {size:.2f} Tf {x + LABEL_PADDING * size:.2f} {y + LABEL_PADDING * size:.2f} Td "
        f"({text}) Tj ET Q"
    )


def banner(geometry: PageGeometry) -> str:
    """A line at the top of the page that says that its changes may be wrong."""
    size = geometry.font_size * 1.2
    y = geometry.height - 2 * size
    return (
        f"q 1 0.85 0.4 rg 0 {y:.2f} {geometry.width:.2f} {2 * size:.2f} re f 0 g "
        f"BT /Label {size:.2f} Tf {size:.2f} {y + 0.6 * size:.2f} Td ({LOW_TEXT}) Tj ET Q"
    )
