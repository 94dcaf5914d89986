"""Analysis of design images: text, shapes, colours and contrasts. Runs in a child process."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from core.errors import UnsupportedContent
from pipelines.ocr_engine import ocr_engine

MAX_PIXELS = 25_000_000
MAX_SIDE = 1_600
"""Pixels of the longer side; larger designs are scaled down."""
COLOUR_TOLERANCE = 14
"""The difference of a channel, of 255, above which colours differ visibly."""
MARK_TOLERANCE = 40
"""The same for marks, above compression artefacts around text."""
MIN_MARK_SHARE = 0.1
"""The least size of a mark, as a share of the region's shorter side."""
MIN_OCR_SCORE = 0.6
STROKE_PERCENTILE = 95
"""Percentile of the colour distance from the background above which pixels are inside strokes."""
MIN_CONTRAST = 4.5
"""The least contrast of text: WCAG 2.2, 1.4.3."""
MAX_LINES = 60

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, width, height, in pixels of the scaled design."""


@dataclass(frozen=True)
class Line:
    """A line of text, its colours, and their WCAG contrast ratio (1 to 21)."""

    text: str
    box: Box
    colour: str
    background: str
    contrast: float


@dataclass(frozen=True)
class Mark:
    """A shape that is not text; `roundness` is the share of its box that it covers."""

    box: Box
    roundness: float


@dataclass(frozen=True)
class Design:
    """A design's measurements; `box` and `radius` are the component's, in pixels of the scaled design."""

    width: int
    height: int
    box: Box
    background: str
    fill: str
    filled: bool
    outlined: bool
    radius: int
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]

    @property
    def low_contrasts(self) -> list[Line]:
        """The lines with less than the required contrast, the worst first."""
        return sorted(
            (line for line in self.lines if line.contrast < MIN_CONTRAST), key=lambda line: line.contrast
        )

    def serialize(self) -> dict[str, Any]:
        """The design as JSON."""
        lines = [{"behind": values.pop("background"), **values} for values in map(asdict, self.lines)]
        return {**asdict(self), "lines": lines}

    @classmethod
    def deserialize(cls, stored: Mapping[str, Any]) -> "Design":
        """A design from the JSON of `serialize`."""
        lines = tuple(
            Line(line["text"], tuple(line["box"]), line["colour"], line["behind"], line["contrast"])
            for line in stored["lines"]
        )
        marks = tuple(Mark(tuple(mark["box"]), mark["roundness"]) for mark in stored["marks"])
        return cls(**{**stored, "box": tuple(stored["box"]), "lines": lines, "marks": marks})


def analyze_design(path: Path) -> Design:
    """Measure a design image.

    Raises `UnsupportedContent` unless it is a PNG or JPEG of at most 25 megapixels with more than one colour.
    """
    pixels, size = load_design(path)
    background = dominant_colour(border_pixels(pixels))
    box = bounding_box(difference_mask(pixels, background))
    if box is None:
        raise UnsupportedContent("The design has a single colour.")
    texts = recognize_text(pixels)
    radius = corner_radius(pixels, box, background)
    surface = inset_box(box, radius)
    inside = crop(pixels, surface)
    textless = inside[~text_mask(inside.shape, texts, surface)]
    fill = dominant_colour(textless if 10 * textless.size > inside.size else inside.reshape(-1, 3))
    filled = colour_distance(fill, background) > COLOUR_TOLERANCE
    outlined = not filled and has_border(pixels, box, background)
    region, backdrop = (surface, fill) if filled or outlined else (box, background)
    return Design(
        width=size[0],
        height=size[1],
        box=box,
        background=to_hex(background),
        fill=to_hex(fill),
        filled=filled,
        outlined=outlined,
        radius=radius,
        lines=tuple(measure_lines(pixels, texts)),
        marks=tuple(find_marks(pixels, region, backdrop, texts)),
    )


def load_design(path: Path) -> tuple[Pixels, tuple[int, int]]:
    """The image as RGB on white, scaled down if large, and its original size."""
    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as image:
            size = image.size
            if size[0] * size[1] > MAX_PIXELS:
                raise UnsupportedContent(
                    f"The design must have at most 25 million pixels (got {size[0]:,} by {size[1]:,})."
                )
            image.load()
            converted = image.convert("RGBA")
    except Image.DecompressionBombError as error:
        raise UnsupportedContent("The design must have at most 25 million pixels.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UnsupportedContent("The design cannot be read as a PNG or JPEG image.") from error
    flattened = Image.alpha_composite(Image.new("RGBA", size, "white"), converted).convert("RGB")
    flattened.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(flattened)), size


def recognize_text(pixels: Pixels) -> list[tuple[str, Box]]:
    """The lines of text by OCR, from the top, with their boxes. Takes seconds."""
    result = ocr_engine()(np.ascontiguousarray(pad_for_ocr(pixels)[:, :, ::-1]), use_cls=False)
    boxes, texts, scores = (getattr(result, name, None) for name in ("boxes", "txts", "scores"))
    if boxes is None or texts is None or scores is None:
        return []
    lines = []
    for corners, text, score in zip(boxes, texts, scores, strict=True):
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        if score >= MIN_OCR_SCORE and any(char.isalnum() for char in text):
            lines.append((text.strip(), (int(left), int(top), int(right - left), int(bottom - top))))
    return sorted(lines, key=lambda line: (line[1][1], line[1][0]))[:MAX_LINES]


def pad_for_ocr(pixels: Pixels) -> Pixels:
    """Pad an image below and at the right to a ratio of at most 2:1, because OCR enlarges narrow images."""
    height, width = pixels.shape[:2]
    below, right = max(0, width // 2 - height), max(0, height // 2 - width)
    shade = dominant_colour(border_pixels(pixels))
    padded = cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_CONSTANT, value=shade)
    return np.asarray(padded, dtype=np.uint8)


def measure_lines(pixels: Pixels, texts: Sequence[tuple[str, Box]]) -> list[Line]:
    """The lines of text with their colours and contrasts."""
    measured = []
    for text, box in texts:
        area = crop(pixels, box).reshape(-1, 3)
        if not len(area):
            continue
        background = dominant_colour(area)
        distances = np.abs(area.astype(int) - background).sum(axis=1)
        strokes = area[distances >= max(1, np.percentile(distances, STROKE_PERCENTILE))]
        colour = to_colour(np.median(strokes, axis=0)) if len(strokes) else background
        measured.append(
            Line(text, box, to_hex(colour), to_hex(background), round(contrast_ratio(colour, background), 2))
        )
    return measured


def find_marks(pixels: Pixels, box: Box, background: Colour, texts: Sequence[tuple[str, Box]]) -> list[Mark]:
    """The shapes in a box that are not text, from the left."""
    mask = difference_mask(crop(pixels, box), background, MARK_TOLERANCE)
    min_side = max(4.0, MIN_MARK_SHARE * min(box[2], box[3]))
    mask[text_mask(mask.shape, texts, box)] = False
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        if min(width, height) >= min_side and width * height < 0.8 * box[2] * box[3]:
            roundness = round(float(cv2.contourArea(outline)) / ((width - 1) * (height - 1)), 2)
            found.append(Mark((left + box[0], top + box[1], width, height), roundness))
    return sorted(found, key=lambda mark: mark.box)[:MAX_LINES]


def has_border(pixels: Pixels, box: Box, background: Colour) -> bool:
    """Whether the box has a border: most of its upper and left edges are drawn."""
    mask = difference_mask(crop(pixels, box), background)
    border = max(2, min(box[2], box[3]) // 20)
    return bool(mask[:border].any(axis=0).mean() > 0.7 and mask[:, :border].any(axis=1).mean() > 0.5)


def corner_radius(pixels: Pixels, box: Box, background: Colour) -> int:
    """The radius of the upper left corner."""
    row = difference_mask(crop(pixels, box), background)[0]
    return int(np.argmax(row)) if row.any() else 0


def crop(pixels: Pixels, box: Box) -> Pixels:
    """The part of the image inside a box."""
    left, top, width, height = box
    return pixels[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]


def inset_box(box: Box, radius: int) -> Box:
    """The box without its border and rounded corners."""
    left, top, width, height = box
    inset = max(3, round(0.3 * min(radius, height / 2)) + 2)
    if min(width, height) <= 3 * inset:
        return box
    return left + inset, top + inset, width - 2 * inset, height - 2 * inset


def text_mask(shape: tuple[int, ...], texts: Sequence[tuple[str, Box]], box: Box) -> npt.NDArray[np.bool_]:
    """A mask of the text inside a box."""
    mask = np.zeros(shape[:2], dtype=bool)
    for _, (left, top, width, height) in texts:
        x, y = left - box[0], top - box[1]
        mask[max(0, y - 2) : max(0, y + height + 2), max(0, x - 2) : max(0, x + width + 2)] = True
    return mask


def border_pixels(pixels: Pixels) -> Pixels:
    """The outermost pixels of an image."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def dominant_colour(pixels: Pixels) -> Colour:
    """The most common colour, within a few shades; white if there are no pixels."""
    if not len(pixels):
        return 255, 255, 255
    shades = (pixels >> 3).astype(np.int64) @ np.array([1 << 10, 1 << 5, 1])
    numbers, counts = np.unique(shades, return_counts=True)
    return to_colour(np.median(pixels[shades == numbers[counts.argmax()]], axis=0))


def difference_mask(
    pixels: Pixels, colour: Colour, tolerance: int = COLOUR_TOLERANCE
) -> npt.NDArray[np.bool_]:
    """A mask of the pixels that differ visibly from a colour."""
    mask: npt.NDArray[np.bool_] = np.abs(pixels.astype(int) - colour).max(axis=2) > tolerance
    return mask


def bounding_box(mask: npt.NDArray[np.bool_]) -> Box | None:
    """The bounding box of a mask, or None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def colour_distance(one: Colour, other: Colour) -> int:
    """The largest difference of a channel."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def to_colour(values: npt.NDArray[Any]) -> Colour:
    """Three channel values as a colour."""
    red, green, blue = (round(float(value)) for value in values)
    return red, green, blue


def to_hex(colour: Colour) -> str:
    """The colour in hexadecimal notation, such as `#2563eb`."""
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def contrast_ratio(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    low, high = sorted((relative_luminance(one), relative_luminance(other)))
    return (high + 0.05) / (low + 0.05)


def relative_luminance(colour: Colour) -> float:
    """The relative luminance of a colour in sRGB, 0 to 1 (WCAG 2.2, definition of relative luminance)."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
