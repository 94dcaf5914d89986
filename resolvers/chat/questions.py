"""Questions in a conversation: send, regenerate and cancel answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Integer, cast, extract, func, insert, select, update

from core.errors import Conflict, Invalid
from core.ports import RunErrorCode
from core.settings import Settings
from db.models import (
    AnswerMode,
    Conversation,
    ConversationEventKind,
    ConversationStatus,
    CouncilStrategy,
    JobStatus,
    Message,
    MessageRole,
    MessageState,
    ProcessingJob,
    ProcessingJobType,
    RunLog,
    RunStatus,
)
from db.queue import Job, cancel
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.chat import conversations, events, providers
from resolvers.chat.messages import append
from resolvers.jobs import start_processing

ANSWER_IN_PROGRESS = "The previous answer is still being generated. Wait for it, or cancel it."


@dataclass(frozen=True)
class AnswerMessage(Job):
    """Generate the answer `message_id` from what the user may see."""

    message_id: UUID
    user_id: UUID
    queue: ClassVar[str] = "chat"
    retry_deadline: ClassVar[timedelta] = timedelta(minutes=15)
    is_interactive: ClassVar[bool] = True

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Store the partial text and publish the end of the answer."""
        message = await _lock_message(uow, self.message_id)
        if message is None or message.state is not MessageState.STREAMING:
            return
        stopped = status is JobStatus.CANCELLED
        code = None if stopped else message.error_code or RunErrorCode.CHAT_FAILED.value
        values = {
            "state": MessageState.STOPPED if stopped else MessageState.FAILED,
            "content": await events.partial_text(uow, message.id),
            "error_code": code,
        }
        await uow.execute(update(Message).where(Message.id == message.id).values(values))
        if stopped:
            kind, detail = ConversationEventKind.MESSAGE_COMPLETED, {}
        else:
            kind, detail = ConversationEventKind.MESSAGE_FAILED, {"code": code, "reason": reason}
            await uow.execute(insert(RunLog).values(self._failure(message, code)))
        await events.append(uow, message.conversation_id, message.id, kind, **detail)

    async def restarted(self, uow: UnitOfWork) -> None:
        """Restart the answer from an empty text. Raises `Conflict` if the conversation is not active."""
        message = await _lock_message(uow, self.message_id)
        if message is None:
            raise Conflict("The conversation of this answer was deleted.", "id")
        active = Conversation.id == message.conversation_id, Conversation.status == ConversationStatus.ACTIVE
        if await uow.scalar(select(Conversation.id).where(*active)) is None:
            raise Conflict("The conversation of this answer is archived or deleted.", "id")
        restarted = {"state": MessageState.STREAMING, "content": "", "error_code": None}
        await uow.execute(update(Message).where(Message.id == message.id).values(restarted))
        kind = ConversationEventKind.MESSAGE_RESET
        await events.append(uow, message.conversation_id, message.id, kind)

    def _failure(self, message: Message, code: str | None) -> dict[str, Any]:
        """The run log's row; latency counts from the first attempt, and is null if there was none."""
        seconds = extract("epoch", func.clock_timestamp() - ProcessingJob.started_at)
        latency = select(cast(seconds * 1000, Integer)).where(ProcessingJob.id == message.id)
        return {
            "user_id": self.user_id,
            "conversation_id": message.conversation_id,
            "message_id": message.id,
            "model": message.model,
            "latency_ms": latency.scalar_subquery(),
            "status": RunStatus.ERROR,
            "error_code": code,
        }


@dataclass(frozen=True)
class AnswerOptions:
    """How to generate an answer; None means the conversation's setting."""

    mode: AnswerMode | None = None
    strategy: CouncilStrategy | None = None
    rounds: int | None = None

    def columns(self, settings: Settings, conversation: Conversation, *path: str) -> dict[str, Any]:
        """The answer's columns. Raises `Invalid` for a number of rounds or a mode that is not allowed."""
        if self.rounds is not None:
            conversations.validate_rounds(self.rounds)
        mode = self.mode or conversation.mode
        providers.validate_mode(settings, conversation.llm_provider, mode, *path)
        if mode is AnswerMode.ANSWER:
            return {"mode": mode}
        return {
            "mode": mode,
            "council_strategy": self.strategy or conversation.council_strategy,
            "council_rounds": self.rounds or conversation.council_rounds,
        }


DEFAULT_OPTIONS = AnswerOptions()


async def create_conversation(
    uow: UnitOfWork,
    viewer: Viewer,
    settings: Settings,
    fields: Mapping[str, Any],
    first_message: str | None = None,
) -> Conversation:
    """Create a conversation and, with `first_message`, its first question and answer."""
    path = ("input", "firstMessage")
    conversation = await conversations.create(uow, viewer, fields, first_message)
    providers.validate_mode(settings, conversation.llm_provider, conversation.mode, "input", "mode")
    if first_message is not None:
        columns = DEFAULT_OPTIONS.columns(settings, conversation)
        await _send(uow, viewer, conversation, first_message, None, columns, path, path)
    return await uow.one(select(Conversation).where(Conversation.id == conversation.id))


async def send(
    uow: UnitOfWork,
    viewer: Viewer,
    settings: Settings,
    conversation_id: UUID,
    content: str,
    *,
    parent_id: UUID | None = None,
    branch: bool = False,
    options: AnswerOptions = DEFAULT_OPTIONS,
) -> Message:
    """Send a message and start its answer; returns the viewer's message.

    It follows the latest message; with `branch` it follows `parent_id`; None starts a new branch.
    """
    path = ("input", "conversationId")
    conversation = await conversations.find_editable(uow, viewer, conversation_id, *path)
    if not branch:
        parent_id = await _latest_message_id(uow, conversation_id)
    if parent_id is not None:
        await _validate_parent(uow, conversation_id, parent_id)
    columns = options.columns(settings, conversation, "input", "mode")
    return await _send(uow, viewer, conversation, content, parent_id, columns, ("input", "content"), path)


