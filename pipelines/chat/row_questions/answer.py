"""Answers of rows: the sentence of a tool as a chat answer whose citation is the rows."""

import time
from datetime import UTC, datetime

from core.ports import AnswerEnd, ChatRequest, Passage, Quotation
from db.models import AnswerMode
from pipelines.chat.generation import GeneratedAnswer, Reply, assess_reply
from pipelines.chat.question_quality import assess_question
from pipelines.chat.reasoning import Step
from pipelines.chat.row_questions.languages import format_instant
from pipelines.chat.row_questions.patterns import RowQuestion, parse_question
from pipelines.chat.row_questions.tools import answer_question, find_tool
from pipelines.chat.row_questions.wording import sentence
from pipelines.chat.step_summaries import quality_step
from pipelines.runtime.handlers import Run
from resolvers.access import Viewer
from resolvers.chat.answers import Question

MODEL_NAME = "seshat-rows/1"


async def answer_from_rows(
    run: Run, viewer: Viewer, question: Question, steps: list[Step]
) -> tuple[ChatRequest, GeneratedAnswer] | None:
    """The answer of the rows that the viewer can read; None if the documents are to answer.

    Conversations about selected documents or a drawing session, and councils, are about those alone.
    """
    if question.document_ids is not None or question.session_id is not None:
        return None
    now = datetime.now(UTC)
    parsed = parse_question(question.text, now.date())
    if parsed is None or question.mode is AnswerMode.COUNCIL:
        return None
    started_at = time.monotonic()
    async with run.services.database.transaction(viewer.scope, read_only=True) as uow:
        answer = await answer_question(uow, viewer, parsed)
    if answer is None:
        return None
    read = sentence(parsed, "read", instant=format_instant(now, parsed.language))
    passage = Passage(None, answer.source, None, 0, len(answer.text), f"{answer.text} {read}", 1.0)
    request = ChatRequest(
        question=question.text,
        passages=(passage,),
        history=(),
        provider=question.provider.value,
        model=None,
        temperature=0.0,
    )
    size = len(answer.text)
    reply = Reply(
        answer.text, (Quotation(0, size, 1, 0, len(passage.text), 1.0),), AnswerEnd(MODEL_NAME, 0, 0, True)
    )
    steps += [
        quality_step(assess_question(question.text)),
        tool_step(parsed, answer.text, time.monotonic() - started_at),
    ]
    return request, await assess_reply(reply, request)


def tool_step(question: RowQuestion, text: str, seconds: float) -> Step:
    """The reasoning step of a tool, with its arguments."""
    tool = find_tool(question)
    return Step(
        "rows",
        tool.name if tool else "",
        detail=text,
        confidence=1.0,
        output={
            "subject": question.subject.value,
            "measure": question.measure.value,
            "status": question.status and question.status.value,
            "metric": question.metric,
            "period": question.period and str(question.period),
        },
        seconds=seconds,
    )
