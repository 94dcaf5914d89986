"""Rooms on a sheet: the areas that walls enclose, with the labels in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import GreyImage, Mask, binarize
from pipelines.drawings.line_differences import INK_LEVEL, Box
from pipelines.drawings.page_words import Word
from pipelines.drawings.sheet_numbers import group_lines

STEP = 6
"""Pixels of the sheet for one of the map of rooms."""

WALL_LENGTH, DOOR_WIDTH = 30, 26
"""Length of the shortest wall and width of the widest opening, in pixels of the map."""

MAX_AREA_SHARE = 0.35
"""Share of the sheet from which an area is no room."""

MAX_FURNITURE_AREA = 1_500
"""Pixels of the map up to which an area without a label may be furniture in a room."""

OUTSIDE = -1
MIN_AREA = 150
MAX_LABEL_LENGTH = 40

TITLE_CAPTION = re.compile(
    r"(?:SCALE|SHEET|REV(?:ISION)?|DATE|DRAWN|CHECKED|APPROVED|PROJECT|ISSUED?|TITLE|DRAWING|DWG|NO"
    r"|MASSSTAB|MA\u00dfSTAB|BLATT|DATUM|GEZ|GEPR|PROJEKT|PLAN-NR|INDEX)[.:#]*",
    re.IGNORECASE,
)
TITLE_SHARE = 0.72
"""Share of the sheet's width or height beyond which captions are those of a title block."""

SEARCH_REACH = 20
"""Pixels of the map around a change in which its room is looked for, when it covers only walls."""

ROOM_NUMBER = re.compile(r"(?:[A-Z]{1,2}[-.]?)?\d{1,2}[-.]?\d{1,3}[A-Z]?|\d")
ROOM_WORD = re.compile(
    r"\b(?:ROOM|RM|OFFICE|BED(?:ROOM)?|LIVING|DINING|KITCHEN|BATH(?:ROOM)?|TOILETS?|WC|SHOWER|CORRIDOR"
    r"|HALL(?:WAY)?"
    r"|LOBBY|FOYER|VESTIBULE|ENTRY|STORE|STORAGE|CLOSET|LAUNDRY|GARAGE|MEETING|CONFERENCE|RECEPTION"
    r"|LOUNGE|LIBRARY"
    r"|STUDIO|WORKSHOP|CLINIC|PANTRY|PLANT|SERVER|COPY|ARCHIVE|CLASSROOM|LAB(?:ORATORY)?|STAIRS?|LIFT"
    r"|ELEVATOR"
    r"|TERRACE|BALCONY|PATIO|ATTIC|CELLAR|JANITOR|ELECTRICAL|MECHANICAL"
    r"|B\u00dcRO|BUERO|K\u00dcCHE|KUECHE|BAD|FLUR|DIELE|ZIMMER|SCHLAFEN|WOHNEN|ESSEN|KELLER|ABSTELLRAUM"
    r"|LAGER"
    r"|EMPFANG|BESPRECHUNG|TREPPENHAUS|TECHNIK|BALKON|TERRASSE|GARDEROBE)\b",
    re.IGNORECASE,
)
"""Words that name rooms, in English and German."""


@dataclass(frozen=True)
class RoomLabel:
    """The label of a room at its place; `area` is the number of its enclosed area, 0 for none."""

    text: str
    x: float
    y: float
    area: int


