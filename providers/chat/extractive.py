"""Extractive answers: quotes the sentences of the passages that best answer the question."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
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
from core.stemming import stems
from providers.chat import evidence, lexical_matching
from providers.chat.question_kinds import holds_kind, question_kind

NOTHING_FOUND = "I found nothing in the documents that answers this."

MIN_SCORE = 0.42
"""Minimum score of a quoted sentence."""
MIN_PROBABILITY = 0.22
"""Minimum probability that one of the two best sentences answers the question."""
AGREEMENT_BONUS = 0.1
"""Bonus of a sentence that all council proposals contain."""


@dataclass(frozen=True)
class AnswerStyle:
    """Weights (of sum 1) and thresholds by which sentences are scored and quoted.

    `meaning` weights the semantic similarity of the sentence, `words` its share of the question's words,
    `nearby` that share with the previous sentence included, `kind` whether it contains what the question asks
    for (such as a number), and `passage` the similarity of its passage. Further sentences are quoted from
    `min_relative_score` of the best score, with `distinct_passages` only from other passages.
    """

    meaning: float = 0.4
    words: float = 0.2
    nearby: float = 0.2
    kind: float = 0.1
    passage: float = 0.1
    min_score: float = MIN_SCORE
    min_probability: float = MIN_PROBABILITY
    min_relative_score: float = 0.6
    max_quotes: int = 2
    distinct_passages: bool = False


DEFAULT_STYLE = AnswerStyle()
STANCES = {
    Stance.ANALYTICAL: DEFAULT_STYLE,
    Stance.CREATIVE: AnswerStyle(
        meaning=0.6, words=0.1, nearby=0.1, min_score=0.36, min_relative_score=0.5, distinct_passages=True
    ),
    Stance.CRITICAL: AnswerStyle(meaning=0.2, words=0.4, kind=0.2, passage=0.0, min_score=0.5, max_quotes=1),
}
"""Weights per council stance: balanced; semantic, from distinct passages; lexical and strict."""
MAX_EMBEDDED_SENTENCES = 8
"""Sentences that are embedded, chosen by lexical score; others rarely rank first."""
PART_MIN_PROBABILITY = 0.08
"""The minimum probability for each part of a question that asks of several things."""
MAX_QUOTE_LENGTH = 1_000
TOPIC_WEIGHT = 0.3
"""Weight in the score of the share of the topic's words in a sentence's passage and its source."""
TOPIC_WORD_WEIGHT = 0.4
"""Weight of a topic's words beside those of the question."""
MIN_TOPIC_FACTOR = 0.4
"""What a probability is multiplied by if nothing of the topic stands in the passage."""
NO_CONTEXT = evidence.Context(set(), set())


@dataclass(frozen=True)
class Candidate:
    """A sentence from `start` to `end` of a passage; `source` is the passage's number, from 1.

    `score` ranks it; `probability` is that it answers the question.
    """

    source: int
    start: int
    end: int
    text: str
    score: float
    words: float = 0.0
    """The share of the question's words in it."""
    nearby: float = 0.0
    """That share with the sentence before it."""
    topic: float = 1.0
    """The share of the topic's words in its passage."""
    context: evidence.Context = NO_CONTEXT
    probability: float = 0.0


class ExtractiveAnswerer:
    """Quotes at most two sentences of the request's passages, or says that none answers the question.

    There is no language model, so history, instructions and temperature have no effect, and documents cannot
    inject prompts. Each stance has its own weights, and sentences that proposals quote are preferred.
    """

    model = EXTRACTIVE

    def __init__(self, embed: Embed, *, min_score: float = MIN_SCORE) -> None:
        self._embed, self._least = embed, min_score

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Yields sentence quotation after its text. The token counts are 0."""
        length = 0
        style = STANCES[request.stance] if request.stance else replace(DEFAULT_STYLE, min_score=self._least)
        quotes = await self.quotes(request, style)
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
                confidence=round(quote.probability, 4),
            )
            length += len(quote.text)
        if not quotes:
            yield TextDelta(NOTHING_FOUND)
        yield AnswerEnd(self.model, 0, 0, found=bool(quotes))

    async def quotes(self, request: ChatRequest, style: AnswerStyle) -> list[Candidate]:
        """The sentences to quote, best first."""
        if request.parts:
            return await self._part_quotes(request, replace(style, min_probability=PART_MIN_PROBABILITY))
        return select_quotes(await self.rank(request, style), style)

    async def _part_quotes(self, request: ChatRequest, style: AnswerStyle) -> list[Candidate]:
        """The best sentences for each part of the question, numbered as the whole request's sources."""
        numbers = {passage.location: number for number, passage in enumerate(request.passages, 1)}
        found: dict[tuple[int, int], Candidate] = {}
        for part in request.parts:
            for quote in select_quotes(await self.rank(part, style), style):
                placed = replace(quote, source=numbers[part.passages[quote.source - 1].location])
                found.setdefault((placed.source, placed.start), placed)
        return list(found.values())

    async def probability(self, request: ChatRequest) -> float:
        """The probability that one of the two best sentences answers the question."""
        return best_probability(await self.rank(request))

    async def rank(self, request: ChatRequest, style: AnswerStyle = DEFAULT_STYLE) -> list[Candidate]:
        """The best sentences of the passages, best first, without duplicates."""
        read, sentences = rank_lexically(request.question, request.passages, style, topic=request.topic)
        candidates = sentences[:MAX_EMBEDDED_SENTENCES]
        if not candidates:
            return []
        questions = await self._embed([request.question, request.completed_question], "query")
        vectors = await self._embed([sentence.text for sentence in candidates], "passage")
        meanings = [fmean(dot(question, vector) for question in questions) for vector in vectors]
        scores = [
            sentence.score + style.meaning * meaning + agreement_bonus(sentence, request.proposals)
            for sentence, meaning in zip(candidates, meanings, strict=True)
        ]
        best, second = sorted([0.0, 0.0, *scores], reverse=True)[:2]
        weighed = [
            replace(
                sentence,
                score=score,
                probability=topic_factor(sentence.topic)
                * evidence.probability(
                    read,
                    sentence.text,
                    sentence.context,
                    meaning=meaning,
                    words=sentence.words,
                    nearby=sentence.nearby,
                    passage=request.passages[sentence.source - 1].similarity,
                    lead=score - (second if score == best else best),
                ),
            )
            for sentence, meaning, score in zip(candidates, meanings, scores, strict=True)
        ]
        return sorted(weighed, key=lambda sentence: -sentence.score)