async def _send(
    uow: UnitOfWork,
    viewer: Viewer,
    conversation: Conversation,
    content: str,
    parent_id: UUID | None,
    columns: Mapping[str, Any],
    path: tuple[str, ...],
    answer_path: tuple[str, ...],
) -> Message:
    """Errors of the message name `path`, those of its answer `answer_path`."""
    if not content.strip():
        raise Invalid(f"{path[-1]} must not be blank.", *path)
    message = await append(
        uow,
        conversation.id,
        role=MessageRole.USER,
        content=content,
        path=path,
        parent_message_id=parent_id,
    )
    await events.append(uow, conversation.id, message.id, ConversationEventKind.MESSAGE_CREATED)
    await _create_answer(uow, viewer, message, answer_path, columns)
    await activity_log.record(uow, viewer.user_id, "MESSAGE_SEND", "Message", message.id)
    return message


async def regenerate(uow: UnitOfWork, viewer: Viewer, settings: Settings, id: UUID) -> Message:
    """Generate another answer to the same question with the same options; the earlier answer is kept."""
    answer = await access.find(uow, viewer, Message, id)
    conversation = await conversations.find_editable(uow, viewer, answer.conversation_id, "id")
    answer = await access.find(uow, viewer, Message, id)
    if answer.role is not MessageRole.ASSISTANT or answer.parent_message_id is None:
        raise Conflict("Only the answer to a message can be regenerated.", "id")
    if answer.state is MessageState.STREAMING:
        raise Conflict(ANSWER_IN_PROGRESS, "id")
    providers.validate_mode(settings, conversation.llm_provider, answer.mode or AnswerMode.ANSWER, "id")
    question = await uow.one(select(Message).where(Message.id == answer.parent_message_id))
    names = ("mode", "council_strategy", "council_rounds")
    columns = {name: getattr(answer, name) for name in names}
    created = await _create_answer(uow, viewer, question, ("id",), columns)
    await activity_log.record(uow, viewer.user_id, "MESSAGE_REGENERATE", "Message", created.id)
    return created


async def cancel_answer(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Message:
    """Stop an answer within a second; its partial text is kept. Does nothing if the answer has ended."""
    answer = await access.find(uow, viewer, Message, id)
    # not locked: lock order is the job, then its conversation
    await conversations.find_editable(uow, viewer, answer.conversation_id, "id", lock=False)
    if answer.role is not MessageRole.ASSISTANT:
        raise Conflict("Only an answer can be cancelled.", "id")
    if answer.state is not MessageState.STREAMING:
        return answer
    await cancel(uow, ProcessingJob, id)
    await activity_log.record(uow, viewer.user_id, "MESSAGE_CANCEL", "Message", id)
    return await access.find(uow, viewer, Message, id)


async def first_message(uow: UnitOfWork, conversation_id: UUID) -> Message:
    """The first message of a conversation that has one."""
    messages = select(Message).where(Message.conversation_id == conversation_id)
    return await uow.one(messages.order_by(Message.created_at, Message.id).limit(1))


async def first_answer(uow: UnitOfWork, message_id: UUID) -> Message | None:
    """The first answer to a message."""
    replies = select(Message).where(
        Message.parent_message_id == message_id, Message.role == MessageRole.ASSISTANT
    )
    return await uow.first(replies.order_by(Message.created_at, Message.id).limit(1))


async def _create_answer(
    uow: UnitOfWork, viewer: Viewer, question: Message, path: tuple[str, ...], columns: Mapping[str, Any]
) -> Message:
    """Create an empty answer with `columns`, and the job that generates it; both have the same id."""
    answer = await append(
        uow,
        question.conversation_id,
        role=MessageRole.ASSISTANT,
        content="",
        path=path,
        parent_message_id=question.id,
        state=MessageState.STREAMING,
        **columns,
    )
    job = AnswerMessage(answer.id, viewer.user_id)
    await start_processing(uow, job, ProcessingJobType.CHAT_ANSWER, "answer", viewer.user_id, id=answer.id)
    kind = ConversationEventKind.MESSAGE_CREATED
    await events.append(uow, answer.conversation_id, answer.id, kind)
    return answer


async def _latest_message_id(uow: UnitOfWork, conversation_id: UUID) -> UUID | None:
    ids = select(Message.id).where(Message.conversation_id == conversation_id)
    latest: UUID | None = await uow.scalar(
        ids.order_by(Message.created_at.desc(), Message.id.desc()).limit(1)
    )
    return latest


async def _validate_parent(uow: UnitOfWork, conversation_id: UUID, parent_id: UUID) -> None:
    path = ("input", "parentMessageId")
    parent = await uow.first(select(Message).where(Message.id == parent_id))
    if parent is None or parent.conversation_id != conversation_id:
        raise Invalid("parentMessageId is not a message of this conversation.", *path)
    if parent.state is MessageState.STREAMING:
        raise Conflict(ANSWER_IN_PROGRESS, *path)


async def _lock_message(uow: UnitOfWork, message_id: UUID) -> Message | None:
    """The message, with its conversation locked."""
    conversation = select(Message.conversation_id).where(Message.id == message_id).scalar_subquery()
    await uow.execute(select(Conversation.id).where(Conversation.id == conversation).with_for_update())
    return await uow.first(select(Message).where(Message.id == message_id))