@dataclass(frozen=True)
class RoomMap:
    """The enclosed areas of a sheet, numbered from 1 at one pixel for `STEP`, and the labels in them."""

    areas: npt.NDArray[np.int32]
    labels: tuple[RoomLabel, ...]

    def room_at(self, box: Box) -> str | None:
        """The label of the room that most of a box lies in; None if it is not known."""
        areas = {label.area for label in self.labels if label.area}
        if not areas:
            return None
        for reach in (0, SEARCH_REACH // 2, SEARCH_REACH):
            left, top = max(box[0] // STEP - reach, 0), max(box[1] // STEP - reach, 0)
            right, bottom = (box[0] + box[2]) // STEP + 1 + reach, (box[1] + box[3]) // STEP + 1 + reach
            numbers, counts = np.unique(self.areas[top:bottom, left:right], return_counts=True)
            sizes = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
            known = {area: sizes[area] for area in areas if area in sizes}
            if not known and self.is_elsewhere(sizes):
                return None
            if not known:
                continue
            ordered = sorted(known, key=lambda area: -known[area])
            if len(ordered) > 1 and known[ordered[1]] > 0.8 * known[ordered[0]]:
                return None
            x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
            inside = [label for label in self.labels if label.area == ordered[0]]
            return min(inside, key=lambda label: hypot(label.x - x, label.y - y)).text
        return None

    def is_elsewhere(self, sizes: Mapping[int, int]) -> bool:
        """Whether most of a box lies outside of walls, or in an area of its own without a label."""
        main = max(sizes, key=lambda area: sizes[area], default=0)
        return main == OUTSIDE or (main > 0 and int((self.areas == main).sum()) > MAX_FURNITURE_AREA)


NO_ROOMS = RoomMap(np.zeros((1, 1), np.int32), ())


def map_rooms(lines: GreyImage, words: Sequence[Word]) -> RoomMap:
    """The rooms of a sheet, by its long straight lines and its words."""
    size = (max(1, lines.shape[1] // STEP), max(1, lines.shape[0] // STEP))
    areas = enclosed_areas(shrink_ink(lines, size))
    candidates: dict[int, list[tuple[tuple[int, float], RoomLabel]]] = {}
    for text, rank, x, y in label_texts(words):
        row, column = min(int(y) // STEP, size[1] - 1), min(int(x) // STEP, size[0] - 1)
        if (area := int(areas[row, column])) > 0:
            candidates.setdefault(area, []).append((rank, RoomLabel(text, x, y, area)))
    best = {area: max(rank[0] for rank, _ in ranked) for area, ranked in candidates.items()}
    labels = [label for area, ranked in candidates.items() for rank, label in ranked if rank[0] == best[area]]
    return RoomMap(areas, tuple(labels))


def shrink_ink(lines: GreyImage, size: tuple[int, int]) -> Mask:
    """The ink at the map's size; a pixel with any ink is ink."""
    height, width = size[1] * STEP, size[0] * STEP
    ink = binarize(lines[:height, :width], INK_LEVEL)
    return np.ascontiguousarray(ink.reshape(size[1], STEP, size[0], STEP).max(axis=(1, 3)))


def enclosed_areas(ink: Mask) -> npt.NDArray[np.int32]:
    """Areas that long straight lines enclose, with doors closed; 0 on walls and in tiny areas."""
    walls = np.zeros_like(ink)
    for across, down in ((1, 0), (0, 1)):
        long = np.ones((1 + down * (WALL_LENGTH - 1), 1 + across * (WALL_LENGTH - 1)), np.uint8)
        door = np.ones((1 + down * DOOR_WIDTH, 1 + across * DOOR_WIDTH), np.uint8)
        straight = cv2.morphologyEx(ink, cv2.MORPH_OPEN, long)
        walls |= np.asarray(cv2.morphologyEx(straight, cv2.MORPH_CLOSE, door), np.uint8)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(1 - walls, connectivity=4)
    height, width = ink.shape
    numbers = np.arange(count)
    for index, (left, top, wide, tall, pixels) in enumerate(statistics[:count].tolist()):
        touches = left == 0 or top == 0 or left + wide == width or top + tall == height
        if touches or pixels > MAX_AREA_SHARE * width * height:
            numbers[index] = OUTSIDE
        elif pixels < MIN_AREA:
            numbers[index] = 0
    numbers[0] = 0
    return np.asarray(numbers[labels], np.int32)


def label_texts(words: Sequence[Word]) -> list[tuple[str, tuple[int, float], float, float]]:
    """Texts that may be labels of rooms, their rank, and their centres: a name, a number, or both."""
    lines = group_lines([word for word in words if word.angle == 0])
    entries = []
    for line in lines:
        text = " ".join(word.text for word in line)
        height = max(word.text_height for word in line)
        left, right = line[0].x, line[-1].x + line[-1].width
        entries.append((text, height, (left + right) / 2, line[0].centre[1], left, right))
    is_title = title_block_test(words)
    result = []
    used: set[int] = set()
    by_row = sorted(range(len(entries)), key=lambda index: entries[index][3])
    for position, index in enumerate(by_row):
        text, height, x, y, left, right = entries[index]
        if not is_name(text) or is_title(x, y):
            continue
        number = None
        for other in by_row[position + 1 : position + 60]:
            below, other_height, other_x, other_y, *_ = entries[other]
            if other_y - y > 2.6 * max(height, other_height):
                break
            centred = abs(other_x - x) < max(0.35 * (right - left), height)
            aligned = abs(entries[other][4] - left) < height
            if other not in used and ROOM_NUMBER.fullmatch(below) and (centred or aligned):
                number = other
                break
        has_number = number is not None or bool(re.search(r"\s\d{1,4}[A-Z]?$", text))
        has_word = bool(ROOM_WORD.search(text))
        if number is not None:
            used.add(number)
            text, y = f"{text} {entries[number][0]}", (y + entries[number][3]) / 2
        if has_word or has_number:
            result.append((text[:MAX_LABEL_LENGTH], (2 * has_word + has_number, height), x, y))
    return result


def title_block_test(words: Sequence[Word]) -> Callable[[float, float], bool]:
    """Tells whether a position lies in the title block: the strip of its captions on the right or below."""
    width = max((word.x + word.width for word in words), default=0.0)
    height = max((word.y + word.height for word in words), default=0.0)
    captions = [word.centre for word in words if TITLE_CAPTION.fullmatch(word.text)]
    right = [x for x, _ in captions if x > TITLE_SHARE * width]
    below = [y for x, y in captions if y > TITLE_SHARE * height and x <= TITLE_SHARE * width]
    left = min(right) - 0.02 * width if len(right) >= 2 else width + 1
    top = min(below) - 0.02 * height if len(below) >= 2 else height + 1
    return lambda x, y: x >= left or y >= top


def is_name(text: str) -> bool:
    """Whether a line may be the name of a room: a few words, no sentence."""
    letters = sum(sign.isalpha() for sign in text)
    return (
        letters >= 2
        and letters >= 0.4 * len(text)
        and len(text.split()) <= 5
        and len(text) <= MAX_LABEL_LENGTH
    )
