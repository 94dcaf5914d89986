"""Drawing sets in two issues with every insertion, removal, change of number and change of order known."""

# ruff: noqa: RUF001 # alphabets

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from math import cos, radians, sin
from pathlib import Path
from random import Random

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
from PIL import Image
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

SHEETS = 12
WIDTH, HEIGHT = 842.0, 595.0
SCAN_DPI = 100.0
CYRILLIC_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")

WRITINGS = ("latin", "cyrillic", "none")
"""Writing of the sheet numbers and texts; `none` prints no numbers."""

ROOMS = {
    "latin": (
        "OFFICE",
        "STORE",
        "MEETING",
        "LOBBY",
        "ARCHIVE",
        "KITCHEN",
        "PLANT",
        "STUDIO",
        "CLINIC",
        "SHAFT",
    ),
    "cyrillic": (
        "ОФИС",
        "СКЛАД",
        "ХОЛЛ",
        "КУХНЯ",
        "АРХИВ",
        "КАБИНЕТ",
        "ЛЕСТНИЦА",
        "ЩИТОВАЯ",
        "САНУЗЕЛ",
        "КОРИДОР",
    ),
}
NOTES = {
    "latin": "SEE DETAIL FIRE RATED WALL TYPE STEEL BEAM TYPICAL REFER CONCRETE SLAB LEVEL DOOR FRAME",
    "cyrillic": "СМОТРИ УЗЕЛ СТЕНА БЕТОН БАЛКА СТАЛЬ ПЛИТА ОТМЕТКА ДВЕРЬ ТИПОВОЙ ПРИМЕЧАНИЕ АРМАТУРА СЕТКА",
}
SERIES = {"latin": ("A", "S", "M"), "cyrillic": ("АР", "КЖ", "ОВ")}
TITLES = {"latin": "FLOOR PLAN", "cyrillic": "ПЛАН ЭТАЖА"}
LABELS = {
    "latin": ("SHEET", "PROJECT NORTH HOUSE", "SCALE 1:100", "REV"),
    "cyrillic": ("ЛИСТ", "ОБЪЕКТ ДОМ", "МАСШТАБ 1:100", "ИЗМ"),
}

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a sheet: a text at a point, or lines through points."""

    x: float
    y: float
    text: str = ""
    size: float = 9.0
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What a sheet shows. `half` is the part that is left of a sheet that was split."""

    kind: str
    seed: int
    building: int
    edits: int = 0
    half: int | None = None


@dataclass(frozen=True, slots=True)
class SetSheet:
    content: Content
    number: str
    identity: int
    """Sheets of both issues with the same identity are revisions of each other."""


@dataclass(slots=True)
class SheetSet:
    """Two issues of a set, and the operations between them."""

    writing: str
    is_scan: bool
    old: list[SetSheet] = field(default_factory=list)
    new: list[SetSheet] = field(default_factory=list)
    operations: tuple[str, ...] = ()

    @property
    def pairs(self) -> set[tuple[int, int]]:
        """The true pairs by page number."""
        pages = {sheet.identity: page for page, sheet in enumerate(self.old, 1)}
        return {(pages[s.identity], page) for page, s in enumerate(self.new, 1) if s.identity in pages}


