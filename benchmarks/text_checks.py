"""Benchmark of text checks: sentences that documents support, contradict, or say nothing of.

Run as `python -m benchmarks.text_checks [tuning] [frozen] [--data FOLDER] [--cases FOLDER] [--list]`.

Thresholds were chosen with the sentences of `benchmarks/texts/tuning.json`; the limits apply to
`frozen.json`, which was written before.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from rich.table import Table
from uuid_utils.compat import uuid7

from benchmarks.bounds import Limit, console, verdict
from benchmarks.data import SHARED, shared_folder
from benchmarks.retrieval import open_vector_store
from core.file_types import FILE_TYPES
from core.ports import Embedder, Passage, SearchScope, VectorChunk, VectorStore
from core.settings import Settings
from db.models import SentenceVerdict
from pipelines.chat.embedding_memory import embed_once
from pipelines.knowledge.chunking import split_pages
from pipelines.knowledge.extraction import Page
from pipelines.knowledge.extraction.runner import extract
from pipelines.text_checks.handlers import RETRIEVAL_LIMIT
from pipelines.text_checks.statements import reason_not_to_check
from pipelines.text_checks.verdicts import SentenceFinding, judge, similarity_floor
from providers.embeddings import ConfiguredEmbedders

TEXTS = Path(__file__).parent / "texts"
CASES = SHARED.parent / "cases" / "documents"
SUFFIXES = {".pdf": "pdf", ".docx": "docx", ".html": "html", ".md": "markdown"}
VERDICTS = tuple(SentenceVerdict)


@dataclass(frozen=True)
class Outcome:
    """A sentence of a set, and what was found."""

    text: str
    kind: str
    expected: SentenceVerdict
    finding: SentenceFinding
    seconds: float

    @property
    def is_right(self) -> bool:
        return self.finding.verdict is self.expected

    @property
    def is_wrong(self) -> bool:
        """Whether the verdict misleads: neither right nor `NOT_FOUND`."""
        return not self.is_right and self.finding.verdict is not SentenceVerdict.NOT_FOUND


def read_pages(name: str, folders: Sequence[Path]) -> list[Page] | None:
    """The pages of a document: a file, or an article of XQuAD such as `xquad_en.json 2`."""
    filename, _, number = name.partition(" ")
    path = next((folder / filename for folder in folders if (folder / filename).exists()), None)
    if path is None:
        return None
    if number:
        article = json.loads(path.read_text())["data"][int(number) - 1]
        return [Page(None, "\n\n".join(paragraph["context"] for paragraph in article["paragraphs"]))]
    suffix = path.suffix.lstrip(".")
    mime_type = next(kind.mime_type for kind in FILE_TYPES.values() if kind.extension.lstrip(".") == suffix)
    return list(extract(path, mime_type, path.name).pages)


async def add_documents(
    store: VectorStore, embedder: Embedder, company: Any, documents: dict[str, list[Page]]
) -> dict[Any, Passage]:
    """Index the documents. Returns their passages by the ids of their chunks."""
    passages: dict[Any, Passage] = {}
    for title, pages in documents.items():
        chunks, document_id = split_pages(pages), uuid7()
        vectors = await embedder.embed_windows([chunk.text for chunk in chunks])
        points = []
        for chunk, windows in zip(chunks, vectors, strict=True):
            points.append(VectorChunk(uuid7(), document_id, None, "company", chunk.text, windows))
            passages[points[-1].id] = Passage(
                document_id, title, chunk.page, chunk.start, chunk.end, chunk.text, 0.0
            )
        await store.upsert(company, points)
    return passages


async def check(name: str, folders: Sequence[Path], embedder: Embedder) -> list[Outcome]:
    """The outcomes of a set."""
    texts = json.loads((TEXTS / f"{name}.json").read_text())
    read = {title: read_pages(title, folders) for title in texts["documents"]}
    for title in [title for title, pages in read.items() if pages is None]:
        console.print(f"Without {title}, which is not there.")
    documents = {title: pages for title, pages in read.items() if pages is not None}
    documents["own"] = [Page(None, texts["text"])]
    company, outcomes = uuid7(), []
    async with open_vector_store(embedder.dimension) as store:
        passages = await add_documents(store, embedder, company, documents)
        embed = embed_once(embedder.embed)
        floor = await similarity_floor(embed)
        for row in texts["sentences"]:
            sentence, began = row["text"], time.perf_counter()
            reason = reason_not_to_check(sentence, (0, len(sentence)))
            if reason is not None:
                finding = SentenceFinding(SentenceVerdict.NOT_CHECKED, reason=reason)
            else:
                (vector,) = await embedder.embed([sentence], "query")
                hits = await store.search(
                    SearchScope(company), vector=vector, text=sentence, limit=RETRIEVAL_LIMIT
                )
                found = [passages[hit.chunk_id] for hit in hits]
                finding = await judge(sentence, found, embed, floor)
            seconds = time.perf_counter() - began
            expected = SentenceVerdict(row["verdict"])
            outcomes.append(Outcome(sentence, row["kind"], expected, finding, seconds))
    return outcomes


def report(name: str, outcomes: Sequence[Outcome], *, listing: bool) -> list[Limit]:
    """Prints the verdicts by kind, and the reliability of the confidence."""
    table = Table("kind", "expected", "sentences", "right", "not found", "wrong", title=name)
    for kind, expected in dict.fromkeys((each.kind, each.expected) for each in outcomes):
        part = [each for each in outcomes if (each.kind, each.expected) == (kind, expected)]
        wrong = sum(each.is_wrong for each in part)
        right = sum(each.is_right for each in part)
        table.add_row(kind, expected.name, *map(str, (len(part), right, len(part) - right - wrong, wrong)))
    console.print(table)
    if listing:
        for each in outcomes:
            if not each.is_right:
                print_outcome(each)
    statements = [each for each in outcomes if each.expected is not SentenceVerdict.NOT_CHECKED]
    checked = [each for each in statements if each.kind != "language"]
    false_support = [each for each in statements if each.finding.verdict is SentenceVerdict.SUPPORTED]
    console.print(f"p50 {1000 * median(each.seconds for each in statements):.0f} ms a sentence")
    print_reliability(statements)

    def found(expected: SentenceVerdict) -> float:
        return fmean(each.is_right for each in checked if each.expected is expected)

    rows = (
        ("right verdicts, other languages apart", 0.8, fmean(each.is_right for each in checked)),
        ("supported found", 0.8, found(SentenceVerdict.SUPPORTED)),
        (
            "contradicted found",
            0.75,
            found(SentenceVerdict.CONTRADICTED),
        ),
        ("neither: said so", 0.9, found(SentenceVerdict.NOT_FOUND)),
        ("of all called supported, right", 0.95, fmean(each.is_right for each in false_support)),
        ("no misleading verdict", 0.93, fmean(not each.is_wrong for each in statements)),
    )
    return [
        Limit(f"{name}: {what}", f">= {least}", f"{rate:.3f}", rate >= least) for what, least, rate in rows
    ]


def print_outcome(outcome: Outcome) -> None:
    """Prints a sentence whose verdict is not right."""
    finding = outcome.finding
    cited = finding.passage.text[slice(*finding.span)][:110] if finding.passage else ""
    differences = [(each.kind, each.stated, each.found) for each in finding.differences]
    confidence = f"{finding.confidence:.2f}" if finding.confidence is not None else ""
    console.print(
        f"{outcome.kind}: {outcome.expected.name} -> {finding.verdict.name} {confidence} {differences}\n"
        f"    {outcome.text}\n    {cited}",
        markup=False,
        highlight=False,
    )


def print_reliability(outcomes: Sequence[Outcome]) -> None:
    """Prints the share of right verdicts by confidence, of supported and contradicted sentences."""
    claimed = [
        each
        for each in outcomes
        if each.finding.verdict in (SentenceVerdict.SUPPORTED, SentenceVerdict.CONTRADICTED)
    ]
    table = Table("confidence", "verdicts", "mean confidence", "right")
    for fifth in range(5):
        part = [
            each for each in claimed if fifth <= min(4, int((each.finding.confidence or 0) * 5)) < fifth + 1
        ]
        if part:
            mean = fmean(each.finding.confidence or 0 for each in part)
            table.add_row(
                f"{fifth / 5:.1f}",
                str(len(part)),
                f"{mean:.3f}",
                f"{fmean(each.is_right for each in part):.3f}",
            )
    console.print(table)


async def run(names: Sequence[str], folders: Sequence[Path], *, listing: bool) -> list[Limit]:
    """Checks the sets with the default model."""
    embedders = ConfiguredEmbedders(Settings())
    limits: list[Limit] = []
    try:
        for name in names:
            found = report(name, await check(name, folders, embedders.default), listing=listing)
            limits += found if name == "frozen" else []
    finally:
        await embedders.close()
    return limits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="set", help="tuning, frozen")
    parser.add_argument("--data", type=Path, default=shared_folder("DOCUMENTS", "docs"))
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--list", action="store_true", help="print each sentence whose verdict is not right")
    options = parser.parse_args()
    names = options.names or ["tuning", "frozen"]
    return verdict(asyncio.run(run(names, [options.data, options.cases], listing=options.list)))


if __name__ == "__main__":
    sys.exit(main())
