"""Benchmark of retrieval quality, speed and cost, with the bundled models and the embedded vector store.

Run as `python -m benchmarks.retrieval [quality] [speed] [cost] [--data FOLDER] [--model e5|minilm]`.

Prints one table per section and exits with 1 if a bound is missed.
"""

import argparse
import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
import psutil
from rich.table import Table
from uuid_utils.compat import uuid7

from benchmarks.bounds import Limit, console, verdict
from benchmarks.data import shared_folder
from core.ports import Embedder, Hit, SearchScope, Vector, VectorChunk, VectorStore
from core.settings import Settings
from providers.embeddings import MiniLM, MultilingualE5
from providers.embeddings.bundled import BundledEmbedder
from providers.vectors import vector_stores
from server.embedded.vectors import vectors_of

QUESTIONS = "xquad_en.json"
TRANSLATED = "xquad_{language}.json"
REQUIRED_RECALL = {
    "e5": {"en": 0.965, "es": 0.865, "de": 0.84, "zh": 0.69},
    "minilm": {"en": 0.93},
}
"""Per model and language of the questions, hybrid recall@1 on the even articles."""

REQUIRED_WINDOWS = {"e5": 3.5, "minilm": 25}
"""Per model, windows of 1,000 characters that are embedded in a second of CPU time."""
HYBRID = "hybrid"
MODELS: dict[str, type[BundledEmbedder[Any]]] = {"e5": MultilingualE5, "minilm": MiniLM}

CHUNKS, COMPANIES, DIMENSION, CLUSTERS = 50_000, 20, 384, 400
SEARCHES, TOGETHER = 200, 50
VOCABULARY, WORDS_IN_CHUNK, WORDS_IN_QUERY = 30_000, 150, 10
QUIET_SECONDS = 6
"""Time for the maintenance of the store."""


@dataclass(frozen=True)
class Question:
    """A question, its article number (from 1), and the paragraph with its answer."""

    text: str
    article: int
    paragraph: UUID


@asynccontextmanager
async def open_vector_store(dimension: int) -> AsyncIterator[VectorStore]:
    """An empty store in a temporary data folder."""
    with TemporaryDirectory(prefix="retrieval-") as folder:
        async with vectors_of(Settings(data=Path(folder), qdrant_url=None)) as settings:
            stores = vector_stores(settings)
            try:
                yield stores.of("benchmark", dimension)
            finally:
                await stores.close()


def read_articles(data: Path, language: str) -> tuple[dict[UUID, str], list[Question]]:
    """XQuAD's paragraphs and questions in a language. Paragraphs have the same identifiers in all."""
    paragraphs, questions = {}, []
    content = json.loads((data / TRANSLATED.format(language=language)).read_text())
    for article, document in enumerate(content["data"], start=1):
        for number, paragraph in enumerate(document["paragraphs"]):
            identity = uuid5(NAMESPACE_OID, f"{article} {number}")
            paragraphs[identity] = paragraph["context"]
            questions += [Question(qa["question"], article, identity) for qa in paragraph["qas"]]
    return paragraphs, questions


async def quality(data: Path, model: str) -> list[Limit]:
    """Recall of English paragraphs by questions in several languages, over all paragraphs of all articles.

    Tuned on odd articles; limits apply to even ones.
    """
    required = {
        language: least
        for language, least in REQUIRED_RECALL[model].items()
        if (data / TRANSLATED.format(language=language)).exists()
    }
    if "en" not in required:
        console.print(f"Skipped the questions: {data} has no {QUESTIONS}.")
        return []
    company, limits = uuid7(), []
    embedder = MODELS[model]()
    table = Table("questions in", "articles", "questions", "search", "recall@1", "recall@5", "MRR (10)")
    try:
        async with open_vector_store(embedder.dimension) as store:
            paragraphs, _ = read_articles(data, "en")
            windows = await embedder.embed_windows(list(paragraphs.values()))
            chunks = [
                VectorChunk(identity, uuid7(), None, "company", text, rows)
                for (identity, text), rows in zip(paragraphs.items(), windows, strict=True)
            ]
            await store.upsert(company, chunks)
            for language, least in required.items():
                _, questions = read_articles(data, language)
                ranks = await find_paragraphs(store, company, embedder, questions)
                first = add_rows(table, language, questions, ranks)
                name = f"XQuAD, questions in {language}, even articles: hybrid recall@1"
                limits.append(Limit(name, f">= {least}", f"{first:.3f}", first >= least))
    finally:
        await embedder.close()
    console.print(table)
    return limits


async def find_paragraphs(
    store: VectorStore, company: UUID, embedder: Embedder, questions: Sequence[Question]
) -> dict[str, list[int | None]]:
    """The ranks of the questions' paragraphs, by way of search."""
    ranks: dict[str, list[int | None]] = {"vectors only": [], "BM25 only": [], HYBRID: []}
    vectors = await embedder.embed([question.text for question in questions], "query")
    for question, vector in zip(questions, vectors, strict=True):
        ways = (vector, None), (None, question.text), (vector, question.text)
        for way, (meaning, text) in zip(ranks, ways, strict=True):
            hits = await store.search(SearchScope(company), vector=meaning, text=text, limit=10)
            ranks[way].append(rank(hits, question.paragraph))
    return ranks


def add_rows(
    table: Table, language: str, questions: Sequence[Question], ranks: dict[str, list[int | None]]
) -> float:
    """Adds the figures of a language to the table; the hybrid recall@1 on even articles."""
    first = 0.0
    for name, parity in (("odd", 1), ("even", 0)):
        for way, found in ranks.items():
            part = [rank for rank, q in zip(found, questions, strict=True) if q.article % 2 == parity]
            first = recall(part, 1)
            numbers = (first, recall(part, 5), fmean(1 / rank if rank else 0 for rank in part))
            table.add_row(language, name, str(len(part)), way, *(f"{number:.3f}" for number in numbers))
    return first


