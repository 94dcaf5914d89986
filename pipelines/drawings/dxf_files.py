"""DXF files: each layout as a page of a PDF, with its texts as words."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import atan2, degrees
from pathlib import Path
from typing import Any

import reportlab
from ezdxf import filemanagement, recover
from ezdxf.addons.drawing.backend import Backend
from ezdxf.addons.drawing.config import BackgroundPolicy, Configuration
from ezdxf.addons.drawing.frontend import UniversalFrontend
from ezdxf.addons.drawing.pipeline import RenderPipeline2d
from ezdxf.addons.drawing.properties import RenderContext
from ezdxf.document import Drawing
from ezdxf.fonts import fonts
from ezdxf.layouts.layout import Layout, Paperspace
from ezdxf.lldxf.const import DXFError
from ezdxf.math import Matrix44, Vec2, Vec3
from ezdxf.path import Command
from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from core.errors import Invalid
from pipelines.drawings.page_words import Word

MM = 72 / 25.4
"""Points per millimetre."""

MAX_SHEET_MM = 1189.0
"""Longest side of a sheet that the model space is drawn on."""

STEPS = (1.0, 2.0, 5.0)
MARGIN_MM = 10.0
MIN_LINE_MM = 0.13
MAIN_VIEWPORT = 1
"""ID of the viewport that is the paper itself."""

Point = tuple[float, float]
Segment = tuple[str, tuple[Point, ...]]
"""`M`, `L` or `C`, and its points."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Paths in units of the layout, which are filled or drawn with a line of so many millimetres."""

    paths: tuple[tuple[Segment, ...], ...]
    colour: str
    line: float | None


@dataclass(slots=True)
class Text:
    """A line of text: its words and their places on it, its direction in degrees, and its glyphs' corners."""

    words: list[tuple[str, float, float]]
    angle: float
    corners: list[Point] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of a layout that is drawn, and points per unit."""

    left: float
    bottom: float
    right: float
    top: float
    scale: float

    @property
    def size(self) -> Point:
        return (self.right - self.left) * self.scale, (self.top - self.bottom) * self.scale

    def place(self, point: Point) -> Point:
        """A point of the layout in points of the page, y up."""
        return (point[0] - self.left) * self.scale, (point[1] - self.bottom) * self.scale


class Sketch(Backend):
    """What a layout draws, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[Shape] = []
        self.texts: list[Text] = []
        self.open_text: Text | None = None
        self.left = self.bottom = float("inf")
        self.right = self.top = float("-inf")

    def draw_point(self, pos: Vec2, properties: Any) -> None:
        self.draw_line(pos, pos, properties)

    def draw_line(self, start: Vec2, end: Vec2, properties: Any) -> None:
        self._add(((("M", ((start.x, start.y),)), ("L", ((end.x, end.y),))),), properties)

    def draw_path(self, path: Any, properties: Any) -> None:
        self._add((segments(path),), properties)

    def draw_filled_paths(self, paths: Iterable[Any], properties: Any) -> None:
        self._add(tuple(segments(path) for path in paths), properties, is_filled=True)

    def draw_filled_polygon(self, points: Any, properties: Any) -> None:
        first, *others = ((point.x, point.y) for point in points.vertices())
        outline = (("M", (first,)), *(("L", (point,)) for point in others))
        self._add((outline,), properties, is_filled=True)

    def draw_image(self, image_data: Any, properties: Any) -> None:
        """Pictures that a drawing refers to are not in the file."""

    def set_background(self, color: str) -> None:
        """The paper is white."""

    def clear(self) -> None:
        """Nothing is shown before the end."""

    def _add(
        self, paths: tuple[tuple[Segment, ...], ...], properties: Any, *, is_filled: bool = False
    ) -> None:
        corners = [point for path in paths for _, points in path for point in points]
        if not corners:
            return
        xs, ys = zip(*corners, strict=True)
        self.left, self.right = min(self.left, *xs), max(self.right, *xs)
        self.bottom, self.top = min(self.bottom, *ys), max(self.top, *ys)
        if self.open_text is not None:
            self.open_text.corners += corners
        line = None if is_filled else max(MIN_LINE_MM, properties.lineweight)
        self.shapes.append(Shape(paths, properties.color[:7], line))


