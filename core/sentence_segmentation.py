"""Where sentences begin and end: text is cut, quoted and checked by them."""

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""From the first code point to before the last."""

PARAGRAPH_BREAK = re.compile(r"\n[ \t]*\n\s*")

SENTENCE_END = re.compile(
    r"""(?: [.!?\u2026]+ ["'\u201d\u2019\u00bb)\]]* (?=\s)
          | [\u3002\uff01\uff1f\u061f\u06d4\u0964]+ ["'\u201d\u2019\u00bb\u300d\u300f)\]]*
          | \n )\s*""",
    re.VERBOSE,
)
"""Where a sentence may end: at a full stop before white space, at those of other scripts, at a line's end."""

ABBREVIATIONS = re.compile(
    r"\b(?:mrs?|ms|dr|prof|st|vs|e\.g|i\.e|cf|ca|approx|gen|col|capt|lt|sgt|rev|hon|messrs)$", re.IGNORECASE
)
"""What ends in a full stop that ends no sentence."""
NUMBER_ABBREVIATIONS = re.compile(
    r"\b(?:nos?|vol|pp?|figs?|sec|ch|art|para|eq|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)$",
    re.IGNORECASE,
)
"""The same, where a number follows."""
INITIAL = re.compile(r"(?<![\w.])[^\W\d_]$")

LIST_ITEM = re.compile(r"\s*(?:[-*\u2022\u2013+]|\d{1,3}[.)]|#{1,6})\s")
MAX_FRAGMENT_LENGTH = 40
"""Characters: a line shorter than this that ends openly stands alone; a longer one is wrapped prose."""
MAX_ABBREVIATION_LENGTH = 12


def sentences(text: str) -> list[Span]:
    """The sentences of a text without the white space around them; together they hold all of its words."""
    spans: list[Span] = []
    start = 0
    for gap in PARAGRAPH_BREAK.finditer(text):
        spans += _paragraph_sentences(text, start, gap.start())
        start = gap.end()
    spans += _paragraph_sentences(text, start, len(text))
    return [span for span in spans if span[0] < span[1]]


def _paragraph_sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences of one paragraph."""
    first = start
    for match in SENTENCE_END.finditer(text, start, end):
        if match.end() < end and _is_sentence_end(text, first, match):
            yield strip_span(text, first, match.end())
            first = match.end()
    yield strip_span(text, first, end)


def _is_sentence_end(text: str, first: int, match: re.Match[str]) -> bool:
    """Whether what may be the end of the sentence that began at `first` is one; something follows it."""
    after = text[match.end()]
    mark = match.group()[0]
    if mark == "\n":
        opening = max(text.rfind("\n", first, match.start()) + 1, first)
        line = text[opening : match.start()]
        listed = LIST_ITEM.match(line) or LIST_ITEM.match(text, match.end())
        return bool(listed) or len(line.strip()) < MAX_FRAGMENT_LENGTH
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
    """The span without the white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
