"""Evaluation jobs: answer the questions of a data set and score the answers."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from core.errors import Conflict
from core.ports import (
    EXTRACTIVE,
    ChatRequest,
    ModelFailure,
    Passage,
    SearchScope,
    VectorChunk,
    VectorStore,
)
from core.working_folders import working_folder
from db.models import EvaluationRun
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.chat.generation import GeneratedAnswer, generate_answer
from pipelines.evaluation import metrics
from pipelines.knowledge.indexing import BATCH_SIZE, embed_cached
from pipelines.runtime.handlers import Run, handles
from resolvers import token_usage
from resolvers.evaluation import datasets, runs
from resolvers.evaluation.datasets import DataSet, Question
from resolvers.evaluation.runs import MeasureModel, RunOptions

INDEXED_PROGRESS = 0.1
"""Progress after indexing."""
READ_TIMEOUT_SECONDS = 120.0
MAX_OUTAGES, MAX_REFUSALS = 5, 50
"""A run fails after this many failures without a success: at its last attempt, and before."""


@handles(MeasureModel)
async def evaluate(job: MeasureModel, run: Run) -> CompletionHook | None:
    """Index the passages, run the remaining cases, and summarize their scores."""
    async with run.write() as uow:
        row = await runs.find(uow, job.run_id)
    if row is None:
        return None
    options, data = RunOptions.from_json(row.config), await load_dataset(run, row)
    questions = data.questions[: options.test_cases]
    store = await index_passages(run, row, data, job.dimension)
    async with run.read() as uow:
        done = await runs.answered_numbers(uow, row.id)
    for number, question in enumerate(questions, 1):
        if number not in done:
            case, usage = await run_case(run, store, options, row, question, data.passages)
            async with run.write() as uow:
                await runs.store_case(uow, row, number, case, usage)
                if case["error_message"] is None:
                    await run.mark_progress(uow)
                failed = await runs.common_failure(uow, row.id, failure_limit(run, len(questions)))
            if failed is not None:
                raise Conflict(failed)
        await run.report(INDEXED_PROGRESS + (1 - INDEXED_PROGRESS) * number / len(questions))
    async with run.read() as uow:
        cases = [
            {name: getattr(case, name) for name in ("scores", "correct", "latency_ms", "error_message")}
            for case in await runs.list_cases(uow, row.id)
        ]
    summary = metrics.summarize(cases) | {"depth": options.top_k, "passages_digest": data.passages_digest}

    async def finish(uow: UnitOfWork) -> None:
        await runs.complete(uow, row.id, summary, job.dimension)

    return finish


def failure_limit(run: Run, questions: int) -> int:
    """The number of failures without a success at which the run fails."""
    return MAX_OUTAGES if run.is_last else max(MAX_OUTAGES, min(MAX_REFUSALS, questions))


async def load_dataset(run: Run, row: EvaluationRun) -> DataSet:
    """The data set of a run. Raises `DomainError` if it cannot be read."""
    if row.upload_id is None:
        bundled = datasets.BUNDLED.get(row.dataset_name or "")
        if bundled is None:
            raise Conflict("The file of this data set no longer exists.")
        return await run.cpu_within(READ_TIMEOUT_SECONDS, parse_file, bundled)
    async with run.read() as uow:
        key = await runs.dataset_key(uow, row.upload_id)
    with working_folder() as name:
        path = await run.services.store.fetch(key, Path(name) / "dataset")
        return await run.cpu_within(READ_TIMEOUT_SECONDS, parse_file, path)


def parse_file(path: Path) -> DataSet:
    """The data set of a file; runs in a child process."""
    return datasets.parse(path.read_bytes())


async def index_passages(run: Run, row: EvaluationRun, data: DataSet, dimension: int) -> VectorStore:
    """Index the passages in a separate store for the run. Safe to repeat."""
    embedder = run.services.embedders.default
    if embedder.dimension != dimension:
        raise Conflict("The embedding model has changed. Create a new run.")
    store = run.services.vectors.of(runs.index_name(row.id), dimension)
    keys = list(data.passages)
    if await store.count(run.company_id) == len(keys):
        return store
    for start in range(0, len(keys), BATCH_SIZE):
        batch = keys[start : start + BATCH_SIZE]
        texts = [data.passages[key] for key in batch]
        embedded = await embed_cached(run, embedder, texts)
        chunks = [
            VectorChunk(point_id(key), row.id, None, "company", text, vectors)
            for key, text, vectors in zip(batch, texts, embedded, strict=True)
        ]
        await store.upsert(run.company_id, chunks)
        await run.report(INDEXED_PROGRESS * min(1.0, (start + BATCH_SIZE) / len(keys)))
    return store


async def run_case(
    run: Run,
    store: VectorStore,
    options: RunOptions,
    row: EvaluationRun,
    question: Question,
    passages: Mapping[str, str],
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The columns of a case and of its token usage. Raises transient failures until the retry deadline."""
    started_at = time.monotonic()
    case: dict[str, Any] = {
        "key": question.key,
        "question": question.text,
        "expected_answer": question.answer,
        "expected_passages": list(question.passages),
    }
    found: tuple[Passage, ...] = ()
    try:
        found = await retrieve_passages(run, store, question, passages, options.top_k)
        request = ChatRequest(
            question=question.text,
            passages=found[: options.passages],
            provider=options.provider,
            model=None if row.model_name == EXTRACTIVE else row.model_name,
            temperature=options.temperature,
            max_tokens=options.max_tokens,
        )
        answered = await generate_answer(
            run.services.chat, request, ignore_delta, embed=run.services.embedders.sentences.embed
        )
    except ModelFailure as failure:
        if failure.is_transient and not run.is_last:
            raise
        case |= failed_case(question, [passage.source for passage in found], options.top_k, failure)
        return case | {"latency_ms": elapsed_ms(started_at)}, None
    case |= score_case(
        question, [passage.source for passage in found], answered, request.passages, options.top_k
    )
    usage = token_usage.usage_columns(
        run.services.prices,
        "evaluation",
        answered.model,
        answered.prompt_tokens,
        answered.completion_tokens,
        llm_provider=runs.provider_of(options),
    )
    return case | {"latency_ms": elapsed_ms(started_at)}, usage


