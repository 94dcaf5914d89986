"""Overlays as PDF: layers, colours, and where the old sheet lies."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pikepdf
import pypdfium2
import pytest
from pikepdf import Dictionary, Name

from pipelines.drawings.overlay import Colours
from pipelines.drawings.reports.content import SheetPlacement, SheetSide, UnmovedFrame
from pipelines.drawings.reports.overlay_pages import (
    DrawablePages,
    OverlayPage,
    OverlaySource,
    inspect_pages,
    write_overlays,
)
from tests.drawings.reports.sample_content import MADE_AT, change, sheet

Picture = npt.NDArray[np.uint8]

MARKED = sheet("A-101", change(1, (400, 100, 100, 50)))
"""A sheet of 600 x 400 pixels at 100 dpi: 432 x 288 points."""
SAME_PLACE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def write_page(path: Path, content: str, *, rotate: int = 0, box: tuple[int, ...] = (0, 0, 432, 288)) -> Path:
    """A PDF file of one page."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(600, 600))
        page.MediaBox = pikepdf.Array([-50, -50, 700, 700])
        page.CropBox = pikepdf.Array(list(box))
        page.obj.Rotate = rotate
        page.Contents = pdf.make_stream(content.encode())
        pdf.save(path)
    return path


def side(width: int = 600, height: int = 400) -> SheetSide:
    return SheetSide(1, width, height, (width * 0.72, height * 0.72), "image.png", "a.pdf")


def drawable(path: Path) -> DrawablePages:
    pages = inspect_pages(path, path.with_suffix(".copy.pdf"))
    assert pages is not None
    return pages


def overlay(folder: Path, old: Path, new: Path, placement: SheetPlacement) -> Path:
    before, after = (OverlaySource(drawable(path).path, 1) for path in (old, new))
    page = OverlayPage(MARKED, placement, before, after)
    return write_overlays([page], "Overlay", folder / "overlay.pdf", MADE_AT, Colours())


def render(path: Path, hidden: str | None = None) -> Picture:
    """The page at one pixel a point, without annotations; a layer may be hidden."""
    shown = path
    if hidden is not None:
        shown = path.with_suffix(".hidden.pdf")
        with pikepdf.open(path) as pdf:
            layers = pdf.Root.OCProperties
            layers.D.OFF = [group for group in layers.OCGs if str(group.Name) == hidden]
            pdf.save(shown)
    document = pypdfium2.PdfDocument(shown)
    picture = np.asarray(document[0].render(draw_annots=False).to_pil().convert("RGB"), np.uint8)
    document.close()
    return picture


# squares of 40 points; the upper left corner of the page is at y = 288
BOTH, OLD_ONLY, NEW_ONLY = "20 228 40 40 re f", "120 228 40 40 re f", "220 228 40 40 re f"
CENTRES = {"both": (40, 40), "old": (140, 40), "new": (240, 40)}


def colour_at(picture: Picture, name: str) -> tuple[int, ...]:
    x, y = CENTRES[name]
    return tuple(int(value) for value in picture[y, x])


def test_old_ink_is_red_new_ink_green_and_common_ink_dark(tmp_path: Path) -> None:
    old = write_page(tmp_path / "old.pdf", f"0 0 1 rg {BOTH} {OLD_ONLY}")
    new = write_page(tmp_path / "new.pdf", f"0 g {BOTH} {NEW_ONLY}")

    path = overlay(tmp_path, old, new, SheetPlacement(side(), side(), SAME_PLACE))

    picture = render(path)
    assert picture.shape[:2] == (288, 432)
    red, green = colour_at(picture, "old"), colour_at(picture, "new")
    assert red == pytest.approx(Colours().removed, abs=30)
    assert green == pytest.approx(Colours().added, abs=3)
    assert max(colour_at(picture, "both")) < 60
    assert tuple(picture[200, 300]) == (255, 255, 255)


