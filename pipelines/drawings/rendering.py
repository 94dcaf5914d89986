"""Rendering of pages: each page of a file as an image, with its words and sheet number."""

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError
from pypdfium2 import raw

from core.errors import DomainError, Invalid, UnsupportedContent
from pipelines.drawings import dxf_files, file_checks, page_words, pdf_files, sheet_text
from pipelines.drawings.page_words import Word
from pipelines.drawings.pdf_files import open_pdf
from pipelines.drawings.sheet_numbers import SheetName
from pipelines.drawings.title_blocks import TitleBlock
from pipelines.runtime.phases import begin_phase

PixelArray = npt.NDArray[np.uint8]

POINTS_PER_INCH = 72.0
MAX_PAGES = 500
MAX_PIXELS = 150_000_000
MAX_SIDE = 32_000
MIN_SIDE = 100
MIN_DPI = 30.0
THUMBNAIL_MAX_SIDE = 480

STRIP_ROWS = 512
MIN_COLOUR_PIXELS, MIN_COLOUR_SPREAD = 8, 16
"""Pixels of one strip whose channels differ by so many levels make a page one in colour."""

PREPARED_KINDS = frozenset(("pdf", "dxf"))
"""Kinds of files that are drawn as PDF, perhaps from a copy."""

RECOGNITION, RECOGNITION_SECONDS = "recognition", 120.0
"""Phase of rendering after the page is drawn, and its limit in CPU seconds."""

FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)
"""Three times faster than the default filters on line drawings, and 6 % larger."""


@dataclass(frozen=True, slots=True)
class PageSize:
    """Displayed size of a page: in points for a PDF page, in pixels for an image."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A file's kind (`pdf`, `dxf`, `png`, `jpeg`, `tiff`) and its pages, each displayed upright.

    `prepared` is the file to render the pages of: the file itself, or a copy.
    """

    kind: str
    pages: tuple[PageSize, ...]
    prepared: Path

    @property
    def page_count(self) -> int:
        return len(self.pages)


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A rendered page.

    `dpi` is the resolution, lower than requested for a huge page (`reduced`), and None for an image that does
    not state it. `rotation` is the page's /Rotate, already applied. `words` is a JSON file for
    `page_words.load`, in pixels of the image. `warnings` tell people what is not as in the file.
    """

    number: int
    width: int
    height: int
    dpi: float | None
    reduced: bool
    width_points: float | None
    height_points: float | None
    rotation: int
    sheet: SheetName
    block: TitleBlock
    word_count: int
    image: Path
    thumbnail: Path
    words: Path
    warnings: tuple[str, ...] = ()

    @property
    def scale(self) -> str | None:
        """The scale as printed, such as `1:100`."""
        return self.block.scale.text if self.block.scale else None


@dataclass(frozen=True, slots=True)
class PageRaster:
    """A page's pixels (greyscale or BGR) and metadata."""

    pixels: PixelArray
    words: list[Word]
    dpi: float | None
    reduced: bool = False
    rotation: int = 0


def inspect(
    path: Path, *, copy: Path | None = None, max_pages: int = MAX_PAGES, max_pixels: int = MAX_PIXELS
) -> DocumentInfo:
    """The kind and pages of a file, without rendering it. Raises `UnsupportedContent` or `Invalid`.

    A file that cannot be rendered as it is gets a copy at `copy`, by default beside it.
    """
    kind = file_checks.detect_kind(path)
    if kind in PREPARED_KINDS:
        prepared = prepare(path, copy or sibling_path(path, "_copy.pdf"))
        with open_pdf(prepared) as document:
            check_page_count(len(document), max_pages)
            sizes = tuple(PageSize(*document.get_page_size(i)) for i in range(len(document)))
            return DocumentInfo(kind, sizes, prepared)
    with open_image(path) as image:
        count = getattr(image, "n_frames", 1) if kind == "tiff" else 1
        check_page_count(count, max_pages)
        image_sizes = []
        for index in range(count):
            image.seek(index)
            check_image_size(*image.size, max_pixels)
            image_sizes.append(PageSize(*oriented_size(image)))
        if count == 1:
            image.load()
    return DocumentInfo(kind, tuple(image_sizes), path)


def prepare(path: Path, copy: Path) -> Path:
    """The PDF to render instead of a PDF or DXF file, written to `copy` where it is another one."""
    if file_checks.detect_kind(path) == "dxf":
        return dxf_files.convert(path, copy)
    return pdf_files.prepare(path, copy)


