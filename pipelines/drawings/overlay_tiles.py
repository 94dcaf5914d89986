"""Deep-zoom tiles of an overlay."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.tile_pyramids import TilePyramid

Indices: TypeAlias = npt.NDArray[np.uint8]
"""Palette indices of pixels."""
Pixels: TypeAlias = npt.NDArray[np.uint32]
"""Pixels whose bytes are blue, green, red and zero."""

T = TypeVar("T", np.uint8, np.uint32)

PNG_OPTIONS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)


class TileWriter:
    """Writes tiles behind an index of their places. Tiles of one colour are written once."""

    def __init__(self, pyramid: TilePyramid, palette: bytes, file: BinaryIO) -> None:
        self._pyramid, self._palette, self._file = pyramid, palette, file
        self._index = bytearray(pyramid.index_size)
        self._blank: dict[tuple[object, ...], tuple[int, int]] = {}
        file.write(self._index)

    def add_row(self, level: int, row: int, strip: Indices | Pixels) -> None:
        """Write a row of tiles."""
        size = self._pyramid.tile_size
        for column in range(self._pyramid.grid(level)[0]):
            tile = strip[:, column * size : (column + 1) * size]
            position = self._pyramid.entry_offset(level, column, row)
            if position is None:
                raise ValueError("The pyramid has no such tile.")
            self._pyramid.ENTRY.pack_into(self._index, position, *self._place(tile))

    def close(self) -> None:
        """Write the index."""
        self._file.seek(0)
        self._file.write(self._index)

    def _place(self, tile: Indices | Pixels) -> tuple[int, int]:
        """Offset and length of a tile, after it is written."""
        least = int(tile.min())
        if least != int(tile.max()):
            return self._write(tile)
        key = (tile.dtype, tile.shape, least)
        if key not in self._blank:
            self._blank[key] = self._write(tile)
        return self._blank[key]

    def _write(self, tile: Indices | Pixels) -> tuple[int, int]:
        offset, data = self._file.tell(), self._encode(tile)
        self._file.write(data)
        return offset, len(data)

    def _encode(self, tile: Indices | Pixels) -> bytes:
        if tile.dtype == np.uint8:
            file, image = BytesIO(), Image.fromarray(np.ascontiguousarray(tile))
            image.putpalette(self._palette)
            image.save(file, "PNG", compress_level=1)
            return file.getvalue()
        channels = np.ascontiguousarray(tile).view(np.uint8).reshape(*tile.shape, 4)
        is_encoded, png = cv2.imencode(".png", cv2.cvtColor(channels, cv2.COLOR_BGRA2BGR), PNG_OPTIONS)
        if not is_encoded:
            raise ValueError("The tile cannot be encoded.")
        return png.tobytes()


def write_overlay_tiles(overlay: Path, target: Path) -> TilePyramid:
    """Write the pyramid of an overlay.

    The overlay stays in memory with one byte a pixel, and its next level with four: in full size it has
    colours for a row of tiles at a time.
    """
    with Image.open(overlay) as image:
        palette = bytes(image.getpalette("RGB") or ())
        indices: Indices = np.asarray(image, np.uint8)
    colours, pyramid = packed_colours(palette), TilePyramid(indices.shape[1], indices.shape[0])
    with target.open("wb") as file:
        writer = TileWriter(pyramid, palette, file)
        strips = []
        for row, strip in enumerate(split_rows(indices, pyramid.tile_size)):
            writer.add_row(pyramid.max_level, row, strip)
            strips.append(halve(colours[strip]))
        del indices
        for level in range(pyramid.max_level - 1, -1, -1):
            pixels: Pixels = np.concatenate(strips)
            strips = []
            for row, pixel_strip in enumerate(split_rows(pixels, pyramid.tile_size)):
                writer.add_row(level, row, pixel_strip)
                strips.append(halve(pixel_strip))
        writer.close()
    return pyramid


def split_rows(pixels: npt.NDArray[T], size: int) -> Iterator[npt.NDArray[T]]:
    """The pixels in strips of so many rows."""
    for top in range(0, len(pixels), size):
        yield pixels[top : top + size]


def packed_colours(palette: bytes) -> Pixels:
    """The colours of a palette as pixels."""
    channels = np.zeros((len(palette) // 3, 4), np.uint8)
    channels[:, :3] = np.frombuffer(palette, np.uint8).reshape(-1, 3)[:, ::-1]
    return channels.view(np.uint32)[:, 0]


def halve(pixels: Pixels) -> Pixels:
    """The pixels in half the size, rounded up: an odd last row or column counts twice."""
    height, width = pixels.shape
    channels = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, width, 4)
    even = cv2.copyMakeBorder(channels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    half = (even.shape[1] // 2, even.shape[0] // 2)
    small = np.ascontiguousarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    return small.view(np.uint32)[:, :, 0]
