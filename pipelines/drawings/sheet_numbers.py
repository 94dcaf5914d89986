"""Detection of sheet numbers and scales, by the words of a page and their positions."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from pipelines.drawings.page_words import Word

MIN_SCORE = 1.2
"""Candidates with a lower score are usually revisions, grid lines or part numbers."""

SHEET_COUNT_SCORE = 1.0
"""Score of `Sheet 2 of 11`, which is used only without a sheet number."""

SHEET_NUMBER = re.compile(
    r"(?:[A-Z]{1,3}\d{0,2}[- ]?\d{1,4}(?:\.\d{1,3})?[A-Z]?(?:-[A-Z0-9]{1,8})?"
    r"|[A-Z]{1,2}-[A-Z]\d{1,4}(?:\.\d{1,2})?)"
)
"""Sheet numbers such as A-101, A 101, S-12A, A-344-MB, A2.1, B-S01, A20-01 and E201A."""

SHEET_LABEL = re.compile(r"(?:SHEET|SHT|DWG|DRAWING|DRG)\.?#?:?", re.IGNORECASE)
OTHER_LABEL = re.compile(r"(?:REV|REVISION|ISSUE|SIZE|DATE|SCALE)\.?:?", re.IGNORECASE)
SHEET_COUNT = re.compile(
    r"\b(?:SHEET|SHT|PAGE)\.?\s*:?\s*(\d{1,4})\s*(?:OF|/)\s*(\d{1,4})\b|\((\d{1,3})/(\d{1,3})\)",
    re.IGNORECASE,
)

SCALE = re.compile(
    r"""\b1\s*:\s*[1-9]\d{0,4}\b
    | (?:\d+\s+)?\d+(?:/\d+)?\s*["\u201d]\s*=\s*\d+\s*['\u2019](?:\s*-?\s*\d+\s*["\u201d])?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class SheetName:
    """A sheet's name with its score; `source` is `text`, `ocr`, or `fallback` for the page number."""

    name: str
    score: float
    source: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Bounding box of a sheet's content, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def find_sheet_name(
    words: Sequence[Word], page: int, *, source: str = "text", frame: Frame | None = None
) -> SheetName:
    """The sheet number in the title block, else `Sheet_02` from "Sheet 2 of 11", else `Page_001` by position.

    `page` counts from 1. The direction of most words is upright.
    """
    upright, bounds = rotate_upright(words, frame)
    best = max(score_candidates(upright, bounds), default=None)
    if best and best[0] >= MIN_SCORE:
        return SheetName(best[1], round(best[0], 2), source)
    for line in text_lines(upright):
        if match := SHEET_COUNT.search(line):
            number, total = (int(group) for group in match.groups() if group)
            if 1 <= number <= total:
                return SheetName(f"Sheet_{number:0{max(2, len(str(total)))}d}", SHEET_COUNT_SCORE, source)
    return SheetName(f"Page_{page:03d}", 0.0, "fallback")


def find_scale(words: Sequence[Word]) -> str | None:
    """The printed scale nearest to the title block's corner, such as `1:100` or `1/4" = 1'-0"`."""
    upright, bounds = rotate_upright(words, None)
    scales = [
        (corner_distance(bounds, line[0].x, line[0].y), match.group().strip())
        for line in group_lines(upright)
        if (match := SCALE.search(" ".join(word.text for word in line)))
    ]
    return min(scales)[1] if scales else None


def score_candidates(words: Sequence[Word], frame: Frame) -> Iterator[tuple[float, str]]:
    """Words and pairs of words that look like a sheet number, with their scores.

    Score = nearness to the lower right corner x letter height against the page's median x 1.8 where the
    nearest label says sheet or drawing. What the nearest label calls a revision, a size or a date is no
    candidate.
    """
    if not words:
        return
    median_height = median(word.text_height for word in words) or 1.0
    labels = [word for word in words if SHEET_LABEL.fullmatch(word.text) or OTHER_LABEL.fullmatch(word.text)]
    for word in (*words, *join_split_numbers(words)):
        text = word.text.upper().rstrip(".,;")
        if not SHEET_NUMBER.fullmatch(text):
            continue
        distances = [
            (distance, label.text)
            for label in labels
            if (distance := label_distance(label, word)) is not None
        ]
        nearest = min(distances)[1] if distances else ""
        if OTHER_LABEL.fullmatch(nearest):
            continue
        proximity = math.exp(-corner_distance(frame, *word.centre) / 0.18)
        yield proximity * (word.text_height / median_height) ** 0.8 * (1.8 if nearest else 1.0), text


