"""Answers of a session's rows as chat answers, whose citations are the sheets."""

import asyncio
import time
from datetime import UTC, datetime

from core.markup import neutral_text
from core.ports import AnswerEnd, ChatRequest, Passage, Quotation
from db.models import AnswerMode
from pipelines.chat.generation import GeneratedAnswer, Reply, assess_reply
from pipelines.chat.question_quality import assess_question
from pipelines.chat.reasoning import Step
from pipelines.chat.row_questions.languages import format_instant
from pipelines.chat.session_questions.answers import SEPARATOR, SessionAnswer, answer
from pipelines.chat.session_questions.questions import QuestionParser, SessionQuestion
from pipelines.chat.session_questions.statements import ALL_SHEETS
from pipelines.chat.step_summaries import quality_step
from pipelines.runtime.handlers import Run
from resolvers.access import Viewer
from resolvers.chat.answers import Question
from resolvers.chat.session_rows import SessionRows, session_rows

MODEL_NAME = "seshat-session-rows/1"


async def answer_from_session(
    run: Run, viewer: Viewer, question: Question, steps: list[Step]
) -> tuple[ChatRequest, GeneratedAnswer] | None:
    """The answer of the conversation's drawing session; None if passages are to answer, as for councils."""
    if question.session_id is None or question.mode is AnswerMode.COUNCIL:
        return None
    started_at = time.monotonic()
    async with run.services.database.transaction(viewer.scope, read_only=True) as uow:
        rows = await session_rows(uow, viewer, question.session_id)
    if rows is None:
        return None
    parsed, found = await asyncio.to_thread(read_question, rows, question)
    if found is None:
        return None
    passages = answer_passages(found, datetime.now(UTC)) if found.found else []
    request = ChatRequest(
        question=question.text,
        passages=tuple(passages),
        history=(),
        provider=question.provider.value,
        model=None,
        temperature=0.0,
    )
    steps += [
        quality_step(assess_question(question.text)),
        session_step(parsed, found, time.monotonic() - started_at),
    ]
    return request, await assess_reply(quoted_reply(found), request)


def read_question(rows: SessionRows, question: Question) -> tuple[SessionQuestion, SessionAnswer | None]:
    """The question, and its answer if the rows have one."""
    parser = QuestionParser(rows)
    parsed = parser.parse(question.text, [turn.content for turn in question.history if turn.role == "user"])
    return parsed, answer(parser, parsed)


def quoted_reply(found: SessionAnswer) -> Reply:
    """The statements as a reply that quotes a passage for each, or none if nothing was found."""
    quotations, start = [], 0
    texts = [neutral_text(statement.text) for statement in found.statements]
    for number, text in enumerate(texts, 1):
        quotations.append(Quotation(start, start + len(text), number, 0, len(text), 1.0))
        start += len(text) + len(SEPARATOR)
    end = AnswerEnd(MODEL_NAME, 0, 0, found.found)
    return Reply(SEPARATOR.join(texts), tuple(quotations) if found.found else (), end)


def answer_passages(found: SessionAnswer, now: datetime) -> list[Passage]:
    """A passage for each statement, with the time of reading; offsets count in all statements joined."""
    passages, start = [], 0
    for statement in found.statements:
        text = neutral_text(statement.text)
        source = statement.source or ALL_SHEETS
        read = f"{text} Read {format_instant(now)}."
        passages.append(Passage(None, source, statement.page, start, start + len(text), read, 1.0))
        start += len(text) + len(SEPARATOR)
    return passages


def session_step(question: SessionQuestion, found: SessionAnswer, seconds: float) -> Step:
    """The reasoning step: what was asked of which sheets."""
    return Step(
        "rows",
        question.intent.value if question.intent else "sheets",
        detail=found.text,
        confidence=1.0,
        output={
            "sheets": [sheet.name for sheet in question.sheets],
            "unresolved": [each.text for each in question.unresolved],
            "kinds": list(question.kinds),
            "words": list(question.terms),
        },
        seconds=seconds,
    )
