"""Deep-zoom tiles of overlays."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.tile_pyramids import TilePyramid
from pipelines.drawings.overlay import Colours, palette
from pipelines.drawings.overlay_tiles import write_overlay_tiles


def overlay(path: Path, width: int, height: int) -> Path:
    """An overlay of random marks on white."""
    pixels = np.full((height, width), 255, np.uint8)
    generator = np.random.default_rng(7)
    pixels[: height // 2, : width // 3] = generator.integers(0, 256, (height // 2, width // 3))
    image = Image.fromarray(pixels)
    image.putpalette(palette(Colours()))
    image.save(path)
    return path


def tile(data: bytes, pyramid: TilePyramid, level: int, column: int, row: int) -> Image.Image:
    """A tile of a file."""
    place = pyramid.entry_offset(level, column, row)
    assert place is not None
    offset, length = TilePyramid.ENTRY.unpack_from(data, place)
    return Image.open(BytesIO(data[offset : offset + length])).convert("RGB")


def level_image(
    data: bytes, pyramid: TilePyramid, level: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A level, put together from its tiles."""
    whole = Image.new("RGB", pyramid.size(level))
    columns, rows = pyramid.grid(level)
    for column in range(columns):
        for row in range(rows):
            whole.paste(tile(data, pyramid, level, column, row), (column * 256, row * 256))
    return np.asarray(whole)


@pytest.mark.parametrize(("width", "height"), [(700, 517), (512, 256), (256, 256), (257, 1)])
def test_each_level_is_the_overlay_in_half_the_size_of_the_next(
    tmp_path: Path, width: int, height: int
) -> None:
    source = overlay(tmp_path / "overlay.png", width, height)

    pyramid = write_overlay_tiles(source, tmp_path / "tiles")

    data = (tmp_path / "tiles").read_bytes()
    assert (pyramid.width, pyramid.height) == (width, height)
    assert pyramid.size(pyramid.max_level) == (width, height)
    assert pyramid.size(0) == (1, 1)
    whole = Image.open(source).convert("RGB")
    assert np.array_equal(level_image(data, pyramid, pyramid.max_level), np.asarray(whole))
    for level in range(pyramid.max_level):
        assert np.asarray(level_image(data, pyramid, level)).shape[:2] == pyramid.size(level)[::-1]
    half = level_image(data, pyramid, pyramid.max_level - 1).astype(int)
    even = np.asarray(whole).astype(int)
    even = np.pad(even, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    means = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - means).max() <= 1


def test_blank_tiles_are_stored_once(tmp_path: Path) -> None:
    pyramid = write_overlay_tiles(overlay(tmp_path / "overlay.png", 2048, 2048), tmp_path / "tiles")

    data, level = (tmp_path / "tiles").read_bytes(), pyramid.max_level
    places = {
        TilePyramid.ENTRY.unpack_from(data, pyramid.entry_offset(level, column, row) or 0)
        for column in range(4, 8)
        for row in range(8)
    }
    assert len(places) == 1


@pytest.mark.parametrize(
    ("width", "height", "levels"),
    [(1, 1, 0), (2, 1, 1), (3, 1, 2), (256, 256, 8), (257, 1, 9), (9933, 7016, 14)],
)
def test_levels_are_those_of_dzi(width: int, height: int, levels: int) -> None:
    pyramid = TilePyramid(width, height)

    assert pyramid.max_level == levels
    assert (pyramid.size(0), pyramid.size(levels)) == ((1, 1), (width, height))


@pytest.mark.parametrize("place", [(-1, 0, 0), (10, 0, 0), (9, 2, 0), (9, 0, 1), (9, -1, 0), (0, 1, 0)])
def test_a_tile_outside_of_the_pyramid_has_no_place(place: tuple[int, int, int]) -> None:
    assert TilePyramid(300, 200).entry_offset(*place) is None


def test_entries_have_places_of_their_own() -> None:
    pyramid = TilePyramid(600, 300)

    places = [
        pyramid.entry_offset(level, column, row)
        for level in range(pyramid.max_level + 1)
        for row in range(pyramid.grid(level)[1])
        for column in range(pyramid.grid(level)[0])
    ]

    assert places == [12 * number for number in range(len(places))]
    assert pyramid.index_size == 12 * len(places)
