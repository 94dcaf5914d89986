"""Overlays as PDF: both revisions of a sheet on one page, each in one colour and on a layer of its own.

A sheet is drawn as it is and then recoloured by blend modes, so that lines stay lines and text stays text.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from core.errors import DomainError
from pipelines.drawings import file_checks, pdf_layers, rendering
from pipelines.drawings.overlay import Colour, Colours
from pipelines.drawings.reports.clouds import add_annotations, cloud_annotation
from pipelines.drawings.reports.content import ReportSheet, SheetPlacement, SheetResult, SheetSide
from pipelines.drawings.reports.sheet_pages import (
    PageGeometry,
    banner,
    image_object,
    label,
    label_font,
    page_geometry,
    pdf_date,
)

Affine = npt.NDArray[np.float64]
"""A 3 x 3 matrix."""

Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top."""

OLD_LAYER, NEW_LAYER, NUMBERS_LAYER = "Old sheets", "New sheets", "Numbers of changes"

MAX_SIZE_DIFFERENCE = 1.0
"""Points by which a page may differ from the size that it was compared in."""

STRENGTH = 0.6
"""Brightness from which ink is drawn in less than the full colour: pale lines are darkened."""


@dataclass(frozen=True, slots=True)
class OverlaySource:
    """What a sheet is drawn from: page `page` (from 1) of a PDF, or the sheet's image."""

    path: Path
    page: int | None = None


@dataclass(frozen=True, slots=True)
class OverlayPage:
    """A page of the overlay. `image` replaces both sheets if the old one cannot be placed by lines."""

    sheet: ReportSheet
    placement: SheetPlacement
    old: OverlaySource
    new: OverlaySource
    image: Path | None = None


@dataclass(frozen=True, slots=True)
class DrawablePages:
    """A PDF file that sheets can be drawn from, and the size of each of its pages as shown, in points."""

    path: Path
    sizes: tuple[tuple[float, float], ...]

    def has(self, number: int | None, side: SheetSide) -> bool:
        """Whether a page is the one that a sheet shows."""
        if number is None or not side.size_points or not 1 <= number <= len(self.sizes):
            return False
        size = self.sizes[number - 1]
        return all(
            abs(one - other) <= MAX_SIZE_DIFFERENCE for one, other in zip(size, side.size_points, strict=True)
        )


def inspect_pages(path: Path, copy: Path) -> DrawablePages | None:
    """The file to draw sheets from, with annotations as part of its pages; None if it has to be images."""
    if file_checks.detect_kind(path) not in rendering.PREPARED_KINDS:
        return None
    try:
        prepared = rendering.prepare(path, copy)
        target = copy.with_suffix(".flat.pdf")
        with pikepdf.open(prepared) as pdf:
            pdf.flatten_annotations("screen")
            pdf.save(target)
            sizes = tuple(ShownPage(page.obj).size for page in pdf.pages)
    except (DomainError, pikepdf.PdfError, ValueError, RecursionError, TypeError):
        return None
    return DrawablePages(target, sizes)


def write_overlays(
    pages: Sequence[OverlayPage], title: str, target: Path, made_at: datetime, colours: Colours
) -> Path:
    """Write a page for each pair, with clouds around its changes as annotations."""
    with ExitStack() as stack, Pdf.new() as pdf:
        sources = {
            source.path: stack.enter_context(pikepdf.open(source.path))
            for page in pages
            for source in (page.old, page.new)
            if source.page is not None
        }
        layers = Layers(pdf)
        for page in pages:
            add_page(pdf, page, sources, layers, made_at, colours)
        layers.publish()
        pdf.docinfo["/Title"] = title
        pdf.docinfo["/CreationDate"] = pdf_date(made_at)
        pdf.save(target)
    return target


class Layers:
    """The layers of the overlay, which people switch on and off."""

    def __init__(self, pdf: Pdf) -> None:
        self._pdf = pdf
        self.groups = {
            key: pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(name)))
            for key, name in (("Old", OLD_LAYER), ("New", NEW_LAYER), ("Numbers", NUMBERS_LAYER))
        }

    def publish(self) -> None:
        """List the layers; those of the sheets themselves stay as they were, and are not listed."""
        own = list(self.groups.values())
        known = {group.objgen for group in own}
        foreign = [
            item
            for item in self._pdf.objects
            if isinstance(item, Dictionary) and item.get("/Type") == "/OCG" and item.objgen not in known
        ]
        hidden = [group for group in foreign if pdf_layers.HIDDEN_KEY in group]
        self._pdf.Root.OCProperties = Dictionary(
            OCGs=Array([*own, *foreign]),
            D=Dictionary(Name=String("Overlay"), BaseState=Name.ON, OFF=Array(hidden), Order=Array(own)),
        )
        self._pdf.Root.PageMode = Name.UseOC


