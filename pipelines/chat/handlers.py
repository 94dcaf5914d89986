"""From a question to a streamed answer with its sources."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.errors import Conflict
from core.ports import ChatRequest, ModelFailure, Passage, RunErrorCode, UnknownEmbedder, VectorsUnavailable
from core.prices import Prices
from db.models import AnswerMode, RunStatus
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.chat import answer_cache as repeating
from pipelines.chat import drawing_passages
from pipelines.chat.citations import Citation
from pipelines.chat.council_job import run_council, serialize_decision
from pipelines.chat.generation import Emit, GeneratedAnswer, generate_answer
from pipelines.chat.question_quality import assess_question
from pipelines.chat.reasoning import Step, reasoning_chain
from pipelines.chat.step_summaries import answer_steps, quality_step
from pipelines.chat.streaming import DeltaWriter
from pipelines.runtime.handlers import Retry, Run, Services, handles
from pipelines.runtime.periodic import periodic
from resolvers import token_usage
from resolvers.access import Viewer
from resolvers.chat import answer_cache, answers, drawing_context, events
from resolvers.chat.answers import CompletedAnswer, Question
from resolvers.chat.questions import AnswerMessage
from resolvers.identity import accounts
from resolvers.knowledge import model_rollout, retrieval

RETRIEVAL_LIMIT = 5
"""Passages of documents that an answer is made from, and as many of a drawing session."""


VECTORS_UNAVAILABLE = "The documents cannot be searched: the vector store does not answer."


@handles(AnswerMessage)
async def answer_message(job: AnswerMessage, run: Run) -> CompletionHook | None:
    """Retrieve, answer, weigh. A later attempt takes back what an earlier one told, and begins anew."""
    started_at = time.monotonic()
    async with run.write() as uow:
        question = await answers.start(uow, job.message_id, job.user_id)
    if question is None:
        return None
    viewer = await accounts.load_viewer(run.services.database, job.user_id, None)
    key = await repeating.cache_key(run, viewer, question)
    if cached := await repeating.answer_from_cache(run, question, job.user_id, key, started_at):
        return cached
    steps: list[Step] = []
    usage: list[dict[str, Any]] = []
    passages = await retrieve_passages(run, viewer, question, steps, usage)
    request = ChatRequest(
        question=question.text,
        passages=tuple(passages),
        history=question.history,
        provider=question.provider.value,
        model=question.model,
        temperature=question.temperature,
    )
    answered = await stream_answer(run, question, request, steps)
    usage.append(answer_usage(run.services.prices, question, answered))
    completed = completed_answer(question, request, answered, steps, usage, time.monotonic() - started_at)
    cacheable = await repeating.is_cacheable(run, viewer, question, key, request, answered)

    async def finish(uow: UnitOfWork) -> None:
        await answers.save(uow, question, job.user_id, completed)
        if key is not None and cacheable:
            await answer_cache.save(uow, key, job.user_id, completed.message, completed.citations)

    return finish


@periodic("conversation events", timedelta(hours=1), per_company=True)
async def purge_events(services: Services, company_id: UUID) -> None:
    """Events of a day ago: who comes back that late reads the messages."""
    async with services.database.tenant(company_id) as uow:
        await events.purge(uow)


async def retrieve_passages(
    run: Run, viewer: Viewer, question: Question, steps: list[Step], usage: list[dict[str, Any]]
) -> list[Passage]:
    """The best passages of the session and of documents, as the asker sees them; none for no question."""
    question_quality = assess_question(question.text)
    steps.append(quality_step(question_quality))
    if not question_quality.is_question:
        return []
    started_at = time.monotonic()
    await publish_step(run, question, agent="retrieval", action="search", state="started")
    try:
        drawing_results = await session_passages(run, viewer, question)
        async with run.read() as uow:
            embedder = await model_rollout.search_embedder(uow, run.services.embedders)
        searched = await retrieval.search(
            viewer,
            embedder,
            run.services.vectors,
            question.text,
            document_ids=question.document_ids,
            limit=RETRIEVAL_LIMIT,
        )
    except VectorsUnavailable as error:
        unavailable = ModelFailure(RunErrorCode.NO_FILE_SEARCH_STORE, VECTORS_UNAVAILABLE, is_transient=True)
        raise await failure_error(run, question, unavailable, run.services.chat.model) from error
    except UnknownEmbedder as error:
        raise Conflict(str(error)) from error
    except ModelFailure as failure:
        raise await failure_error(run, question, failure, run.services.embedders.default.model) from failure
    usage.append(token_usage.embedding_usage_columns(run.services.prices, searched.embedder, searched.tokens))
    passages = [
        *drawing_results,
        *await retrieval.load_passages(run.services.database, viewer, searched.hits),
    ]
    detail = f"{len(passages)} passages of {count_sources(passages)}"
    step = Step(
        "retrieval",
        "search",
        detail=detail,
        confidence=max((each.similarity for each in passages), default=None),
        output={"chunks": [str(hit.chunk_id) for hit in searched.hits]},
        seconds=time.monotonic() - started_at,
    )
    steps.append(step)
    await publish_step(run, question, agent="retrieval", action="search", state="completed", detail=detail)
    return passages


async def session_passages(run: Run, viewer: Viewer, question: Question) -> list[Passage]:
    """The best passages of what the conversation's drawing session found, if it is about one."""
    if question.session_id is None:
        return []
    async with run.services.database.transaction(viewer.scope, read_only=True) as uow:
        found = await drawing_context.session_findings(uow, viewer, question.session_id)
    return await drawing_passages.rank_passages(
        run.services.embedders.default.embed, question.text, found, RETRIEVAL_LIMIT
    )