def make_set(index: int) -> SheetSet:
    """Set number `index`: the writings in turn, three vector sets and then three scans."""
    random = Random(77_000 + index)
    made = SheetSet(WRITINGS[index % 3], index // 3 % 2 == 1)
    buildings = [random.randrange(10_000) for _ in range(2)]
    kinds = ["plan"] * 6 + random.choices(("plan", "detail", "schedule", "elevation"), k=SHEETS - 6)
    random.shuffle(kinds)
    series = SERIES.get(made.writing, SERIES["latin"])
    for position, kind in enumerate(kinds):
        content = Content(kind, random.randrange(10**6), buildings[position * 2 // SHEETS])
        number = f"{series[position * len(series) // SHEETS]}-{101 + position}"
        made.old.append(SetSheet(content, number, position))
    made.new = list(made.old)
    made.operations = tuple(random.sample(sorted(OPERATIONS), 3))
    for name in made.operations:
        OPERATIONS[name](random, made.new, 100 * (1 + made.operations.index(name)))
    for position in random.sample(range(len(made.new)), 3):
        sheet = made.new[position]
        made.new[position] = replace(sheet, content=replace(sheet.content, edits=random.randint(1, 4)))
    return made


def insert(random: Random, sheets: list[SetSheet], identity: int) -> None:
    """A new sheet; half the time the numbers after it count on."""
    position = random.randrange(1, len(sheets))
    model = sheets[position]
    content = Content(random.choice(("plan", "detail")), random.randrange(10**6), model.content.building)
    if random.random() < 0.5:
        last = sheets[-1].number
        shifted = [sheet.number for sheet in sheets[position + 1 :]] + [
            f"{last.split('-')[0]}-{random.randint(120, 180)}"
        ]
        sheets[position:] = [
            replace(sheet, number=number) for sheet, number in zip(sheets[position:], shifted, strict=True)
        ]
        sheets.insert(position, SetSheet(content, model.number, identity))
    else:
        sheets.insert(position, SetSheet(content, f"{model.number}.1", identity))


def remove(random: Random, sheets: list[SetSheet], identity: int) -> None:
    del sheets[random.randrange(len(sheets))]


def rename(random: Random, sheets: list[SetSheet], identity: int) -> None:
    """Two sheets get numbers of another series."""
    for position in random.sample(range(len(sheets)), 2):
        prefix = "Р" if ord(sheets[position].number[0]) > 127 else "Q"
        sheets[position] = replace(sheets[position], number=prefix + sheets[position].number)


def duplicate(random: Random, sheets: list[SetSheet], identity: int) -> None:
    """A new sheet with the number of another one, before or after it."""
    position = random.randrange(len(sheets))
    model = sheets[position]
    content = replace(model.content, kind="plan", seed=random.randrange(10**6))
    sheets.insert(position + random.randint(0, 1), SetSheet(content, model.number, identity))


def reorder(random: Random, sheets: list[SetSheet], identity: int) -> None:
    """Three sheets move elsewhere with their numbers."""
    for _ in range(3):
        sheet = sheets.pop(random.randrange(len(sheets)))
        sheets.insert(random.randrange(len(sheets) + 1), sheet)


OPERATIONS: dict[str, Callable[[Random, list[SetSheet], int], None]] = {
    "insert": insert,
    "remove": remove,
    "rename": rename,
    "duplicate": duplicate,
    "reorder": reorder,
}


def write_issue(made: SheetSet, sheets: Sequence[SetSheet], folder: Path, name: str) -> Path:
    """The file of an issue: PDF with text, or TIFF of simulated scans."""
    path = folder / f"{name}.pdf"
    canvas = Canvas(str(path), pagesize=(WIDTH, HEIGHT), invariant=1)
    for sheet in sheets:
        draw_sheet(canvas, made.writing, sheet)
        canvas.showPage()
    canvas.save()
    if not made.is_scan:
        return path
    document = pypdfium2.PdfDocument(path)
    random = np.random.default_rng(sum(map(ord, name)))
    images = [
        Image.fromarray(scan(document[page].render(scale=SCAN_DPI / 72, grayscale=True).to_numpy(), random))
        for page in range(len(document))
    ]
    document.close()
    target = folder / f"{name}.tif"
    images[0].save(
        target, save_all=True, append_images=images[1:], dpi=(SCAN_DPI, SCAN_DPI), compression="tiff_deflate"
    )
    return target


def scan(drawn: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Slightly rotated, shifted, blurred and noisy."""
    image: npt.NDArray[np.uint8] = np.asarray(drawn, np.uint8).reshape(drawn.shape[:2])
    angle = radians(float(random.uniform(-0.6, 0.6)))
    a, b = cos(angle), sin(angle)
    matrix = np.array([[a, -b, random.uniform(-4, 4)], [b, a, random.uniform(-4, 4)]])
    height, width = image.shape[:2]
    placed = cv2.warpAffine(image, matrix, (width, height), borderValue=255, flags=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(placed, (0, 0), float(random.uniform(0.4, 0.7)))
    noisy = soft + random.normal(0, 5, soft.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


@cache
def cyrillic_font() -> str:
    pdfmetrics.registerFont(TTFont("cyrillic", str(CYRILLIC_FONT)))
    return "cyrillic"


def draw_sheet(canvas: Canvas, writing: str, sheet: SetSheet) -> None:
    font = cyrillic_font() if writing == "cyrillic" else "Helvetica"
    tongue = "cyrillic" if writing == "cyrillic" else "latin"
    canvas.setLineWidth(1.2)
    canvas.rect(15, 15, WIDTH - 30, HEIGHT - 30)
    left, bottom, right, top = WIDTH - 205, 15, WIDTH - 15, 85
    canvas.rect(left, bottom, right - left, top - bottom)
    for y in (38, 62):
        canvas.line(left, y, right, y)
    label, project, scale, revision = LABELS[tongue]
    canvas.setFont(font, 8)
    canvas.drawString(left + 5, 72, f"{project}   {TITLES[tongue]}")
    canvas.drawString(left + 5, 47, f"{scale}   {revision} A")
    if writing != "none":
        canvas.drawString(left + 5, 27, label)
        canvas.setFont(font, 16)
        canvas.drawString(left + 60, 21, sheet.number)
    canvas.setLineWidth(0.8)
    for item in items(sheet.content, tongue):
        if item.points:
            path = canvas.beginPath()
            path.moveTo(*item.points[0])
            for point in item.points[1:]:
                path.lineTo(*point)
            canvas.drawPath(path)
        else:
            canvas.setFont(font, item.size)
            canvas.drawString(item.x, item.y, item.text)


def items(content: Content, tongue: str) -> list[Item]:
    """The parts of a sheet, with its edits: for each, a part that goes and one that comes."""
    random = Random(content.seed)
    made = list(KINDS[content.kind](random, Random(content.building), tongue))
    edits = Random(content.seed + 1)
    for _ in range(content.edits):
        gone = made.pop(edits.randrange(len(made)))
        x, y = edits.uniform(60, 560), edits.uniform(120, 500)
        made.append(
            Item(x, y, f"{edits.choice(ROOMS[tongue])} {edits.randrange(100, 999)}")
            if gone.text
            else box(x, y, 22, 15)
        )
    if content.half is not None:
        made = [item for item in made if (item.x < WIDTH / 2) == (content.half == 0)]
    return made


def box(x: float, y: float, width: float, height: float) -> Item:
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
    return Item(x, y, points=corners)


def plan(random: Random, building: Random, tongue: str) -> Iterator[Item]:
    """Rooms of one grid in the whole building, with other numbers, uses and furniture on each floor."""
    xs = [40.0]
    while xs[-1] < 640:
        xs.append(xs[-1] + building.uniform(95, 150))
    ys = [110.0, *sorted(building.uniform(200, 450) for _ in range(2)), 560.0]
    for x in xs:
        yield Item(x, ys[0], points=((x, ys[0]), (x, ys[-1])))
    for y in ys:
        yield Item(xs[0], y, points=((xs[0], y), (xs[-1], y)))
    floor = random.randint(1, 9)
    number = floor * 100
    for left, right in pairwise(xs):
        for low, high in pairwise(ys):
            number += 1
            if high - low < 60:
                continue
            yield Item(left + 6, high - 14, random.choice(ROOMS[tongue]))
            yield Item(left + 6, high - 26, f"{number}  {random.uniform(8, 60):.1f}")
            for _ in range(random.randint(0, 3)):
                x, y = random.uniform(left + 5, right - 40), random.uniform(low + 5, high - 60)
                yield box(x, y, random.uniform(10, 32), random.uniform(8, 22))


def detail(random: Random, building: Random, tongue: str) -> Iterator[Item]:
    """Four framed details with a section each and notes."""
    for left in (40.0, 350.0):
        for low in (110.0, 340.0):
            yield box(left, low, 290, 215)
            x, y = left + 20, low + random.uniform(40, 150)
            points = [(x, y)]
            for _ in range(random.randint(6, 14)):
                x, y = x + random.uniform(5, 30), min(max(y + random.uniform(-40, 40), low + 10), low + 200)
                points.append((min(x, left + 280), y))
            yield Item(*points[0], points=tuple(points))
            for row in range(random.randint(2, 5)):
                words = " ".join(random.sample(NOTES[tongue].split(), 3))
                yield Item(left + 130, low + 12 + 14 * row, f"{words} {random.randint(5, 400)}")


def schedule(random: Random, building: Random, tongue: str) -> Iterator[Item]:
    """A table of doors with a mark, a size and a note."""
    rows = random.randint(10, 22)
    for row in range(rows + 1):
        y = 540 - 19 * row
        yield Item(60, y, points=((60, y), (640, y)))
    for x in (60, 150, 260, 640):
        yield Item(x, 540, points=((x, 540), (x, 540 - 19 * rows)))
    for row in range(rows):
        y = 527 - 19 * row
        yield Item(66, y, f"D{random.randint(100, 999)}")
        yield Item(156, y, f"{random.randrange(700, 1400, 50)} x {random.randrange(1900, 2500, 50)}")
        yield Item(266, y, " ".join(random.sample(NOTES[tongue].split(), 3)))


def elevation(random: Random, building: Random, tongue: str) -> Iterator[Item]:
    """Storeys with windows and their levels."""
    storeys, pitch = random.randint(3, 6), random.uniform(50, 80)
    for storey in range(storeys + 1):
        y = 120 + 70 * storey
        yield Item(50, y, points=((50, y), (610, y)))
        yield Item(620, y + 2, f"+{storey * random.uniform(2.8, 3.6):.2f}")
    for storey in range(storeys):
        x = 60 + random.uniform(0, 30)
        while x < 560:
            if random.random() < 0.8:
                yield box(x, 138 + 70 * storey, random.uniform(16, 34), random.uniform(22, 40))
            x += pitch


KINDS: dict[str, Callable[[Random, Random, str], Iterator[Item]]] = {
    "plan": plan,
    "detail": detail,
    "schedule": schedule,
    "elevation": elevation,
}