class Designer(RenderPipeline2d):
    """Draws a layout on a sketch, and says which glyphs are of which text."""

    def __init__(self, sketch: Sketch) -> None:
        super().__init__(sketch)
        self._sketch = sketch

    def draw_text(
        self, text: str, transform: Matrix44, properties: Any, cap_height: float, dxftype: str = "TEXT"
    ) -> None:
        font = properties.font or self.default_font_face
        whole = self.text_engine.get_text_line_width(text, font, cap_height)
        words, position = [], 0
        for word in text.split():
            start = text.index(word, position)
            position = start + len(word)
            before = self.text_engine.get_text_line_width(text[:start], font, cap_height)
            after = self.text_engine.get_text_line_width(text[:position], font, cap_height)
            if whole > 0:
                words.append((word, before / whole, after / whole))
        direction = transform.transform_direction(Vec3(1, 0, 0))
        self._sketch.open_text = Text(words, degrees(atan2(direction.y, direction.x)))
        super().draw_text(text, transform, properties, cap_height, dxftype)
        if self._sketch.open_text.corners:
            self._sketch.texts.append(self._sketch.open_text)
        self._sketch.open_text = None


def convert(path: Path, target: Path) -> Path:
    """Writes the layouts of a DXF file as a PDF, with the words of each page beside it. Raises `Invalid`.

    Layouts of the paper space are pages; without any, the model space is one.
    """
    load_fallback_fonts()
    try:
        document = read(path)
    except (DXFError, OSError, ValueError, KeyError, IndexError, UnicodeError) as error:
        raise Invalid("The DXF file is damaged or incomplete.") from error
    pages = []
    canvas = Canvas(str(target), pageCompression=1, invariant=1)
    for layout in layouts(document):
        sketch = draw(document, layout)
        if not sketch.shapes:
            continue
        frame = paper_frame(layout, sketch) if isinstance(layout, Paperspace) else model_frame(sketch)
        canvas.setPageSize(frame.size)
        write_shapes(canvas, sketch.shapes, frame)
        canvas.showPage()
        pages.append([row for text in sketch.texts for row in text_rows(text, frame)])
    if not pages:
        raise Invalid("The DXF file has nothing to draw.")
    canvas.save()
    words_path(target).write_text(json.dumps(pages), encoding="utf-8")
    return target


def read(path: Path) -> Drawing:
    """A DXF file, text or binary; what is damaged in text is repaired."""
    try:
        return filemanagement.readfile(path)
    except (DXFError, ValueError, KeyError, IndexError, UnicodeError):
        document, _ = recover.readfile(path)
        return document


@cache
def load_fallback_fonts() -> None:
    """Makes letters drawable where the system has no fonts."""
    fonts.font_manager.scan_folder(Path(reportlab.__file__).parent / "fonts")


def layouts(document: Drawing) -> list[Layout]:
    """The layouts with content, in the order of their tabs; otherwise the model space."""
    sheets = [
        document.layout(name) for name in document.layout_names_in_taborder() if name.upper() != "MODEL"
    ]
    return [sheet for sheet in sheets if has_content(sheet)] or [document.modelspace()]


def has_content(layout: Layout) -> bool:
    """Whether a layout shows more than its own paper."""
    return any(
        entity.dxftype() != "VIEWPORT" or entity.dxf.get("id", MAIN_VIEWPORT) != MAIN_VIEWPORT
        for entity in layout
    )


def draw(document: Drawing, layout: Layout) -> Sketch:
    """What a layout draws on white paper."""
    sketch = Sketch()
    context = RenderContext(document)
    configuration = Configuration(background_policy=BackgroundPolicy.WHITE)
    UniversalFrontend(context, Designer(sketch), configuration).draw_layout(layout)
    return sketch


def paper_frame(layout: Paperspace, sketch: Sketch) -> Frame:
    """The paper of a layout; what it draws, if that does not lie on the paper."""
    scale = 72.0 if layout.dxf.get("plot_paper_units", 1) == 0 else MM
    low, high = layout.get_paper_limits()
    slack = 0.05 * max(high.x - low.x, high.y - low.y, 0.0)
    fits = (
        low.x - slack <= sketch.left
        and low.y - slack <= sketch.bottom
        and sketch.right <= high.x + slack
        and sketch.top <= high.y + slack
    )
    if fits and high.x > low.x and high.y > low.y:
        return Frame(low.x, low.y, high.x, high.y, scale)
    longest = max(sketch.right - sketch.left, sketch.top - sketch.bottom) * scale / MM
    return model_frame(sketch) if longest > 4 * MAX_SHEET_MM else around(sketch, scale)