def best_probability(ranked: Sequence[Candidate]) -> float:
    """The probability that one of the two best sentences answers the question; 0 without sentences."""
    return max((sentence.probability for sentence in ranked[:2]), default=0.0)


def select_quotes(ranked: Sequence[Candidate], style: AnswerStyle) -> list[Candidate]:
    """The sentences to quote, best first; empty if the best is below the minimum score or probability."""
    if not ranked or ranked[0].score < style.min_score:
        return []
    if best_probability(ranked) < style.min_probability:
        return []
    best, *others = ranked
    others_quoted = [
        sentence
        for sentence in others
        if sentence.score >= style.min_relative_score * best.score
        and not (style.distinct_passages and sentence.source == best.source)
    ]
    return [best, *others_quoted][: style.max_quotes]


def topic_factor(share: float) -> float:
    """What the probability of a sentence is multiplied by whose passage has a share of the topic's words."""
    return MIN_TOPIC_FACTOR + (1 - MIN_TOPIC_FACTOR) * share


def agreement_bonus(candidate: Candidate, proposals: Sequence[str]) -> float:
    """The bonus of a sentence for the proposals that contain it."""
    holding = sum(candidate.text in proposal for proposal in proposals)
    return AGREEMENT_BONUS * holding / len(proposals) if proposals else 0.0


def rank_lexically(
    question: str, passages: Sequence[Passage], style: AnswerStyle = DEFAULT_STYLE, *, topic: str = ""
) -> tuple[evidence.QuestionRead, list[Candidate]]:
    """The question as the passages tell it, and all their sentences with their lexical scores, best first."""
    question_stems, kind = stems(question), question_kind(question)
    topic_stems = stems(topic) - question_stems
    places = [_sentences(source, passage) for source, passage in enumerate(passages, 1)]
    sentence_stems = [[stems(sentence.text) for sentence in passage] for passage in places]
    everywhere = [words for passage in sentence_stems for words in passage]
    topic_rarities = lexical_matching.word_rarities(topic_stems, everywhere)
    topic_weight = TOPIC_WORD_WEIGHT if question_stems else 1.0
    rarities = lexical_matching.word_rarities(question_stems, everywhere) | {
        word: topic_weight * rarity for word, rarity in topic_rarities.items()
    }
    found: dict[tuple[UUID | None, str, int | None, int], Candidate] = {}
    for passage, spans, words in zip(passages, places, sentence_stems, strict=True):
        named = name_stems(passage)
        telling = {word: weight for word, weight in rarities.items() if word not in named}
        whole = named.union(*words)
        about = (
            lexical_matching.coverage(topic_rarities, whole | stems(passage.source)) if topic_stems else 1.0
        )
        for index, sentence in enumerate(spans):
            near = words[index] | named | (words[index - 1] if index else set())
            held = lexical_matching.coverage(telling, words[index])
            nearby = lexical_matching.coverage(rarities, near)
            score = (
                style.words * held
                + style.nearby * nearby
                + style.kind * holds_kind(kind, question, sentence.text)
                + style.passage * passage.similarity
                + (TOPIC_WEIGHT * about if topic_stems else 0.0)
            )
            place = passage.document_id, passage.source, passage.page, passage.start + sentence.start
            if place not in found or found[place].score < score:
                context = evidence.Context(near.union(*words[max(0, index - 2) : index]), whole)
                found[place] = replace(
                    sentence, score=score, words=held, nearby=nearby, topic=about, context=context
                )
    read = evidence.ask(question, rarities, [passage.text for passage in passages])
    return read, sorted(found.values(), key=lambda sentence: -sentence.score)


def name_stems(passage: Passage) -> set[str]:
    """Stems of a compared sheet's name, which its sentences omit; empty for documents."""
    return stems(f"sheet {passage.source}") if passage.document_id is None else set()


def _sentences(source: int, passage: Passage) -> list[Candidate]:
    spans = [
        strip_span(passage.text, start, min(end, start + MAX_QUOTE_LENGTH))
        for start, end in sentences(passage.text)
    ]
    return [Candidate(source, start, end, passage.text[start:end], 0.0) for start, end in spans]


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine similarity of two unit vectors."""
    return sum(a * b for a, b in zip(one, other, strict=True))