def render(
    path: Path,
    page: int,
    target: Path,
    *,
    dpi: float = 300.0,
    max_pixels: int = MAX_PIXELS,
    colour: bool = True,
    use_ocr: bool = True,
    is_prepared: bool = False,
) -> RenderedPage:
    """Render page `page` (from 1) as PNG to `target`, with `…_thumbnail.png` and `…_words.json` beside it.

    With `use_ocr`, pages without a usable text layer are recognized. `is_prepared` tells that the path is
    `DocumentInfo.prepared`. Raises `UnsupportedContent` or `Invalid` for a page that cannot be rendered.
    """
    if file_checks.detect_kind(path) in PREPARED_KINDS:
        source = path if is_prepared else prepare(path, sibling_path(target, "_copy.pdf"))
        raster = rasterize_pdf_page(source, page, dpi=dpi, max_pixels=max_pixels, colour=colour)
        use_ocr = use_ocr and not dxf_files.has_words(source)
    else:
        raster = rasterize_image(path, page, dpi=dpi, max_pixels=max_pixels, colour=colour)
    raster = without_colour(raster)
    begin_phase(RECOGNITION, RECOGNITION_SECONDS)
    height, width = raster.pixels.shape[:2]
    text = sheet_text.read_page(raster.words, to_grey(raster.pixels), page, raster.dpi, use_ocr=use_ocr)
    thumbnail, word_file = sibling_path(target, "_thumbnail.png"), sibling_path(target, "_words.json")
    write_png(target, raster.pixels)
    write_png(thumbnail, downscale(raster.pixels, THUMBNAIL_MAX_SIDE))
    page_words.save(text.words, word_file)
    return RenderedPage(
        number=page,
        width=width,
        height=height,
        dpi=round(raster.dpi, 2) if raster.dpi else None,
        reduced=raster.reduced,
        width_points=width * POINTS_PER_INCH / raster.dpi if raster.dpi else None,
        height_points=height * POINTS_PER_INCH / raster.dpi if raster.dpi else None,
        rotation=raster.rotation,
        sheet=text.name,
        block=text.block,
        word_count=len(text.words),
        image=target,
        thumbnail=thumbnail,
        words=word_file,
        warnings=(*resolution_warnings(raster), *blank_warnings(raster), *text.warnings),
    )


def resolution_warnings(raster: PageRaster) -> tuple[str, ...]:
    if not raster.reduced or raster.dpi is None:
        return ()
    return (f"The page is so large that it is drawn at {raster.dpi:.0f} dpi: fine details may be missed.",)


def blank_warnings(raster: PageRaster) -> tuple[str, ...]:
    """What people are told of a page of one colour; a blank page with the grain of a scanner is not told."""
    channels = raster.pixels.reshape(-1, raster.pixels.shape[2] if raster.pixels.ndim == 3 else 1)
    is_blank = bool((channels.max(axis=0) == channels.min(axis=0)).all())
    return ("The page is blank: nothing is drawn on it.",) if is_blank else ()


def check_page_count(count: int, max_pages: int) -> None:
    if count < 1:
        raise Invalid("The file has no pages.")
    if count > max_pages:
        raise UnsupportedContent(f"The file has {count:,} pages; at most {max_pages:,} are compared.")


