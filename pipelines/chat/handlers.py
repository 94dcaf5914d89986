"""From a question to a streamed answer with its sources."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.errors import Conflict
from core.ports import ChatRequest, ModelFailure, Passage, RunErrorCode, UnknownEmbedder, VectorsUnavailable
from core.prices import Prices
from db.models import AnswerMode, Company, RunStatus
from db.queue import Finish
from db.uow import UnitOfWork
from pipelines.chat import answer_cache as repeating
from pipelines.chat import drawing_passages
from pipelines.chat.citations import Citation
from pipelines.chat.council_job import run_council, serialize_decision
from pipelines.chat.generation import Answered, Tell, answer
from pipelines.chat.question_quality import quality
from pipelines.chat.reasoning import Step, chain
from pipelines.chat.step_summaries import checked, weighing
from pipelines.chat.streaming import Deltas
from pipelines.runtime.handlers import Retry, Run, Services, handles
from pipelines.runtime.periodic import upkeep
from resolvers import token_usage
from resolvers.access import Viewer
from resolvers.chat import answer_cache, answers, drawing_context, events
from resolvers.chat.answers import Question, CompletedAnswer
from resolvers.chat.questions import AnswerMessage
from resolvers.identity import accounts
from resolvers.knowledge import model_rollout, retrieval

RETRIEVED = 5
"""Passages of documents that an answer is made from, and as many of a drawing session."""


NO_STORE = "The documents cannot be searched: the vector store does not answer."


@handles(AnswerMessage)
async def answer_message(job: AnswerMessage, run: Run) -> Finish | None:
    """Retrieve, answer, weigh. A later attempt takes back what an earlier one told, and begins anew."""
    began = time.monotonic()
    async with run.write() as uow:
        question = await answers.start(uow, job.message_id, job.user_id)
    if question is None:
        return None
    viewer = await accounts.viewer_of(run.services.database, job.user_id, None)
    key = await repeating.cache_key(run, viewer, question)
    if again := await repeating.answer_from_cache(run, question, job.user_id, key, began):
        return again
    steps: list[Step] = []
    usage: list[dict[str, Any]] = []
    passages = await retrieved(run, viewer, question, steps, usage)
    request = ChatRequest(
        question=question.text,
        passages=tuple(passages),
        history=question.history,
        provider=question.provider.value,
        model=question.model,
        temperature=question.temperature,
    )
    answered = await streamed(run, question, request, steps)
    usage.append(spent(run.services.prices, question, answered))
    written = whole(question, request, answered, steps, usage, time.monotonic() - began)
    keeps = await repeating.is_cacheable(run, viewer, question, key, request, answered)

    async def finish(uow: UnitOfWork) -> None:
        await answers.save(uow, question, job.user_id, written)
        if key is not None and keeps:
            await answer_cache.save(uow, key, job.user_id, written.message, written.citations)

    return finish


@upkeep("conversation events", timedelta(hours=1))
async def prune_events(services: Services) -> None:
    """Events of a day ago: who comes back that late reads the messages."""
    async with services.database.platform(read_only=True) as uow:
        companies = [row.id for row in await uow.all(select(Company.id))]
    for company_id in companies:
        async with services.database.tenant(company_id) as uow:
            await events.purge(uow)


async def retrieved(
    run: Run, viewer: Viewer, question: Question, steps: list[Step], usage: list[dict[str, Any]]
) -> list[Passage]:
    """The best passages of the session and of documents, as the asker sees them; none for no question."""
    asked = quality(question.text)
    steps.append(checked(asked))
    if not asked.askable:
        return []
    began = time.monotonic()
    await announce(run, question, agent="retrieval", action="search", state="started")
    try:
        changed = await session_passages(run, viewer, question)
        async with run.read() as uow:
            embedder = await model_rollout.searching(uow, run.services.embedders)
        searched = await retrieval.search(
            viewer,
            embedder,
            run.services.vectors,
            question.text,
            document_ids=question.document_ids,
            limit=RETRIEVED,
        )
    except VectorsUnavailable as error:
        lost = ModelFailure(RunErrorCode.NO_FILE_SEARCH_STORE, NO_STORE, passing=True)
        raise await given_up(run, question, lost, run.services.chat.model) from error
    except UnknownEmbedder as error:
        raise Conflict(str(error)) from error
    except ModelFailure as failure:
        raise await given_up(run, question, failure, run.services.embedders.default.model) from failure
    usage.append(token_usage.embedded(run.services.prices, searched.embedder, searched.tokens))
    passages = [*changed, *await retrieval.passages(run.services.database, viewer, searched.hits)]
    found = f"{len(passages)} passages of {counted(passages)}"
    step = Step(
        "retrieval",
        "search",
        detail=found,
        confidence=max((each.similarity for each in passages), default=None),
        output={"chunks": [str(hit.chunk_id) for hit in searched.hits]},
        seconds=time.monotonic() - began,
    )
    steps.append(step)
    await announce(run, question, agent="retrieval", action="search", state="completed", detail=found)
    return passages


async def session_passages(run: Run, viewer: Viewer, question: Question) -> list[Passage]:
    """The best passages of what the conversation's drawing session found, if it is about one."""
    if question.session_id is None:
        return []
    async with run.services.database.within(viewer.scope, read_only=True) as uow:
        found = await drawing_context.session_findings(uow, viewer, question.session_id)
    return await drawing_passages.ranked(
        run.services.embedders.default.embed, question.text, found, RETRIEVED
    )


