"""Benchmark of extractive answers: whether they quote the gold sentence, and when they abstain.

Run as `python -m benchmarks.answers [--data FOLDER]`.

Prints two tables, and exits with 1 if a bound is missed.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal
from uuid import UUID

from rich.table import Table
from uuid_utils.compat import uuid7

from benchmarks.bounds import Limit, console, verdict
from benchmarks.data import shared_folder
from benchmarks.retrieval import QUESTIONS, open_vector_store
from core.ports import ChatRequest, Embed, Hit, Passage, Quotation, SearchScope, TextDelta, VectorChunk
from core.sentence_segmentation import sentences
from providers.chat import ExtractiveAnswerer
from providers.chat.extractive import MIN_PROBABILITY, MIN_SCORE, AnswerStyle, Candidate, select_quotes
from providers.embeddings import MiniLM

PASSAGES = 5
"""Passages retrieved per question."""
ARTICLE = 5
"""Paragraphs per article: additional hits to retrieve, as they are withheld."""
THRESHOLDS = (0.36, 0.38, 0.40, 0.42, 0.44, 0.46, 0.48)


@dataclass(frozen=True)
class Question:
    """A question with its article (number from 1, and document), paragraph and answer."""

    text: str
    article: int
    document: UUID
    paragraph: UUID
    start: int
    end: int


@dataclass(frozen=True)
class Outcome:
    """One question asked twice: `scores` are of the best sentences with its article and without it.

    `quoted` is whether the sentence that answers is among the two that would be quoted, `verbatim` whether
    all that was quoted stands so in its passage.
    """

    article: int
    quoted: bool
    scores: tuple[float, float]
    verbatim: bool


async def measure_answers(data: Path) -> list[Limit]:
    """Thresholds were tuned on odd articles; the limits apply to even ones."""
    if not (data / QUESTIONS).exists():
        console.print(f"Skipped the questions: {data} has no {QUESTIONS}.")
        return []
    paragraphs, articles, questions = read(data / QUESTIONS)
    embedder = MiniLM()
    try:
        windows = await embedder.embed_windows(list(paragraphs.values()))
        vectors = await embedder.embed([question.text for question in questions], "query")
        embed, company = cached_embed(embedder.embed), uuid7()
        async with open_vector_store(embedder.dimension) as store:
            await store.upsert(
                company,
                [
                    VectorChunk(identity, articles[identity], None, "company", text, rows)
                    for (identity, text), rows in zip(paragraphs.items(), windows, strict=True)
                ],
            )
            outcomes = []
            for question, vector in zip(questions, vectors, strict=True):
                hits = await store.search(
                    SearchScope(company), vector=vector, text=question.text, limit=PASSAGES + ARTICLE
                )
                outcomes.append(await measure_question(embed, question, hits, paragraphs))
    finally:
        await embedder.close()
    return report(outcomes)


def read(file: Path) -> tuple[dict[UUID, str], dict[UUID, UUID], list[Question]]:
    """Paragraphs by ID, the article of outcome paragraph, and the questions."""
    paragraphs, articles, questions = {}, {}, []
    for article, document in enumerate(json.loads(file.read_text())["data"], start=1):
        title = uuid7()
        for paragraph in document["paragraphs"]:
            paragraphs[identity := uuid7()] = paragraph["context"]
            articles[identity] = title
            for question in paragraph["qas"]:
                start = question["answers"][0]["answer_start"]
                end = start + len(question["answers"][0]["text"])
                questions.append(Question(question["question"], article, title, identity, start, end))
    return paragraphs, articles, questions


def cached_embed(embed: Embed) -> Embed:
    """`embed` with a cache."""
    known: dict[str, Sequence[float]] = {}

    async def embed_with_cache(
        texts: Sequence[str], kind: Literal["query", "passage"]
    ) -> Sequence[Sequence[float]]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, await embed(new, kind), strict=True))
        return [known[text] for text in texts]

    return embed_with_cache


async def measure_question(
    embed: Embed, question: Question, hits: Sequence[Hit], paragraphs: dict[UUID, str]
) -> Outcome:
    """Asks with the retrieved passages, and with passages of other articles only."""
    others = [hit for hit in hits if hit.document_id != question.document][:PASSAGES]
    answerer = ExtractiveAnswerer(embed, min_score=0.0)
    known = [passage(hit, paragraphs) for hit in hits[:PASSAGES]]
    unknown = [passage(hit, paragraphs) for hit in others]
    ranked = await answerer.rank(ChatRequest(question.text, tuple(known)))
    quotes = select_quotes(ranked, AnswerStyle(min_score=0.0))
    gold = [span for span in sentences(paragraphs[question.paragraph]) if overlap(span, question)]
    quoted = any(
        hits[quote.source - 1].chunk_id == question.paragraph and (quote.start, quote.end) in gold
        for quote in quotes
    )
    without = await answerer.rank(ChatRequest(question.text, tuple(unknown)))
    scores = answer_score(ranked), answer_score(without)
    return Outcome(question.article, quoted, scores, await is_verbatim(answerer, question.text, known))


def answer_score(ranked: Sequence[Candidate]) -> float:
    """The score of the best sentence; 0 if it is too improbable that one of the best two answers."""
    is_probable = max(each.probability for each in ranked[:2]) >= MIN_PROBABILITY
    return ranked[0].score if is_probable else 0.0


def passage(hit: Hit, paragraphs: dict[UUID, str]) -> Passage:
    text = paragraphs[hit.chunk_id]
    return Passage(hit.document_id, "XQuAD", None, 0, len(text), text, max(0.0, hit.similarity or 0.0))


def overlap(span: tuple[int, int], question: Question) -> bool:
    return span[0] < question.end and span[1] > question.start


async def is_verbatim(answerer: ExtractiveAnswerer, question: str, passages: Sequence[Passage]) -> bool:
    """Whether the quotations equal their passages verbatim."""
    received = [event async for event in answerer.answer(ChatRequest(question, tuple(passages)))]
    text = "".join(event.text for event in received if isinstance(event, TextDelta))
    quotations = [event for event in received if isinstance(event, Quotation)]
    return bool(quotations) and all(
        text[quote.start : quote.end]
        == passages[quote.source - 1].text[quote.source_start : quote.source_end]
        for quote in quotations
    )


def report(outcomes: Sequence[Outcome]) -> list[Limit]:
    """Prints the rates of outcome threshold on odd articles, and of the default on even ones."""
    table = Table("articles", "threshold", "answers", "gold sentence quoted", "abstains when withheld")
    odd = [outcome for outcome in outcomes if outcome.article % 2]
    even = [outcome for outcome in outcomes if not outcome.article % 2]
    chosen = MIN_SCORE
    for name, part, thresholds in (("odd", odd, THRESHOLDS), ("even", even, (chosen,))):
        for threshold in thresholds:
            figures = (f"{number:.3f}" for number in rates(part, threshold))
            table.add_row(name, f"{threshold:.2f}", *figures)
    console.print(table)
    _, quoted, abstained = rates(even, chosen)
    verbatim = fmean(outcome.verbatim for outcome in outcomes)
    return [
        Limit("XQuAD-en, even articles: gold sentence quoted", ">= 0.86", f"{quoted:.3f}", quoted >= 0.86),
        Limit("the same, article withheld: abstains", ">= 0.90", f"{abstained:.3f}", abstained >= 0.90),
        Limit("verbatim quotations", "all", f"{verbatim:.3f}", verbatim == 1),
    ]


def rates(outcomes: Sequence[Outcome], threshold: float) -> tuple[float, float, float]:
    """Rates: answered, answered with the gold sentence, and abstained without its article."""
    return (
        fmean(outcome.scores[0] >= threshold for outcome in outcomes),
        fmean(outcome.quoted and outcome.scores[0] >= threshold for outcome in outcomes),
        fmean(outcome.scores[1] < threshold for outcome in outcomes),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_folder("DOCUMENTS", "docs"))
    return verdict(asyncio.run(measure_answers(parser.parse_args().data)))


if __name__ == "__main__":
    sys.exit(main())