def add_page(
    pdf: Pdf,
    page: OverlayPage,
    sources: Mapping[Path, Pdf],
    layers: Layers,
    made_at: datetime,
    colours: Colours,
) -> None:
    """Add a page of the new sheet's size."""
    sheet, geometry = page.sheet, page_geometry(page.sheet)
    size = geometry.width, geometry.height
    added = pdf.add_blank_page(page_size=size)
    forms = {}
    if page.image is not None:
        content = f"q {size[0]:.3f} 0 0 {size[1]:.3f} 0 0 cm /Overlay Do Q"
        forms["Overlay"] = image_object(pdf, page.image, geometry)
    else:
        content = "q /Multiply gs /OC /Old BDC /Old Do EMC /OC /New BDC /New Do EMC Q"
        new = DrawnSheet.of(pdf, page.new, page.placement.new, sources, geometry)
        old = DrawnSheet.of(pdf, page.old, page.placement.old, sources, geometry)
        forms["Old"] = draw_in_colour(pdf, old, list(parts(page.placement, geometry)), size, colours.removed)
        forms["New"] = draw_in_colour(pdf, new, [Part(pixels_to_page(geometry))], size, colours.added)
    numbers = "\n".join(label(change, geometry) for change in sheet.changes)
    low = banner(geometry) if sheet.result is SheetResult.LOW else ""
    added.Resources = Dictionary(
        XObject=Dictionary({f"/{name}": form for name, form in forms.items()}),
        Font=Dictionary(Label=label_font()),
        Properties=Dictionary({f"/{key}": group for key, group in layers.groups.items()}),
        ExtGState=Dictionary(Multiply=Dictionary(BM=Name.Multiply)),
    )
    added.obj.Group = transparency_group()
    added.Contents = pdf.make_stream(f"{content}\n/OC /Numbers BDC\n{numbers}\nEMC\n{low}".encode("ascii"))
    clouds = [
        cloud_annotation(
            pdf, sheet, change, geometry.rectangle(change.box), geometry.cloud_radius, pdf_date(made_at)
        )
        for change in sheet.changes
    ]
    add_annotations(added, clouds)


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page as viewers show it: its visible box, and how it is turned."""

    page: pikepdf.Object

    @property
    def box(self) -> Rectangle:
        """The crop box within the media box, as PDFium has it."""
        media = rectangle(page_attribute(self.page, "/MediaBox")) or (0.0, 0.0, 612.0, 792.0)
        crop = rectangle(page_attribute(self.page, "/CropBox")) or media
        left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
        right, top = min(media[2], crop[2]), min(media[3], crop[3])
        return (left, bottom, right, top) if left < right and bottom < top else media

    @property
    def turn(self) -> int:
        """Quarter turns clockwise."""
        value: object = page_attribute(self.page, "/Rotate")
        return int(value) // 90 % 4 if isinstance(value, int) else 0

    @property
    def size(self) -> tuple[float, float]:
        left, bottom, right, top = self.box
        width, height = right - left, top - bottom
        return (height, width) if self.turn % 2 else (width, height)

    @property
    def matrix(self) -> Affine:
        """From the page's own space to points from the upper left corner of what is shown, downwards."""
        left, bottom, right, top = self.box
        rows = (
            ((1, 0, -left), (0, -1, top)),
            ((0, 1, -bottom), (1, 0, -left)),
            ((-1, 0, right), (0, 1, -bottom)),
            ((0, -1, top), (-1, 0, right)),
        )[self.turn]
        return np.array([*rows, (0, 0, 1)], np.float64)


def page_attribute(page: pikepdf.Object, key: str) -> pikepdf.Object | None:
    """An attribute of a page, or of the nodes above it."""
    node: pikepdf.Object | None = page
    for _ in range(pdf_layers.MAX_DEPTH):
        if not isinstance(node, Dictionary):
            return None
        if (value := node.get(key)) is not None:
            return value
        node = node.get("/Parent")
    return None


def rectangle(value: pikepdf.Object | None) -> Rectangle | None:
    """A box of a page with its edges in order."""
    if not isinstance(value, Array) or len(value) != 4:
        return None
    x, y, other_x, other_y = (float(edge) for edge in value)
    return min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)