async def cost(data: Path, model: str) -> list[Limit]:
    """CPU time of windows of 1,000 characters and of questions, once the model is loaded."""
    paragraphs, questions = read_articles(data, "en")
    text = " ".join(paragraphs.values())
    embedder = MODELS[model]()
    await embedder.embed(["load"], "query")
    passages = [text[start : start + 1_000] for start in range(0, 20_000, 1_000)]
    began = process_time()
    cut = await embedder.embed_windows(passages)
    per_window = (process_time() - began) / sum(map(len, cut))
    began = process_time()
    await embedder.embed([question.text for question in questions[:100]], "query")
    per_question = (process_time() - began) / 100
    await embedder.close()
    least = REQUIRED_WINDOWS[model]
    rate, ms = 1 / per_window, 1_000 * per_question
    console.print(f"{1_000 * per_window:.0f} CPU ms per window, {ms:.1f} per question")
    return [
        Limit(f"{model}: windows per CPU second", f">= {least}", f"{rate:.1f}", rate >= least),
        Limit(f"{model}: CPU time of a question", "<= 25 ms", f"{ms:.1f}", ms <= 25),
    ]


def rank(hits: Sequence[Hit], chunk_id: UUID) -> int | None:
    """The rank of a chunk among the hits, from 1."""
    return next((place for place, hit in enumerate(hits, start=1) if hit.chunk_id == chunk_id), None)


def recall(ranks: Sequence[int | None], first: int) -> float:
    return fmean(rank is not None and rank <= first for rank in ranks)


async def speed(data: Path, model: str) -> list[Limit]:
    """Search times with clustered vectors and Zipf-distributed words of several companies."""
    made = np.random.default_rng(20)
    centres = made.normal(size=(CLUSTERS, DIMENSION))
    companies = [uuid7() for _ in range(COMPANIES)]

    def near_centres(count: int) -> list[Vector]:
        drawn = centres[made.integers(0, CLUSTERS, count)] + 0.6 * made.normal(size=(count, DIMENSION))
        rows: list[Vector] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).tolist()
        return rows

    def texts(count: int, length: int) -> list[str]:
        return [" ".join(f"w{word}" for word in row) for row in made.zipf(1.2, (count, length)) % VOCABULARY]

    async with open_vector_store(DIMENSION) as store:
        began = perf_counter()
        for company in companies:
            count = CHUNKS // COMPANIES
            chunks = [
                VectorChunk(uuid7(), uuid7(), None, "company", text, [vector])
                for text, vector in zip(texts(count, WORDS_IN_CHUNK), near_centres(count), strict=True)
            ]
            await store.upsert(company, chunks)
        console.print(f"Stored {CHUNKS} chunks in {perf_counter() - began:.1f} s; {memory():.0f} MB")
        await asyncio.sleep(QUIET_SECONDS)
        vectors, queries = near_centres(SEARCHES), texts(SEARCHES, WORDS_IN_QUERY)
        chosen = random.Random(20)

        async def by_vector(number: int) -> tuple[UUID, list[Hit]]:
            company = chosen.choice(companies)
            return company, await store.search(SearchScope(company), vector=vectors[number], text=None)

        async def by_both(number: int) -> tuple[UUID, list[Hit]]:
            company = chosen.choice(companies)
            return company, await store.search(
                SearchScope(company), vector=vectors[number], text=queries[number]
            )

        slow = await time_searches("vectors alone", by_vector), await time_searches("hybrid", by_both)
        began = perf_counter()
        answers = await asyncio.gather(*(by_both(number) for number in range(TOGETHER)))
        console.print(f"{TOGETHER} hybrid searches at once: {1000 * (perf_counter() - began):.0f} ms in all")
    foreign = sum(hit.company_id != company for company, hits in answers for hit in hits)
    whole = sum(len(hits) for _, hits in answers)
    return [
        Limit("50,000 chunks: vector search, p50", "< 10 ms", f"{slow[0]:.1f}", slow[0] < 10),
        Limit("50,000 chunks: hybrid search, p50", "< 40 ms", f"{slow[1]:.1f}", slow[1] < 40),
        Limit(f"{TOGETHER} searches at once: hits", f"{10 * TOGETHER}", f"{whole}", whole == 10 * TOGETHER),
        Limit(f"{TOGETHER} searches at once: another company's hits", "0", f"{foreign}", foreign == 0),
    ]


async def time_searches(name: str, search: Callable[[int], Awaitable[object]]) -> float:
    """Median time of sequential searches in milliseconds."""
    took = []
    for number in range(SEARCHES):
        began = perf_counter()
        await search(number)
        took.append(1000 * (perf_counter() - began))
    cut = quantiles(took, n=20)
    console.print(f"{name}: p50 {median(took):.1f} ms, p95 {cut[-1]:.1f} ms, longest {max(took):.1f} ms")
    return median(took)


def memory() -> float:
    """Memory of the store's process in megabytes."""
    return sum(child.memory_info().rss for child in psutil.Process().children()) / 1e6


SECTIONS = {"quality": quality, "speed": speed, "cost": cost}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--data", type=Path, default=shared_folder("DOCUMENTS", "docs"))
    parser.add_argument("--model", choices=MODELS, default="e5")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"unknown section {', '.join(sorted(unknown))}: must be one of {', '.join(SECTIONS)}")
    bounds: list[Limit] = []
    for section in options.sections or SECTIONS:
        console.rule(section)
        bounds += asyncio.run(SECTIONS[section](options.data, options.model))
    return verdict(bounds)


if __name__ == "__main__":
    sys.exit(main())
