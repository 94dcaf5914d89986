"""Pairs of sheets with marks in greys and colours that are added, removed or recoloured, and their boxes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import cv2
import numpy as np
import numpy.typing as npt
from reportlab.pdfgen.canvas import Canvas

from benchmarks.pairs import PIXELS_PER_POINT
from pipelines.drawings import rendering
from pipelines.drawings.rendering import RenderedPage
from server.demo import drawings
from server.demo.marks import Box, Mark, Shape, Stroke, arc, rectangle

SIZE = (792.0, 612.0)
PITCH = 44.0
"""Distance in points of the places for marks: their gaps are wider than what counts as one change."""

MIN_DISTANCE = 3.0
"""Distance in points from parallel lines of the plan."""

Ink = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""

GREYS = (0, 60, 120, 180, 210, 230)
COLOURS: dict[str, Ink] = {
    "red": (1, 0, 0),
    "lime": (0, 1, 0),
    "blue": (0, 0, 1),
    "cyan": (0, 1, 1),
    "yellow": (1, 1, 0),
    "magenta": (1, 0, 1),
}
INKS: dict[str, Ink] = {f"grey {level}": (level / 255,) * 3 for level in GREYS} | COLOURS
WIDTHS = (1, 2, 3, 4, 5)
"""Widths of lines in pixels at 300 dpi."""


@dataclass(frozen=True, slots=True)
class InkEdit:
    """A mark in the ink of each revision; None where the revision lacks it."""

    name: str
    shapes: tuple[Stroke, ...]
    old: Ink | None
    new: Ink | None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, width and height in pixels."""
        left, top, right, bottom = (edge * PIXELS_PER_POINT for edge in Mark("", self.shapes).box)
        return left, top, right - left, bottom - top


@dataclass(frozen=True, slots=True)
class InkPair:
    """Two rendered sheets and what differs."""

    old: RenderedPage
    new: RenderedPage
    edits: tuple[InkEdit, ...]


@dataclass(frozen=True, slots=True)
class RoomFill:
    """A filled area and its ink."""

    box: Box
    ink: Ink


def plan(seed: int) -> drawings.Sheet:
    """A small plan whose own marks stay the same."""
    return drawings.plan("A-101", "FLOOR PLAN", seed, size=SIZE, changed=0)


def places(random: Random) -> list[Box]:
    """Places for marks, apart from each other, in random order."""
    columns = int((SIZE[0] - 250) / (1.5 * PITCH))
    rows = int((SIZE[1] - 150) / (1.5 * PITCH))
    corners = [
        (60 + 1.5 * PITCH * column, 70 + 1.5 * PITCH * row)
        for column in range(columns)
        for row in range(rows)
    ]
    random.shuffle(corners)
    return [(left, top, left + PITCH, top + PITCH) for left, top in corners]


def mark(random: Random, place: Box, width: float) -> tuple[Stroke, ...]:
    """A line, a rectangle or a symbol of lines `width` points wide."""
    left, top, right, bottom = place
    shrunk = (
        left + random.uniform(0, 10),
        top + random.uniform(0, 10),
        right - random.uniform(0, 10),
        bottom - random.uniform(0, 10),
    )
    kind = random.choice(("line", "rectangle", "symbol"))
    if kind == "rectangle":
        return (rectangle(shrunk, width),)
    if kind == "symbol":
        x, y = (left + right) / 2, (top + bottom) / 2
        cross = Stroke(((x - 12, y), (x + 12, y)), width), Stroke(((x, y - 12), (x, y + 12)), width)
        return (arc((x, y), random.uniform(9, 14), 0, 360, width), *cross)
    slope = random.choice(("across", "down", "diagonal"))
    ends = {
        "across": ((shrunk[0], shrunk[1]), (shrunk[2], shrunk[1])),
        "down": ((shrunk[0], shrunk[1]), (shrunk[0], shrunk[3])),
        "diagonal": ((shrunk[0], shrunk[1]), (shrunk[2], shrunk[3])),
    }
    return (Stroke(ends[slope], width),)


def follows(shapes: Sequence[Stroke], sheet: drawings.Sheet) -> bool:
    """Whether a mark runs along lines of the plan, which nobody could tell apart."""
    drawn = [part for mark in sheet.common for part in segments(mark.shapes)]
    return any(
        abs(one[axis] - other[axis]) < MIN_DISTANCE
        and abs(one[axis + 2] - other[axis + 2]) < MIN_DISTANCE
        and abs(one[axis] - one[axis + 2]) < MIN_DISTANCE
        and min(max(one[1 - axis], one[3 - axis]), max(other[1 - axis], other[3 - axis]))
        > max(min(one[1 - axis], one[3 - axis]), min(other[1 - axis], other[3 - axis]))
        for one in segments(shapes)
        for other in drawn
        for axis in (0, 1)
    )


