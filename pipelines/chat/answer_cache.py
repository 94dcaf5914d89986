"""Answers given before, given again: messages like any other, that come at once."""

import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from core.ports import ChatRequest
from db.models import Company, RunStatus
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.chat.generation import GeneratedAnswer
from pipelines.chat.question_quality import assess_question
from pipelines.chat.reasoning import Step, reasoning_chain
from pipelines.runtime.handlers import Run, Services
from pipelines.runtime.periodic import periodic
from resolvers.access import Viewer
from resolvers.chat import answer_cache, answers
from resolvers.chat.answers import CompletedAnswer, Question


def cache_ttl(services: Services) -> timedelta:
    """How long answers are given again."""
    return timedelta(seconds=services.settings.answer_cache_ttl)


async def cache_key(run: Run, viewer: Viewer, question: Question) -> str | None:
    """What the answer is found or kept by; none where it is for this message alone."""
    if not cache_ttl(run.services) or not answer_cache.is_cacheable(question) or not assess_question(question.text).is_question:
        return None
    return await _current_key(run, viewer, question, ())


async def is_cacheable(
    run: Run, viewer: Viewer, question: Question, key: str | None, request: ChatRequest, answered: GeneratedAnswer
) -> bool:
    """Whether an answer that was just made is good for others: found, with sources that all still stand."""
    if key is None or not answered.found or answered.code is not None:
        return False
    used = {each.document_id for each in request.passages if each.document_id is not None}
    return await _current_key(run, viewer, question, used) == key


async def _current_key(run: Run, viewer: Viewer, question: Question, used: Collection[UUID]) -> str | None:
    """The key by what there is now; none where a document is gone that was `used`, or is on its way."""
    library = await answer_cache.corpus_version(run.services.database, viewer, question.document_ids, used)
    if not library.stable:
        return None
    return answer_cache.cache_key(
        question, library, run.services.chat.model, run.services.embedders.default.model
    )


async def answer_from_cache(
    run: Run, question: Question, user_id: UUID, key: str | None, started_at: float
) -> CompletionHook | None:
    """What completes the message with an answer that was given before; none where there is none.

    `began` is when the work on the message did, by `time.monotonic`.
    """
    if key is None:
        return None
    async with run.read() as uow:
        cached = (
            None
            if await answer_cache.has_other_answers(uow, question)
            else await answer_cache.find(uow, key, cache_ttl(run.services))
        )
    if cached is None:
        return None
    step = cache_step(cached)
    async with run.write() as uow:
        event = {"agent": step.agent, "action": step.action, "state": "completed", "detail": step.detail}
        await answers.publish_step(uow, question, **event)
        await answers.publish_delta(uow, question, 0, cached.message["content"])
    completed = replay(question, cached, step, time.monotonic() - started_at)

    async def finish(uow: UnitOfWork) -> None:
        await answers.save(uow, question, user_id, completed)

    return finish


def cache_step(cached: Row[Any]) -> Step:
    """The step that stands for all that were taken the first time."""
    minutes = (datetime.now(UTC) - cached.created_at) // timedelta(minutes=1)
    return Step(
        "cache",
        "recall",
        detail=f"The same was asked of the same documents, {minutes} minutes ago.",
        confidence=cached.message["confidence"],
        output={"answered_at": cached.created_at.isoformat()},
    )


def replay(question: Question, cached: Row[Any], step: Step, seconds: float) -> CompletedAnswer:
    """The answer's row, and those that go with it; no model was asked, so that no token was used."""
    message = {
        **cached.message,
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), 0),
        "reasoning_chain": reasoning_chain([step], question.explainability),
        "message_metadata": {**cached.message["message_metadata"], "cached": True},
    }
    run_log = {
        "model": cached.message["model"],
        "tokens_used": 0,
        "latency_ms": round(seconds * 1000),
        "status": RunStatus.SUCCESS,
        "cached": True,
    }
    return CompletedAnswer(
        message=message, citations=cached.citations, steps=[step.columns()], run=run_log, usage=[]
    )


@periodic("cached answers", timedelta(hours=1))
async def purge_cached_answers(services: Services) -> None:
    """Answers that are not given again any more."""
    async with services.database.platform(read_only=True) as uow:
        companies = [row.id for row in await uow.all(select(Company.id))]
    for company_id in companies:
        async with services.database.tenant(company_id) as uow:
            await answer_cache.purge(uow, cache_ttl(services))
