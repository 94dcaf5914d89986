"""Revision, date and scale in a title block."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipelines.drawings.page_words import Word
from pipelines.drawings.sheet_numbers import (
    DASHES,
    corner_distance,
    group_lines,
    rotate_upright,
)

MAX_LABEL_LENGTH = 50

SCALE_LABEL = re.compile(
    r"\b(?:SCALE|MASSSTAB|MA\u00dfSTAB|ECHELLE|\u00c9CHELLE|ESCALA|SCALA|\u041c\u0410\u0421\u0428\u0422\u0410\u0411)\b",
    re.IGNORECASE,
)
"""Labels of scales; the last one is Russian."""

METRIC = re.compile(r"(?<![\d/:.])1\s*[:/]\s*([1-9]\d{0,4})(?![\d/:.])(?!\s*[\"\u201d])")
IMPERIAL = re.compile(
    r"((?:\d+\s+)?\d+(?:/\d+)?)\s*[\"\u201d]\s*=\s*(\d+)\s*['\u2019](?:\s*-?\s*(\d+)\s*[\"\u201d])?"
)
NOT_TO_SCALE = re.compile(
    r"\bN\.?\s?T\.?\s?S\b\.?|\bNOT TO SCALE\b|\bNONE\b|\bAS (?:NOTED|SHOWN|INDICATED)\b"
    r"|\bVARIES\b|\bDO NOT SCALE\b",
    re.IGNORECASE,
)
"""Sheets without one scale."""

PAPER = re.compile(r"\s*(?:@|AT\b|ON\b|\(|-|,)?\s*\(?(A[0-4])\b", re.IGNORECASE)
"""The sheet size that a scale is for, after it."""

SLOPE = re.compile(
    r"\b(?:RAMPE?|SLOPE|FALL|GRADIENT|GEF\u00c4LLE|STEIGUNG|NEIGUNG|MIX|MORTAR|CEMENT|RATIO|GRADE|BATTER)\b",
    re.IGNORECASE,
)
"""Words beside ratios that are no scales."""

MIN_UNANNOUNCED_RATIO = 5

REVISION = re.compile(
    r"\b(?:REV(?:ISION)?|\u0418\u0417\u041c)\b\s*(?:NO\b|NUMBER\b|#)?[.:]*\s*([A-Z]{1,2}\d{0,2}|\d{1,2}[A-Z]?)(?![\w/.-])",
    re.IGNORECASE,
)
"""A revision with its label, which may be Russian."""

DATE = re.compile(
    r"(?<![\d.-])(?:(?P<iso>\d{4}-\d{2}-\d{2})|(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4}|\d{2})"
    r"|(?P<named>\d{1,2}[ -](?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*[ -]\d{4}))(?![\d.-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale as printed, and how many units of the building are one of the sheet; None for NTS.

    `source` is `label` for a scale that a label announces, `text` for any other. `paper` is the sheet size
    that it is stated for, such as `A1`.
    """

    text: str
    ratio: float | None
    source: str
    paper: str | None = None


@dataclass(frozen=True, slots=True)
class TitleBlock:
    """What a title block says of its sheet, as printed; `other_scales` are those of its details."""

    revision: str | None = None
    date: str | None = None
    scale: Scale | None = None
    other_scales: tuple[str, ...] = ()

    @property
    def version_label(self) -> str | None:
        """Such as `Rev B, 2026-03-11`."""
        parts = [f"Rev {self.revision}" if self.revision else None, self.date]
        return ", ".join(part for part in parts if part)[:MAX_LABEL_LENGTH] or None


def read_title_block(words: Sequence[Word]) -> TitleBlock:
    """Revision, date and scale that are nearest to the lower right corner."""
    lines = list(lines_by_nearness(words))
    revision = next((match[1].upper() for line in lines if (match := REVISION.search(line))), None)
    date = next((match[0] for line in lines if (match := DATE.search(line))), None)
    scale = scale_of(lines)
    others = {other.ratio: other.text for other in scales_of(lines) if other.ratio}
    if not scale or not scale.ratio:
        return TitleBlock(revision, date, scale)
    others.pop(scale.ratio, None)
    return TitleBlock(revision, date, scale, tuple(others.values()))


def read_scale(words: Sequence[Word]) -> Scale | None:
    """The scale in the title block: what a label announces goes before any other."""
    return scale_of(list(lines_by_nearness(words)))


def scale_of(lines: Sequence[str]) -> Scale | None:
    """The first scale with a label on its line or on the line before it, else the first one."""
    scales = list(scales_of(lines))
    return next((scale for scale in scales if scale.source == "label"), scales[0] if scales else None)


def scales_of(lines: Sequence[str]) -> Iterator[Scale]:
    """All scales of the lines."""
    for line in lines:
        label = SCALE_LABEL.search(line)
        scale = parse_scale(line[label.end() :] if label else line, has_label=label is not None)
        if scale:
            yield scale


def parse_scale(text: str, *, has_label: bool = True) -> Scale | None:
    """A scale such as `1:100`, `1/100`, `1/8" = 1'-0"` or NTS. `1/100` and NTS need a label."""
    source = "label" if has_label else "text"
    if match := IMPERIAL.search(text):
        paper = sum((Fraction(part) for part in match[1].split() if not part.endswith("/0")), Fraction())
        building = Fraction(int(match[2]) * 12 + int(match[3] or 0))
        return Scale(match[0].strip(), float(building / paper), source) if paper and building else None
    if (match := METRIC.search(text)) and (has_label or is_unannounced_scale(text, match)):
        size = PAPER.match(text, match.end())
        return Scale(match[0].strip(), float(match[1]), source, size[1].upper() if size else None)
    if has_label and (match := NOT_TO_SCALE.search(text)):
        return Scale(match[0].strip(), None, source)
    return None


def is_unannounced_scale(text: str, match: re.Match[str]) -> bool:
    """Whether a ratio without a label is a scale, not a slope or a mixture."""
    return ":" in match[0] and float(match[1]) >= MIN_UNANNOUNCED_RATIO and not SLOPE.search(text)


def lines_by_nearness(words: Sequence[Word]) -> Iterator[str]:
    """Lines of text, those nearest to the lower right corner first. A label and the line just under it are
    one line, before the lines as they stand.
    """
    upright, frame = rotate_upright(words, None)
    lines = group_lines(upright)
    lines.sort(key=lambda line: corner_distance(frame, line[0].x, line[0].y))
    for line in lines:
        below = next((other for other in lines if other is not line and is_below(line, other)), None)
        text = " ".join(word.text for word in line).translate(DASHES)
        if below and len(line) <= 3 and not any(sign.isdigit() for sign in text):
            yield f"{text} {' '.join(word.text for word in below)}".translate(DASHES)
        yield text


def is_below(line: Sequence[Word], other: Sequence[Word]) -> bool:
    """Whether a line begins just under another one."""
    size = max(line[0].text_height, other[0].text_height)
    gap = other[0].y - (line[0].y + line[0].height)
    return -0.3 * size < gap < 1.5 * size and abs(other[0].x - line[0].x) < 3 * size
