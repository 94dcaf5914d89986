"""What a plan is drawn with: strokes, fills and texts, and the symbols made of them.

Positions are PDF points from the sheet's upper left corner, y downwards.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

FONT = "Helvetica"
CAPITAL_HEIGHT = 0.72
"""Height of capitals and digits, relative to the font size."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points; `dash` alternates drawn and blank lengths."""

    points: tuple[Point, ...]
    width: float = 0.6
    dash: tuple[float, ...] = ()

    @property
    def box(self) -> Box:
        return around(self.points, self.width / 2)

    def draw(self, canvas: Canvas, height: float) -> None:
        canvas.setLineWidth(self.width)
        canvas.setDash(list(self.dash))
        path = canvas.beginPath()
        path.moveTo(self.points[0][0], height - self.points[0][1])
        for x, y in self.points[1:]:
            path.lineTo(x, height - y)
        canvas.drawPath(path, stroke=1, fill=0)


@dataclass(frozen=True, slots=True)
class Fill:
    """A filled polygon; `grey` from 0, black, to 1, white."""

    points: tuple[Point, ...]
    grey: float = 0.0

    @property
    def box(self) -> Box:
        return around(self.points, 0.0)

    def draw(self, canvas: Canvas, height: float) -> None:
        canvas.setFillGray(self.grey)
        path = canvas.beginPath()
        path.moveTo(self.points[0][0], height - self.points[0][1])
        for x, y in self.points[1:]:
            path.lineTo(x, height - y)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.setFillGray(0)


@dataclass(frozen=True, slots=True)
class Text:
    """Capitals and digits, centred at x on the baseline y."""

    x: float
    y: float
    text: str
    size: float = 7.0

    @property
    def box(self) -> Box:
        half = stringWidth(self.text, FONT, self.size) / 2
        return self.x - half, self.y - CAPITAL_HEIGHT * self.size, self.x + half, self.y

    def draw(self, canvas: Canvas, height: float) -> None:
        canvas.setFont(FONT, self.size)
        canvas.drawCentredString(self.x, height - self.y, self.text)


Shape = Stroke | Fill | Text


@dataclass(frozen=True, slots=True)
class Mark:
    """A group of shapes, such as a door, a label or a piece of furniture."""

    name: str
    shapes: tuple[Shape, ...]

    @property
    def box(self) -> Box:
        return union(shape.box for shape in self.shapes)

    def draw(self, canvas: Canvas, height: float) -> None:
        for shape in self.shapes:
            shape.draw(canvas, height)


def around(points: Sequence[Point], margin: float) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def union(boxes: Iterable[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def rectangle(box: Box, width: float = 0.6) -> Stroke:
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return Stroke(corners, width)


def arc(centre: Point, radius: float, start: float, end: float, width: float = 0.5) -> Stroke:
    """Part of a circle between two angles in degrees, clockwise from the right."""
    steps = max(6, round(abs(end - start) / 6))
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    points = tuple((centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles)
    return Stroke(points, width)


def hatch(box: Box, spacing: float, slope: int = 1) -> tuple[Shape, ...]:
    """Diagonal lines across a box with its outline."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    shapes: list[Shape] = [rectangle(box, 0.4)]
    for index in range(1, int((width + height) / spacing) + 1):
        offset = index * spacing
        x0, y0 = (left + offset, top) if offset <= width else (right, top + offset - width)
        x1, y1 = (left, top + offset) if offset <= height else (left + offset - height, bottom)
        if slope < 0:
            x0, x1 = left + right - x0, left + right - x1
        if math.dist((x0, y0), (x1, y1)) > 1:
            shapes.append(Stroke(((x0, y0), (x1, y1)), 0.35))
    return tuple(shapes)


def desk(box: Box) -> tuple[Shape, ...]:
    left, top, right, bottom = box
    middle, deep = (left + right) / 2, bottom - top
    screen = (left + 0.3 * (right - left), top + 0.1 * deep, right - 0.3 * (right - left), top + 0.25 * deep)
    chair = arc((middle, bottom - 0.18 * deep), 0.18 * deep, 0, 360)
    return rectangle((left, top, right, top + 0.55 * deep)), rectangle(screen, 0.4), chair


def table(box: Box) -> tuple[Shape, ...]:
    left, top, right, bottom = box
    deep, wide = bottom - top, right - left
    shapes: list[Shape] = [rectangle((left, top + 0.25 * deep, right, bottom - 0.25 * deep), 0.7)]
    for share in (0.2, 0.5, 0.8):
        x, radius = left + share * wide, 0.1 * deep
        shapes += [arc((x, top + radius), radius, 0, 360), arc((x, bottom - radius), radius, 0, 360)]
    return tuple(shapes)


def cabinet(box: Box) -> tuple[Shape, ...]:
    left, top, right, bottom = box
    diagonals = Stroke(((left, top), (right, bottom)), 0.4), Stroke(((right, top), (left, bottom)), 0.4)
    return rectangle(box), *diagonals


def basin(box: Box) -> tuple[Shape, ...]:
    left, top, right, bottom = box
    centre, radius = ((left + right) / 2, (top + bottom) / 2), 0.35 * min(right - left, bottom - top)
    return rectangle(box), arc(centre, radius, 0, 360), arc(centre, 0.2 * radius, 0, 360)


def stair(box: Box) -> tuple[Shape, ...]:
    left, top, right, bottom = box
    steps = [left + (right - left) * step / 7 for step in range(1, 7)]
    treads = tuple(Stroke(((x, top), (x, bottom)), 0.4) for x in steps)
    middle = (top + bottom) / 2
    return rectangle(box), *treads, Stroke(((left, middle), (right, middle)), 0.5)


def pier(box: Box) -> tuple[Shape, ...]:
    left, top, right, bottom = box
    x, y, half = (left + right) / 2, (top + bottom) / 2, 0.4 * min(right - left, bottom - top)
    corners = ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))
    return Fill(corners), rectangle((x - 1.4 * half, y - 1.2 * half, x + 1.4 * half, y + 1.2 * half), 0.4)


SYMBOLS: dict[str, Callable[[Box], tuple[Shape, ...]]] = {
    "desk": desk,
    "table": table,
    "cabinet": cabinet,
    "basin": basin,
    "stair": stair,
    "pier": pier,
}