def counted(passages: Sequence[Passage]) -> str:
    """Of how many documents and sheets passages are, in words."""
    documents = len({each.document_id for each in passages if each.document_id})
    drawn = len({each.source for each in passages if each.document_id is None})
    return f"{documents} documents" + (f" and {drawn} sheets" if drawn else "")


async def streamed(run: Run, question: Question, request: ChatRequest, steps: list[Step]) -> Answered:
    """The model's answer, its pieces told as they come."""

    async def write(offset: int, text: str) -> None:
        async with run.write() as uow:
            await answers.publish_delta(uow, question, offset, text)

    began = time.monotonic()
    deltas = Deltas(write)
    try:
        answered = await made(run, question, request, deltas.tell, steps)
        await deltas.finish()
    except ModelFailure as failure:
        raise await given_up(run, question, failure, run.services.chat.model) from failure
    finally:
        await deltas.close()
    steps += weighing(answered, time.monotonic() - began)
    return answered


async def made(run: Run, question: Question, request: ChatRequest, tell: Tell, steps: list[Step]) -> Answered:
    """The answer of one model, or of a council if that was wanted and there is a question."""
    if question.mode is AnswerMode.COUNCIL and quality(question.text).askable:
        return await run_council(run, run.services.chat, question, request, tell, steps)
    return await answer(run.services.chat, request, tell, embed=run.services.embedders.default.embed)


async def given_up(run: Run, question: Question, failure: ModelFailure, model: str) -> Exception:
    """What to raise for a failure: another attempt where that may help, else the end with its code."""
    if failure.passing and not run.is_last:
        return Retry(failure.message, after=failure.after)
    async with run.write() as uow:
        await answers.record_failure(uow, question, failure.code, model)
    return Conflict(failure.message)


async def announce(run: Run, question: Question, **step: Any) -> None:
    """A step, in a transaction of its own."""
    async with run.write() as uow:
        await answers.publish_step(uow, question, **step)


def whole(
    question: Question,
    request: ChatRequest,
    answered: Answered,
    steps: list[Step],
    usage: list[dict[str, Any]],
    seconds: float,
) -> CompletedAnswer:
    """The answer's row, and those that go with it."""
    total = answered.prompt_tokens + answered.completion_tokens
    weighed = answered.confidence
    message = {
        "content": answered.text,
        "model": answered.model,
        "prompt_tokens": answered.prompt_tokens,
        "completion_tokens": answered.completion_tokens,
        "total_tokens": total,
        "confidence": weighed.total,
        "low_confidence_warning": weighed.is_low(council=answered.council is not None),
        "sources": [source(number, each) for number, each in enumerate(request.passages, 1)],
        "context_document_ids": list(
            dict.fromkeys(str(each.document_id) for each in request.passages if each.document_id)
        ),
        "reasoning_chain": chain(steps, question.explainability),
        "message_metadata": {
            "confidence": asdict(weighed),
            "found": answered.found,
            **({"council": serialize_decision(answered.council)} if answered.council else {}),
        },
    }
    run_log = {
        "model": answered.model,
        "tokens_used": total,
        "latency_ms": round(seconds * 1000),
        "status": RunStatus.ERROR if answered.code else RunStatus.SUCCESS,
        "error_code": answered.code and answered.code.value,
    }
    return CompletedAnswer(
        message=message,
        citations=[citation(each) for each in answered.citations.citations],
        steps=[step.row() for step in steps],
        run=run_log,
        usage=usage,
    )


def spent(prices: Prices, question: Question, answered: Answered) -> dict[str, Any]:
    """What the answer took of the model."""
    return token_usage.used(
        prices,
        "council_voting" if answered.council else "chat",
        answered.model,
        answered.prompt_tokens,
        answered.completion_tokens,
        llm_provider=question.provider,
    )


def source(number: int, passage: Passage) -> dict[str, Any]:
    """A passage, as it is kept with the answer."""
    return {
        "index": number,
        "document_id": passage.document_id and str(passage.document_id),
        "name": passage.source,
        "page_number": passage.page,
        "snippet": passage.text,
        "similarity": passage.similarity,
    }


def citation(cited: Citation) -> dict[str, Any]:
    """A citation's columns."""
    return {
        "source_index": cited.source_index,
        "source_name": cited.source,
        "page_number": cited.page,
        "snippet": cited.snippet,
        "confidence": cited.confidence,
        "text_start_index": cited.text_start,
        "text_end_index": cited.text_end,
        "inline_number": cited.inline_number,
    }
