"""Citations: which part of an answer rests on which passage. Offsets count code points."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.bm25 import terms
from core.ports import Passage, Quotation
from core.sentence_segmentation import Span, sentences, strip_span
from pipelines.chat.agreement import facts
from pipelines.chat.grounding import MIN_SUPPORT, source_support, statement_text
from pipelines.chat.markers import MarkedStatement, Marker, find_markers, marked_statements, replace_spans
from pipelines.chat.refusals import says_nothing

MAX_SNIPPET_LENGTH = 600
"""Characters."""

MIN_REFUSAL_SUPPORT = 0.8
"""Minimum support of sentences such as `The lease does not mention pets`, which sources rarely say."""

Similarities = Mapping[str, Sequence[float]]
"""By the text of a statement, its similarity to each passage."""


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
    """An answer's text and citations in order, and the source numbers in it that match no passage.

    In the text each citation is marked by its `inline_number`, as in `[1]`, and there is no other marker.
    """

    text: str
    citations: tuple[Citation, ...]
    missing: tuple[int, ...] = ()
    dropped: int = 0
    """Citations that were dropped because their source does not support them."""


def align_quotations(text: str, quotations: Sequence[Quotation], passages: Sequence[Passage]) -> Alignment:
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
    return Alignment(text, tuple(cited))


def align_markers(
    answer: str, passages: Sequence[Passage], similarities: Similarities | None = None
) -> Alignment:
    """The citations of an answer that names its sources by markers such as `[Source 2]`, each checked.

    A marker belongs to the sentence that it ends, follows or, at the beginning of a line, precedes. A
    citation is dropped if its source contradicts the sentence or supports it too little. The snippet is the
    passage's sentence with the largest share of the sentence's words; the confidence is the support, from 0
    to 1.
    """
    markers = find_markers(answer, len(passages))
    statements = marked_statements(answer, markers)
    texts = _texts(answer, markers, statements)
    missing = [source for marker in markers for source in marker.sources if not 1 <= source <= len(passages)]
    supported = [
        supported_sources(
            text,
            [source for source in statement.sources if source not in missing],
            passages,
            similarities or {},
        )
        for text, statement in zip(texts, statements, strict=True)
    ]
    numbers: dict[int, int] = {}
    for sources in supported:
        for source in sources:
            numbers.setdefault(source, len(numbers) + 1)
    text, spans = _renumber(answer, markers, statements, supported, numbers)
    cited = []
    for span, statement, sources in zip(spans, texts, supported, strict=True):
        for source, support in sources.items():
            snippet, _ = best_match(statement, passages[source - 1].text)
            cited.append(
                _citation(span, source, numbers[source], passages[source - 1], snippet, round(support, 4))
            )
    checked = sum(
        len([source for source in statement.sources if source not in missing]) for statement in statements
    )
    return Alignment(text, tuple(cited), tuple(dict.fromkeys(missing)), checked - len(cited))


def cited_texts(answer: str, source_count: int) -> list[str]:
    """The distinct texts of the statements that an answer cites sources for."""
    markers = find_markers(answer, source_count)
    return list(dict.fromkeys(_texts(answer, markers, marked_statements(answer, markers))))


def supported_sources(
    statement: str, sources: Sequence[int], passages: Sequence[Passage], similarities: Similarities
) -> dict[int, float]:
    """The support of a statement by each of its sources that supports it.

    If none does alone, several may together: those that each have a number or name that the others lack.
    """
    similar = similarities.get(statement)
    alone = {
        source: source_support(statement, passages[source - 1], similar[source - 1] if similar else None)
        for source in sources
    }
    least = MIN_REFUSAL_SUPPORT if says_nothing(statement) else MIN_SUPPORT
    found = {source: support for source, support in alone.items() if support >= least}
    if found or len(sources) < 2:
        return found
    together = [passages[source - 1].text for source in sources]
    stated = [facts(statement) & facts(text) for text in together]
    needed = [
        source
        for index, source in enumerate(sources)
        if stated[index] - frozenset[str]().union(*stated[:index], *stated[index + 1 :])
    ]
    if len(needed) < 2:
        return {}
    joined = replace(
        passages[needed[0] - 1], text="\n\n".join(passages[source - 1].text for source in needed)
    )
    similarity = max((similar[source - 1] for source in needed), default=None) if similar else None
    support = source_support(statement, joined, similarity)
    return dict.fromkeys(needed, support) if support >= least else {}


def _texts(answer: str, markers: Sequence[Marker], statements: Sequence[MarkedStatement]) -> list[str]:
    """The texts of the statements, without the markers in them."""
    unmarked = replace_spans(answer, [(marker.start, marker.end) for marker in markers], " ")
    return [statement_text(unmarked, statement.span) for statement in statements]


def _renumber(
    answer: str,
    markers: Sequence[Marker],
    statements: Sequence[MarkedStatement],
    supported: Sequence[Mapping[int, float]],
    numbers: Mapping[int, int],
) -> tuple[str, list[Span]]:
    """The answer with the numbers of supported sources as its markers, and the spans of its statements."""
    written: dict[int, str] = {}
    for statement, sources in zip(statements, supported, strict=True):
        marked: set[int] = set()
        for index in statement.markers:
            kept = [source for source in markers[index].sources if source in sources and source not in marked]
            marked.update(kept)
            written[index] = "".join(f"[{numbers[source]}]" for source in kept)
    parts: list[str] = []
    starts: list[tuple[int, int]] = [(0, 0)]
    position, length, line = 0, 0, ""
    for index, marker in enumerate(markers):
        before = answer[position : marker.start]
        line = (line + before).rpartition("\n")[2]
        replacement, position = _replacement(answer, line, marker, written.get(index, ""))
        parts += [before, replacement]
        line += replacement
        length += len(before) + len(replacement)
        starts.append((position, length - position))
    text = "".join(parts) + answer[position:]

    def moved(offset: int) -> int:
        return offset + starts[bisect_right(starts, (offset, len(answer) * 2)) - 1][1]

    return text, [
        (moved(start), moved(end - 1) + 1) for start, end in (statement.span for statement in statements)
    ]


def _replacement(answer: str, line: str, marker: Marker, numbers: str) -> tuple[str, int]:
    """What is written for a marker after the line so far, and where the answer continues after it."""
    if numbers or line.strip():
        blank = " " if numbers and answer[marker.start] in " \t" else ""
        # `[1](…` and `[1]:` would be links.
        space = " " if line.endswith("]") or numbers else ""
        return blank + numbers + (
            space if answer[marker.end : marker.end + 1] in ("(", ":") else ""
        ), marker.end
    end = marker.end
    while answer[end : end + 1] in (" ", "\t"):
        end += 1
    return "", end


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
