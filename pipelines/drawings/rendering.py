"""From a file to pages: what is in it, and each page as a picture with its words and its sheet number."""

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError
from pypdfium2 import raw

from core.errors import DomainError, Invalid, UnsupportedContent
from pipelines.drawings import file_checks, ocr, page_words, sheet_numbers
from pipelines.drawings.page_words import Word
from pipelines.drawings.sheet_numbers import SheetName

Picture = npt.NDArray[np.uint8]

POINTS_PER_INCH = 72.0
PAGE_LIMIT = 500
PIXEL_LIMIT = 150_000_000
LONGEST_SIDE = 32_000
SHORTEST_SIDE = 100
LOWEST_DPI = 30.0
THUMBNAIL_SIDE = 480

FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)
"""Three times faster than the default filters on line drawings, and 6 % larger."""


@dataclass(frozen=True, slots=True)
class PageSize:
    """Displayed size: in points for a PDF page, in pixels for an image."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Inventory:
    """A file's kind (`pdf`, `png`, `jpeg`, `tiff`) and its pages, each displayed upright."""

    kind: str
    pages: tuple[PageSize, ...]

    @property
    def page_count(self) -> int:
        return len(self.pages)


@dataclass(frozen=True, slots=True)
class Page:
    """One page as a picture.

    `dpi` is what it was drawn at, less than asked for where the page is huge (`reduced`), and None for an
    image that does not say. `rotation` is the page's own /Rotate, already applied. `words` is a JSON file
    for `words.load`, in the picture's pixels. `scale` is as printed, such as `1:100`.
    """

    number: int
    width: int
    height: int
    dpi: float | None
    reduced: bool
    width_points: float | None
    height_points: float | None
    rotation: int
    scale: str | None
    sheet: SheetName
    word_count: int
    image: Path
    thumbnail: Path
    words: Path


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page's pixels (grey, or blue-green-red) and what its file says of it."""

    picture: Picture
    words: list[Word]
    dpi: float | None
    reduced: bool = False
    rotation: int = 0


def inspect(path: Path, *, page_limit: int = PAGE_LIMIT, max_pixels: int = PIXEL_LIMIT) -> Inventory:
    """Tell what a file holds without drawing it; raises `Unsupported` or `Invalid` with a sentence for a
    person.
    """
    kind = file_checks.kind(path)
    if kind == "pdf":
        file_checks.refuse_unsafe_pdf(path)
        with opened_pdf(path) as document:
            check_count(len(document), page_limit)
            return Inventory(kind, tuple(PageSize(*document.get_page_size(i)) for i in range(len(document))))
    with opened_image(path) as image:
        count = getattr(image, "n_frames", 1) if kind == "tiff" else 1
        check_count(count, page_limit)
        sizes = []
        for index in range(count):
            image.seek(index)
            check_pixels(*image.size, max_pixels)
            sizes.append(PageSize(*upright_size(image)))
        if count == 1:
            image.load()
    return Inventory(kind, tuple(sizes))


def render(
    path: Path,
    page: int,
    target: Path,
    *,
    dpi: float = 300.0,
    max_pixels: int = PIXEL_LIMIT,
    colour: bool = False,
    optical_reading: bool = True,
) -> Page:
    """Draw page `page` (from 1) as the PNG `target`, with `…_thumbnail.png` and `…_words.json` beside it.

    Where the page has no usable text, the sheet is read from the picture if `optical_reading`. Raises
    `Unsupported` or `Invalid` for a page that can't be drawn.
    """
    draw = from_pdf if file_checks.kind(path) == "pdf" else from_image
    drawn = draw(path, page, dpi=dpi, max_pixels=max_pixels, colour=colour)
    height, width = drawn.picture.shape[:2]
    text = drawn.words if page_words.legible(drawn.words) else []
    name = sheet_numbers.name(text, page)
    if not text and optical_reading:
        picture = grey(drawn.picture)
        block = ocr.title_block(picture)
        name = sheet_numbers.name(block, page, source="ocr", frame=sheet_numbers.Frame(0, 0, width, height))
        text = ocr.sheet(picture, drawn.dpi)
    thumbnail, word_file = beside(target, "_thumbnail.png"), beside(target, "_words.json")
    write_png(target, drawn.picture)
    write_png(thumbnail, shrunk(drawn.picture, THUMBNAIL_SIDE))
    page_words.save(text, word_file)
    return Page(
        number=page,
        width=width,
        height=height,
        dpi=round(drawn.dpi, 2) if drawn.dpi else None,
        reduced=drawn.reduced,
        width_points=width * POINTS_PER_INCH / drawn.dpi if drawn.dpi else None,
        height_points=height * POINTS_PER_INCH / drawn.dpi if drawn.dpi else None,
        rotation=drawn.rotation,
        scale=sheet_numbers.scale(text),
        sheet=name,
        word_count=len(text),
        image=target,
        thumbnail=thumbnail,
        words=word_file,
    )


