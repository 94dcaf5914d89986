"""Drawings that the project draws itself: floor plans in two revisions, with every edit known.

Everything follows from a seed: the same seed gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from reportlab.pdfgen.canvas import Canvas

from server.demo.marks import (
    SYMBOLS,
    Box,
    Fill,
    Mark,
    Shape,
    Stroke,
    Text,
    arc,
    hatch,
    rectangle,
    union,
)

TABLOID = (1224.0, 792.0)
ARCH_D = (2592.0, 1728.0)

MERGE_DISTANCE = 11.0
"""Distance in points (4 mm) below which edited marks count as one change."""

ROOMS = (
    *("OFFICE", "STORE", "MEETING", "LOBBY", "ARCHIVE", "KITCHEN", "SERVER", "COPY"),
    *("LOUNGE", "STUDIO", "CLINIC", "PANTRY", "RECEPTION", "WORKSHOP", "LIBRARY", "PLANT"),
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A mark of the old revision and its replacement in the new one; None for no mark."""

    old: Mark | None
    new: Mark | None

    @property
    def boxes(self) -> tuple[Box, ...]:
        return tuple(mark.box for mark in (self.old, self.new) if mark)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A plan in two revisions: common marks, and the edits."""

    number: str
    title: str
    size: tuple[float, float]
    common: tuple[Mark, ...]
    edits: tuple[Edit, ...]

    def marks(self, revision: int) -> list[Mark]:
        """The marks of revision 0 (old) or 1 (new)."""
        edited = [edit.new if revision else edit.old for edit in self.edits]
        return [*self.common, *(mark for mark in edited if mark)]

    @property
    def changed(self) -> tuple[Box, ...]:
        """The boxes of the changes; nearby ones are merged."""
        return tuple(merge_boxes([box for edit in self.edits for box in edit.boxes]))


@dataclass(frozen=True, slots=True)
class Slot:
    """A location on the plan that may contain a mark."""

    kind: str
    box: Box


def merge_boxes(boxes: Sequence[Box]) -> list[Box]:
    """Merges boxes that are not further apart than `MERGE_DISTANCE`."""
    result = list(boxes)
    merged = True
    while merged:
        merged = False
        for index, one in enumerate(result):
            near = [other for other in result[index + 1 :] if gap(one, other) < MERGE_DISTANCE]
            if near:
                result = [*result[:index], *(box for box in result[index + 1 :] if box not in near)]
                result.append(union([one, *near]))
                merged = True
                break
    return sorted(result)


def gap(one: Box, other: Box) -> float:
    """The larger of the horizontal and vertical gaps between two boxes; at most 0 if they touch."""
    return max(one[0] - other[2], other[0] - one[2], one[1] - other[3], other[1] - one[3])


def plan(
    number: str, title: str, seed: int, *, size: tuple[float, float] = TABLOID, changed: float = 0.1
) -> Sheet:
    """A floor plan with the share `changed` of its marks changed between the revisions."""
    random = Random(seed)
    width, height = size
    area = (random.uniform(100, 130), random.uniform(105, 125), width - 190, height - random.uniform(60, 85))
    columns = divide(random, area[0], area[2], random.uniform(112, 160))
    rows = divide(random, area[1], area[3], random.uniform(118, 150))
    common = [*frame(size, title), *grid(columns, rows, area), walls(columns, rows)]
    slots = [
        Slot("revision", (width - 80, height - 185, width - 40, height - 170)),
        Slot("issue", (width - 160, height - 185, width - 80, height - 170)),
    ]
    slots += [slot for cell in cells(columns, rows) for slot in room_slots(cell)]
    slots += [
        Slot("dimension", (left, area[1] - 24, right, area[1] - 16)) for left, right in pairwise(columns)
    ]
    edits = []
    count = round(changed * len(slots))
    chosen = {0, 1, *random.sample(range(2, len(slots)), max(0, count - 2))}
    for index, slot in enumerate(slots):
        old = content(random, slot, number, revision=0, before=None)
        if index not in chosen:
            common += [old] if old else []
            continue
        new = content(random, slot, number, revision=1, before=old)
        edits.append(Edit(old, new))
    common.append(Mark("sheet number", (Text(width - 95, height - 62, number, 30),)))
    return Sheet(number, title, size, tuple(common), tuple(edits))


def divide(random: Random, start: float, end: float, pitch: float) -> list[float]:
    """Irregular positions from start to end, about `pitch` apart."""
    steps = [random.uniform(0.9, 1.1) for _ in range(max(2, int((end - start) / pitch)))]
    factor = (end - start) / sum(steps)
    positions = [start]
    for step in steps:
        positions.append(positions[-1] + step * factor)
    return positions


def cells(columns: Sequence[float], rows: Sequence[float]) -> list[Box]:
    return [(left, top, right, bottom) for top, bottom in pairwise(rows) for left, right in pairwise(columns)]


def room_slots(room: Box) -> list[Slot]:
    """The places of a room: its label, two pieces of furniture, a floor finish and a door in its lower
    wall.
    """
    left, top, right, bottom = room
    middle = (left + right) / 2
    return [
        Slot("label", (left + 8, top + 15, middle + 12, top + 37)),
        Slot("floor", (right - 34, top + 14, right - 9, top + 40)),
        Slot("symbol", (left + 9, bottom - 58, left + 42, bottom - 32)),
        Slot("symbol", (right - 40, bottom - 58, right - 9, bottom - 30)),
        Slot("door", (left + 12, bottom - 18, left + 30, bottom)),
    ]


def content(random: Random, slot: Slot, number: str, *, revision: int, before: Mark | None) -> Mark | None:
    """The mark of a slot; for the second revision, another one than `before`."""
    for _ in range(20):
        mark = MAKERS[slot.kind](random, slot.box, revision)
        if revision == 0 or differs(before, mark):
            return mark
    return None if before else Mark("cabinet", SYMBOLS["cabinet"](slot.box))


def differs(before: Mark | None, after: Mark | None) -> bool:
    """Whether the two look clearly different: another thing, or other words with no sign in its old place."""
    if before is None or after is None:
        return before is not after
    old = [shape.text for shape in before.shapes if isinstance(shape, Text)]
    new = [shape.text for shape in after.shapes if isinstance(shape, Text)]
    return all(a != b for a, b in zip(old, new, strict=False)) if old or new else before.name != after.name


def label(random: Random, box: Box, revision: int) -> Mark:
    left, top, right, _ = box
    name, room = random.choice(ROOMS), str(random.randrange(100, 400))
    middle = (left + right) / 2
    return Mark("label", (Text(middle, top + 8, name, 8), Text(middle, top + 19, room, 7)))


def floor(random: Random, box: Box, revision: int) -> Mark | None:
    kind = random.choice(["none", "hatch 4", "hatch 7", "cross", "grey"])
    if kind == "none":
        return None
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    shapes: dict[str, tuple[Shape, ...]] = {
        "hatch 4": hatch(box, 4),
        "hatch 7": hatch(box, 7, -1),
        "cross": (*hatch(box, 6), *hatch(box, 6, -1)),
        "grey": (Fill(corners, 0.7), rectangle(box, 0.4)),
    }
    return Mark(kind, shapes[kind])


def symbol(random: Random, box: Box, revision: int) -> Mark | None:
    name = random.choice([*SYMBOLS, "none"])
    if name == "none":
        return None
    left, top, right, bottom = box
    wide, deep = random.uniform(0.75, 1) * (right - left), random.uniform(0.8, 1) * (bottom - top)
    return Mark(name, SYMBOLS[name]((left, bottom - deep, left + wide, bottom)))


def door(random: Random, box: Box, revision: int) -> Mark | None:
    """An open door, hinged left or right, or no door."""
    left, _, right, bottom = box
    wide = right - left
    hung = random.choice(["left", "right", "none"])
    if hung == "none":
        return None
    hinge, start, end = ((left, bottom), 270, 360) if hung == "left" else ((right, bottom), 180, 270)
    jambs = [Stroke(((x, bottom - 2.5), (x, bottom + 2.5)), 0.8) for x in (left, right)]
    leaf = Stroke((hinge, (hinge[0], bottom - wide)), 0.9)
    return Mark(f"door hung {hung}", (*jambs, leaf, arc(hinge, wide, start, end)))


def dimension(random: Random, box: Box, revision: int) -> Mark:
    left, _, right, bottom = box
    feet, inches = random.randrange(8, 30), random.randrange(0, 12)
    return Mark("dimension", (Text((left + right) / 2, bottom, f"{feet}'-{inches}\"", 6.5),))


def letter(random: Random, box: Box, revision: int) -> Mark:
    return Mark("revision", (Text((box[0] + box[2]) / 2, box[3], "AB"[revision], 12),))


def date(random: Random, box: Box, revision: int) -> Mark:
    return Mark("date", (Text((box[0] + box[2]) / 2, box[3], ("06 NOV 2024", "27 MAR 2025")[revision], 8),))


MAKERS = {
    "label": label,
    "floor": floor,
    "symbol": symbol,
    "door": door,
    "dimension": dimension,
    "revision": letter,
    "issue": date,
}


def frame(size: tuple[float, float], title: str) -> list[Mark]:
    """The border, and the title block on the right."""
    width, height = size
    left = width - 170
    rules = [Stroke(((left, height - y), (width - 24, height - y)), 0.8) for y in (230, 190, 150, 110)]
    texts = [
        Text(left + 73, 70, "SESHAT ARCHITECTS", 11),
        Text(left + 73, height - 212, "CITY LIBRARY", 12),
        Text(left + 50, height - 180, "ISSUED", 5.5),
        Text(width - 60, height - 183, "REV", 5.5),
        Text(left + 73, height - 128, title, 10),
        Text(left + 73, height - 117, "SCALE 1:100", 7),
        Text(left + 30, height - 100, "SHEET", 6),
    ]
    border = (
        rectangle((24, 24, width - 24, height - 24), 1.4),
        Stroke(((left, 24), (left, height - 24)), 1.4),
    )
    return [Mark("border", border), Mark("title block", (*rules, *texts))]


def grid(columns: Sequence[float], rows: Sequence[float], area: Box) -> list[Mark]:
    """Grid lines with bubbles: numbers at the top, letters at the left, A lowest."""
    marks = []
    for index, x in enumerate(columns):
        line = Stroke(((x, area[1] - 34), (x, area[3] + 20)), 0.3, (14, 3, 3, 3))
        bubble = arc((x, area[1] - 45), 11, 0, 360, 0.7)
        marks.append(Mark("grid line", (line, bubble, Text(x, area[1] - 42, str(index + 1), 9))))
    for index, y in enumerate(reversed(rows)):
        line = Stroke(((area[0] - 34, y), (area[2] + 20, y)), 0.3, (14, 3, 3, 3))
        bubble = arc((area[0] - 45, y), 11, 0, 360, 0.7)
        marks.append(Mark("grid line", (line, bubble, Text(area[0] - 45, y + 3, chr(65 + index), 9))))
    for left, right in pairwise(columns):
        line = Stroke(((left, area[1] - 12), (right, area[1] - 12)), 0.35)
        ticks = [Stroke(((x - 3, area[1] - 9), (x + 3, area[1] - 15)), 0.6) for x in (left, right)]
        marks.append(Mark("dimension line", (line, *ticks)))
    return marks


def walls(columns: Sequence[float], rows: Sequence[float]) -> Mark:
    """Double lines along all grid lines."""
    shapes: list[Shape] = []
    for y in rows:
        shapes += [Stroke(((columns[0], y + side), (columns[-1], y + side)), 0.9) for side in (-2.2, 2.2)]
    for x in columns:
        shapes += [Stroke(((x + side, rows[0]), (x + side, rows[-1])), 0.9) for side in (-2.2, 2.2)]
    return Mark("walls", tuple(shapes))


def write(sheets: Sequence[Sheet], revision: int, target: Path) -> None:
    """Writes one revision of the sheets as a vector PDF."""
    canvas = Canvas(str(target), invariant=1)
    canvas.setTitle("City Library")
    for sheet in sheets:
        canvas.setPageSize(sheet.size)
        for mark in sheet.marks(revision):
            mark.draw(canvas, sheet.size[1])
        canvas.showPage()
    canvas.save()


def demo_set(folder: Path) -> tuple[Path, Path]:
    """Writes two revisions: three common sheets, one only in the old, and one only in the new."""
    sheets = {
        number: plan(number, title, seed, changed=0.06)
        for seed, (number, title) in enumerate(
            (
                ("A-101", "GROUND FLOOR PLAN"),
                ("A-102", "FIRST FLOOR PLAN"),
                ("A-103", "ROOF PLAN"),
                ("A-104", "BASEMENT PLAN"),
                ("A-201", "ENLARGED PLAN"),
            ),
            start=11,
        )
    }
    old, new = folder / "library-revision-a.pdf", folder / "library-revision-b.pdf"
    write([sheets[number] for number in ("A-101", "A-102", "A-103", "A-201")], 0, old)
    write([sheets[number] for number in ("A-101", "A-102", "A-104", "A-201")], 1, new)
    return old, new
