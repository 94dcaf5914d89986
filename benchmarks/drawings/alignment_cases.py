"""Generated pairs of sheets whose alignment is known, or of which none exists; frozen before tuning.

Each kind is a way in which an alignment goes wrong without a sign of it. Kind and seed determine a pair.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import cos, radians, sin, tan
from random import Random

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
from reportlab.pdfgen.canvas import Canvas

from benchmarks.pairs import PIXELS_PER_POINT, scan_place, simulate_scan
from pipelines.drawings import binarization
from pipelines.drawings.binarization import GreyImage
from server.demo import drawings
from server.demo.drawings import TABLOID, Slot
from server.demo.marks import SYMBOLS, Box, Fill, Mark, Text, hatch

Homography = npt.NDArray[np.float64]
Points = npt.NDArray[np.float64]

UNMOVED = np.eye(3)


@dataclass(frozen=True, slots=True)
class Truth:
    """Points of the old sheet, and where they lie on the new one."""

    old: Points
    new: Points


@dataclass(frozen=True, slots=True)
class Case:
    """Two sheets with the truth of their parts; without any if they are different sheets."""

    kind: str
    seed: int
    old: GreyImage
    new: GreyImage
    truths: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The axes of a floor, which floors of one building have in common."""

    area: Box
    columns: list[float]
    rows: list[float]


def layout(seed: int, *, room: float = 1.0, margin: float = 0.0) -> Layout:
    random = Random(seed)
    width, height = TABLOID
    area = (
        random.uniform(100, 130) + margin,
        random.uniform(105, 125) + margin,
        width - 190 - margin,
        height - random.uniform(60, 85) - margin,
    )
    columns = drawings.divide(random, area[0], area[2], room * random.uniform(112, 160))
    rows = drawings.divide(random, area[1], area[3], room * random.uniform(118, 150))
    return Layout(area, columns, rows)


def stretch(plan: Layout, across: float, down: float) -> Layout:
    """A layout whose axes lie further apart, from the upper left corner on."""
    left, top, _, _ = plan.area
    columns = [left + across * (x - left) for x in plan.columns]
    rows = [top + down * (y - top) for y in plan.rows]
    return Layout((left, top, columns[-1], rows[-1]), columns, rows)


def structure(plan: Layout) -> list[Mark]:
    return [*drawings.grid(plan.columns, plan.rows, plan.area), drawings.walls(plan.columns, plan.rows)]


def slots(plan: Layout) -> list[Slot]:
    rooms = [slot for cell in drawings.cells(plan.columns, plan.rows) for slot in drawings.room_slots(cell)]
    top = plan.area[1]
    spans = [(left, top - 24, right, top - 16) for left, right in pairwise(plan.columns)]
    return rooms + [Slot("dimension", span) for span in spans]


def contents(plan: Layout, seed: int, *, revision: int = 0, changed: float = 0.0) -> list[Mark]:
    """What stands in the rooms; in revision 1, the share `changed` of it is something else."""
    random, marks = Random(seed), []
    places = slots(plan)
    chosen = set(random.sample(range(len(places)), round(changed * len(places))))
    for index, slot in enumerate(places):
        mark = drawings.content(random, slot, "", revision=0, before=None)
        if index in chosen:
            other = drawings.content(random, slot, "", revision=1, before=mark)
            mark = other if revision else mark
        marks += [mark] if mark else []
    return marks


def fills(plan: Layout, seed: int) -> list[Mark]:
    """Rooms filled in grey, without outlines."""
    random, marks = Random(seed), []
    for left, top, right, bottom in drawings.cells(plan.columns, plan.rows):
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        marks.append(Mark("fill", (Fill(corners, random.choice([0.35, 0.5, 0.6, 0.75])),)))
    return marks


