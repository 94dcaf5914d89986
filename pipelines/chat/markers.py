"""Citation markers: where a model's text names its sources, in the styles that models write."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from core.bm25 import TERM
from core.sentence_segmentation import Span, sentences

NUMBER = r"[-\u2212]?\d{1,60}"
SOURCE = r"(?:sources?|quellen?)\s*[#]?\s*"
SEPARATOR = rf"\s*(?:[,;&]|and|und)\s*(?:{SOURCE})?\^?"
NUMBERS = rf"{NUMBER}(?:\s*(?:[-\u2013\u2014]|to)\s*\d{{1,60}}|{SEPARATOR}{NUMBER})*"
SUFFIX = (
    r"(?:\s*[,:]\s*(?:pages?|pp?\.|seiten?|s\.)\s*\d+(?:\s*[-\u2013]\s*\d+)?|\u2020[^\]\u3011)\n]{0,80})?"
)
MARKER = re.compile(
    rf"""[ \t]*(?:
        [\[\u3010(]\s*{SOURCE}(?P<worded>{NUMBERS}){SUFFIX}\s*[\]\u3011)]
      | [\[\u3010]\s*\^?(?P<bracketed>{NUMBERS}){SUFFIX}\s*[\]\u3011]
      | \((?P<parenthesized>{NUMBERS})\) )""",
    re.VERBOSE | re.IGNORECASE,
)
"""`[Source 1]`, `[Sources 1-3]`, `[Source 1; Source 2]`, `[1]`, `[^1]`, `(1)`, and variants."""
RANGE = re.compile(
    rf"(?P<first>{NUMBER})(?:\s*(?:[-\u2013\u2014]|to)\s*(?P<last>\d{{1,60}}))?", re.IGNORECASE
)
MAX_MARKER_NUMBER = 99
"""A number in brackets above this is no marker, unless it is a source: `[2019]` is a year."""
MAX_RANGE_LENGTH = 100

CROSS_REFERENCE = re.compile(
    r"(?:\b(?:sections?|clauses?|articles?|paragraphs?|items?|steps?|figures?|tables?|notes?|nos?|options?|phases?|"
    r"levels?|pages?|chapters?|parts?|equations?|one|two|three|four|five|six|seven|eight|nine|ten)\.?|\d|§)\s*$",
    re.IGNORECASE,
)
"""Before a number in parentheses that refers to something else, or repeats a number word."""
LIST_MARKER = re.compile(r"\s*(?:[-*\u2022\u2013+](?!\S)|\d{1,3}[.)](?!\S)|#{1,6}(?!\S))?\s*")
SENTENCE_MARKS = '.!?\u2026\u3002\uff01\uff1f"\u201d\u00bb'
CLAUSE_BREAK = re.compile(
    r"\s*(?:[.,;:!?()\u2026\u2013\u2014*_\"-]|(?:and|but|while|whereas|or|und|aber|et|mais|y)\b)",
    re.IGNORECASE,
)
MARKER_END = re.compile(r"[\s.,;:!?*_\"'\u201d\u2019\u00bb]*")


@dataclass(frozen=True)
class Marker:
    """A marker from `start` to `end`, with the blanks before it, and the numbers of its sources."""

    start: int
    end: int
    sources: tuple[int, ...]


@dataclass(frozen=True)
class MarkedStatement:
    """A statement, its sources, and its markers as indices of the text's markers."""

    span: Span
    sources: tuple[int, ...]
    markers: tuple[int, ...]


def find_markers(text: str, source_count: int) -> list[Marker]:
    """The markers of a text that has `source_count` sources. Their numbers may name no source.

    A number in parentheses is a marker if it is a source and stands at the end of a sentence or line, as
    years and list items look the same.
    """
    found: list[Marker] = []
    for match in MARKER.finditer(text):
        sources = _sources(match[match.lastgroup or 0])
        if match["bracketed"] and max(sources) > max(MAX_MARKER_NUMBER, source_count):
            continue
        if match["parenthesized"] and not (
            all(1 <= source <= source_count for source in sources) and _ends_statement(text, match)
        ):
            continue
        found.append(Marker(match.start(), match.end(), sources))
    return found


