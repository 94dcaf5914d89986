"""Answer jobs: retrieve passages, generate and stream the answer, store it with its citations."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from core.errors import Conflict
from core.ports import (
    AnswerEnd,
    ChatRequest,
    Embedder,
    ModelFailure,
    Passage,
    RunErrorCode,
    VectorsUnavailable,
)
from core.prices import Prices
from db.models import AnswerMode, RunStatus
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.chat import drawing_passages
from pipelines.chat.answer_cache import answer_from_cache, cache_key, is_cacheable
from pipelines.chat.citations import Citation
from pipelines.chat.council_job import run_council, serialize_decision
from pipelines.chat.follow_ups import QuestionVersion, RetrievedQuestion
from pipelines.chat.generation import Emit, GeneratedAnswer, generate_answer
from pipelines.chat.grounding import Statement
from pipelines.chat.question_quality import assess_question
from pipelines.chat.question_rewrites import retrieve_question, uses_language_model
from pipelines.chat.reasoning import Step, reasoning_chain
from pipelines.chat.row_questions.answer import answer_from_rows
from pipelines.chat.session_questions.answer import answer_from_session, answer_passages, read_question
from pipelines.chat.step_summaries import answer_steps, quality_step
from pipelines.chat.streaming import DeltaWriter
from pipelines.runtime.handlers import Run, handles
from resolvers import token_usage
from resolvers.access import Viewer
from resolvers.chat import answer_cache, answers, drawing_context, session_rows
from resolvers.chat.answers import CompletedAnswer, Question
from resolvers.chat.questions import AnswerMessage
from resolvers.identity import accounts
from resolvers.knowledge import model_rollout, retrieval

RETRIEVAL_LIMIT = 5
"""Passages of documents per answer, and of drawing sessions."""
VECTORS_UNAVAILABLE = "The documents cannot be searched: the vector store does not answer."


@handles(AnswerMessage)
async def answer_message(job: AnswerMessage, run: Run) -> CompletionHook | None:
    """Answer a message. A later attempt discards the streamed text of an earlier one and restarts."""
    started_at = time.monotonic()
    async with run.write() as uow:
        question = await answers.start(uow, job.message_id, job.user_id)
    if question is None:
        return None
    viewer = await accounts.load_viewer(run.services.database, job.user_id, None)
    steps: list[Step] = []
    rows = await answer_from_session(run, viewer, question, steps)
    if rows := rows or await answer_from_rows(run, viewer, question, steps):
        return await rows_completion(run, job, question, *rows, steps, started_at)
    key = await cache_key(run, viewer, question)
    if cached := await answer_from_cache(run, question, job.user_id, key, started_at):
        return cached
    usage: list[dict[str, Any]] = []
    retrieved = await retrieve_passages(run, viewer, question, steps, usage)
    has_language_model = uses_language_model(run.services.chat, question)
    request = ChatRequest(
        question=question.text if has_language_model else retrieved.version.text,
        topic="" if has_language_model else retrieved.version.topic,
        parts=() if has_language_model else retrieved.parts,
        passages=retrieved.passages,
        history=question.history,
        provider=question.provider.value,
        model=question.model,
        temperature=question.temperature,
    )
    answered = await stream_answer(run, question, request, steps)
    usage.append(answer_usage(run.services.prices, question, answered))
    completed = completed_answer(question, request, answered, steps, usage, time.monotonic() - started_at)
    may_cache = await is_cacheable(run, viewer, question, key, request, answered)

    async def finish(uow: UnitOfWork) -> None:
        await answers.save(uow, question, job.user_id, completed)
        if key is not None and may_cache:
            await answer_cache.save(uow, key, job.user_id, completed.message, completed.citations)

    return finish


async def rows_completion(
    run: Run,
    job: AnswerMessage,
    question: Question,
    request: ChatRequest,
    answered: GeneratedAnswer,
    steps: list[Step],
    started_at: float,
) -> CompletionHook:
    """The completion hook that stores an answer of rows, whose text is published. It is never cached."""
    async with run.write() as uow:
        await answers.publish_delta(uow, question, 0, answered.text)
    seconds = time.monotonic() - started_at
    steps += answer_steps(answered, seconds)
    completed = completed_answer(question, request, answered, steps, [], seconds)

    async def finish(uow: UnitOfWork) -> None:
        await answers.save(uow, question, job.user_id, completed)

    return finish


async def retrieve_passages(
    run: Run, viewer: Viewer, question: Question, steps: list[Step], usage: list[dict[str, Any]]
) -> RetrievedQuestion:
    """The question, completed from the turns before, with the best passages visible to the viewer."""
    question_quality = assess_question(question.text)
    steps.append(quality_step(question_quality))
    if not question_quality.is_question:
        return RetrievedQuestion(QuestionVersion(question.text), ())
    started_at = time.monotonic()
    await publish_step(run, question, agent="retrieval", action="search", state="started")
    async with run.read() as uow:
        embedder = await model_rollout.search_embedder(uow, run.services.embedders)
    tokens = 0

    async def retrieve(text: str) -> list[Passage]:
        nonlocal tokens
        try:
            found, searched = await search_passages(run, viewer, embedder, replace(question, text=text))
        except VectorsUnavailable as error:
            unavailable = ModelFailure(
                RunErrorCode.NO_FILE_SEARCH_STORE, VECTORS_UNAVAILABLE, is_transient=True
            )
            raise await failure_error(run, question, unavailable, run.services.chat.model) from error
        except ModelFailure as failure:
            raise await failure_error(
                run, question, failure, run.services.embedders.default.model
            ) from failure
        tokens += searched
        return found

    retrieved, rewrite = await retrieve_question(
        run.services.chat, run.services.answer_probability, question, retrieve, steps
    )
    if rewrite is not None:
        usage.append(model_usage(run.services.prices, question, "chat", rewrite))
    usage.append(token_usage.embedding_usage_columns(run.services.prices, embedder, tokens))
    detail = f"{len(retrieved.passages)} passages of {count_sources(retrieved.passages)}"
    step = Step(
        "retrieval",
        "search",
        detail=detail,
        confidence=max((passage.similarity for passage in retrieved.passages), default=None),
        output={"chunks": [str(passage.chunk_id) for passage in retrieved.passages if passage.chunk_id]},
        seconds=time.monotonic() - started_at,
    )
    steps.append(step)
    await publish_step(run, question, agent="retrieval", action="search", state="completed", detail=detail)
    return retrieved


async def search_passages(
    run: Run, viewer: Viewer, embedder: Embedder, question: Question
) -> tuple[list[Passage], int]:
    """The best passages of the drawing session and of the documents, and the tokens of the search."""
    drawing_results = await session_passages(run, viewer, question)
    searched = await retrieval.search(
        run.services.database,
        viewer,
        embedder,
        run.services.vectors,
        question.text,
        document_ids=question.document_ids,
        limit=RETRIEVAL_LIMIT,
    )
    return [*drawing_results, *searched.passages], searched.tokens


async def session_passages(run: Run, viewer: Viewer, question: Question) -> list[Passage]:
    """The best passages of the conversation's drawing session, if it has one, of the sheets that are named.

    What the rows answer is the only passage, which councils and rewritten questions read.
    """
    if question.session_id is None:
        return []
    async with run.services.database.transaction(viewer.scope, read_only=True) as uow:
        rows = await session_rows.session_rows(uow, viewer, question.session_id)
        found = await drawing_context.session_findings(uow, viewer, question.session_id)
    if rows is not None:
        parsed, answered = await asyncio.to_thread(read_question, rows, question)
        if answered is not None:
            return answer_passages(answered, datetime.now(UTC))[:RETRIEVAL_LIMIT]
        found = drawing_passages.of_sheets(found, parsed)
    return await drawing_passages.rank_passages(
        run.services.embedders.sentences.embed, question.text, found, RETRIEVAL_LIMIT
    )


def count_sources(passages: Sequence[Passage]) -> str:
    """The number of documents and sheets of the passages, in words."""
    documents = len({passage.document_id for passage in passages if passage.document_id})
    sheets = len({passage.source for passage in passages if passage.document_id is None})
    return f"{documents} documents" + (f" and {sheets} sheets" if sheets else "")


async def stream_answer(
    run: Run, question: Question, request: ChatRequest, steps: list[Step]
) -> GeneratedAnswer:
    """Generate an answer and publish its text as it arrives, and once more if its citations change it."""

    async def write(offset: int, text: str) -> None:
        async with run.write() as uow:
            await answers.publish_delta(uow, question, offset, text)

    started_at = time.monotonic()
    deltas = DeltaWriter(write)
    try:
        answered = await generate(run, question, request, deltas.append, steps)
        await deltas.flush()
        if deltas.text != answered.text:
            async with run.write() as uow:
                await answers.replace_text(uow, question, answered.text, is_started=bool(deltas.text))
    except ModelFailure as failure:
        raise await failure_error(run, question, failure, run.services.chat.model) from failure
    finally:
        await deltas.close()
    steps += answer_steps(answered, time.monotonic() - started_at)
    return answered


async def generate(
    run: Run, question: Question, request: ChatRequest, emit: Emit, steps: list[Step]
) -> GeneratedAnswer:
    """The answer of one model, or of a council in council mode."""
    if question.mode is AnswerMode.COUNCIL and assess_question(question.text).is_question:
        return await run_council(run, run.services.chat, question, request, emit, steps)
    return await generate_answer(
        run.services.chat, request, emit, embed=run.services.embedders.sentences.embed
    )


async def failure_error(run: Run, question: Question, failure: ModelFailure, model: str) -> Exception:
    """The failure if it is transient and will be retried, else `Conflict` after recording its code."""
    if failure.is_transient and not run.is_last:
        return failure
    async with run.write() as uow:
        await answers.record_failure(uow, question, failure.code, model)
    return Conflict(failure.message)


async def publish_step(run: Run, question: Question, **step: Any) -> None:
    """Publish a step in its own transaction."""
    async with run.write() as uow:
        await answers.publish_step(uow, question, **step)


def completed_answer(
    question: Question,
    request: ChatRequest,
    answered: GeneratedAnswer,
    steps: list[Step],
    usage: list[dict[str, Any]],
    seconds: float,
) -> CompletedAnswer:
    """The columns of the message, and the rows that belong to it."""
    total_tokens = answered.prompt_tokens + answered.completion_tokens
    confidence = answered.confidence
    message = {
        "content": answered.text,
        "model": answered.model,
        "prompt_tokens": answered.prompt_tokens,
        "completion_tokens": answered.completion_tokens,
        "total_tokens": total_tokens,
        "confidence": confidence.total,
        "low_confidence_warning": answered.has_low_confidence,
        "sources": [source_json(number, passage) for number, passage in enumerate(request.passages, 1)],
        "context_document_ids": list(
            dict.fromkeys(str(passage.document_id) for passage in request.passages if passage.document_id)
        ),
        "reasoning_chain": reasoning_chain(steps, question.explainability),
        "message_metadata": {
            "confidence": asdict(confidence),
            "found": answered.found,
            "truncated": answered.truncated,
            "statements": [statement_json(statement) for statement in answered.statements],
            **({"council": serialize_decision(answered.council)} if answered.council else {}),
        },
    }
    run_log = {
        "model": answered.model,
        "tokens_used": total_tokens,
        "latency_ms": round(seconds * 1000),
        "status": RunStatus.ERROR if answered.code else RunStatus.SUCCESS,
        "error_code": answered.code and answered.code.value,
    }
    return CompletedAnswer(
        message=message,
        citations=[citation_columns(citation) for citation in answered.citations.citations],
        steps=[step.columns() for step in steps],
        run=run_log,
        usage=usage,
    )


def answer_usage(prices: Prices, question: Question, answered: GeneratedAnswer) -> dict[str, Any]:
    """The token usage of an answer."""
    end = AnswerEnd(answered.model or "", answered.prompt_tokens, answered.completion_tokens)
    return model_usage(prices, question, "council_voting" if answered.council else "chat", end)


def model_usage(prices: Prices, question: Question, operation: str, end: AnswerEnd) -> dict[str, Any]:
    """The token usage of a reply of the model."""
    return token_usage.usage_columns(
        prices,
        operation,
        end.model or None,
        end.prompt_tokens,
        end.completion_tokens,
        llm_provider=question.provider,
    )


def source_json(number: int, passage: Passage) -> dict[str, Any]:
    """A passage as JSON in the message's sources."""
    return {
        "index": number,
        "document_id": passage.document_id and str(passage.document_id),
        "name": passage.source,
        "page_number": passage.page,
        "snippet": passage.text,
        "similarity": passage.similarity,
    }


def statement_json(statement: Statement) -> dict[str, Any]:
    """A statement as JSON in the message's metadata."""
    return {
        "text_start_index": statement.start,
        "text_end_index": statement.end,
        "support": statement.support,
        "supported": statement.is_supported,
    }


def citation_columns(citation: Citation) -> dict[str, Any]:
    """The columns of a citation."""
    return {
        "source_index": citation.source_index,
        "source_name": citation.source,
        "page_number": citation.page,
        "snippet": citation.snippet,
        "confidence": citation.confidence,
        "text_start_index": citation.text_start,
        "text_end_index": citation.text_end,
        "inline_number": citation.inline_number,
    }