def title_block(number: str, revision: int) -> list[Mark]:
    width, height = TABLOID
    texts = (Text(width - 95, height - 62, number, 30), Text(width - 60, height - 171, "AB"[revision], 12))
    return [*drawings.frame(TABLOID, "FLOOR PLAN"), Mark("sheet number", texts)]


def picture(marks: Sequence[Mark]) -> GreyImage:
    """The marks at 300 dpi."""
    target = BytesIO()
    canvas = Canvas(target, pagesize=TABLOID, invariant=1)
    for mark in marks:
        mark.draw(canvas, TABLOID[1])
    canvas.showPage()
    canvas.save()
    page = pypdfium2.PdfDocument(target.getvalue())[0]
    return np.ascontiguousarray(page.render(scale=PIXELS_PER_POINT, grayscale=True).to_numpy())


def shift_image(grey: GreyImage, x: float, y: float) -> GreyImage:
    return binarization.warp(grey, (1, 0, x, 0, 1, y), grey.shape[1], grey.shape[0])


def corners(box: Box) -> Points:
    """The corners and the middle of a box in points, in pixels."""
    left, top, right, bottom = box
    xs = [
        (left, top),
        (right, top),
        (left, bottom),
        (right, bottom),
        ((left + right) / 2, (top + bottom) / 2),
    ]
    return np.array(xs) * PIXELS_PER_POINT


FRAME_POINTS = np.array([(24, 24), (24, 768), (1200, 24), (1200, 768), (1054, 642)]) * PIXELS_PER_POINT
"""Corners of the border and of the title block."""

SHEET_POINTS = corners((24, 24, 1200, 768))


def apply_homography(points: Points, matrix: Homography) -> Points:
    whole = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(whole[:, :2] / whole[:, 2:])


def warp_homography(grey: GreyImage, matrix: Homography, size: tuple[int, int], paper: int) -> GreyImage:
    flags = cv2.INTER_AREA if abs(np.linalg.det(matrix[:2, :2])) < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpPerspective(grey, matrix, size, flags=flags, borderValue=(paper,)), np.uint8)


def place_scan(
    case: Case, rng: np.random.Generator, *, angle: float, scale: float, stretched: float = 1.0
) -> Case:
    """The old sheet scanned askew."""
    height, width = case.old.shape
    matrix, size = scan_place(width, height, angle, scale, rng.uniform(0, 80, 2))
    a, b, c, d, e, f = matrix
    scanned = (a * stretched, b * stretched, c * stretched, d, e, f)
    size = (int(size[0] * stretched) + 1, size[1])
    old = simulate_scan(binarization.warp(case.old, scanned, *size), rng, blur=0.9, noise=9.0)
    whole = np.vstack([np.reshape(scanned, (2, 3)), (0, 0, 1)])
    truths = tuple(Truth(apply_homography(truth.old, whole), truth.new) for truth in case.truths)
    return Case(case.kind, case.seed, old, case.new, truths)


def scanned_sometimes(case: Case, rng: np.random.Generator) -> Case:
    """Every third pair has its old sheet scanned."""
    if case.seed % 6 < 4:
        return case
    return place_scan(case, rng, angle=float(rng.uniform(-3, 3)), scale=float(rng.uniform(0.9, 1.1)))


def look_alike(seed: int) -> Case:
    """Two floors of one building: one room grid, other numbers and contents."""
    rng, plan = np.random.default_rng(7000 + seed), layout(700 + seed)
    old, new = (
        picture(
            [
                *title_block(f"A-{101 + floor}", 0),
                *structure(plan),
                *contents(plan, 40_000 + 2 * seed + floor),
            ]
        )
        for floor in (0, 1)
    )
    return scanned_sometimes(Case("look-alike floors", seed, old, new, ()), rng)


