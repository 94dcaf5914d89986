"""Events of answer generation in a conversation, numbered in commit order and kept for one day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from core.errors import Invalid, ResourceExpired
from db.events import publish
from db.models import Conversation, ConversationEvent, ConversationEventKind, Message, MessageState
from db.uow import UnitOfWork

EVENT_RETENTION = timedelta(days=1)
"""Minimum age before events are purged; events of unfinished answers are always kept."""


def topic(conversation_id: UUID) -> str:
    """Topic on which a conversation's events are published."""
    return f"conversation:{conversation_id}"


async def append(
    uow: UnitOfWork, conversation_id: UUID, message_id: UUID, kind: ConversationEventKind, **detail: Any
) -> None:
    """Append an event. The counter locks the conversation, so that sequence numbers follow commit order."""
    counter = (
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(event_count=Conversation.event_count + 1, updated_at=Conversation.updated_at)
        .returning(Conversation.event_count)
    )
    event = {
        "conversation_id": conversation_id,
        "sequence": await uow.scalar(counter),
        "message_id": message_id,
        "kind": kind,
        "detail": detail or None,
        "created_at": func.clock_timestamp(),
    }
    await uow.execute(insert(ConversationEvent).values(event))
    await publish(uow, topic(conversation_id))


async def start_sequence(uow: UnitOfWork, conversation_id: UUID) -> int:
    """Where a new subscriber starts: before the oldest unfinished answer, else at the end."""
    unfinished = select(Message.id).where(
        Message.conversation_id == conversation_id, Message.state == MessageState.STREAMING
    )
    first = select(func.min(ConversationEvent.sequence)).where(ConversationEvent.message_id.in_(unfinished))
    oldest = await uow.scalar(first)
    return await count(uow, conversation_id) if oldest is None else oldest - 1


async def resume_sequence(uow: UnitOfWork, conversation_id: UUID, sequence: int) -> int:
    """The sequence number, if all later events are kept.

    Raises `ResourceExpired` if they are not, and `Invalid` for a number that is not reached yet.
    """
    last = await count(uow, conversation_id)
    if not 0 <= sequence <= last:
        raise Invalid("after is not a cursor of this conversation.", "after")
    next_event = select(ConversationEvent.id).where(
        ConversationEvent.conversation_id == conversation_id, ConversationEvent.sequence == sequence + 1
    )
    if sequence < last and await uow.scalar(next_event) is None:
        raise ResourceExpired(
            "The events after this cursor have expired. Read the messages instead.", "after"
        )
    return sequence


async def count(uow: UnitOfWork, conversation_id: UUID) -> int:
    """Sequence number of the conversation's last event."""
    counted = select(Conversation.event_count).where(Conversation.id == conversation_id)
    return await uow.scalar(counted) or 0


async def list_after(
    uow: UnitOfWork, conversation_id: UUID, sequence: int, limit: int
) -> Sequence[ConversationEvent]:
    """The events after `sequence`, in order."""
    later = select(ConversationEvent).where(
        ConversationEvent.conversation_id == conversation_id, ConversationEvent.sequence > sequence
    )
    return await uow.all(later.order_by(ConversationEvent.sequence).limit(limit))


async def partial_text(uow: UnitOfWork, message_id: UUID) -> str:
    """Text of an answer since its last (re)start."""
    of_message = ConversationEvent.message_id == message_id
    reset = select(func.max(ConversationEvent.sequence)).where(
        of_message, ConversationEvent.kind == ConversationEventKind.MESSAGE_RESET
    )
    deltas = select(ConversationEvent.detail).where(
        of_message,
        ConversationEvent.kind == ConversationEventKind.MESSAGE_DELTA,
        ConversationEvent.sequence > func.coalesce(reset.scalar_subquery(), 0),
    )
    rows = await uow.all(deltas.order_by(ConversationEvent.sequence))
    return "".join(row.detail["text"] for row in rows)


async def purge(uow: UnitOfWork) -> None:
    """Delete expired events, except in conversations with an unfinished answer."""
    unfinished = select(Message.id).where(
        Message.conversation_id == ConversationEvent.conversation_id,
        Message.state == MessageState.STREAMING,
    )
    old = ConversationEvent.created_at < datetime.now(UTC) - EVENT_RETENTION
    await uow.execute(delete(ConversationEvent).where(old, ~unfinished.exists()))
