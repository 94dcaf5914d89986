"""The embedded answerer: it quotes the sentences that answer best, and makes up nothing."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.ports import AnswerEnd, ChatEvent, ChatRequest, Embed, Passage, Quotation, TextDelta
from core.sentences import sentences, stripped
from providers.chat import wording

NOTHING_FOUND = "I found nothing in the documents that answers this."

COSINE, COVERAGE, NEIGHBOURHOOD, KIND, SIMILARITY = 0.4, 0.2, 0.2, 0.1, 0.1
"""What counts: the sentence's likeness in meaning, the share of the question's words in it, and in it and the
one before it, whether it holds the kind of thing asked for, and its passage's likeness.
"""
LEAST = 0.42
"""The score from which a sentence is an answer."""
SECOND = 0.6
"""The share of the best sentence's score from which another is quoted too."""
MOST_QUOTES = 2
MOST_EMBEDDED = 12
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
    says is never obeyed.
    """

    model = "seshat-extractive/1"

    def __init__(self, embed: Embed, *, least: float = LEAST) -> None:
        self._embed, self._least = embed, least

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Each quotation follows its text. The tokens counted are 0: none are bought."""
        length = 0
        quotes = self.chosen(await self.ranked(request.question, request.passages))
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

    def chosen(self, ranked: Sequence[Candidate]) -> list[Candidate]:
        """Those that are quoted, the best first; none where even the best is too weak."""
        if not ranked or ranked[0].score < self._least:
            return []
        return [each for each in ranked[:MOST_QUOTES] if each.score >= SECOND * ranked[0].score]

    async def ranked(self, question: str, passages: Sequence[Passage]) -> list[Candidate]:
        """The passages' likeliest sentences, best first, each place of a document once."""
        candidates = by_words(question, passages)[:MOST_EMBEDDED]
        if not candidates:
            return []
        (asked,) = await self._embed([question], "query")
        meant = await self._embed([each.text for each in candidates], "passage")
        scored = [
            Candidate(each.source, each.start, each.end, each.text, each.score + COSINE * dot(asked, vector))
            for each, vector in zip(candidates, meant, strict=True)
        ]
        return sorted(scored, key=lambda each: -each.score)


def by_words(question: str, passages: Sequence[Passage]) -> list[Candidate]:
    """Every sentence of the passages with its score without its meaning, best first."""
    asked = wording.stems(question)
    places = [_sentences(source, passage) for source, passage in enumerate(passages, 1)]
    stems = [[wording.stems(each.text) for each in passage] for passage in places]
    rarities = wording.rarity(asked, [words for passage in stems for words in passage])
    found: dict[tuple[UUID, int | None, int], Candidate] = {}
    for passage, own, words in zip(passages, places, stems, strict=True):
        for index, each in enumerate(own):
            near = words[index] | words[index - 1] if index else words[index]
            score = (
                COVERAGE * wording.coverage(rarities, words[index])
                + NEIGHBOURHOOD * wording.coverage(rarities, near)
                + KIND * wording.fits(question, each.text)
                + SIMILARITY * passage.similarity
            )
            place = passage.document_id, passage.page, passage.start + each.start
            if place not in found or found[place].score < score:
                found[place] = Candidate(each.source, each.start, each.end, each.text, score)
    return sorted(found.values(), key=lambda each: -each.score)


def _sentences(source: int, passage: Passage) -> list[Candidate]:
    spans = [
        stripped(passage.text, start, min(end, start + LONGEST_QUOTE))
        for start, end in sentences(passage.text)
    ]
    return [Candidate(source, start, end, passage.text[start:end], 0.0) for start, end in spans]


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))
