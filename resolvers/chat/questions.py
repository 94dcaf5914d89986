"""Asking in a conversation: a message and the answer to come, stopped, or made once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Integer, Row, cast, extract, func, insert, select, update

from core.errors import Conflict, Invalid
from core.ports import RunErrorCode
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
from db.queue import Job, cancel, enqueue
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.chat import conversations, events
from resolvers.chat.messages import append

ANSWER_IN_PROGRESS = "The answer before this is still being written; wait for it, or stop it."


@dataclass(frozen=True)
class AnswerMessage(Job):
    """Write the answer that `message_id` stands for, from what its asker may see."""

    message_id: UUID
    user_id: UUID
    queue: ClassVar[str] = "chat"

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """The answer ends with what has come of it."""
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
        """The answer is written from its beginning. Raises `Conflict` where nobody may write any more."""
        message = await _lock_message(uow, self.message_id)
        if message is None:
            raise Conflict("Its conversation is gone.", "id")
        active = Conversation.id == message.conversation_id, Conversation.status == ConversationStatus.ACTIVE
        if await uow.scalar(select(Conversation.id).where(*active)) is None:
            raise Conflict("Its conversation is archived or deleted.", "id")
        again = {"state": MessageState.STREAMING, "content": "", "error_code": None}
        await uow.execute(update(Message).where(Message.id == message.id).values(again))
        kind = ConversationEventKind.MESSAGE_RESET
        await events.append(uow, message.conversation_id, message.id, kind)

    def _failure(self, message: Row[Any], code: str | None) -> dict[str, Any]:
        """The request's row; its latency runs from the first attempt, and is unknown where there was none."""
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
    """How an answer is to be made; what is None is as the conversation says."""

    mode: AnswerMode | None = None
    strategy: CouncilStrategy | None = None
    rounds: int | None = None

    def columns(self, conversation: Row[Any]) -> dict[str, Any]:
        """The answer's columns. Raises `Invalid` for too many rounds."""
        if self.rounds is not None:
            conversations.validate_rounds(self.rounds)
        mode = self.mode or conversation.mode
        if mode is AnswerMode.ANSWER:
            return {"mode": mode}
        return {
            "mode": mode,
            "council_strategy": self.strategy or conversation.council_strategy,
            "council_rounds": self.rounds or conversation.council_rounds,
        }


DEFAULT_OPTIONS = AnswerOptions()


async def create_conversation(
    uow: UnitOfWork, viewer: Viewer, fields: Mapping[str, Any], first_message: str | None = None
) -> Row[Any]:
    """A conversation of the viewer's; a first message is answered as every other one."""
    path = ("input", "firstMessage")
    conversation = await conversations.create(uow, viewer, fields, first_message)
    if first_message is not None:
        await _send(uow, viewer, conversation, first_message, None, DEFAULT_OPTIONS, path, path)
    return await uow.one(select(Conversation).where(Conversation.id == conversation.id))


async def send(
    uow: UnitOfWork,
    viewer: Viewer,
    conversation_id: UUID,
    content: str,
    *,
    parent_id: UUID | None = None,
    branch: bool = False,
    options: AnswerOptions = DEFAULT_OPTIONS,
) -> Row[Any]:
    """Say something, and have it answered. Answers the viewer's message.

    It follows the latest message, or with `branch` the message `parent_id`, or nothing where that is None.
    """
    path = ("input", "conversationId")
    conversation = await conversations.find_editable(uow, viewer, conversation_id, *path)
    if not branch:
        parent_id = await _latest_message_id(uow, conversation_id)
    if parent_id is not None:
        await _validate_parent(uow, conversation_id, parent_id)
    return await _send(uow, viewer, conversation, content, parent_id, options, ("input", "content"), path)


async def _send(
    uow: UnitOfWork,
    viewer: Viewer,
    conversation: Row[Any],
    content: str,
    parent_id: UUID | None,
    options: AnswerOptions,
    path: tuple[str, ...],
    answer_path: tuple[str, ...],
) -> Row[Any]:
    """Refusals of the message name `path`, those of its answer `answer_path`."""
    if not content.strip():
        raise Invalid("This cannot be blank.", *path)
    columns = options.columns(conversation)
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