def marked_statements(text: str, markers: list[Marker]) -> list[MarkedStatement]:
    """The statements that carry markers, without the markers.

    A marker belongs to the sentence that it ends or follows. If a line begins with a marker and does not end
    with one, its markers belong to the sentences that follow them.
    """
    marked: dict[Span, tuple[list[int], list[int]]] = {}
    last: Span | None = None
    position = 0
    for line_end, line in groupby(enumerate(markers), key=lambda item: _line_end(text, item[1].end)):
        on_line = list(line)
        preceding = _preceding_markers(text, [marker for _, marker in on_line], line_end)
        ends = [*(marker.start for _, marker in on_line[1:]), line_end]
        gaps = [(marker.end, end) for (_, marker), end in zip(on_line, ends, strict=True)]
        for place, (index, marker) in enumerate(on_line):
            before = _statements(text, position, marker.start)
            position = marker.end
            if place < preceding:
                following = (_statements(text, *gap) for gap in gaps[place:])
                last = next((after[0] for after in following if after), last)
            elif before:
                last = before[-1][0], _clause_end(text, before[-1][1], gaps[place:])
            if last is not None:
                sources, indices = marked.setdefault(last, ([], []))
                sources += marker.sources
                indices.append(index)
    return [
        MarkedStatement(span, tuple(dict.fromkeys(sources)), tuple(indices))
        for span, (sources, indices) in sorted(marked.items())
    ]


def strip_markers(text: str, source_count: int = 0) -> str:
    """The text without its markers."""
    return replace_spans(text, [(marker.start, marker.end) for marker in find_markers(text, source_count)])


def blank_markers(text: str, source_count: int) -> str:
    """The text with blanks in place of its markers, so that offsets remain."""
    spans = [(marker.start, marker.end) for marker in find_markers(text, source_count)]
    return replace_spans(text, spans, " ")


def replace_spans(text: str, spans: list[Span], fill: str = "") -> str:
    """The text with each character of the spans replaced."""
    parts, position = [], 0
    for start, end in spans:
        parts += [text[position:start], fill * (end - start)]
        position = end
    return "".join(parts) + text[position:]


def _sources(numbers: str) -> tuple[int, ...]:
    """The numbers of a marker, with its ranges written out."""
    found: list[int] = []
    for match in RANGE.finditer(numbers):
        first, last = int(match["first"].replace("\u2212", "-")), int(match["last"] or 0)
        if match["last"] and first < last <= first + MAX_RANGE_LENGTH:
            found += range(first, last + 1)
        else:
            found += [first, last] if match["last"] else [first]
    return tuple(dict.fromkeys(found))


def _ends_statement(text: str, match: re.Match[str]) -> bool:
    """Whether a number in parentheses ends a sentence or a line, and follows words that do not count."""
    line_start, line_end = text.rfind("\n", 0, match.start()) + 1, _line_end(text, match.end())
    before, after = text[line_start : match.start()], text[match.end() : line_end]
    if not TERM.search(before) or CROSS_REFERENCE.search(before) or before.rstrip()[-1:] in (":", ",", ";"):
        return False
    if MARKER_END.fullmatch(after) or after[:1] in (".", ",", ";", "!", "?"):
        return True
    if MARKER.match(after):
        return True
    ends_line = re.search(r"\(\d{1,3}\)[\s.*_]*$", after)
    return bool(ends_line) and before.rstrip()[-1:] in (".", "!", "?")


def _preceding_markers(text: str, on_line: list[Marker], line_end: int) -> int:
    """How many of a line's markers, from the first, stand before their statements."""
    first, last = on_line[0], on_line[-1]
    line_start = text.rfind("\n", 0, first.start) + 1
    if not LIST_MARKER.fullmatch(text, line_start, first.start) or not _has_words(text, first.end, line_end):
        return 0
    if not MARKER_END.fullmatch(text, last.end, line_end):
        return len(on_line)
    # The line also ends with a marker: only what begins it precedes its statement.
    return next(place for place, other in enumerate(on_line) if _has_words(text, first.end, other.start))


def _clause_end(text: str, end: int, gaps: list[Span]) -> int:
    """The end of the clause that goes on after the markers at its `end`, as in `The rent [1] is 90 euros.`"""
    gap = next((gap for gap in gaps if _has_words(text, *gap)), None)
    if gap is None or text[end - 1] in SENTENCE_MARKS or CLAUSE_BREAK.match(text, *gap):
        return end
    following = _statements(text, *gap)
    return following[0][1] if following else end


def _statements(text: str, start: int, end: int) -> list[Span]:
    spans: Iterator[Span] = ((start + first, start + last) for first, last in sentences(text[start:end]))
    return [span for span in spans if _has_words(text, *span)]


def _has_words(text: str, start: int, end: int) -> bool:
    return TERM.search(text, start, end) is not None


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