def model_frame(sketch: Sketch) -> Frame:
    """A sheet around everything, at the largest scale 1, 2 or 5 to a power of ten that fits one."""
    longest = max(sketch.right - sketch.left, sketch.top - sketch.bottom) or 1.0
    scales = (step * 10.0**power for power in range(9, -10, -1) for step in reversed(STEPS))
    return around(sketch, next((scale for scale in scales if scale * longest <= MAX_SHEET_MM), 1e-9) * MM)


def around(sketch: Sketch, scale: float) -> Frame:
    """What a sketch draws, with a margin."""
    margin = MARGIN_MM * MM / scale
    return Frame(
        sketch.left - margin, sketch.bottom - margin, sketch.right + margin, sketch.top + margin, scale
    )


def segments(path: Any) -> tuple[Segment, ...]:
    """The commands of a path, its curves as cubic ones."""
    if not len(path):
        return ()
    position = (path.start.x, path.start.y)
    found: list[Segment] = [("M", (position,))]
    for command in path.commands():
        end = (command.end.x, command.end.y)
        if command.type is Command.MOVE_TO:
            found.append(("M", (end,)))
        elif command.type is Command.LINE_TO:
            found.append(("L", (end,)))
        elif command.type is Command.CURVE3_TO:
            control = (command.ctrl.x, command.ctrl.y)
            found.append(("C", (third(position, control), third(end, control), end)))
        else:
            controls = ((command.ctrl1.x, command.ctrl1.y), (command.ctrl2.x, command.ctrl2.y))
            found.append(("C", (*controls, end)))
        position = end
    return tuple(found)


def third(end: Point, control: Point) -> Point:
    """A control point of the cubic curve that equals a quadratic one."""
    return end[0] + 2 / 3 * (control[0] - end[0]), end[1] + 2 / 3 * (control[1] - end[1])


def write_shapes(canvas: Canvas, shapes: Sequence[Shape], frame: Frame) -> None:
    """Draws shapes on a page."""
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    for shape in shapes:
        path = canvas.beginPath()
        for outline in shape.paths:
            for command, points in outline:
                places = [value for point in points for value in frame.place(point)]
                {"M": path.moveTo, "L": path.lineTo, "C": path.curveTo}[command](*places)
            if shape.line is None and outline:
                path.close()
        colour = HexColor(shape.colour)
        if shape.line is None:
            canvas.setFillColor(colour)
            canvas.drawPath(path, stroke=0, fill=1, fillMode=0)
        else:
            canvas.setStrokeColor(colour)
            canvas.setLineWidth(shape.line * MM)
            canvas.drawPath(path, stroke=1, fill=0)


def text_rows(text: Text, frame: Frame) -> Iterator[list[Any]]:
    """Text, left, top, width, height in points, y down, and angle clockwise, of each word of a line."""
    xs, ys = zip(*(frame.place(corner) for corner in text.corners), strict=True)
    left, right, top, bottom = min(xs), max(xs), frame.size[1] - max(ys), frame.size[1] - min(ys)
    angle = round(-text.angle / 90) * 90 % 360
    for word, start, end in text.words:
        low, high = (start, end) if angle in (0, 90) else (1 - end, 1 - start)
        if angle % 180 == 0:
            yield [word, left + low * (right - left), top, (high - low) * (right - left), bottom - top, angle]
        else:
            yield [word, left, top + low * (bottom - top), right - left, (high - low) * (bottom - top), angle]


def words_path(converted: Path) -> Path:
    """Where the words of a converted file are."""
    return converted.with_suffix(".words.json")


def has_words(converted: Path) -> bool:
    """Whether a PDF is a converted DXF file."""
    return words_path(converted).exists()


def load_words(converted: Path, page: int, scale: float) -> list[Word]:
    """Words of a page (from 1) of a converted file, in pixels; `scale` is pixels per point."""
    pages = json.loads(words_path(converted).read_text(encoding="utf-8"))
    return [
        Word(text, x * scale, y * scale, width * scale, height * scale, angle)
        for text, x, y, width, height, angle in pages[page - 1]
    ]
