"""Answer generation: the question with its history, streamed deltas, and storing the completed answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, literal, select, update

from core.ports import RunErrorCode, Turn
from db.models import (
    AgentLog,
    AnswerMode,
    Citation,
    Conversation,
    ConversationEventKind,
    CouncilStrategy,
    ExplainabilityLevel,
    LlmProvider,
    Message,
    MessageRole,
    MessageState,
    RunLog,
    TokenUsage,
    User,
)
from db.uow import UnitOfWork
from resolvers.chat import events

MAX_HISTORY_MESSAGES = 10
"""Messages before a question that are sent to the model."""

DEFAULT_MODEL_NAME = "gpt-4"
"""Model name of conversations that use the provider's default model."""


@dataclass(frozen=True)
class Question:
    """A question and how to answer it; `model` None means the provider's default.

    `rounds` and `strategy` apply to councils.
    """

    message_id: UUID
    conversation_id: UUID
    session_id: UUID | None
    text: str
    history: tuple[Turn, ...]
    document_ids: tuple[UUID, ...] | None
    provider: LlmProvider
    model: str | None
    temperature: float
    explainability: ExplainabilityLevel
    mode: AnswerMode
    strategy: CouncilStrategy
    rounds: int


@dataclass(frozen=True)
class CompletedAnswer:
    """A completed answer: columns of its message and the related rows."""

    message: Mapping[str, Any]
    citations: Sequence[Mapping[str, Any]]
    steps: Sequence[Mapping[str, Any]]
    run: Mapping[str, Any]
    usage: Sequence[Mapping[str, Any]]


async def start(uow: UnitOfWork, message_id: UUID, user_id: UUID) -> Question | None:
    """The question to answer, or None if the answer has ended. Discards text of an earlier attempt."""
    message = await uow.first(select(Message).where(Message.id == message_id))
    if message is None or message.state is not MessageState.STREAMING:
        return None
    conversation = await uow.one(select(Conversation).where(Conversation.id == message.conversation_id))
    if await events.partial_text(uow, message_id):
        await events.append(uow, conversation.id, message_id, ConversationEventKind.MESSAGE_RESET)
    turns = await _branch_turns(uow, message.parent_message_id)
    selected = conversation.selected_document_ids
    level = await uow.scalar(select(User.explainability_level).where(User.id == user_id))
    chosen = conversation.model_name != DEFAULT_MODEL_NAME
    return Question(
        message_id=message_id,
        conversation_id=conversation.id,
        session_id=conversation.session_id,
        text=turns[-1].content if turns else "",
        history=tuple(turns[:-1]),
        document_ids=None if selected is None else tuple(map(UUID, selected)),
        provider=conversation.llm_provider,
        model=conversation.model_name if chosen else None,
        temperature=conversation.temperature,
        explainability=level or ExplainabilityLevel.BASIC,
        mode=message.mode or AnswerMode.ANSWER,
        strategy=message.council_strategy or conversation.council_strategy,
        rounds=message.council_rounds or conversation.council_rounds,
    )


async def _branch_turns(uow: UnitOfWork, message_id: UUID | None) -> list[Turn]:
    """The question, preceded by the earlier messages of its branch."""
    chain = select(Message.id, Message.parent_message_id, literal(0).label("distance"))
    first = chain.where(Message.id == message_id).cte("branch", recursive=True)
    further = select(Message.id, Message.parent_message_id, first.c.distance + 1).where(
        Message.id == first.c.parent_message_id, first.c.distance < MAX_HISTORY_MESSAGES
    )
    branch = first.union_all(further)
    turns = (
        select(Message.role, Message.content)
        .join(branch, branch.c.id == Message.id)
        .order_by(branch.c.distance.desc())
    )
    return [
        Turn("user" if row.role is MessageRole.USER else "assistant", row.content)
        for row in await uow.all(turns)
        if row.content and row.role is not MessageRole.SYSTEM
    ]


async def publish_delta(uow: UnitOfWork, question: Question, offset: int, text: str) -> None:
    """Publish a part of the answer's text; `offset` counts code points."""
    kind = ConversationEventKind.MESSAGE_DELTA
    await events.append(uow, question.conversation_id, question.message_id, kind, offset=offset, text=text)


async def replace_text(uow: UnitOfWork, question: Question, text: str, *, is_started: bool) -> None:
    """Publish the whole text of the answer in place of the text published so far, if there is any."""
    if is_started:
        kind = ConversationEventKind.MESSAGE_RESET
        await events.append(uow, question.conversation_id, question.message_id, kind)
    await publish_delta(uow, question, 0, text)


async def publish_step(uow: UnitOfWork, question: Question, **step: Any) -> None:
    """Publish that an agent's step has started or ended."""
    kind = ConversationEventKind.RUN_STEP
    await events.append(uow, question.conversation_id, question.message_id, kind, **step)


async def record_failure(uow: UnitOfWork, question: Question, code: RunErrorCode, model: str) -> None:
    """Store why the answer failed, for when its job ends."""
    values = {"error_code": code.value, "model": model}
    await uow.execute(update(Message).where(Message.id == question.message_id).values(values))


async def save(uow: UnitOfWork, question: Question, user_id: UUID, answer: CompletedAnswer) -> None:
    """Store the answer with its citations, logs and token usage, and publish its completion."""
    message_id = {"message_id": question.message_id}
    tokens = answer.message.get("total_tokens") or 0
    counters = (
        update(Conversation)
        .where(Conversation.id == question.conversation_id)
        .values(
            total_tokens_used=Conversation.total_tokens_used + tokens,
            updated_at=func.clock_timestamp(),
        )
    )
    await uow.execute(counters)
    for citation in answer.citations:
        await uow.execute(insert(Citation).values({**message_id, **citation}))
    if answer.citations:
        kind = ConversationEventKind.CITATIONS_ADDED
        await events.append(uow, question.conversation_id, question.message_id, kind)
    values = {"state": MessageState.COMPLETED, "error_code": None, **answer.message}
    await uow.execute(update(Message).where(Message.id == question.message_id).values(values))
    owner = {"user_id": user_id}
    for step in answer.steps:
        log = {**message_id, **owner, "created_at": func.clock_timestamp(), **step}
        await uow.execute(insert(AgentLog).values(log))
    run = {**message_id, **owner, "conversation_id": question.conversation_id, **answer.run}
    await uow.execute(insert(RunLog).values(run))
    for usage in answer.usage:
        row = {**owner, "operation_id": str(question.message_id), **usage}
        await uow.execute(insert(TokenUsage).values(row))
    kind = ConversationEventKind.MESSAGE_COMPLETED
    await events.append(uow, question.conversation_id, question.message_id, kind)
