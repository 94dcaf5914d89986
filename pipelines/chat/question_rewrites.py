"""Follow-up questions, rewritten by a language model or completed without one, with their passages."""

import asyncio
import time

from core.ports import EXTRACTIVE, AnswerEnd, AnswerProbability, ChatModel, ChatRequest, ModelFailure
from db.models import LlmProvider
from pipelines.chat.follow_ups import (
    QuestionVersion,
    Retrieve,
    RetrievedQuestion,
    is_dependent,
    retrieve_completed,
)
from pipelines.chat.generation import collect_reply
from pipelines.chat.question_parts import retrieve_parts
from pipelines.chat.question_quality import assess_question
from pipelines.chat.reasoning import Step
from pipelines.chat.refusals import is_refusal
from resolvers.chat.answers import Question

REWRITE_INSTRUCTIONS = (
    "Rewrite the user's last message as one question that can be understood without the conversation: put "
    "names in place of pronouns, and add what it leaves out. Keep its language. If it can be understood "
    "already, repeat it. Do not answer it. Reply with the question alone."
)
MAX_REWRITE_TOKENS = 120
MAX_REWRITE_LENGTH = 400
"""Characters of a rewritten question."""
REWRITE_SECONDS = 8.0
"""Time after which a question is completed without the language model."""


def uses_language_model(model: ChatModel, question: Question) -> bool:
    """Whether the question is answered by a language model."""
    return model.model != EXTRACTIVE or question.provider is not LlmProvider.CUSTOM


async def retrieve_question(
    model: ChatModel,
    probability: AnswerProbability,
    question: Question,
    retrieve: Retrieve,
    steps: list[Step],
) -> tuple[RetrievedQuestion, AnswerEnd | None]:
    """The question with its passages, completed from the turns before if it needs them, and in parts.

    Also the tokens of a rewrite, if a language model was requested to write one.
    """
    started_at = time.monotonic()
    rewritten, end = None, None
    if question.history and uses_language_model(model, question) and is_dependent(question.text):
        rewritten, end = await rewrite(model, question)
    if rewritten is not None:
        found = RetrievedQuestion(QuestionVersion(rewritten), tuple(await retrieve(rewritten)))
    else:
        found = await retrieve_completed(question.text, question.history, retrieve, probability)
    if end is not None or found.version.completed_question != question.text:
        steps.append(completion_step(found, end, time.monotonic() - started_at, rewritten is not None))
    if not found.version.topic:
        started_at = time.monotonic()
        found = await retrieve_parts(found, retrieve, probability)
        if found.parts:
            steps.append(parts_step(found, time.monotonic() - started_at))
    return found, end


async def rewrite(model: ChatModel, question: Question) -> tuple[str | None, AnswerEnd | None]:
    """The model's rewrite and its tokens; no text if it fails, is too slow, or writes anything else."""
    request = ChatRequest(
        question.text,
        instructions=REWRITE_INSTRUCTIONS,
        history=question.history,
        provider=question.provider.value,
        model=question.model,
        temperature=0.0,
        max_tokens=MAX_REWRITE_TOKENS,
        requires_sources=False,
    )
    try:
        async with asyncio.timeout(REWRITE_SECONDS):
            reply = await collect_reply(model, request)
    except (ModelFailure, TimeoutError):
        return None, None
    text = reply.text.strip().strip("\"'\u201c\u201d\u201e\u00ab\u00bb").strip()
    is_usable = (
        0 < len(text) <= MAX_REWRITE_LENGTH
        and "\n" not in text
        and not reply.end.truncated
        and assess_question(text).is_question
        and not is_refusal(text, 0)
    )
    return (text if is_usable else None), reply.end


def completion_step(
    found: RetrievedQuestion, end: AnswerEnd | None, seconds: float, is_rewritten: bool
) -> Step:
    """The reasoning step of a completed question."""
    return Step(
        "follow_up",
        "rewrite" if is_rewritten else "complete",
        detail=found.version.completed_question,
        confidence=found.probability and round(found.probability, 4),
        output={"model": end.model} if end is not None else {},
        tokens=(end.prompt_tokens, end.completion_tokens) if end is not None else None,
        seconds=seconds,
    )


def parts_step(found: RetrievedQuestion, seconds: float) -> Step:
    """The reasoning step of a question that is answered in parts."""
    parts = [part.completed_question for part in found.parts]
    return Step("question_parts", "split", detail=" | ".join(parts), output={"parts": parts}, seconds=seconds)
