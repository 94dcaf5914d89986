"""Benchmark of the embedded answerer on questions that a document answers, and on those it does not.

Run as `python -m benchmarks.abstention [--data FOLDER] [--articles odd|even]`.

Each question is asked of its article of XQuAD: the questions of the data set, of which a sentence is right
if it overlaps the expected answer, and those of `benchmarks/questions`, which the article does not answer:
what is asked for is `absent`, or stands there for `other` persons, objects or years. Weights were fitted
on odd articles; the limits apply to even ones.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from rich.table import Table
from uuid_utils.compat import uuid7

from benchmarks.bounds import Limit, console, verdict
from benchmarks.data import shared_folder
from benchmarks.retrieval import QUESTIONS
from core.ports import ChatRequest, Embed, Embedder, Passage
from core.sentence_segmentation import sentences
from providers.chat import ExtractiveAnswerer
from providers.chat.extractive import DEFAULT_STYLE, MIN_PROBABILITY, select_quotes
from providers.embeddings import MiniLM, MultilingualE5

UNANSWERABLE = Path(__file__).parent / "questions"
THRESHOLDS = (0.0, 0.1, 0.15, MIN_PROBABILITY, 0.26, 0.3, 0.4, 0.5)
ANSWERABLE = "answerable"
DOUBTFUL = 0.5
"""The confidence below which an answer carries a warning."""


@dataclass(frozen=True)
class Outcome:
    """An answer: the kind of question, whether a quoted sentence is right, and the best's probability."""

    kind: str
    right: bool
    probability: float
    scored: bool
    """Whether the best sentence has the minimum score."""

    def is_answered(self, threshold: float) -> bool:
        """Whether the question is answered with this minimum probability."""
        return self.scored and self.probability >= threshold


async def measure(data: Path, parity: str, search: Embedder, embed: Embed) -> list[Outcome]:
    """All questions of the odd or the even articles."""
    articles = json.loads((data / QUESTIONS).read_text())["data"]
    unanswerable = json.loads((UNANSWERABLE / f"{parity}.json").read_text())["unanswerable"]
    outcomes: list[Outcome] = []
    scale = search.similarity_scale
    for number, article in enumerate(articles, 1):
        if number % 2 != (parity == "odd"):
            continue
        texts = [paragraph["context"] for paragraph in article["paragraphs"]]
        vectors = await search.embed(texts, "passage")
        questions = [
            (each["question"], ANSWERABLE, index, each["answers"][0])
            for index, paragraph in enumerate(article["paragraphs"])
            for each in paragraph["qas"]
        ] + [(each["question"], each["kind"], 0, None) for each in unanswerable if each["article"] == number]
        for question, kind, paragraph, answer in questions:
            (vector,) = await search.embed([question], "query")
            similarities = [float(np.dot(vector, other)) for other in vectors]
            passages = [
                Passage(uuid7(), article["title"], None, 0, len(text), text, scale.of(similarity))
                for text, similarity in zip(texts, similarities, strict=True)
            ]
            gold = right_sentences(texts[paragraph], paragraph, answer) if answer else set()
            outcomes.append(await ask(embed, question, kind, passages, gold))
    return outcomes


def right_sentences(text: str, paragraph: int, answer: dict[str, int | str]) -> set[tuple[int, int]]:
    """Source number and start of the sentences that overlap the expected answer."""
    start = int(answer["answer_start"])
    end = start + len(str(answer["text"]))
    return {(paragraph + 1, first) for first, last in sentences(text) if first < end and last > start}


async def ask(
    embed: Embed, question: str, kind: str, passages: Sequence[Passage], gold: set[tuple[int, int]]
) -> Outcome:
    """The answer to one question."""
    style = replace(DEFAULT_STYLE, min_score=0.0, min_probability=0.0)
    ranked = await ExtractiveAnswerer(embed).rank(ChatRequest(question, tuple(passages)))
    quotes = select_quotes(ranked, style)
    return Outcome(
        kind,
        any((quote.source, quote.start) in gold for quote in quotes),
        max((quote.probability for quote in ranked[:2]), default=0.0),
        bool(ranked) and ranked[0].score >= DEFAULT_STYLE.min_score,
    )


def report(outcomes: Sequence[Outcome], parity: str) -> list[Limit]:
    """Prints the rates by threshold and the reliability of the confidence."""
    table = Table("threshold", "right sentence quoted", "abstains: absent", "other", "others below 0.5")
    for threshold in THRESHOLDS:
        table.add_row(f"{threshold:.2f}", *(f"{rate:.3f}" for rate in rates(outcomes, threshold)))
    table.title = f"{parity} articles"
    console.print(table)
    error = print_reliability([each for each in outcomes if each.is_answered(MIN_PROBABILITY)])
    quoted, absent, other, doubted = rates(outcomes, MIN_PROBABILITY)
    limits = (
        ("right sentence quoted", 0.83, quoted),
        ("abstains: what is asked for is absent", 0.9, absent),
        ("abstains: it stands there for others", 0.6, other),
        ("of the answered of those, below 0.5", 0.8, doubted),
    )
    return [
        *(Limit(what, f">= {least}", f"{rate:.3f}", rate >= least) for what, least, rate in limits),
        Limit("calibration error", "<= 0.08", f"{error:.3f}", error <= 0.08),
    ]


def rates(outcomes: Sequence[Outcome], threshold: float) -> tuple[float, float, float, float]:
    """Rates: answered right; abstained by kind; and warned of what was answered of `other`."""
    answerable = [each for each in outcomes if each.kind == ANSWERABLE]
    others = [each for each in outcomes if each.kind == "other"]
    absent = [each for each in outcomes if each.kind == "absent"]
    answered = [each for each in others if each.is_answered(threshold)]
    return (
        fmean(each.right and each.is_answered(threshold) for each in answerable),
        fmean(not each.is_answered(threshold) for each in absent),
        fmean(not each.is_answered(threshold) for each in others),
        fmean(each.probability < DOUBTFUL for each in answered) if answered else 1.0,
    )


def print_reliability(answered: Sequence[Outcome]) -> float:
    """Prints the share of right answers by confidence. Returns the expected calibration error."""
    table = Table("confidence", "answers", "mean confidence", "right")
    error = 0.0
    for tenth in range(10):
        within = [each for each in answered if tenth <= min(9, int(each.probability * 10)) < tenth + 1]
        if within:
            mean = fmean(each.probability for each in within)
            right = fmean(each.right for each in within)
            error += len(within) / len(answered) * abs(mean - right)
            table.add_row(f"{tenth / 10:.1f}", str(len(within)), f"{mean:.3f}", f"{right:.3f}")
    console.print(table)
    return error


async def run(data: Path, parity: str) -> list[Limit]:
    """Measures with the bundled models: the default for the search, MiniLM for sentences."""
    search, sentences = MultilingualE5(), MiniLM()
    try:
        return report(await measure(data, parity, search, sentences.embed), parity)
    finally:
        await search.close()
        await sentences.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_folder("DOCUMENTS", "docs"))
    parser.add_argument("--articles", choices=("odd", "even"), default="even")
    options = parser.parse_args()
    if not (options.data / QUESTIONS).exists():
        console.print(f"Skipped the questions: {options.data} has no {QUESTIONS}.")
        return 0
    return verdict(asyncio.run(run(options.data, options.articles)))


if __name__ == "__main__":
    sys.exit(main())
