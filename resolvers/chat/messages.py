"""Messages: said in a conversation, one after the other."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from core.errors import Conflict, LimitExceeded, NotFound
from db.models import Conversation, ConversationStatus, Message, MessageRole
from db.uow import UnitOfWork
from resolvers import validators

MAX_MESSAGES = 200
"""In one conversation."""
MAX_MESSAGE_LENGTH = 100_000
"""In characters."""


async def append(
    uow: UnitOfWork,
    conversation_id: UUID,
    *,
    role: MessageRole,
    content: str,
    path: tuple[str, ...] = ("id",),
    **values: Any,
) -> Row[Any]:
    """Add a message and count it, and its `total_tokens`, in one transaction; appends wait for one another.

    `values` are further columns of the message. Refusals name `path`: `NotFound` where there is no such
    conversation, `Conflict` where it is archived, `Exhausted` past 200 messages. The caller checks that the
    viewer may.
    """
    validators.text(content, *path, limit=MAX_MESSAGE_LENGTH)
    counted = (
        update(Conversation)
        .where(
            Conversation.id == conversation_id,
            Conversation.status == ConversationStatus.ACTIVE,
            Conversation.message_count < MAX_MESSAGES,
        )
        .values(
            message_count=Conversation.message_count + 1,
            total_tokens_used=Conversation.total_tokens_used + (values.get("total_tokens") or 0),
            updated_at=func.clock_timestamp(),
        )
        .returning(Conversation.id)
    )
    if await uow.scalar(counted) is None:
        await _raise_append_error(uow, conversation_id, *path)
    said = {
        "conversation_id": conversation_id,
        "role": role,
        "content": content,
        # the row lock is held by now: later in the conversation is later on the clock
        "created_at": func.clock_timestamp(),
        "updated_at": func.clock_timestamp(),
        **values,
    }
    return await uow.one(insert(Message).values(said).returning(Message))


async def _raise_append_error(uow: UnitOfWork, conversation_id: UUID, *path: str) -> None:
    status = await uow.scalar(select(Conversation.status).where(Conversation.id == conversation_id))
    if status is ConversationStatus.ARCHIVED:
        raise Conflict("This conversation is archived; restore it first.", *path)
    if status is ConversationStatus.ACTIVE:
        raise LimitExceeded(f"A conversation has at most {MAX_MESSAGES} messages; begin another.", *path)
    raise NotFound("There is no such conversation.", *path)
