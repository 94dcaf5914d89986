"""Sizes on a sheet: lengths of the building by the sheet's scale, else millimetres of paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import Any

from pipelines.drawings.line_differences import Box

MILLIMETRES_PER_INCH = 25.4
MILLIMETRES_PER_FOOT = 304.8

ISO_SIZES = {f"A{n}": (841 / 2 ** (n / 2), 1189 / 2 ** (n / 2)) for n in range(5)}
PAPER_SIZES = (
    *ISO_SIZES.values(),
    *((707 / 2 ** (n / 2) * 1.414, 1000 / 2 ** (n / 2) * 1.414) for n in (0, 1, 2)),
    *(
        (25.4 * wide, 25.4 * tall)
        for wide, tall in ((8.5, 11), (11, 17), (17, 22), (22, 34), (34, 44), (8.5, 14))
    ),
    *(
        (25.4 * wide, 25.4 * tall)
        for wide, tall in ((9, 12), (12, 18), (18, 24), (24, 36), (36, 48), (30, 42))
    ),
)
"""Widths and heights of standard sheets, in millimetres: ISO A and B, ANSI, ARCH."""

MAX_PAPER_DEVIATION = 0.03

PHOTOGRAPH = "The picture has no standard sheet size and may be a photograph, so that no sizes are stated."

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")

DIRECTIONS = (
    "to the right",
    "down and to the right",
    "down",
    "down and to the left",
    "to the left",
    "up and to the left",
    "up",
    "up and to the right",
)


@dataclass(frozen=True)
class SheetScale:
    """How large a pixel of a sheet is.

    `millimetres` are those of the paper, None if its resolution is not known; `ratio` is None without a
    usable scale, and `note` says why sizes are not those of the building.
    """

    millimetres: float | None
    ratio: float | None = None
    is_imperial: bool = False
    note: str | None = None

    @property
    def unit(self) -> str | None:
        """`m`, `ft` or `mm on paper`; None if nothing is known."""
        if self.millimetres is None:
            return None
        if self.ratio is None:
            return "mm on paper"
        return "ft" if self.is_imperial else "m"

    def length(self, pixels: float) -> float | None:
        """A length in the unit."""
        if self.millimetres is None:
            return None
        paper = pixels * self.millimetres
        if self.ratio is None:
            return paper
        return paper * self.ratio / (MILLIMETRES_PER_FOOT if self.is_imperial else 1000)

    def size(self, box: Box) -> dict[str, Any] | None:
        """Width and height of a box and its area, as they are stored."""
        width, height = self.length(box[2]), self.length(box[3])
        if width is None or height is None:
            return None
        digits = 1 if self.ratio is None else 2
        area = round(width * height, 2)
        return {
            "width": round(width, digits),
            "height": round(height, digits),
            "area": area,
            "unit": self.unit,
        }

    def movement(self, old: Box, new: Box) -> dict[str, Any] | None:
        """Distance and direction of an object that moved, as they are stored."""
        across, down = new[0] + new[2] / 2 - old[0] - old[2] / 2, new[1] + new[3] / 2 - old[1] - old[3] / 2
        distance = self.length(hypot(across, down))
        direction = DIRECTIONS[round(degrees(atan2(down, across)) / 45) % 8]
        rounded = None if distance is None else round(distance, 1 if self.ratio is None else 2)
        return {"distance": rounded, "unit": self.unit, "direction": direction}


PERSPECTIVE = SheetScale(None, note="One of the sheets is a photograph, so that no sizes are stated.")


def sheet_scale(metadata: Mapping[str, Any], *, is_image: bool = False) -> SheetScale:
    """The scale of a sheet by its metadata; `is_image` tells that the file is a picture, not a PDF or DXF."""
    dpi = metadata.get("dpi")
    if not dpi:
        return SheetScale(None, note="The resolution of the sheet is not known, so that no sizes are stated.")
    wide, tall = (float(metadata.get(side) or 0) / dpi * MILLIMETRES_PER_INCH for side in ("width", "height"))
    if is_image and not is_standard_size(wide, tall):
        return SheetScale(None, note=PHOTOGRAPH)
    millimetres = MILLIMETRES_PER_INCH / float(dpi)
    block = metadata.get("titleBlock") or {}
    scale = block.get("scale")
    if not scale:
        return SheetScale(millimetres, note="The sheet states no scale: sizes are those on paper.")
    if not scale.get("ratio"):
        unusable = f"The sheet's scale is {scale.get('text')}: sizes are those on paper."
        return SheetScale(millimetres, note=unusable)
    if others := block.get("otherScales"):
        scales = ", ".join((scale["text"], *others))
        several = f"The sheet has several scales ({scales}): sizes are those on paper."
        return SheetScale(millimetres, note=several)
    factor = 1.0
    note: str | None = None
    if scale.get("source") != "label":
        note = f"Sizes are by {scale['text']}, which the sheet does not label as its scale."
    if paper := scale.get("paper"):
        factor = paper_factor(paper, wide, tall)
        if abs(factor - 1) > MAX_PAPER_DEVIATION:
            note = f"The scale {scale['text']} is that of {paper}: sizes are corrected for this sheet's size."
        else:
            factor = 1.0
    is_imperial = any(sign in scale["text"] for sign in "'\"\u2019\u201d")
    return SheetScale(millimetres, float(scale["ratio"]) * factor, is_imperial, note)


def is_image_name(filename: str | None) -> bool:
    """Whether a file is a picture by its name."""
    return (filename or "").lower().endswith(IMAGE_ENDINGS)


def is_standard_size(wide: float, tall: float) -> bool:
    """Whether two sides in millimetres are those of a standard sheet."""
    short, long = sorted((wide, tall))
    return any(
        abs(short / min(size) - 1) <= MAX_PAPER_DEVIATION and abs(long / max(size) - 1) <= MAX_PAPER_DEVIATION
        for size in PAPER_SIZES
    )


def paper_factor(paper: str, wide: float, tall: float) -> float:
    """How much larger the stated paper is than a sheet."""
    if paper not in ISO_SIZES or not wide or not tall:
        return 1.0
    return max(ISO_SIZES[paper]) / max(wide, tall)