def test_each_sheet_is_a_layer(tmp_path: Path) -> None:
    old = write_page(tmp_path / "old.pdf", f"{BOTH} {OLD_ONLY}")
    new = write_page(tmp_path / "new.pdf", f"{BOTH} {NEW_ONLY}")

    path = overlay(tmp_path, old, new, SheetPlacement(side(), side(), SAME_PLACE))

    with pikepdf.open(path) as pdf:
        names = [str(group.Name) for group in pdf.Root.OCProperties.D.Order]
        (note,) = pdf.pages[0].Annots
        assert (names, str(note.Subtype)) == (
            ["Old sheets", "New sheets", "Numbers of changes"],
            "/Polygon",
        )
    without_old = render(path, "Old sheets")
    assert colour_at(without_old, "old") == (255, 255, 255)
    assert colour_at(without_old, "both") == pytest.approx(Colours().added, abs=3)
    without_new = render(path, "New sheets")
    assert colour_at(without_new, "new") == (255, 255, 255)
    assert colour_at(without_new, "both") == pytest.approx(Colours().removed, abs=3)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_turned_and_cropped_pages_lie_as_they_were_compared(tmp_path: Path, rotate: int) -> None:
    """A mark near the upper left corner of what is shown, in the page's own space."""
    box = (10, 20, 10 + 432, 20 + 288) if rotate % 180 == 0 else (10, 20, 10 + 288, 20 + 432)
    corners = {
        0: (box[0] + 20, box[3] - 60),
        90: (box[0] + 20, box[1] + 20),
        180: (box[2] - 60, box[1] + 20),
        270: (box[2] - 60, box[3] - 60),
    }
    x, y = corners[rotate]
    old = write_page(tmp_path / "old.pdf", f"{x} {y} 40 40 re f", rotate=rotate, box=box)
    new = write_page(tmp_path / "new.pdf", BOTH)
    pages = drawable(old)
    assert pages.sizes == ((432, 288),)
    assert (pages.has(1, side()), pages.has(2, side()), pages.has(1, side(700))) == (True, False, False)

    picture = render(overlay(tmp_path, old, new, SheetPlacement(side(), side(), SAME_PLACE)))

    assert max(colour_at(picture, "both")) < 60
    ink = picture.min(axis=2) < 200
    assert ink.sum() == pytest.approx(1600, abs=160)


def test_a_plan_that_moved_in_its_frame_is_drawn_in_two_parts(tmp_path: Path) -> None:
    frame = "10 10 m 422 10 l 422 278 l 10 278 l s"
    old = write_page(tmp_path / "old.pdf", f"3 w {frame} {OLD_ONLY}")
    new = write_page(tmp_path / "new.pdf", f"3 w {frame} {NEW_ONLY}")
    moved = (1.0, 0.0, 100 / 0.72, 0.0, 1.0, 0.0)
    unmoved = UnmovedFrame(SAME_PLACE, (25, 25, 575, 375))

    picture = render(overlay(tmp_path, old, new, SheetPlacement(side(), side(), moved, unmoved)))

    assert max(colour_at(picture, "new")) < 60
    assert colour_at(picture, "old") == (255, 255, 255)
    assert max(picture[144, 10]) < 90


def test_hidden_layers_of_a_sheet_stay_hidden(tmp_path: Path) -> None:
    plain = write_page(tmp_path / "new.pdf", BOTH)
    with pikepdf.open(write_page(tmp_path / "plain.pdf", f"{BOTH} /OC /L BDC {OLD_ONLY} EMC")) as pdf:
        layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=pikepdf.String("Hidden")))
        pdf.pages[0].Resources = Dictionary(Properties=Dictionary(L=layer))
        pdf.Root.OCProperties = Dictionary(OCGs=[layer], D=Dictionary(OFF=[layer]))
        pdf.save(tmp_path / "old.pdf")

    picture = render(
        overlay(tmp_path, tmp_path / "old.pdf", plain, SheetPlacement(side(), side(), SAME_PLACE))
    )

    assert colour_at(picture, "old") == (255, 255, 255)
    assert max(colour_at(picture, "both")) < 60


def test_images_are_drawn_where_a_page_cannot_be(tmp_path: Path) -> None:
    picture = np.full((400, 600), 255, np.uint8)
    picture[28:83, 28:83] = 0
    image = tmp_path / "old.png"
    cv2.imwrite(str(image), picture)
    new = drawable(write_page(tmp_path / "new.pdf", BOTH))
    placement = SheetPlacement(side(), side(), SAME_PLACE)
    page = OverlayPage(MARKED, placement, OverlaySource(image), OverlaySource(new.path, 1))

    shown = render(write_overlays([page], "Overlay", tmp_path / "o.pdf", MADE_AT, Colours()))
    bent = replace(page, image=image)
    whole = render(write_overlays([bent], "Overlay", tmp_path / "p.pdf", MADE_AT, Colours()))

    assert max(colour_at(shown, "both")) < 60
    assert colour_at(whole, "both") == (0, 0, 0)
    assert inspect_pages(image, tmp_path / "copy.pdf") is None
