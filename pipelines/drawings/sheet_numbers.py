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

MIN_DISTINCT_SCORE = 0.6
"""The same for OCR of a title block, if no other candidate comes near."""

TITLE_BLOCK_RADIUS = 0.3
"""Distance from the lower right corner, relative to the sides, within which words are the title block's."""

SHEET_COUNT_SCORE = 1.0
"""Score of `Sheet 2 of 11`, which is used only without a sheet number."""

LETTER, SIGN = r"[^\W\d_]", r"[^\W_]"
"""A letter of any alphabet; a letter or digit."""

SHEET_NUMBER = re.compile(
    rf"(?:{LETTER}{{1,3}}\d{{0,2}}[- ]?\d{{1,4}}(?:\.\d{{1,3}})*{LETTER}?(?:-{SIGN}{{1,8}})?"
    rf"|{LETTER}{{1,2}}-{LETTER}\d{{1,4}}(?:\.\d{{1,2}})?)"
)
"""Sheet numbers such as A-101, A 101, S-12A, A-344-MB, A2.1, B-S01, A20-01 and E201A, in any alphabet."""

LONG_NUMBER = re.compile(rf"(?={SIGN}*[-.]?.*{LETTER})(?=.*\d){SIGN}{{1,8}}(?:[-_./]{SIGN}{{1,8}}){{2,9}}")
"""Numbers of several parts, such as 1234-ABC-ZZ-01-DR-A-1001. Only with a label."""

PLAIN_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,3})?")
"""Numbers without letters, such as 101. Only with a label."""

UNITS = frozenset(("M2", "M3", "\u041c2", "\u041c3", "MM2", "FT2"))
"""Units that look like sheet numbers; two are Cyrillic."""

DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))

SHEET_LABEL = re.compile(
    r"(?:(?:SHEET|SHT|DWG|DRAWING|DRG)\.?(?: ?(?:NO|NUMBER|NR|NUM|#|ID)\b)?"
    r"|PLAN ?(?:NO|NUMBER)\b|(?:PLAN|ZEICHNUNGS?)-?N(?:UMME)?R"
    r"|BLATT(?: ?NR)?|FEUILLE|PLANCHE|N\u00b0 DE PLAN|HOJA|PLANO(?: N\u00ba)?|L\u00c1MINA|TAVOLA|FOGLIO"
    r"|\u041b\u0418\u0421\u0422|\u0427\u0415\u0420\u0422\u0415\u0416|\u0410\u0420\u041a\u0423\u0428)[.#:]*",
    re.IGNORECASE,
)
"""Labels of sheet numbers in several languages; the last three are Russian and Ukrainian."""