def sheared_look_alike(seed: int) -> Case:
    """Two floors whose axes are nearly the same, so that a stretched or sheared transform fits the walls."""
    rng, plan = np.random.default_rng(7100 + seed), layout(710 + seed)
    other = stretch(plan, float(rng.uniform(0.97, 0.995)), float(rng.uniform(0.985, 1.0)))
    old, new = (
        picture(
            [
                *title_block(f"A-{101 + floor}", 0),
                *structure(axes),
                *contents(axes, 41_000 + 2 * seed + floor),
            ]
        )
        for floor, axes in enumerate((plan, other))
    )
    if seed % 2:
        turned = (1.0, float(rng.uniform(0.005, 0.02)), 0.0, 0.0, 1.0, 0.0)
        old = binarization.warp(old, turned, old.shape[1], old.shape[0])
    return Case("look-alike floors, sheared", seed, old, new, ())


def filled_rooms(seed: int) -> Case:
    """Filled rooms that lie 20 pixels beside their places inside an unmoved frame."""
    rng, plan = np.random.default_rng(7200 + seed), layout(720 + seed)
    frame = picture(title_block("A-101", 0))
    rooms = picture(fills(plan, 42_000 + seed) + (contents(plan, 42_500 + seed) if seed % 4 > 1 else []))
    angle = float(rng.uniform(0, 360))
    x, y = 20 * cos(radians(angle)), 20 * sin(radians(angle))
    points = corners(plan.area)
    truths = (Truth(points, points + np.array([x, y])), Truth(FRAME_POINTS, FRAME_POINTS))
    new = np.minimum(frame, shift_image(rooms, x, y))
    return Case("filled rooms displaced by 20 px", seed, np.minimum(frame, rooms), new, truths)


def moved_plan(seed: int) -> Case:
    """A plan that moved inside its unmoved frame, 30 % of it changed."""
    rng, plan = np.random.default_rng(7300 + seed), layout(730 + seed, margin=60.0)
    x, y = (float(rng.choice([-1, 1]) * rng.uniform(40, 240)) for _ in range(2))
    sheets = []
    for revision in (0, 1):
        marks = [*structure(plan), *contents(plan, 43_000 + seed, revision=revision, changed=0.3)]
        drawn = picture(marks)
        sheets.append(
            np.minimum(
                picture(title_block("A-101", revision)), shift_image(drawn, x, y) if revision else drawn
            )
        )
    points = corners(plan.area)
    truths = (Truth(points, points + np.array([x, y])), Truth(FRAME_POINTS, FRAME_POINTS))
    return scanned_sometimes(Case("moved plan, 30 % changed", seed, sheets[0], sheets[1], truths), rng)


def revised_sheet(seed: int, kind: str, changed: float) -> Case:
    plan = layout(740 + seed)
    old, new = (
        picture(
            [
                *title_block("A-101", revision),
                *structure(plan),
                *contents(plan, 44_000 + seed, revision=revision, changed=changed),
            ]
        )
        for revision in (0, 1)
    )
    return Case(kind, seed, old, new, (Truth(SHEET_POINTS, SHEET_POINTS),))


def photograph(seed: int) -> Case:
    """The old sheet photographed from aside: up to 15 degrees of tilt, uneven light, on a desk."""
    rng, case = np.random.default_rng(7400 + seed), revised_sheet(seed, "photograph", 0.15)
    height, width = case.old.shape
    tilt, direction = radians(float(rng.uniform(4, 15))), radians(float(rng.uniform(0, 360)))
    distance = 1.6 * width
    slope = tan(tilt) / distance
    centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    view = np.array([[1, 0, 0], [0, 1, 0], [slope * cos(direction), slope * sin(direction), 1]])
    turn, scale = radians(float(rng.uniform(-8, 8))), float(rng.uniform(0.65, 0.85))
    placed = np.array(
        [
            [scale * cos(turn), -scale * sin(turn), 0.55 * width],
            [scale * sin(turn), scale * cos(turn), 0.55 * height],
            [0, 0, 1],
        ]
    )
    matrix = placed @ view @ centre
    size = (int(1.1 * width), int(1.1 * height))
    desk = int(rng.choice([255, 90, 140]))
    soft = np.asarray(cv2.GaussianBlur(case.old, (0, 0), 0.8), np.uint8)
    image = warp_homography(soft, matrix, size, desk)
    light = np.linspace(float(rng.uniform(0.75, 0.95)), 1.0, size[0])[None, :]
    lit = (image * light).astype(np.uint8)
    old = simulate_scan(lit, rng, blur=0.8, noise=6.0)
    return Case(
        case.kind, seed, old, case.new, (Truth(apply_homography(SHEET_POINTS, matrix), SHEET_POINTS),)
    )


