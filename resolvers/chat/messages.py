"""Messages of conversations."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from core.errors import Conflict, LimitExceeded
from db.models import Conversation, ConversationStatus, Message, MessageRole
from db.uow import UnitOfWork
from resolvers import validators
from resolvers.access import not_found

MAX_MESSAGES = 200
"""Messages per conversation."""
MAX_MESSAGE_LENGTH = 100_000
"""Characters per message."""


async def append(
    uow: UnitOfWork,
    conversation_id: UUID,
    *,
    role: MessageRole,
    content: str,
    path: tuple[str, ...] = ("id",),
    **values: Any,
) -> Message:
    """Append a message and update the conversation's counters; concurrent appends are serialized.

    `values` are further columns of the message. Errors name `path`: `NotFound` if the conversation does not
    exist, `Conflict` if it is archived, `LimitExceeded` if it is full. The caller checks permissions.
    """
    validators.text(content, *path, limit=MAX_MESSAGE_LENGTH)
    counters = (
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
    if await uow.scalar(counters) is None:
        await _raise_append_error(uow, conversation_id, *path)
    message = {
        "conversation_id": conversation_id,
        "role": role,
        "content": content,
        # the row lock is held by now, so that times follow the order of messages
        "created_at": func.clock_timestamp(),
        "updated_at": func.clock_timestamp(),
        **values,
    }
    return await uow.one(insert(Message).values(message).returning(Message))


async def _raise_append_error(uow: UnitOfWork, conversation_id: UUID, *path: str) -> None:
    status = await uow.scalar(select(Conversation.status).where(Conversation.id == conversation_id))
    if status is ConversationStatus.ARCHIVED:
        raise Conflict("The conversation is archived. Restore it first.", *path)
    if status is ConversationStatus.ACTIVE:
        raise LimitExceeded(
            f"A conversation can have at most {MAX_MESSAGES} messages. Start another one.", *path
        )
    raise not_found(Conversation, *path)