OTHER_LABEL = re.compile(
    r"(?:REV|REVISION|ISSUE|SIZE|DATE|SCALE|INDEX|DATUM|MASSSTAB|MA\u00dfSTAB|ECHELLE|\u00c9CHELLE|ESCALA|FECHA"
    r"|(?:PROJECT|JOB|CONTRACT|FILE|PHONE|TEL|FAX|ZIP)(?: ?(?:NO|NUMBER|NR)\b)?"
    r"|(?:SHEET|DRAWING|PLAN) ?(?:TITLE|SIZE|NAME|SCALE)|(?:ISSUE|PLOT|PRINT) ?DATE|REVISION ?(?:NO|NUMBER)\b"
    r"|\u0418\u0417\u041c|\u0414\u0410\u0422\u0410|\u041c\u0410\u0421\u0428\u0422\u0410\u0411|\u0421\u0422\u0410\u0414\u0418\u042f|\u041b\u0418\u0421\u0422\u041e\u0412)[.:]*",
    re.IGNORECASE,
)
"""Labels of revisions, dates, scales and others; the last five are Russian."""
SHEET_COUNT = re.compile(
    r"\b(?:SHEET|SHT|PAGE)\.?\s*:?\s*(\d{1,4})\s*(?:OF|/)\s*(\d{1,4})\b|\((\d{1,3})/(\d{1,3})\)",
    re.IGNORECASE,
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
    best, second = sorted([*score_candidates(upright, bounds), (0.0, ""), (0.0, "")], reverse=True)[:2]
    is_distinct = source == "ocr" and best[0] >= max(MIN_DISTINCT_SCORE, 1.3 * second[0])
    if (best[0] >= MIN_SCORE or is_distinct) and not PLAIN_NUMBER.fullmatch(best[1]):
        return SheetName(best[1], round(best[0], 2), source)
    for line in text_lines(upright):
        if match := SHEET_COUNT.search(line):
            number, total = (int(group) for group in match.groups() if group)
            if 1 <= number <= total:
                return SheetName(f"Sheet_{number:0{max(2, len(str(total)))}d}", SHEET_COUNT_SCORE, source)
    if best[0] >= MIN_SCORE:
        return SheetName(best[1], round(best[0], 2), source)
    return SheetName(f"Page_{page:03d}", 0.0, "fallback")


def score_candidates(words: Sequence[Word], frame: Frame) -> Iterator[tuple[float, str]]:
    """Words and pairs of words that look like a sheet number, with their scores.

    Score = nearness to the lower right corner x letter height against the title block's median x 2.4 where
    the nearest label says sheet or drawing. What the nearest label calls a revision, a size or a date is no
    candidate. A number without letters, or of many parts, needs the label of a sheet.
    """
    if not words:
        return
    reference_height = title_block_letter_height(words, frame)
    labels = list(find_labels(words))
    for word in (*words, *join_split_numbers(words)):
        text = correct_digits(word) if word.optical else normalize_text(word.text)
        is_number = SHEET_NUMBER.fullmatch(text) is not None and text not in UNITS
        is_other = PLAIN_NUMBER.fullmatch(text) or LONG_NUMBER.fullmatch(text)
        if not is_number and not is_other:
            continue
        distances = [
            (distance, label.is_sheet)
            for label in labels
            if (distance := label_distance(label.word, word)) is not None and label.value in (None, word)
        ]
        is_sheet = min(distances)[1] if distances else False
        if (distances and not is_sheet) or (is_other and not is_number and not is_sheet):
            continue
        middle = word.x + word.width - min(word.width / 2, 1.5 * word.text_height)
        proximity = math.exp(-corner_distance(frame, middle, word.centre[1]) / 0.18)
        height = (word.text_height / reference_height) ** 0.8
        yield (
            proximity * height * (2.4 if is_sheet else 1.0) * (1.0 if is_number or len(text) > 4 else 0.8),
            text,
        )


def normalize_text(text: str) -> str:
    return text.translate(DASHES).upper().strip(".,;:|[]()")


def correct_digits(word: Word) -> str:
    """The text with O, I and L as digits, which OCR takes them for, after the letters of a series."""
    text = normalize_text(word.text)
    if SHEET_NUMBER.fullmatch(text) or not (
        parts := re.fullmatch(r"([A-Z]{1,3}[-.]?)([OIL.]*\d[0-9OIL.]*)", text)
    ):
        return text
    series, digits = parts.groups()
    return series + digits.replace("O", "0").replace("I", "1").replace("L", "1")


def title_block_letter_height(words: Sequence[Word], frame: Frame) -> float:
    """The median letter height of the title block's words; of all words, if that is less."""
    corner = [word.text_height for word in words if corner_distance(frame, *word.centre) < TITLE_BLOCK_RADIUS]
    heights = [median(word.text_height for word in words)]
    if len(corner) >= 4:
        heights.append(median(corner))
    return max(min(heights), 1.0)


@dataclass(frozen=True, slots=True)
class Label:
    """A label with its box; `value` is the word just after it on its line, which it is the label of."""

    word: Word
    is_sheet: bool
    value: Word | None


def find_labels(words: Sequence[Word]) -> Iterator[Label]:
    """Labels of one to three words. A label with a value beside it labels nothing below."""
    for line in group_lines(words):
        position = 0
        while position < len(line):
            for count in (3, 2, 1):
                parts = line[position : position + count]
                text = " ".join(part.text for part in parts)
                is_sheet = SHEET_LABEL.fullmatch(text) is not None
                if len(parts) == count and (is_sheet or OTHER_LABEL.fullmatch(text)):
                    box = bounding_frame(parts)
                    size = box.right - box.left, box.bottom - box.top
                    value = next(iter(line[position + count : position + count + 1]), None)
                    if value and value.x - box.right > 2.5 * size[1]:
                        value = None
                    yield Label(Word(text, box.left, box.top, *size), is_sheet, value)
                    position += count - 1
                    break
            position += 1


def join_split_numbers(words: Sequence[Word]) -> Iterator[Word]:
    """Sheet numbers printed with a gap, `A 101` or `A- 101`, as one word."""
    for line in group_lines(words):
        for first, second in pairwise(line):
            if not re.fullmatch(rf"{LETTER}{{1,3}}\d{{0,2}}-?", first.text):
                continue
            if not re.fullmatch(rf"-?\d{{1,4}}(?:\.\d{{1,3}})?{LETTER}?(?:-{SIGN}{{1,8}})?", second.text):
                continue
            if not 0 <= second.x - (first.x + first.width) < 1.2 * first.text_height:
                continue
            between = "" if first.text.endswith("-") or second.text.startswith("-") else " "
            width = second.x + second.width - first.x
            yield Word(first.text + between + second.text, first.x, first.y, width, first.height)


def label_distance(label: Word, word: Word) -> float | None:
    """The gap in pixels from a label to a word under it, just after it on its line, or between both as in
    the same cell; None for any other word.
    """
    size = max(label.text_height, word.text_height)
    max_distance = 3.0 * size
    below = word.y - (label.y + label.height)
    aside = word.x - (label.x + label.width)
    if -0.5 * label.text_height <= below <= max_distance and label.x - 1.5 * size <= word.centre[0]:
        beyond = min(word.centre[0], word.x + 2 * size) - (label.x + label.width)
        if beyond <= max_distance:
            return max(below, 0.0)
    level = label.y - 0.7 * size < word.centre[1] < label.y + label.height + 1.2 * size
    return math.hypot(aside, max(below, 0.0)) if 0 <= aside <= 2 * max_distance and level else None


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