def scan(seed: int) -> Case:
    """The old sheet scanned askew, at another resolution, stretched by the feed, or in black and white."""
    rng, case = np.random.default_rng(7500 + seed), revised_sheet(seed, "scan", 0.1)
    if seed % 4 < 2:
        angle, stretched = float(rng.uniform(-4, 4)), 1 + float(rng.uniform(-0.004, 0.004))
        return place_scan(case, rng, angle=angle, scale=float(rng.uniform(0.5, 1.2)), stretched=stretched)
    small = place_scan(case, rng, angle=float(rng.uniform(-1, 1)), scale=1 / 3)
    bilevel = np.where(small.old < 170, 0, 255).astype(np.uint8)
    return Case(case.kind, seed, bilevel, case.new, small.truths)


def mirrored_sheet(seed: int) -> Case:
    """The old sheet seen through the back of its paper."""
    rng, case = np.random.default_rng(7600 + seed), revised_sheet(seed, "mirrored", 0.1)
    width = case.old.shape[1]
    points = np.array([(width - 1 - x, y) for x, y in SHEET_POINTS])
    old = np.ascontiguousarray(case.old[:, ::-1])
    return scanned_sometimes(Case(case.kind, seed, old, case.new, (Truth(points, SHEET_POINTS),)), rng)


def repeated_rooms(seed: int) -> Case:
    """Rows of equal rooms that moved by about a room, so that another transform fits nearly as well."""
    rng = np.random.default_rng(7700 + seed)
    pitch, count = float(rng.uniform(52, 75)), int(rng.integers(9, 12))
    columns = [120 + pitch * index for index in range(count + 1)]
    rows = [150 + pitch * index for index in range(7)]
    area = (columns[0], rows[0], columns[-1], rows[-1])
    marks = [drawings.walls(columns, rows)]
    one = Random(seed).choice(["desk", "hatch", "label"])
    for left, top, right, bottom in drawings.cells(columns, rows):
        if one == "hatch":
            marks.append(Mark("hatch", hatch((left + 8, top + 8, right - 8, bottom - 8), 6)))
        elif one == "desk":
            marks.append(Mark("desk", SYMBOLS["desk"]((left + 12, top + 20, left + 42, top + 44))))
        else:
            marks.append(Mark("label", (Text((left + right) / 2, top + 20, "OFFICE", 8),)))
    drawn, frame = picture(marks), picture(title_block("A-101", 0))
    x = float(rng.choice([0, 1])) * pitch * PIXELS_PER_POINT * float(rng.uniform(0.9, 1.1))
    points = corners(area)
    truths = (Truth(points, points + np.array([x, 0])), Truth(FRAME_POINTS, FRAME_POINTS))
    return Case(
        "repeated rooms", seed, np.minimum(frame, drawn), np.minimum(frame, shift_image(drawn, x, 0)), truths
    )


KINDS: dict[str, Callable[[int], Case]] = {
    "look_alike": look_alike,
    "sheared_look_alike": sheared_look_alike,
    "filled_rooms": filled_rooms,
    "moved_plan": moved_plan,
    "photograph": photograph,
    "scan": scan,
    "mirrored": mirrored_sheet,
    "repeated_rooms": repeated_rooms,
}
