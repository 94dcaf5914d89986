"""Answer cache: a repeated question returns the stored answer as a new message."""

import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.ports import ChatRequest
from db.models import CachedAnswer, RunStatus
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.chat.generation import GeneratedAnswer
from pipelines.chat.question_quality import assess_question
from pipelines.chat.reasoning import Step, reasoning_chain
from pipelines.runtime.handlers import Run, Services
from resolvers.access import Viewer
from resolvers.chat import answer_cache, answers
from resolvers.chat.answers import CompletedAnswer, Question


def cache_ttl(services: Services) -> timedelta:
    """How long a cached answer may be reused."""
    return timedelta(seconds=services.settings.answer_cache_ttl)


async def cache_key(run: Run, viewer: Viewer, question: Question) -> str | None:
    """The key under which the answer is cached, or None if it must not be cached."""
    if (
        not cache_ttl(run.services)
        or not answer_cache.is_cacheable(question)
        or not assess_question(question.text).is_question
    ):
        return None
    return await _current_key(run, viewer, question, ())


async def is_cacheable(
    run: Run,
    viewer: Viewer,
    question: Question,
    key: str | None,
    request: ChatRequest,
    answered: GeneratedAnswer,
) -> bool:
    """Whether a new answer may be cached: it was found whole, and its sources are unchanged."""
    if key is None or not answered.found or answered.truncated or answered.code is not None:
        return False
    used = {passage.document_id for passage in request.passages if passage.document_id is not None}
    return await _current_key(run, viewer, question, used) == key


async def _current_key(run: Run, viewer: Viewer, question: Question, used: Collection[UUID]) -> str | None:
    """The current cache key, or None if a used document was deleted or is being processed."""
    library = await answer_cache.corpus_version(run.services.database, viewer, question.document_ids, used)
    if not library.stable:
        return None
    return answer_cache.cache_key(
        question, library, run.services.chat.model, run.services.embedders.default.model
    )


async def answer_from_cache(
    run: Run, question: Question, user_id: UUID, key: str | None, started_at: float
) -> CompletionHook | None:
    """The completion hook that stores the cached answer, or None if there is none.

    `started_at` is the start of the work on the message, by `time.monotonic`.
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


def cache_step(cached: CachedAnswer) -> Step:
    """The reasoning step of an answer from the cache."""
    minutes = (datetime.now(UTC) - cached.created_at) // timedelta(minutes=1)
    return Step(
        "cache",
        "recall",
        detail=f"The same question about the same documents was answered {minutes} minutes ago.",
        confidence=cached.message["confidence"],
        output={"answered_at": cached.created_at.isoformat()},
    )


def replay(question: Question, cached: CachedAnswer, step: Step, seconds: float) -> CompletedAnswer:
    """The cached answer as a completed answer that uses no tokens."""
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