async def regenerate(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Have the question of an answer answered once more in the same manner, beside the answer there is."""
    answer = await access.find(uow, viewer, Message, id)
    await conversations.find_editable(uow, viewer, answer.conversation_id, "id")
    answer = await access.find(uow, viewer, Message, id)
    if answer.role is not MessageRole.ASSISTANT or answer.parent_message_id is None:
        raise Conflict("Only the answer to a message can be made once more.", "id")
    if answer.state is MessageState.STREAMING:
        raise Conflict(ANSWER_IN_PROGRESS, "id")
    question = await uow.one(select(Message).where(Message.id == answer.parent_message_id))
    names = ("mode", "council_strategy", "council_rounds")
    columns = {name: getattr(answer, name) for name in names}
    created = await _create_answer(uow, viewer, question, ("id",), columns)
    await activity_log.record(uow, viewer.user_id, "MESSAGE_REGENERATE", "Message", created.id)
    return created


async def cancel_answer(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Stop an answer within a second; the text so far is kept. Stopping what has ended changes nothing."""
    answer = await access.find(uow, viewer, Message, id)
    # not locked: the job's row is locked before its conversation
    await conversations.find_editable(uow, viewer, answer.conversation_id, "id", lock=False)
    if answer.role is not MessageRole.ASSISTANT:
        raise Conflict("Only an answer can be stopped.", "id")
    if answer.state is not MessageState.STREAMING:
        return answer
    await cancel(uow, ProcessingJob, id)
    await activity_log.record(uow, viewer.user_id, "MESSAGE_CANCEL", "Message", id)
    return await access.find(uow, viewer, Message, id)


async def first_message(uow: UnitOfWork, conversation_id: UUID) -> Row[Any]:
    """What a conversation began with; it must hold something."""
    said = select(Message).where(Message.conversation_id == conversation_id)
    return await uow.one(said.order_by(Message.created_at, Message.id).limit(1))


async def first_answer(uow: UnitOfWork, message_id: UUID) -> Row[Any] | None:
    """The answer that was begun when the message was sent."""
    replies = select(Message).where(
        Message.parent_message_id == message_id, Message.role == MessageRole.ASSISTANT
    )
    return await uow.first(replies.order_by(Message.created_at, Message.id).limit(1))


async def _create_answer(
    uow: UnitOfWork, viewer: Viewer, question: Row[Any], path: tuple[str, ...], columns: Mapping[str, Any]
) -> Row[Any]:
    """An empty answer with the columns `made`, and the job that writes it, under one id."""
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
    job = {
        "id": answer.id,
        "job_type": ProcessingJobType.CHAT_ANSWER,
        "subject": "answer",
        "requested_by_id": viewer.user_id,
    }
    await uow.execute(insert(ProcessingJob).values(job))
    await enqueue(uow, AnswerMessage(answer.id, viewer.user_id), answer.id)
    kind = ConversationEventKind.MESSAGE_CREATED
    await events.append(uow, answer.conversation_id, answer.id, kind)
    return answer


async def _latest_message_id(uow: UnitOfWork, conversation_id: UUID) -> UUID | None:
    mine = select(Message.id).where(Message.conversation_id == conversation_id)
    found: UUID | None = await uow.scalar(
        mine.order_by(Message.created_at.desc(), Message.id.desc()).limit(1)
    )
    return found


async def _validate_parent(uow: UnitOfWork, conversation_id: UUID, parent_id: UUID) -> None:
    path = ("input", "parentMessageId")
    parent = await uow.first(select(Message).where(Message.id == parent_id))
    if parent is None or parent.conversation_id != conversation_id:
        raise Invalid("This is not a message of the conversation.", *path)
    if parent.state is MessageState.STREAMING:
        raise Conflict(ANSWER_IN_PROGRESS, *path)


async def _lock_message(uow: UnitOfWork, message_id: UUID) -> Row[Any] | None:
    """The message, its conversation locked first as whoever writes there does."""
    conversation = select(Message.conversation_id).where(Message.id == message_id).scalar_subquery()
    await uow.execute(select(Conversation.id).where(Conversation.id == conversation).with_for_update())
    return await uow.first(select(Message).where(Message.id == message_id))