def check_count(count: int, limit: int) -> None:
    if count < 1:
        raise Invalid("The file has no pages.")
    if count > limit:
        raise UnsupportedContent(f"The file has {count:,} pages; at most {limit:,} are compared.")


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    if min(width, height) < SHORTEST_SIDE:
        raise UnsupportedContent(
            f"The image is {width:,} x {height:,} pixels; a drawing needs {SHORTEST_SIDE} on each side."
        )
    if max(width, height) > LONGEST_SIDE:
        raise UnsupportedContent(
            f"The image is {width:,} x {height:,} pixels; a side may have {LONGEST_SIDE:,} at most."
        )
    if width * height > max_pixels:
        raise UnsupportedContent(
            f"The image has {width * height / 1e6:,.0f} megapixels; "
            f"at most {max_pixels / 1e6:,.0f} are compared."
        )


@contextmanager
def opened_pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        if locked and file_checks.mentions(path, b"/Encrypt"):  # the code may be left over from another file
            raise UnsupportedContent("The PDF is encrypted. Upload it without a password.") from error
        raise Invalid("The PDF is damaged, or has no pages.") from error
    with closing(document):
        yield document


def loaded(document: pypdfium2.PdfDocument, page: int) -> pypdfium2.PdfPage:
    if not 1 <= page <= len(document):
        raise Invalid(f"The file has no page {page}.")
    try:
        return document[page - 1]
    except pypdfium2.PdfiumError as error:
        raise Invalid(f"Page {page} is damaged and can't be read.") from error


def drawing_scale(size: tuple[float, float], dpi: float, max_pixels: int) -> tuple[float, bool]:
    """Pixels per point for a page of so many points, and whether that is less than asked for."""
    width, height = size
    if min(width, height) <= 0:
        raise Invalid("The page has no size.")
    wanted = dpi / POINTS_PER_INCH
    scale = min(wanted, sqrt(max_pixels / (width * height)), LONGEST_SIDE / max(width, height))
    inches = f"{width / POINTS_PER_INCH:,.4g} x {height / POINTS_PER_INCH:,.4g} inches"
    if scale * POINTS_PER_INCH < LOWEST_DPI:
        raise UnsupportedContent(f"The page is {inches}, too large to draw legibly.")
    if min(width, height) * scale < SHORTEST_SIDE:
        raise UnsupportedContent(f"The page is {inches}, too small for a drawing.")
    return scale, scale < wanted


def from_pdf(path: Path, page: int, *, dpi: float, max_pixels: int, colour: bool) -> Drawn:
    with opened_pdf(path) as document, closing(loaded(document, page)) as sheet:
        scale, reduced = drawing_scale(sheet.get_size(), dpi, max_pixels)
        try:
            bitmap = sheet.render(scale=scale * (1 - 1e-9), grayscale=not colour)
        except pypdfium2.PdfiumError as error:
            raise Invalid("The page is damaged and can't be drawn.") from error
        picture = np.asarray(bitmap.to_numpy(), np.uint8)
        if not colour:
            picture = picture.reshape(picture.shape[:2])
        text = page_words.read(sheet, picture.shape[1], picture.shape[0])
        return Drawn(picture, text, scale * POINTS_PER_INCH, reduced, sheet.get_rotation())


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """The opened image, with what goes wrong in reading it told as a refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=tuple(file_checks.IMAGES.values())) as image:
                yield image
    except DomainError:
        raise
    except Image.DecompressionBombError as error:
        raise UnsupportedContent("The image has far more pixels than can be compared.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Invalid("The image is damaged or incomplete.") from error


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as displayed, with the camera's orientation applied."""
    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if turned else image.size


def from_image(path: Path, page: int, *, dpi: float, max_pixels: int, colour: bool) -> Drawn:
    """The image on white ground as it is; its dpi is what it states, if that is believable, whatever `dpi`
    asks.
    """
    with opened_image(path) as image:
        if not 1 <= page <= getattr(image, "n_frames", 1):
            raise Invalid(f"The file has no page {page}.")
        image.seek(page - 1)
        check_pixels(*image.size, max_pixels)
        stated = float(image.info.get("dpi", (0, 0))[0])
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            ground = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(ground, upright.convert("RGBA"))
        if upright.mode.startswith("I;16"):
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        picture = np.array(upright.convert("RGB" if colour else "L"), np.uint8)
    if colour:
        picture = np.ascontiguousarray(picture[:, :, ::-1])
    return Drawn(picture, [], stated if 30 <= stated <= 2400 else None)


def grey(picture: Picture) -> Picture:
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def shrunk(picture: Picture, longest_side: int) -> Picture:
    """The picture with its longer side at most `longest_side` pixels."""
    factor = longest_side / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def beside(target: Path, ending: str) -> Path:
    return target.with_name(target.stem + ending)


def write_png(path: Path, picture: Picture) -> None:
    if not cv2.imwrite(str(path), picture, FAST_PNG):
        raise OSError(f"Can't write {path}.")