def check_image_size(width: int, height: int, max_pixels: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise UnsupportedContent(
            f"The image is {width:,} x {height:,} pixels; a drawing needs {MIN_SIDE} on each side."
        )
    if max(width, height) > MAX_SIDE:
        raise UnsupportedContent(
            f"The image is {width:,} x {height:,} pixels; a side may have {MAX_SIDE:,} at most."
        )
    if width * height > max_pixels:
        raise UnsupportedContent(
            f"The image has {width * height / 1e6:,.0f} megapixels; "
            f"at most {max_pixels / 1e6:,.0f} are compared."
        )


def load_page(document: pypdfium2.PdfDocument, page: int) -> pypdfium2.PdfPage:
    if not 1 <= page <= len(document):
        raise Invalid(f"The file has no page {page}.")
    try:
        return document[page - 1]
    except pypdfium2.PdfiumError as error:
        raise Invalid(f"Page {page} is damaged and cannot be read.") from error


def render_scale(size: tuple[float, float], dpi: float, max_pixels: int) -> tuple[float, bool]:
    """Pixels per point for a page size in points, and whether that is lower than requested."""
    width, height = size
    if min(width, height) <= 0:
        raise Invalid("The page has no size.")
    requested = dpi / POINTS_PER_INCH
    scale = min(requested, sqrt(max_pixels / (width * height)), MAX_SIDE / max(width, height))
    inches = f"{width / POINTS_PER_INCH:,.4g} x {height / POINTS_PER_INCH:,.4g} inches"
    if scale * POINTS_PER_INCH < MIN_DPI:
        raise UnsupportedContent(f"The page is {inches}, too large to draw legibly.")
    if min(width, height) * scale < MIN_SIDE:
        raise UnsupportedContent(f"The page is {inches}, too small for a drawing.")
    return scale, scale < requested


def rasterize_pdf_page(path: Path, page: int, *, dpi: float, max_pixels: int, colour: bool) -> PageRaster:
    with open_pdf(path) as document, closing(load_page(document, page)) as sheet:
        scale, reduced = render_scale(sheet.get_size(), dpi, max_pixels)
        try:
            bitmap = sheet.render(scale=scale * (1 - 1e-9), grayscale=not colour)
        except pypdfium2.PdfiumError as error:
            raise Invalid("The page is damaged and cannot be rendered.") from error
        picture = np.asarray(bitmap.to_numpy(), np.uint8)
        if not colour:
            picture = picture.reshape(picture.shape[:2])
        if dxf_files.has_words(path):
            text = dxf_files.load_words(path, page, scale)
            return PageRaster(picture, text, scale * POINTS_PER_INCH, reduced)
        with closing(with_annotations(document, sheet, page)) as displayed:
            text = page_words.read_text_layer(displayed, picture.shape[1], picture.shape[0])
        visible = page_words.drop_unseen(text, picture)
        return PageRaster(picture, visible, scale * POINTS_PER_INCH, reduced, sheet.get_rotation())


def with_annotations(
    document: pypdfium2.PdfDocument, sheet: pypdfium2.PdfPage, page: int
) -> pypdfium2.PdfPage:
    """A page whose annotations are part of its content, so that their texts can be read."""
    if raw.FPDFPage_GetAnnotCount(sheet.raw) > 0:
        raw.FPDFPage_Flatten(sheet.raw, raw.FLAT_NORMALDISPLAY)
    return load_page(document, page)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """Open an image; decoding errors are raised as `UnsupportedContent` or `Invalid`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=tuple(file_checks.IMAGE_FORMATS.values())) as image:
                yield image
    except DomainError:
        raise
    except Image.DecompressionBombError as error:
        raise UnsupportedContent("The image has far more pixels than can be compared.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Invalid("The image is damaged or incomplete.") from error


def oriented_size(image: Image.Image) -> tuple[int, int]:
    """Width and height after EXIF rotation."""
    swaps_sides = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if swaps_sides else image.size


def rasterize_image(path: Path, page: int, *, dpi: float, max_pixels: int, colour: bool) -> PageRaster:
    """The image on white, unscaled; its DPI is the stated value if that is plausible, regardless of `dpi`."""
    with open_image(path) as image:
        if not 1 <= page <= getattr(image, "n_frames", 1):
            raise Invalid(f"The file has no page {page}.")
        image.seek(page - 1)
        check_image_size(*image.size, max_pixels)
        embedded_dpi = float(image.info.get("dpi", (0, 0))[0])
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            ground = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(ground, upright.convert("RGBA"))
        if upright.mode.startswith("I;16"):
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        colour = colour and upright.mode not in ("1", "L", "LA")
        picture = np.array(upright.convert("RGB" if colour else "L"), np.uint8)
    if colour:
        picture = np.ascontiguousarray(picture[:, :, ::-1])
    return PageRaster(picture, [], embedded_dpi if 30 <= embedded_dpi <= 2400 else None)


def without_colour(raster: PageRaster) -> PageRaster:
    """The page in greyscale if nothing on it has a colour."""
    pixels = raster.pixels
    if pixels.ndim == 2 or any(
        has_colour(pixels[top : top + STRIP_ROWS]) for top in range(0, len(pixels), STRIP_ROWS)
    ):
        return raster
    return replace(raster, pixels=np.ascontiguousarray(pixels[:, :, 1]))


def has_colour(pixels: PixelArray) -> bool:
    """Whether at least `MIN_COLOUR_PIXELS` pixels are not grey."""
    blue, green, red = cv2.split(pixels)
    spread = cv2.max(cv2.absdiff(blue, green), cv2.absdiff(green, red))
    return int(np.count_nonzero(np.asarray(spread) >= MIN_COLOUR_SPREAD)) >= MIN_COLOUR_PIXELS


def to_grey(picture: PixelArray) -> PixelArray:
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def downscale(picture: PixelArray, max_side: int) -> PixelArray:
    """Downscale to at most `max_side` pixels a side."""
    factor = max_side / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def sibling_path(target: Path, ending: str) -> Path:
    return target.with_name(target.stem + ending)


def write_png(path: Path, picture: PixelArray) -> None:
    if not cv2.imwrite(str(path), picture, FAST_PNG):
        raise OSError(f"Can't write {path}.")
