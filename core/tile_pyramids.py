"""Deep-zoom pyramids in one file: an index of tiles, and then the tiles.

Levels are numbered as in DZI: level 0 is one pixel, each level has twice the size of the one below, and the
last is the image. The index has an entry for each tile, by level, row and column; equal tiles share bytes.
"""

import struct
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

TILE_SIZE = 256


@dataclass(frozen=True)
class TilePyramid:
    """The pyramid of an image of this size in pixels, without overlaps."""

    ENTRY: ClassVar[struct.Struct] = struct.Struct("<QI")
    """Offset and length of a tile."""

    width: int
    height: int
    tile_size: int = TILE_SIZE

    @property
    def max_level(self) -> int:
        """The level of the image itself."""
        return (max(self.width, self.height) - 1).bit_length()

    @property
    def index_size(self) -> int:
        """Size of the index in bytes."""
        return self.ENTRY.size * sum(
            columns * rows for columns, rows in map(self.grid, range(self.max_level + 1))
        )

    def size(self, level: int) -> tuple[int, int]:
        """Width and height of a level in pixels."""
        divisor = 1 << (self.max_level - level)
        return ceil(self.width / divisor), ceil(self.height / divisor)

    def grid(self, level: int) -> tuple[int, int]:
        """Number of columns and rows of tiles of a level."""
        width, height = self.size(level)
        return ceil(width / self.tile_size), ceil(height / self.tile_size)

    def entry_offset(self, level: int, column: int, row: int) -> int | None:
        """Position of a tile's entry in the index; None if there is no such tile."""
        if not 0 <= level <= self.max_level:
            return None
        columns, rows = self.grid(level)
        if not (0 <= column < columns and 0 <= row < rows):
            return None
        below = sum(across * down for across, down in map(self.grid, range(level)))
        return self.ENTRY.size * (below + row * columns + column)

    @property
    def descriptor(self) -> str:
        """The DZI descriptor, an XML document."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
            f'Format="png" Overlap="0" TileSize="{self.tile_size}">'
            f'<Size Width="{self.width}" Height="{self.height}"/></Image>'
        )