@dataclass(frozen=True, slots=True)
class DrawnSheet:
    """A form or image of a sheet, and the transform from its space to pixels of the sheet's image."""

    form: Stream
    to_pixels: Affine

    @classmethod
    def of(
        cls,
        pdf: Pdf,
        source: OverlaySource,
        side: SheetSide,
        sources: Mapping[Path, Pdf],
        geometry: PageGeometry,
    ) -> "DrawnSheet":
        """The sheet as a form of its page, else as its image."""
        if source.page is None or side.size_points is None:
            unit = np.array([[side.width, 0, -0.5], [0, -side.height, side.height - 0.5], [0, 0, 1]])
            return cls(image_object(pdf, source.path, geometry), unit)
        page = sources[source.path].pages[source.page - 1]
        shown = ShownPage(page.obj)
        page.contents_coalesce()
        contents = page.obj.get("/Contents")
        data = contents.read_bytes() if isinstance(contents, Stream) else b""
        resources = page_attribute(page.obj, "/Resources")
        form = pdf.make_stream(
            data,
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array(list(shown.box)),
            Resources=copy_resources(pdf, sources[source.path], resources),
            Group=transparency_group(),
        )
        factors = side.width / shown.size[0], side.height / shown.size[1]
        scaling = np.array([[factors[0], 0, -0.5], [0, factors[1], -0.5], [0, 0, 1]])
        return cls(form, scaling @ shown.matrix)


def copy_resources(pdf: Pdf, source: Pdf, resources: pikepdf.Object | None) -> pikepdf.Object:
    """Resources of another file, whose fonts and images are copied once."""
    if not isinstance(resources, Dictionary):
        return Dictionary()
    indirect = resources if resources.is_indirect else source.make_indirect(resources)
    return pdf.copy_foreign(indirect)


@dataclass(frozen=True, slots=True)
class Part:
    """A transform from pixels to the page, and the paths in points that what it draws is clipped to."""

    matrix: Affine
    clips: tuple[str, ...] = ()


def pixels_to_page(geometry: PageGeometry) -> Affine:
    """From pixels of the new sheet's image to the page's space."""
    scale = geometry.scale
    return np.array(
        [[scale, 0, 0.5 * scale], [0, -scale, geometry.height - 0.5 * scale], [0, 0, 1]], np.float64
    )


def parts(placement: SheetPlacement, geometry: PageGeometry) -> Iterator[Part]:
    """Where the old sheet is drawn: in one place, or its frame and its plan each in its own."""
    to_page = pixels_to_page(geometry)
    plan = to_page @ affine(placement.transform)
    if placement.frame is None:
        yield Part(plan)
        return
    left, top, right, bottom = placement.frame.interior
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64) - 0.5
    inside = path(corners, to_page)
    frame = affine(placement.frame.transform)
    outside = f"0 0 {geometry.width:.3f} {geometry.height:.3f} re {inside}"
    yield Part(to_page @ frame, (f"{outside} W* n",))
    old_interior = path(corners, plan @ np.linalg.inv(frame))
    yield Part(plan, (f"{inside} W n", f"{old_interior} W n"))


def affine(values: Sequence[float]) -> Affine:
    return np.vstack([np.reshape(values, (2, 3)), (0.0, 0.0, 1.0)])


def path(corners: npt.NDArray[np.float64], matrix: Affine) -> str:
    """Operators of a closed polygon."""
    points = (np.column_stack([corners, np.ones(len(corners))]) @ matrix.T)[:, :2]
    steps = [f"{x:.3f} {y:.3f} {'m' if index == 0 else 'l'}" for index, (x, y) in enumerate(points)]
    return " ".join([*steps, "h"])


def draw_in_colour(
    pdf: Pdf, sheet: DrawnSheet, places: Sequence[Part], size: tuple[float, float], colour: Colour
) -> Stream:
    """A form of a sheet in shades of one colour on white."""
    area = f"0 0 {size[0]:.3f} {size[1]:.3f} re"
    drawn = []
    for part in places:
        a, b, c, d, e, f = (part.matrix @ sheet.to_pixels)[:2].T.ravel()
        place = f"{a:.8f} {b:.8f} {c:.8f} {d:.8f} {e:.5f} {f:.5f} cm"
        drawn.append(f"q {' '.join(part.clips)} {place} /Sheet Do Q")
    red, green, blue = (round(channel / 255, 3) for channel in colour)
    content = "\n".join(
        [
            f"q 1 g {area} f Q",
            *drawn,
            f"q /Darken gs {STRENGTH} g {area} f Q",
            f"q /Grey gs 0.5 g {area} f Q",
            f"q /Tint gs {red} {green} {blue} rg {area} f Q",
        ]
    )
    modes = {"Darken": Name.ColorBurn, "Grey": Name.Saturation, "Tint": Name.Screen}
    return pdf.make_stream(
        content.encode("ascii"),
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, *size]),
        Resources=Dictionary(
            XObject=Dictionary(Sheet=sheet.form),
            ExtGState=Dictionary({f"/{name}": Dictionary(BM=mode) for name, mode in modes.items()}),
        ),
        Group=transparency_group(),
    )


def transparency_group() -> Dictionary:
    """What is drawn in it is blended in RGB, apart from what lies below."""
    return Dictionary(Type=Name.Group, S=Name.Transparency, I=True, CS=Name.DeviceRGB)
