"""Benchmark of follow-up questions and of questions over two documents, with the embedded answerer.

Run as `python -m benchmarks.conversations [--data FOLDER] [--set measured|tuning]`.

Each question is asked of all paragraphs of XQuAD in its language and the documents of
`benchmarks/questions/documents.json`. A follow-up is right if a quoted sentence holds the expected answer at
its place; a question over two documents, if both answers are quoted so. The questions were written before
the completion of questions; those for tuning are about odd articles and other documents.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.table import Table
from uuid_utils.compat import uuid7

from benchmarks.answers import cached_embed
from benchmarks.bounds import Limit, console, verdict
from benchmarks.data import shared_folder
from benchmarks.retrieval import QUESTIONS, open_vector_store
from core.ports import (
    ChatRequest,
    Embed,
    Passage,
    Quotation,
    SearchScope,
    TextDelta,
    Turn,
    VectorChunk,
    VectorStore,
)
from core.sentence_segmentation import sentences
from core.settings import Settings
from pipelines.chat.follow_ups import QuestionVersion, RetrievedQuestion, retrieve_completed
from pipelines.chat.question_parts import retrieve_parts
from providers.chat import ExtractiveAnswerer
from providers.embeddings import ConfiguredEmbedders

SETS = Path(__file__).parent / "questions"
LANGUAGES = ("en", "de", "es", "fr")
PASSAGES = 5
"""Passages retrieved for each wording."""
DISTANCE = 10_000
"""Characters between the beginnings of two paragraphs of an article."""


@dataclass
class Corpus:
    """The paragraphs of a language in a vector store."""

    store: VectorStore
    embed: Embed
    company: UUID = field(default_factory=uuid7)
    passages: dict[UUID, Passage] = field(default_factory=dict)
    places: dict[str, UUID] = field(default_factory=dict)
    """Chunks by their article and paragraph, or by the name of their document."""

    async def load(self, data: Path, language: str) -> None:
        """Index what is written in the language."""
        file = data / f"xquad_{language}.json"
        articles = json.loads(file.read_text())["data"] if file.exists() else []
        for number, article in enumerate(articles, 1):
            document = uuid7()
            for place, paragraph in enumerate(article["paragraphs"]):
                self._add(f"{number}/{place}", document, article["title"], place, paragraph["context"])
        own = json.loads((SETS / "documents.json").read_text()).get(language, {})
        for name, text in own.items():
            self._add(name, uuid7(), name, 0, text)
        vectors = await self.embed([passage.text for passage in self.passages.values()], "passage")
        chunks = [
            VectorChunk(chunk, passage.document_id or chunk, None, "company", passage.text, [list(vector)])
            for (chunk, passage), vector in zip(self.passages.items(), vectors, strict=True)
        ]
        await self.store.upsert(self.company, chunks)

    def _add(self, key: str, document: UUID, source: str, place: int, text: str) -> None:
        chunk, start = uuid7(), place * DISTANCE
        self.places[key] = chunk
        self.passages[chunk] = Passage(document, source, None, start, start + len(text), text, 0.0, chunk)

    async def retrieve(self, question: str) -> list[Passage]:
        """The best passages for a question."""
        (vector,) = await self.embed([question], "query")
        hits = await self.store.search(
            SearchScope(self.company), vector=list(vector), text=question, limit=PASSAGES
        )
        return [
            Passage(
                *(known.document_id, known.source, known.page, known.start, known.end, known.text),
                similarity=max(0.0, hit.similarity or 0.0),
                chunk_id=hit.chunk_id,
            )
            for hit in hits
            for known in [self.passages[hit.chunk_id]]
        ]

    def right_sentences(self, place: dict[str, Any]) -> set[tuple[UUID, str]]:
        """The sentences that hold the expected answer, with their chunks."""
        key = place["document"] if "document" in place else f"{place['article']}/{place['paragraph']}"
        chunk = self.places[key]
        text, answer = self.passages[chunk].text, place["answer"]
        spans = sentences(text)
        within = [span for span in spans if answer in text[slice(*span)]]
        first = text.index(answer)
        crossing = [span for span in spans if span[0] < first + len(answer) and span[1] > first]
        return {(chunk, text[slice(*span)]) for span in within or crossing}


async def answer(model: ExtractiveAnswerer, found: RetrievedQuestion) -> tuple[str, set[tuple[UUID, str]]]:
    """The text of the answer, and the quoted sentences with their chunks."""
    text, quoted = "", set()
    request = ChatRequest(found.version.text, found.passages, topic=found.version.topic, parts=found.parts)
    async for event in model.answer(request):
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, Quotation):
            passage = found.passages[event.source - 1]
            quoted.add((passage.chunk_id or uuid7(), passage.text[event.source_start : event.source_end]))
    return text, quoted


async def follow_up(corpus: Corpus, model: ExtractiveAnswerer, case: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the follow-up is answered right, without and with the turns before it."""
    history: list[Turn] = []
    found = RetrievedQuestion(QuestionVersion(""), ())
    for question in (*case["turns"], case["question"]):
        found = await retrieve_completed(question, history, corpus.retrieve, model.probability)
        text, quoted = await answer(model, found)
        history += [Turn("user", question), Turn("assistant", text)]
    right = corpus.right_sentences(case)
    passages = tuple(await corpus.retrieve(case["question"]))
    _, alone = await answer(model, RetrievedQuestion(QuestionVersion(case["question"]), passages))
    return bool(alone & right), bool(quoted & right)


