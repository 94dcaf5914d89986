"""Citations: which part of an answer rests on which passage. Offsets count code points."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.bm25 import TERM, terms
from core.ports import Passage, Quotation
from core.sentence_segmentation import Span, sentences, strip_span

MARKER = re.compile(
    r"[ \t]*[\[\u3010(]\s*sources?\s*#?\s*\d+(?:\s*(?:,|;|&|and)\s*(?:sources?\s*#?\s*)?\d+)*\s*[\]\u3011)]",
    re.IGNORECASE,
)
"""`[Source 1]`, `[Sources 1, 3]`, `[Source 1; Source 2]`, and variants that models write."""
NUMBER = re.compile(r"\d+")
MAX_SNIPPET_LENGTH = 600
"""Characters."""


@dataclass(frozen=True)
class Citation:
    """One statement of an answer and its source.

    `text_start` and `text_end` are offsets in the answer; `snippet` is the page's text from `page_start` to
    `page_end`. `source_index` counts the passages from 1, `inline_number` the sources in their order in the
    answer.
    """

    text_start: int
    text_end: int
    source_index: int
    inline_number: int
    document_id: UUID | None
    source: str
    page: int | None
    page_start: int
    page_end: int
    snippet: str
    confidence: float


@dataclass(frozen=True)
class Alignment:
    """An answer's citations in order, and the source numbers in it that match no passage."""

    citations: tuple[Citation, ...]
    missing: tuple[int, ...] = ()


def align_quotations(quotations: Sequence[Quotation], passages: Sequence[Passage]) -> Alignment:
    """The citations of an answer whose model returns quotations."""
    numbers: dict[int, int] = {}
    cited = [
        _citation(
            (quotation.start, quotation.end),
            quotation.source,
            numbers.setdefault(quotation.source, len(numbers) + 1),
            passages[quotation.source - 1],
            (quotation.source_start, quotation.source_end),
            quotation.confidence,
        )
        for quotation in sorted(quotations, key=lambda quotation: quotation.start)
    ]
    return Alignment(tuple(cited))


def align_markers(answer: str, passages: Sequence[Passage]) -> Alignment:
    """The citations of an answer that names its sources by markers such as `[Source 2]`.

    A marker belongs to the sentence that it ends or follows. The snippet is the passage's sentence with the
    largest share of that sentence's words; the confidence is the share, from 0 to 1.
    """
    numbers: dict[int, int] = {}
    cited, missing = [], []
    for statement, sources in marked_statements(answer):
        for source in sources:
            if not 1 <= source <= len(passages):
                missing.append(source)
                continue
            passage = passages[source - 1]
            snippet, share = best_match(answer[slice(*statement)], passage.text)
            number = numbers.setdefault(source, len(numbers) + 1)
            cited.append(_citation(statement, source, number, passage, snippet, share))
    return Alignment(tuple(cited), tuple(dict.fromkeys(missing)))


def marked_statements(answer: str) -> list[tuple[Span, tuple[int, ...]]]:
    """The statements of an answer that carry markers, without the markers, and their source numbers."""
    marked: list[tuple[Span, tuple[int, ...]]] = []
    start = 0
    for marker in MARKER.finditer(answer):
        sources = tuple(dict.fromkeys(int(number) for number in NUMBER.findall(marker.group())))
        spans = [
            (start + first, start + last)
            for first, last in sentences(answer[start : marker.start()])
            if TERM.search(answer, start + first, start + last)
        ]
        if spans:
            marked.append((spans[-1], sources))
        elif marked:
            span, previous = marked[-1]
            marked[-1] = span, tuple(dict.fromkeys((*previous, *sources)))
        start = marker.end()
    return marked


def strip_markers(answer: str) -> str:
    """The answer without its markers."""
    return MARKER.sub("", answer)


def best_match(statement: str, text: str) -> tuple[Span, float]:
    """The sentence of a text that shares most words with a statement, and that share."""
    words = terms(statement)
    spans = sentences(text) or [(0, 0)]
    shares = [_word_overlap(words, text[slice(*span)]) for span in spans]
    best = max(range(len(spans)), key=shares.__getitem__)
    start, end = spans[best]
    return strip_span(text, start, min(end, start + MAX_SNIPPET_LENGTH)), round(shares[best], 4)


def _word_overlap(words: set[str], sentence: str) -> float:
    return len(words & terms(sentence)) / len(words) if words else 0.0


def _citation(
    statement: Span, source: int, number: int, passage: Passage, snippet: Span, confidence: float
) -> Citation:
    start, end = snippet
    return Citation(
        text_start=statement[0],
        text_end=statement[1],
        source_index=source,
        inline_number=number,
        document_id=passage.document_id,
        source=passage.source,
        page=passage.page,
        page_start=passage.start + start,
        page_end=passage.start + end,
        snippet=passage.text[start:end],
        confidence=confidence,
    )