def point_id(key: str) -> UUID:
    """The id of a passage in the vector store."""
    return uuid5(NAMESPACE_OID, key)


async def ignore_delta(text: str) -> None:
    """Evaluation answers are not streamed."""


async def retrieve_passages(
    run: Run,
    store: VectorStore,
    question: Question,
    passages: Mapping[str, str],
    limit: int,
) -> tuple[Passage, ...]:
    """The best passages for a question; `source` is their key."""
    vector = (await run.services.embedders.default.embed([question.text], "query"))[0]
    hits = await store.search(SearchScope(run.company_id), vector=vector, text=question.text, limit=limit)
    keys = {point_id(key): key for key in passages}
    return tuple(
        Passage(
            document_id=None,
            source=keys[hit.chunk_id],
            page=None,
            start=0,
            end=len(passages[keys[hit.chunk_id]]),
            text=passages[keys[hit.chunk_id]],
            similarity=run.services.embedders.default.similarity_scale.of(hit.similarity),
        )
        for hit in hits
    )


def score_case(
    question: Question,
    ranked: Sequence[str],
    answered: GeneratedAnswer,
    passages: Sequence[Passage],
    depth: int,
) -> dict[str, Any]:
    """The result of a case and its scores; `passages` are those in the request."""
    indices = dict.fromkeys(citation.source_index for citation in answered.citations.citations)
    cited = [passages[index - 1].source for index in indices]
    correct = metrics.is_correct(
        question.answer, question.passages, answered.text, cited, found=answered.found
    )
    return {
        "retrieved": list(ranked),
        "answer": answered.text,
        "cited": cited,
        "correct": correct,
        "scores": metrics.retrieval_scores(question.passages, ranked, depth)
        | metrics.answer_scores(question.answer, answered.text)
        | metrics.citation_scores(question.passages, cited)
        | {"quality": answered.confidence.total},
        "error_message": None,
    }


def failed_case(
    question: Question, ranked: Sequence[str], depth: int, failure: ModelFailure
) -> dict[str, Any]:
    """The result of a case without an answer, and its scores."""
    return {
        "retrieved": list(ranked),
        "correct": False,
        "scores": metrics.failed_scores(question.answer, question.passages, ranked, depth),
        "error_message": failure.message,
    }


def elapsed_ms(started_at: float) -> float:
    """The milliseconds since `started_at`."""
    return (time.monotonic() - started_at) * 1000