def join_split_numbers(words: Sequence[Word]) -> Iterator[Word]:
    """Sheet numbers printed with a gap, `A 101` or `A- 101`, as one word."""
    for line in group_lines(words):
        for first, second in pairwise(line):
            if not re.fullmatch(r"[A-Z]{1,3}\d{0,2}-?", first.text):
                continue
            if not re.fullmatch(r"-?\d{1,4}(?:\.\d{1,3})?[A-Z]?(?:-[A-Z0-9]{1,8})?", second.text):
                continue
            if not 0 <= second.x - (first.x + first.width) < 1.2 * first.text_height:
                continue
            between = "" if first.text.endswith("-") or second.text.startswith("-") else " "
            width = second.x + second.width - first.x
            yield Word(first.text + between + second.text, first.x, first.y, width, first.height)


def label_distance(label: Word, word: Word) -> float | None:
    """The gap in pixels from a label to a word just under it or just after it on its line; None for any
    other word.
    """
    max_distance = 3.0 * max(label.text_height, word.text_height)
    below = word.y - (label.y + label.height)
    aside = word.x - (label.x + label.width)
    beneath = label.x - max_distance / 2 <= word.centre[0] <= label.x + label.width + max_distance
    if -0.5 * label.text_height <= below <= max_distance and beneath:
        return max(below, 0.0)
    level = abs(word.centre[1] - label.centre[1]) < 0.7 * max(label.text_height, word.text_height)
    return aside if 0 <= aside <= max_distance and level else None


def corner_distance(frame: Frame, x: float, y: float) -> float:
    """Distance to the frame's lower right corner, relative to its sides."""
    width = max(frame.right - frame.left, 1.0)
    height = max(frame.bottom - frame.top, 1.0)
    return math.hypot((frame.right - x) / width, (frame.bottom - y) / height)


def text_lines(words: Sequence[Word]) -> list[str]:
    return [" ".join(word.text for word in line) for line in group_lines(words)]


def group_lines(words: Sequence[Word]) -> list[list[Word]]:
    """Words by line, from left to right; a gap of three letter heights starts another line."""
    if not words:
        return []
    pitch = max(0.5 * median(word.text_height for word in words), 1.0)
    result: list[list[Word]] = []
    rows: dict[int, list[list[Word]]] = defaultdict(list)
    for word in sorted(words, key=lambda item: (item.x, item.y)):
        row, row_reach = int(word.centre[1] // pitch), 1 + int(0.5 * word.text_height / pitch)
        near = (line for other in range(row - row_reach, row + row_reach + 1) for line in rows.get(other, ()))
        line = next((line for line in near if continues_line(line[-1], word)), None)
        if line is None:
            line = []
            result.append(line)
        line.append(word)
        rows[row].append(line)
    return result


def continues_line(last: Word, word: Word) -> bool:
    """Whether a word continues a line, to the right of its last word."""
    size = max(last.text_height, word.text_height)
    level = abs(last.centre[1] - word.centre[1]) < 0.5 * size
    return level and -0.5 * size < word.x - (last.x + last.width) < 3 * size


def rotate_upright(words: Sequence[Word], frame: Frame | None) -> tuple[list[Word], Frame]:
    """The words in the page's main direction, rotated to be upright, and their frame."""
    counts: Counter[int] = Counter()
    for word in words:
        counts[word.angle] += len(word.text)
    angle = min(counts, key=lambda key: (-counts[key], key)) if counts else 0
    rotated = [rotate_word(word, angle) for word in words]
    if frame is None:
        content_frame = bounding_frame(rotated)
    else:
        box = Word("", frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top)
        content_frame = bounding_frame([rotate_word(box, angle)])
    return [word for word in rotated if word.angle == 0], content_frame


def rotate_word(word: Word, angle: int) -> Word:
    """The word rotated counterclockwise by `angle` degrees about the origin."""
    x, y, width, height = word.x, word.y, word.width, word.height
    if angle == 90:
        x, y, width, height = y, -x - width, height, width
    elif angle == 180:
        x, y = -x - width, -y - height
    elif angle == 270:
        x, y, width, height = -y - height, x, height, width
    return replace(word, x=x, y=y, width=width, height=height, angle=(word.angle - angle) % 360)


def bounding_frame(words: Sequence[Word]) -> Frame:
    """Bounding box of all words; a unit box without words."""
    if not words:
        return Frame(0.0, 0.0, 1.0, 1.0)
    return Frame(
        min(word.x for word in words),
        min(word.y for word in words),
        max(word.x + word.width for word in words),
        max(word.y + word.height for word in words),
    )