async def two_documents(corpus: Corpus, model: ExtractiveAnswerer, case: dict[str, Any]) -> tuple[bool, bool]:
    """Whether both answers are quoted, without and with splitting the question."""
    question = case["question"]
    whole = RetrievedQuestion(QuestionVersion(question), tuple(await corpus.retrieve(question)))
    outcomes = []
    for found in (whole, await retrieve_parts(whole, corpus.retrieve, model.probability)):
        _, quoted = await answer(model, found)
        outcomes.append(all(quoted & corpus.right_sentences(part) for part in case["parts"]))
    return outcomes[0], outcomes[1]


async def measure(data: Path, chosen: str) -> list[Limit]:
    """Both sets of questions, with the configured models: the bundled ones by default."""
    embedders = ConfiguredEmbedders(Settings())
    follow_ups = json.loads((SETS / "follow_ups.json").read_text())[chosen]
    pairs = json.loads((SETS / "two_documents.json").read_text())[chosen]
    async with AsyncExitStack() as stack:
        stack.push_async_callback(embedders.close)
        store = await stack.enter_async_context(open_vector_store(embedders.default.dimension))
        model = ExtractiveAnswerer(cached_embed(embedders.sentences.embed))
        corpora = {language: Corpus(store, embedders.default.embed) for language in LANGUAGES}
        for language, corpus in corpora.items():
            await corpus.load(data, language)
        referred = [await follow_up(corpora[case["language"]], model, case) for case in follow_ups]
        joined = [await two_documents(corpora[case["language"]], model, case) for case in pairs]
    return report([case["kind"] for case in follow_ups], referred, joined)


def report(
    kinds: Sequence[str], referred: Sequence[tuple[bool, bool]], joined: Sequence[tuple[bool, bool]]
) -> list[Limit]:
    """Prints the right answers by kind of question."""
    table = Table("questions", "number", "right as they stand", "right completed or in parts")
    alone, completed, number = Counter[str](), Counter[str](), Counter(kinds)
    for kind, (one, other) in zip(kinds, referred, strict=True):
        alone[kind] += one
        completed[kind] += other
    for kind in number:
        table.add_row(kind, str(number[kind]), str(alone[kind]), str(completed[kind]))
    rows = (("all follow-ups", referred), ("over two documents", joined))
    for name, outcomes in rows:
        counts = (sum(outcome[way] for outcome in outcomes) for way in (0, 1))
        table.add_row(name, str(len(outcomes)), *map(str, counts))
    console.print(table)
    limits = (("follow-ups", 0.8, referred), ("questions over two documents", 0.7, joined))
    shares = [
        (name, least, sum(right for _, right in outcomes) / len(outcomes)) for name, least, outcomes in limits
    ]
    return [
        Limit(f"{name}: right sentence quoted", f">= {least:.2f}", f"{share:.3f}", share >= least)
        for name, least, share in shares
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_folder("DOCUMENTS", "docs"))
    parser.add_argument("--set", choices=("measured", "tuning"), default="measured")
    options = parser.parse_args()
    if not (options.data / QUESTIONS).exists():
        console.print(f"Skipped the questions: {options.data} has no {QUESTIONS}.")
        return 0
    return verdict(asyncio.run(measure(options.data, options.set)))


if __name__ == "__main__":
    sys.exit(main())
