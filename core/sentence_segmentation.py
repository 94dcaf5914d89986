"""Sentence segmentation of text in many scripts."""

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""Start (inclusive) and end (exclusive), in code points."""

PARAGRAPH_BREAK = re.compile(r"\n[ \t]*\n\s*")

SENTENCE_END = re.compile(
    r"""(?: [.!?\u2026]+ ["'\u201d\u2019\u00bb)\]]* (?=\s)
          | [\u3002\uff01\uff1f\u061f\u06d4\u0964]+ ["'\u201d\u2019\u00bb\u300d\u300f)\]]*
          | \n )\s*""",
    re.VERBOSE,
)
"""Candidates for the end of a sentence: a full stop before white space or of another script, a line break."""

ABBREVIATIONS = re.compile(
    r"\b(?:mrs?|ms|dr|prof|st|vs|e\.g|i\.e|cf|ca|approx|gen|col|capt|lt|sgt|rev|hon|messrs)$", re.IGNORECASE
)
"""Abbreviations whose full stop does not end a sentence."""
NUMBER_ABBREVIATIONS = re.compile(
    r"\b(?:nos?|vol|pp?|figs?|sec|ch|art|para|eq|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)$",
    re.IGNORECASE,
)
"""Abbreviations whose full stop does not end a sentence if a number follows."""
INITIAL = re.compile(r"(?<![\w.])[^\W\d_]$")

LIST_ITEM = re.compile(r"\s*(?:[-*\u2022\u2013+]|\d{1,3}[.)]|#{1,6})\s")
MAX_FRAGMENT_LENGTH = 40
"""Lines shorter than this, in characters, are sentences of their own; longer lines are wrapped prose."""
MAX_ABBREVIATION_LENGTH = 12


def sentences(text: str) -> list[Span]:
    """The spans of all sentences, without surrounding white space."""
    spans: list[Span] = []
    start = 0
    for gap in PARAGRAPH_BREAK.finditer(text):
        spans += _paragraph_sentences(text, start, gap.start())
        start = gap.end()
    spans += _paragraph_sentences(text, start, len(text))
    return [span for span in spans if span[0] < span[1]]


def _paragraph_sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences of a paragraph."""
    first = start
    for match in SENTENCE_END.finditer(text, start, end):
        if match.end() < end and _is_sentence_end(text, first, match):
            yield strip_span(text, first, match.end())
            first = match.end()
    yield strip_span(text, first, end)


def _is_sentence_end(text: str, first: int, match: re.Match[str]) -> bool:
    """Whether the match, after which text follows, ends the sentence that starts at `first`."""
    after = text[match.end()]
    mark = match.group()[0]
    if mark == "\n":
        line_start = max(text.rfind("\n", first, match.start()) + 1, first)
        line = text[line_start : match.start()]
        list_item = LIST_ITEM.match(line) or LIST_ITEM.match(text, match.end())
        return bool(list_item) or len(line.strip()) < MAX_FRAGMENT_LENGTH
    if mark == ".":
        before = text[max(first, match.start() - MAX_ABBREVIATION_LENGTH) : match.start()]
        if (
            ABBREVIATIONS.search(before)
            or INITIAL.search(before)
            or (after.isdigit() and NUMBER_ABBREVIATIONS.search(before))
        ):
            return False
    return not after.islower()


def strip_span(text: str, start: int, end: int) -> Span:
    """The span without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