def segments(shapes: Sequence[Shape]) -> list[tuple[float, float, float, float]]:
    strokes = [shape for shape in shapes if isinstance(shape, Stroke)]
    return [(*start, *end) for stroke in strokes for start, end in pairwise(stroke.points)]


def clear_mark(random: Random, place: Box, width: float, sheet: drawings.Sheet) -> tuple[Stroke, ...]:
    """A mark that does not run along the lines of the plan."""
    for _ in range(50):
        shapes = mark(random, place, width)
        if not follows(shapes, sheet):
            break
    return shapes


def linework_edits(
    random: Random, inks: Sequence[tuple[str, Ink, int]], sheet: drawings.Sheet
) -> Iterator[InkEdit]:
    """An added or removed mark for each ink and width in pixels."""
    for place, (name, ink, width) in zip(places(random), inks, strict=False):
        added = random.random() < 0.5
        shapes = clear_mark(random, place, width / PIXELS_PER_POINT, sheet)
        yield InkEdit(f"{name}, {width} px", shapes, None if added else ink, ink if added else None)


def colour_edits(random: Random, count: int, sheet: drawings.Sheet) -> Iterator[InkEdit]:
    """Marks that are of another colour in the new revision."""
    choices = {"black": (0.0, 0.0, 0.0), "grey 180": (0.7, 0.7, 0.7), **COLOURS}
    for place in places(random)[:count]:
        old, new = random.sample(sorted(choices), 2)
        width = random.choice(WIDTHS)
        shapes = clear_mark(random, place, width / PIXELS_PER_POINT, sheet)
        yield InkEdit(f"{old} to {new}, {width} px", shapes, choices[old], choices[new])


def write_sheet(
    sheet: drawings.Sheet,
    edits: Sequence[InkEdit],
    revision: int,
    target: Path,
    fills: Sequence[RoomFill] = (),
) -> None:
    """Writes the unchanged marks of a plan with one revision of the edits, on top of fills."""
    canvas = Canvas(str(target), pagesize=sheet.size, invariant=1)
    for fill in fills:
        left, top, right, bottom = fill.box
        canvas.setFillColorRGB(*fill.ink)
        canvas.rect(left, sheet.size[1] - bottom, right - left, bottom - top, stroke=0, fill=1)
    canvas.setFillColorRGB(0, 0, 0)
    for shape in sheet.marks(0):
        shape.draw(canvas, sheet.size[1])
    for edit in edits:
        ink = edit.new if revision else edit.old
        if ink is not None:
            canvas.setStrokeColorRGB(*ink)
            for stroke in edit.shapes:
                stroke.draw(canvas, sheet.size[1])
    canvas.showPage()
    canvas.save()


def make(
    name: str,
    sheet: drawings.Sheet,
    edits: Sequence[InkEdit],
    folder: Path,
    fills: tuple[Sequence[RoomFill], Sequence[RoomFill]] = ((), ()),
) -> InkPair:
    """Writes and renders both revisions of a small plan with the edits."""
    pages = []
    for revision, state in enumerate(("old", "new")):
        document = folder / f"{name}-{state}.pdf"
        write_sheet(sheet, edits, revision, document, fills[revision])
        pages.append(rendering.render(document, 1, folder / f"{name}-{state}.png", use_ocr=False))
    return InkPair(pages[0], pages[1], tuple(edits))


def scan_colour(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Simulates a colour scan: a yellowed or grey ground with a shadow, blur and noise."""
    if picture.ndim == 2:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)
    height, width = picture.shape[:2]
    soft = cv2.GaussianBlur(picture, (0, 0), float(random.uniform(0.4, 0.8))).astype(np.float32)
    paper = np.array([(205, 232, 243), (216, 216, 216), (235, 240, 240)][int(random.integers(3))], np.float32)
    ramp = np.linspace(0, 1, width, dtype=np.float32)[None, :] * random.uniform(-1, 1)
    ramp = ramp + np.linspace(0, 1, height, dtype=np.float32)[:, None] * random.uniform(-1, 1)
    shadow = 1 - 0.25 * np.exp(-((ramp - ramp.mean()) ** 2) / 0.05)
    soft *= (paper / 255) * shadow[:, :, None]
    soft += random.normal(0, float(random.uniform(1.5, 4)), (height, width, 1)).astype(np.float32)
    soft += random.normal(0, 1.5, picture.shape).astype(np.float32)
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)
