"""The embedded answerer: it quotes the sentences that answer best, and makes up nothing."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.ports import (
    EXTRACTIVE,
    AnswerEnd,
    ChatEvent,
    ChatRequest,
    Embed,
    Passage,
    Quotation,
    Stance,
    TextDelta,
)
from core.sentence_segmentation import sentences, strip_span
from providers.chat import lexical_matching

NOTHING_FOUND = "I found nothing in the documents that answers this."

LEAST = 0.42
"""The score from which a sentence is an answer."""
AGREED = 0.1
"""What a sentence gains that all proposals of others hold."""


@dataclass(frozen=True)
class AnswerStyle:
    """How passages are read: what counts of a sentence, the weights together 1, and when it is quoted.

    `meaning` is the sentence's likeness to the question, `words` the share of the question's words in it,
    `nearby` the same with the sentence before it, `kind` whether it holds the kind of thing asked for,
    `passage` its passage's likeness. `second` is the share of the best sentence's score from which another is
    quoted too; `apart` wants that one from another passage.
    """

    meaning: float = 0.4
    words: float = 0.2
    nearby: float = 0.2
    kind: float = 0.1
    passage: float = 0.1
    least: float = LEAST
    second: float = 0.6
    most: int = 2
    apart: bool = False


DEFAULT_STYLE = AnswerStyle()
STANCES = {
    Stance.ANALYTICAL: DEFAULT_STYLE,
    Stance.CREATIVE: AnswerStyle(meaning=0.6, words=0.1, nearby=0.1, least=0.36, second=0.5, apart=True),
    Stance.CRITICAL: AnswerStyle(meaning=0.2, words=0.4, kind=0.2, passage=0.0, least=0.5, most=1),
}
"""In a council: by words and meaning alike; by meaning first, from several places; by the very words, or not
at all.
"""
MOST_EMBEDDED = 8
"""Sentences whose meaning is compared, the best ones by their words: the rest hardly ever win."""
LONGEST_QUOTE = 1_000
"""Characters."""


@dataclass(frozen=True)
class Candidate:
    """A sentence of a passage (`source` counts them from 1), from `start` to `end` in the passage's text."""

    source: int
    start: int
    end: int
    text: str
    score: float


class ExtractiveAnswerer:
    """Quotes at most two sentences of the request's passages, or says that none answers the question.

    No language model is asked: history, instructions and temperature change nothing, and what a document
    says is never obeyed. A stance reads by weights of its own, and what proposals quote counts more.
    """

    model = EXTRACTIVE

    def __init__(self, embed: Embed, *, least: float = LEAST) -> None:
        self._embed, self._least = embed, least

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Each quotation follows its text. The tokens counted are 0: none are bought."""
        length = 0
        reading = STANCES[request.stance] if request.stance else replace(DEFAULT_STYLE, least=self._least)
        quotes = chosen(await self.ranked(request, reading), reading)
        for quote in quotes:
            if length:
                yield TextDelta("\n\n")
                length += 2
            yield TextDelta(quote.text)
            yield Quotation(
                start=length,
                end=length + len(quote.text),
                source=quote.source,
                source_start=quote.start,
                source_end=quote.end,
                confidence=round(min(1.0, max(0.0, quote.score)), 4),
            )
            length += len(quote.text)
        if not quotes:
            yield TextDelta(NOTHING_FOUND)
        yield AnswerEnd(self.model, 0, 0, found=bool(quotes))

    async def ranked(self, request: ChatRequest, reading: AnswerStyle = DEFAULT_STYLE) -> list[Candidate]:
        """The passages' likeliest sentences, best first, each place of a source once."""
        candidates = by_words(request.question, request.passages, reading)[:MOST_EMBEDDED]
        if not candidates:
            return []
        (question_vector,) = await self._embed([request.question], "query")
        meant = await self._embed([each.text for each in candidates], "passage")
        scored = [
            replace(
                each,
                score=each.score
                + reading.meaning * dot(question_vector, vector)
                + agreement(each, request.proposals),
            )
            for each, vector in zip(candidates, meant, strict=True)
        ]
        return sorted(scored, key=lambda each: -each.score)


def chosen(ranked: Sequence[Candidate], reading: AnswerStyle) -> list[Candidate]:
    """Those that are quoted, the best first; none where even the best is too weak."""
    if not ranked or ranked[0].score < reading.least:
        return []
    best, *others = ranked
    further = [
        each
        for each in others
        if each.score >= reading.second * best.score and not (reading.apart and each.source == best.source)
    ]
    return [best, *further][: reading.most]


def agreement(candidate: Candidate, proposals: Sequence[str]) -> float:
    """What a sentence gains by the proposals that hold it."""
    holding = sum(candidate.text in proposal for proposal in proposals)
    return AGREED * holding / len(proposals) if proposals else 0.0


def by_words(
    question: str, passages: Sequence[Passage], reading: AnswerStyle = DEFAULT_STYLE
) -> list[Candidate]:
    """Every sentence of the passages with its score without its meaning, best first."""
    question_stems = lexical_matching.stems(question)
    places = [_sentences(source, passage) for source, passage in enumerate(passages, 1)]
    stems = [[lexical_matching.stems(each.text) for each in passage] for passage in places]
    rarities = lexical_matching.word_rarities(
        question_stems, [words for passage in stems for words in passage]
    )
    found: dict[tuple[UUID | None, str, int | None, int], Candidate] = {}
    for passage, own, words in zip(passages, places, stems, strict=True):
        named = name_stems(passage)
        telling = {word: weight for word, weight in rarities.items() if word not in named}
        for index, each in enumerate(own):
            near = words[index] | named | (words[index - 1] if index else set())
            score = (
                reading.words * lexical_matching.coverage(telling, words[index])
                + reading.nearby * lexical_matching.coverage(rarities, near)
                + reading.kind * lexical_matching.matches_question_kind(question, each.text)
                + reading.passage * passage.similarity
            )
            place = passage.document_id, passage.source, passage.page, passage.start + each.start
            if place not in found or found[place].score < score:
                found[place] = Candidate(each.source, each.start, each.end, each.text, score)
    return sorted(found.values(), key=lambda each: -each.score)


def name_stems(passage: Passage) -> set[str]:
    """What the sentences of a compared sheet leave out, that it is one, and its name; documents tell all."""
    return lexical_matching.stems(f"sheet {passage.source}") if passage.document_id is None else set()


def _sentences(source: int, passage: Passage) -> list[Candidate]:
    spans = [
        strip_span(passage.text, start, min(end, start + LONGEST_QUOTE))
        for start, end in sentences(passage.text)
    ]
    return [Candidate(source, start, end, passage.text[start:end], 0.0) for start, end in spans]


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))
