"""Benchmark of extractive councils on XQuAD, with the best paragraphs of each article.

make bench of=councils
"""

import argparse
import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from rich.table import Table

from benchmarks.answers import PASSAGES, Question, cached_embed, overlap, read
from benchmarks.bounds import Limit, console, verdict
from benchmarks.data import shared_folder
from benchmarks.retrieval import QUESTIONS
from core.ports import ChatRequest, Embed, Passage
from core.sentence_segmentation import sentences
from db.models import CouncilStrategy
from pipelines.chat.council import Voice, decide
from pipelines.chat.council_rounds import Ballot, ballots_of_round, run_rounds
from pipelines.chat.generation import collect_reply
from providers.chat import ExtractiveAnswerer
from providers.chat.extractive import dot
from providers.embeddings import MiniLM

SAMPLING_INTERVAL = 4
"""Sampling interval of the even articles' questions."""


async def measure_councils(data: Path) -> list[Limit]:
    """Shares of questions whose gold sentence is quoted, by voice and by strategy."""
    if not (data / QUESTIONS).exists():
        console.print(f"Skipped the questions: {data} has no {QUESTIONS}.")
        return []
    paragraphs, articles, questions = read(data / QUESTIONS)
    siblings: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    for identity, text in paragraphs.items():
        siblings[articles[identity]][identity] = text
    query = [question for question in questions if question.article % 2 == 0][::SAMPLING_INTERVAL]
    embedder = MiniLM()
    quoted: Counter[str] = Counter()
    differing = 0
    try:
        embed = cached_embed(embedder.embed)
        for question in query:
            request = await chat_request(embed, question, siblings[question.document])
            said = await answers(ExtractiveAnswerer(embed), request)
            text = paragraphs[question.paragraph]
            gold = [text[slice(*span)] for span in sentences(text) if overlap(span, question)]
            quoted.update(
                name for name, answer in said.items() if any(sentence in answer for sentence in gold)
            )
            differing += len({said[name] for name in ("analytical", "creative", "critical")}) > 1
    finally:
        await embedder.close()
    return report(quoted, differing, len(query))


async def chat_request(embed: Embed, question: Question, paragraphs: dict[UUID, str]) -> ChatRequest:
    """The request with the paragraphs most similar to the question."""
    (query,) = await embed([question.text], "query")
    vectors = await embed(list(paragraphs.values()), "passage")
    passages = [
        Passage(identity, "XQuAD", None, 0, len(text), text, max(0.0, dot(query, vector)))
        for (identity, text), vector in zip(paragraphs.items(), vectors, strict=True)
    ]
    best = sorted(passages, key=lambda passage: -passage.similarity)[:PASSAGES]
    return ChatRequest(question.text, tuple(best))


async def answers(model: ExtractiveAnswerer, request: ChatRequest) -> dict[str, str]:
    """Answers of each voice in one round, and of each strategy."""
    ballots: list[Ballot] = []
    await run_rounds(model, request, 1, ignore_ballot, ballots)
    votes = [ballot.vote(request) for ballot in ballots_of_round(ballots, 1)]
    said = {vote.voice: vote.answer for vote in votes}
    made = await collect_reply(model, replace(request, proposals=tuple(said.values())), ignore_text)
    decided = {
        strategy.value: decide(votes, strategy, synthesis=made.text).answer for strategy in CouncilStrategy
    }
    return said | decided


async def ignore_ballot(voice: Voice, number: int, ballot: Ballot | None) -> None:
    """Ignores progress."""


async def ignore_text(text: str) -> None:
    """Ignores progress."""


def report(quoted: Counter[str], differing: int, count: int) -> list[Limit]:
    """Prints the shares."""
    table = Table("voice or strategy", "gold sentence quoted", title=f"{count} questions")
    for name, number in quoted.items():
        table.add_row(name, f"{number / count:.3f}")
    console.print(table)
    weighted = quoted[CouncilStrategy.WEIGHTED_CONFIDENCE.value] / count
    return [
        Limit("voices that differ", ">= 0.50", f"{differing / count:.3f}", differing >= 0.5 * count),
        Limit("weighted confidence: gold sentence quoted", ">= 0.86", f"{weighted:.3f}", weighted >= 0.86),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_folder("DOCUMENTS", "docs"))
    return verdict(asyncio.run(measure_councils(parser.parse_args(arguments).data)))


if __name__ == "__main__":
    sys.exit(main())
