"""Descriptions of locations on a sheet, by its grid marks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pipelines.drawings.line_differences import Box
from pipelines.drawings.page_words import Word
from pipelines.drawings.rooms import RoomMap

BORDER_RATIO = 0.12
"""Grid marks lie within this share of a sheet's width and height from its edges."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a change is, in words; `grid` is the nearest grid mark, such as `C/4`.

    `old_room` is set for a moved object that was in another room.
    """

    text: str
    room: str | None = None
    old_room: str | None = None
    grid: str | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid marks along the sheet's sides with their positions in pixels: columns from the left, rows
    from the top.
    """

    columns: tuple[tuple[float, str], ...] = ()
    rows: tuple[tuple[float, str], ...] = ()


def detect_grid(words: Sequence[Word], width: int, height: int) -> Grid:
    """Marks of one or two signs in line along a side, at least three, in order: numbers one way, letters
    the other.
    """
    marks = [word for word in words if len(word.text) <= 2 and word.text.isalnum() and word.text.isascii()]
    top = [word for word in marks if word.centre[1] < BORDER_RATIO * height]
    bottom = [word for word in marks if word.centre[1] > (1 - BORDER_RATIO) * height]
    left = [word for word in marks if word.centre[0] < BORDER_RATIO * width]
    right = [word for word in marks if word.centre[0] > (1 - BORDER_RATIO) * width]
    columns = max((longest_label_sequence(side, horizontal=True) for side in (top, bottom)), key=len)
    rows = max((longest_label_sequence(side, horizontal=False) for side in (left, right)), key=len)
    return Grid(columns, rows)


def longest_label_sequence(marks: Sequence[Word], horizontal: bool) -> tuple[tuple[float, str], ...]:
    """The longest row or column of marks with ascending or descending labels."""
    axis = 0 if horizontal else 1
    levels: dict[int, list[Word]] = defaultdict(list)
    pitch = max(median(word.text_height for word in marks), 1.0) if marks else 1.0
    for word in marks:
        levels[round(word.centre[1 - axis] / pitch)].append(word)
    best: tuple[tuple[float, str], ...] = ()
    for level in sorted(levels):
        line = sorted([*levels[level], *levels.get(level + 1, [])], key=lambda word: word.centre[axis])
        for is_kind in (str.isdigit, str.isalpha):
            run = tuple((word.centre[axis], word.text) for word in line if is_kind(word.text))
            keys = [(len(text), text) for _, text in run]
            ordered = all(a < b for a, b in pairwise(keys)) or all(a > b for a, b in pairwise(keys))
            if len(run) >= 3 and ordered and len(run) > len(best):
                best = run
    return best


def describe(box: Box, width: int, height: int, grid: Grid) -> str:
    """Such as `upper left, near grid C/4`; without a grid only the ninth of the sheet."""
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    down = ("upper", "middle", "lower")[min(2, int(3 * y / height))]
    across = ("left", "centre", "right")[min(2, int(3 * x / width))]
    ninth = "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"
    mark = nearest_mark(box, grid)
    return f"{ninth}, near grid {mark}" if mark else ninth


def nearest_mark(box: Box, grid: Grid) -> str | None:
    """Such as `C/4`; None without a grid."""
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    marks = [
        min(line, key=lambda mark: abs(mark[0] - at))[1]
        for line, at in ((grid.rows, y), (grid.columns, x))
        if line
    ]
    return "/".join(marks) or None


def locate(box: Box, old_box: Box | None, width: int, height: int, grid: Grid, rooms: RoomMap) -> Place:
    """The place of a change, with its room if the sheet's labels and walls tell it."""
    text, room = describe(box, width, height, grid), rooms.room_at(box)
    old_room = rooms.room_at(old_box) if old_box else None
    if room:
        text = f"in {room}, {text}"
    return Place(text, room, old_room if old_room != room else None, nearest_mark(box, grid))