def count_sources(passages: Sequence[Passage]) -> str:
    """Of how many documents and sheets passages are, in words."""
    documents = len({each.document_id for each in passages if each.document_id})
    sheets = len({each.source for each in passages if each.document_id is None})
    return f"{documents} documents" + (f" and {sheets} sheets" if sheets else "")


async def stream_answer(
    run: Run, question: Question, request: ChatRequest, steps: list[Step]
) -> GeneratedAnswer:
    """The model's answer, its pieces told as they come."""

    async def write(offset: int, text: str) -> None:
        async with run.write() as uow:
            await answers.publish_delta(uow, question, offset, text)

    started_at = time.monotonic()
    deltas = DeltaWriter(write)
    try:
        answered = await generate(run, question, request, deltas.append, steps)
        await deltas.flush()
    except ModelFailure as failure:
        raise await failure_error(run, question, failure, run.services.chat.model) from failure
    finally:
        await deltas.close()
    steps += answer_steps(answered, time.monotonic() - started_at)
    return answered


async def generate(
    run: Run, question: Question, request: ChatRequest, emit: Emit, steps: list[Step]
) -> GeneratedAnswer:
    """The answer of one model, or of a council if that was wanted and there is a question."""
    if question.mode is AnswerMode.COUNCIL and assess_question(question.text).is_question:
        return await run_council(run, run.services.chat, question, request, emit, steps)
    return await generate_answer(run.services.chat, request, emit, embed=run.services.embedders.default.embed)


async def failure_error(run: Run, question: Question, failure: ModelFailure, model: str) -> Exception:
    """What to raise for a failure: another attempt where that may help, else the end with its code."""
    if failure.is_transient and not run.is_last:
        return Retry(failure.message, after=failure.retry_after)
    async with run.write() as uow:
        await answers.record_failure(uow, question, failure.code, model)
    return Conflict(failure.message)


async def publish_step(run: Run, question: Question, **step: Any) -> None:
    """A step, in a transaction of its own."""
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
    """The answer's row, and those that go with it."""
    total_tokens = answered.prompt_tokens + answered.completion_tokens
    confidence = answered.confidence
    message = {
        "content": answered.text,
        "model": answered.model,
        "prompt_tokens": answered.prompt_tokens,
        "completion_tokens": answered.completion_tokens,
        "total_tokens": total_tokens,
        "confidence": confidence.total,
        "low_confidence_warning": confidence.is_low(council=answered.council is not None),
        "sources": [source_json(number, each) for number, each in enumerate(request.passages, 1)],
        "context_document_ids": list(
            dict.fromkeys(str(each.document_id) for each in request.passages if each.document_id)
        ),
        "reasoning_chain": reasoning_chain(steps, question.explainability),
        "message_metadata": {
            "confidence": asdict(confidence),
            "found": answered.found,
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
        citations=[citation_columns(each) for each in answered.citations.citations],
        steps=[step.columns() for step in steps],
        run=run_log,
        usage=usage,
    )


def answer_usage(prices: Prices, question: Question, answered: GeneratedAnswer) -> dict[str, Any]:
    """What the answer took of the model."""
    return token_usage.usage_columns(
        prices,
        "council_voting" if answered.council else "chat",
        answered.model,
        answered.prompt_tokens,
        answered.completion_tokens,
        llm_provider=question.provider,
    )


def source_json(number: int, passage: Passage) -> dict[str, Any]:
    """A passage, as it is kept with the answer."""
    return {
        "index": number,
        "document_id": passage.document_id and str(passage.document_id),
        "name": passage.source,
        "page_number": passage.page,
        "snippet": passage.text,
        "similarity": passage.similarity,
    }


def citation_columns(citation_: Citation) -> dict[str, Any]:
    """A citation's columns."""
    return {
        "source_index": citation_.source_index,
        "source_name": citation_.source,
        "page_number": citation_.page,
        "snippet": citation_.snippet,
        "confidence": citation_.confidence,
        "text_start_index": citation_.text_start,
        "text_end_index": citation_.text_end,
        "inline_number": citation_.inline_number,
    }
