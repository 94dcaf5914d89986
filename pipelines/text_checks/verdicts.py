"""Verdicts on the sentences of a text: what passages of documents say of each."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.ports import Embed, Passage
from core.sentence_segmentation import Span
from db.models import SentenceVerdict
from pipelines.chat.agreement import normalize
from pipelines.chat.grounding import passage_spans, statement_text
from pipelines.text_checks.claims import Claim, claim, content_words
from pipelines.text_checks.comparison import Comparison, Context, Difference, compare

CONTEXT_SENTENCES = 2
"""Sentences before a sentence that can say what it is about."""
MAX_CANDIDATES = 8
"""Sentences whose similarity to the claim is computed."""
LEXICAL_WEIGHT, SEMANTIC_WEIGHT = 0.6, 0.4
"""Weights of the share of common words and of the similarity in a score."""
MIN_SUPPORT = 0.72
MIN_CONTRADICTION = 0.715
"""Lower scores are no verdict, but doubt."""
MIN_MATCHED = 1.7
"""Words, names and quantities that a sentence must share with the claim that it contradicts."""
FURTHER_DIFFERENCE = 0.08
"""What each difference after the first takes from a score: much that differs is about something else."""
MIN_NEAREST = 0.25
"""Score of a sentence that is worth showing as the nearest one."""
SUPPORT_ADVANTAGE = 0.1
"""A claim is supported although the score of a contradiction is higher by no more than this."""
SCORE_AT_EVEN_ODDS, STEEPNESS = 0.66, 10.0
"""Of the logistic curve from scores to the probability that a verdict is right."""
MAX_CONFIDENCE, MAX_ABSENCE = 0.99, 0.9
"""Of a verdict, and of `NOT_FOUND`: other words for the same may not be recognized."""

UNRELATED = (
    "The invoice must be paid within thirty days.",
    "Whales are the largest mammals of the sea.",
    "The committee elected a new chairwoman.",
    "Add two spoons of sugar and stir the dough.",
    "Der Aufzug wird im Herbst gewartet.",
    "The bridge was closed after the storm.",
    "El museo abre a las diez de la ma\u00f1ana.",
    "Her brother plays the violin in an orchestra.",
)
"""Sentences that have nothing in common."""


@dataclass(frozen=True)
class SentenceFinding:
    """The verdict on a sentence, and the part of a passage that it rests on.

    `confidence` is the probability that the verdict is right, or None without one.
    """

    verdict: SentenceVerdict
    confidence: float | None = None
    passage: Passage | None = None
    span: Span = (0, 0)
    differences: tuple[Difference, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Candidate:
    """A sentence of a passage, compared with a claim. `context_start` is where the sentence before begins."""

    passage: Passage
    span: Span
    context_start: int
    comparison: Comparison
    similarity: float = 0.0

    @property
    def text(self) -> str:
        return self.passage.text[slice(*self.span)]

    @property
    def text_with_context(self) -> str:
        """With the sentence before, if that says a part of the claim."""
        return (
            self.passage.text[self.context_start : self.span[1]]
            if self.comparison.uses_context
            else self.text
        )

    @property
    def likeness(self) -> float:
        """How far the sentence is about the same as the claim, from 0 to 1."""
        return LEXICAL_WEIGHT * self.comparison.coverage + SEMANTIC_WEIGHT * max(0.0, self.similarity)

    @property
    def support(self) -> float:
        """How far the sentence supports the claim: not at all if something differs or is missing."""
        compared = self.comparison
        return 0.0 if compared.differences or compared.is_incomplete else self.likeness

    @property
    def contradiction(self) -> float:
        """How far the sentence contradicts the claim: it is about the same, and something differs."""
        compared = self.comparison
        if not compared.differences or compared.matched < MIN_MATCHED:
            return 0.0
        return self.likeness - FURTHER_DIFFERENCE * (len(compared.differences) - 1)


async def similarity_floor(embed: Embed) -> float:
    """The similarity of unrelated sentences, which differs from model to model."""
    vectors = np.asarray(await embed(UNRELATED, "passage"))
    return float(np.median((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]))


async def judge(
    sentence: str, passages: Sequence[Passage], embed: Embed | None = None, floor: float = 0.0
) -> SentenceFinding:
    """What the passages say of a sentence. Doubt is `NOT_FOUND`, with the nearest one as citation."""
    statement = statement_text(sentence, (0, len(sentence)))
    chosen = await asyncio.to_thread(choose_candidates, statement, passages)
    if embed is not None and chosen:
        texts = [statement, *(each.text for each in chosen), *(each.text_with_context for each in chosen)]
        vectors = await embed(list(dict.fromkeys(texts)), "passage")
        chosen = await asyncio.to_thread(_with_similarities, chosen, texts, vectors, floor)
    return find_verdict(chosen)


def choose_candidates(statement: str, passages: Sequence[Passage]) -> list[Candidate]:
    """The sentences of the passages that have most in common with a statement, best first."""
    stated, found = claim(statement), []
    for passage in passages:
        spans = passage_spans(passage)
        for index, span in enumerate(spans):
            before = [passage.text[slice(*each)] for each in spans[max(0, index - CONTEXT_SENTENCES) : index]]
            compared = compare_sentence(stated, passage, span, before)
            found.append(Candidate(passage, span, spans[max(0, index - 1)][0], compared))
    found.sort(key=lambda each: each.comparison.coverage, reverse=True)
    return found[:MAX_CANDIDATES]


def compare_sentence(stated: Claim, passage: Passage, span: Span, before: Sequence[str]) -> Comparison:
    """Compare a claim with a sentence of a passage, given the sentences before it."""
    text = passage.text[slice(*span)]
    context = Context(
        content_words([*before, passage.source]),
        tuple(quantity for other in before for quantity in claim(other).quantities),
    )
    compared = compare(stated, claim(text), context)
    if normalize(stated.text) in normalize(text):
        return replace(compared, coverage=1.0, differences=(), is_incomplete=False)
    return compared


def find_verdict(candidates: Sequence[Candidate]) -> SentenceFinding:
    """The verdict by the best candidates for and against a claim."""
    if not candidates:
        return SentenceFinding(SentenceVerdict.NOT_FOUND, MAX_ABSENCE)
    best = max(candidates, key=lambda each: each.support)
    against = max(candidates, key=lambda each: each.contradiction)
    if best.support >= max(MIN_SUPPORT, against.contradiction - SUPPORT_ADVANTAGE):
        return _cited_finding(SentenceVerdict.SUPPORTED, best, best.support)
    if against.contradiction >= MIN_CONTRADICTION:
        return _cited_finding(SentenceVerdict.CONTRADICTED, against, against.contradiction)
    nearest = max(candidates, key=lambda each: each.likeness)
    doubt = min(MAX_ABSENCE, 1.0 - probability(max(best.support, against.contradiction)))
    if nearest.likeness < MIN_NEAREST:
        return SentenceFinding(SentenceVerdict.NOT_FOUND, doubt)
    return SentenceFinding(SentenceVerdict.NOT_FOUND, doubt, nearest.passage, nearest.span)


def _cited_finding(verdict: SentenceVerdict, candidate: Candidate, score: float) -> SentenceFinding:
    differences = candidate.comparison.differences if verdict is SentenceVerdict.CONTRADICTED else ()
    return SentenceFinding(verdict, probability(score), candidate.passage, candidate.span, differences)


def probability(score: float) -> float:
    """The probability that a verdict with this score is right."""
    return min(MAX_CONFIDENCE, 1.0 / (1.0 + math.exp(-STEEPNESS * (score - SCORE_AT_EVEN_ODDS))))


def _with_similarities(
    candidates: Sequence[Candidate], texts: Sequence[str], vectors: Sequence[Sequence[float]], floor: float
) -> list[Candidate]:
    """The candidates with their similarity above the floor to the statement, which is the first text."""
    rows = dict(zip(dict.fromkeys(texts), np.asarray(vectors, dtype=np.float32), strict=True))
    statement = rows[texts[0]]
    return [
        replace(
            each,
            similarity=(
                float(max(rows[each.text] @ statement, rows[each.text_with_context] @ statement)) - floor
            )
            / (1.0 - floor),
        )
        for each in candidates
    ]
