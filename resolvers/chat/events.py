"""What happens in a conversation while answers are made: told in the order of commits, kept for a day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from core.errors import ResourceExpired, Invalid
from db.events import publish
from db.models import Conversation, ConversationEvent, ConversationEventKind, Message, MessageState
from db.uow import UnitOfWork

EVENT_RETENTION = timedelta(days=1)
"""How long events are kept after they happened, and at least until the answer's end."""


def topic(conversation_id: UUID) -> str:
    """What is told of a conversation's events."""
    return f"conversation:{conversation_id}"


async def append(
    uow: UnitOfWork, conversation_id: UUID, message_id: UUID, kind: ConversationEventKind, **detail: Any
) -> None:
    """Add an event. The conversation's row is locked by its counter, so that numbers follow commits."""
    counter = (
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(event_count=Conversation.event_count + 1, updated_at=Conversation.updated_at)
        .returning(Conversation.event_count)
    )
    happened = {
        "conversation_id": conversation_id,
        "sequence": await uow.scalar(counter),
        "message_id": message_id,
        "kind": kind,
        "detail": detail or None,
        "created_at": func.clock_timestamp(),
    }
    await uow.execute(insert(ConversationEvent).values(happened))
    await publish(uow, topic(conversation_id))


async def start_sequence(uow: UnitOfWork, conversation_id: UUID) -> int:
    """The number after which to begin: before the oldest answer that is being made, or else at the end."""
    unfinished = select(Message.id).where(
        Message.conversation_id == conversation_id, Message.state == MessageState.STREAMING
    )
    first = select(func.min(ConversationEvent.sequence)).where(ConversationEvent.message_id.in_(unfinished))
    oldest = await uow.scalar(first)
    return await count(uow, conversation_id) if oldest is None else oldest - 1


async def resume_sequence(uow: UnitOfWork, conversation_id: UUID, sequence: int) -> int:
    """The same number, if all that came after it is kept.

    Raises `Expired` where it is not, and `Invalid` for a number that the conversation has not come to.
    """
    last = await count(uow, conversation_id)
    if not 0 <= sequence <= last:
        raise Invalid("`after` is not a cursor that this conversation gave.", "after")
    following = select(ConversationEvent.id).where(
        ConversationEvent.conversation_id == conversation_id, ConversationEvent.sequence == sequence + 1
    )
    if sequence < last and await uow.scalar(following) is None:
        raise ResourceExpired("What followed this cursor is no longer kept; read the messages instead.", "after")
    return sequence


async def count(uow: UnitOfWork, conversation_id: UUID) -> int:
    """How many events the conversation has had."""
    counted = select(Conversation.event_count).where(Conversation.id == conversation_id)
    return await uow.scalar(counted) or 0


async def list_after(uow: UnitOfWork, conversation_id: UUID, sequence: int, limit: int) -> Sequence[Row[Any]]:
    """The events numbered above `sequence`, in order."""
    later = select(ConversationEvent).where(
        ConversationEvent.conversation_id == conversation_id, ConversationEvent.sequence > sequence
    )
    return await uow.all(later.order_by(ConversationEvent.sequence).limit(limit))


async def partial_text(uow: UnitOfWork, message_id: UUID) -> str:
    """What has come of an answer since its last beginning."""
    mine = ConversationEvent.message_id == message_id
    reset = select(func.max(ConversationEvent.sequence)).where(
        mine, ConversationEvent.kind == ConversationEventKind.MESSAGE_RESET
    )
    deltas = select(ConversationEvent.detail).where(
        mine,
        ConversationEvent.kind == ConversationEventKind.MESSAGE_DELTA,
        ConversationEvent.sequence > func.coalesce(reset.scalar_subquery(), 0),
    )
    rows = await uow.all(deltas.order_by(ConversationEvent.sequence))
    return "".join(row.detail["text"] for row in rows)


async def purge(uow: UnitOfWork) -> None:
    """Forget old events, but of no conversation in which an answer is being made."""
    unfinished = select(Message.id).where(
        Message.conversation_id == ConversationEvent.conversation_id,
        Message.state == MessageState.STREAMING,
    )
    old = ConversationEvent.created_at < datetime.now(UTC) - EVENT_RETENTION
    await uow.execute(delete(ConversationEvent).where(old, ~unfinished.exists()))
