"""DXF drawings: layouts are pages, texts are words."""

from pathlib import Path

import pytest
from ezdxf import filemanagement, units
from ezdxf.document import Drawing

from core.errors import Invalid, UnsupportedContent
from pipelines.drawings import binarization, page_words, rendering
from pipelines.drawings.rendering import RenderedPage


def plan() -> Drawing:
    """A room of 20 x 12 metres in millimetres, with a hidden layer and a filled column."""
    document = filemanagement.new("R2010")
    document.units = units.MM
    space = document.modelspace()
    space.add_lwpolyline([(0, 0), (20_000, 0), (20_000, 12_000), (0, 12_000)], close=True)
    space.add_circle((5000, 5000), 1500)
    space.add_text("ROOM 101", height=400).set_placement((3000, 9000))
    space.add_text("STAIR", height=400, rotation=90).set_placement((15_000, 2000))
    column = space.add_hatch(color=7)
    column.paths.add_polyline_path([(8000, 1000), (11_000, 1000), (11_000, 4000), (8000, 4000)])
    document.layers.add("HIDDEN").off()
    space.add_text("SECRET", height=400, dxfattribs={"layer": "HIDDEN"}).set_placement((3000, 3000))
    return document


def add_sheet(document: Drawing, number: str) -> None:
    """An A3 sheet with a view of the model."""
    sheet = document.layouts.new(number)
    sheet.page_setup(size=(420, 297), margins=(5, 5, 5, 5), units="mm")
    sheet.add_viewport(
        center=(200, 150), size=(300, 200), view_center_point=(10_000, 6000), view_height=20_000
    )
    sheet.add_text(number, height=8).set_placement((375, 3))
    sheet.add_text("SCALE 1:100", height=3).set_placement((300, 10))
    sheet.add_text("SHEET", height=2).set_placement((375, 13))


def draw(path: Path, page: int = 1) -> RenderedPage:
    document = rendering.inspect(path)
    target = path.with_name(f"{page}.png")
    return rendering.render(document.prepared, page, target, dpi=50, is_prepared=True)


def test_layouts_are_pages_with_words_and_numbers(tmp_path: Path) -> None:
    document = plan()
    for number in ("A-101", "A-102"):
        add_sheet(document, number)
    path = tmp_path / "set.dxf"
    document.saveas(path)

    first, second = draw(path, 1), draw(path, 2)

    assert (first.sheet.name, first.sheet.source, second.sheet.name) == ("A-101", "text", "A-102")
    assert (first.width, first.height, first.scale) == (827, 585, "1:100")
    words = {word.text: word for word in page_words.load(first.words)}
    assert set(words) == {"A-101", "SHEET", "SCALE", "1:100", "ROOM", "101", "STAIR"}
    assert [words[text].angle for text in ("A-101", "ROOM", "STAIR")] == [0, 0, 270]
    picture = binarization.read_greyscale(first.image)
    for word in words.values():
        left, top = int(word.x), int(word.y)
        assert picture[top : top + int(word.height) + 1, left : left + int(word.width) + 1].min() < 128


def test_the_model_is_a_page_without_layouts(tmp_path: Path) -> None:
    path = tmp_path / "model.dxf"
    plan().saveas(path)

    inventory, page = rendering.inspect(path), draw(path)

    assert (inventory.kind, inventory.page_count) == ("dxf", 1)
    assert {word.text for word in page_words.load(page.words)} == {"ROOM", "101", "STAIR"}
    picture = binarization.read_greyscale(page.image)
    assert picture[page.height * 13 // 16, page.width * 10 // 21] < 128


def test_a_binary_file_is_read_alike(tmp_path: Path) -> None:
    plan().saveas(tmp_path / "text.dxf")
    plan().saveas(tmp_path / "binary.dxf", fmt="bin")

    text, binary = draw(tmp_path / "text.dxf"), draw(tmp_path / "binary.dxf")

    assert page_words.load(text.words) == page_words.load(binary.words)


def test_an_empty_drawing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.dxf"
    filemanagement.new().saveas(path)

    with pytest.raises(Invalid, match="nothing to draw"):
        rendering.inspect(path)


def test_a_damaged_drawing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.dxf"
    path.write_bytes(b"  0\nSECTION\n  2\nENTITIES\nnonsense\nLINE\n" * 20)

    with pytest.raises(Invalid, match="The DXF file"):
        rendering.inspect(path)


def test_dwg_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "plan.dwg"
    path.write_bytes(b"AC1032" + bytes(200))

    with pytest.raises(UnsupportedContent, match="Save it as DXF, or plot it to PDF"):
        rendering.inspect(path)
