"""Event stream of a conversation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay

from db import models
from db.cursors import encode_cursor
from db.models import ConversationEventKind
from db.pagination import Order
from resolvers import access
from resolvers.chat import events
from schema.chat.types import Citation, Message
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import field, subscription
from schema.framework.projection import columns
from schema.framework.streams import BATCH_SIZE, Batch, Subject, position_of, stream

BY_SEQUENCE = Order("conversation_id", "sequence", unique=True)
MAX_CITATIONS = 100

After = Annotated[
    str | None,
    strawberry.argument(
        description="Resumes the stream after this cursor. By default it starts with the oldest answer that "
        "is still being generated, or else with the next event."
    ),
]


@enumeration
class RunStepState(Enum):
    """State of a generation step."""

    STARTED = "started"
    """The step has started."""
    COMPLETED = "completed"
    """The step has completed."""


async def message_of(info: Info, id: UUID) -> Any:
    """The current state of a message, or None if it is deleted."""
    return await info.context.loaders.one(models.Message, columns(info, models.Message)).load(id)


@output
class MessageCreated:
    """A message was created. For answers, generation starts."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    message_id: strawberry.Private[UUID]

    @field
    async def message(self, info: Info) -> Message | None:
        """The current state of the message. Null if it is deleted."""
        found: Message | None = await message_of(info, self.message_id)
        return found


@output
class RunStep:
    """A step of the generation of an answer has started or completed."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    message_id: relay.GlobalID
    """Global ID of the answer."""

    agent: str
    """Agent that performs the step, such as `retrieval`."""

    action: str
    """Action of the step, such as `search`."""

    state: RunStepState
    """Whether the step has started or completed."""

    detail: str | None
    """Summary of the result, or null."""


@output
class MessageDelta:
    """The next piece of text of an answer. Text has no citations until they are checked."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    message_id: relay.GlobalID
    """Global ID of the answer."""

    offset: int
    """Position of the text in the answer, in Unicode code points."""

    text: str
    """The piece of text."""


@output
class CitationsAdded:
    """The citations of an answer are available."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    message_key: strawberry.Private[UUID]

    @field
    def message_id(self) -> relay.GlobalID:
        """Global ID of the answer."""
        return relay.GlobalID("Message", str(self.message_key))

    @field
    async def citations(self, info: Info) -> list[Citation]:
        """Citations of the answer, in the order of its text. Maximum 100."""
        model = models.Citation
        wanted = [getattr(model, name) for name in columns(info, model)]
        cited = access.visible(info.context.viewer, model, *wanted).where(
            model.message_id == self.message_key
        )
        ordered = cited.order_by(model.text_start_index, model.source_index, model.id)
        rows: Any = await info.context.read().all(ordered.limit(MAX_CITATIONS))
        return list(rows)


@output
class MessageCompleted:
    """The generation of an answer has completed or was stopped by a user."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    message_id: strawberry.Private[UUID]

    @field
    async def message(self, info: Info) -> Message | None:
        """The current state of the answer. Null if it is deleted."""
        found: Message | None = await message_of(info, self.message_id)
        return found


@output
class MessageFailed:
    """The generation of an answer has failed."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    message_id: relay.GlobalID
    """Global ID of the answer."""

    code: str
    """Error code, such as `TIMEOUT`."""

    reason: str
    """Human-readable error message."""


@output
class MessageReset:
    """Emitted when generation restarts, or when the text with its checked citations follows. Discard all text
    received so far.
    """

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    message_id: relay.GlobalID
    """Global ID of the answer."""


ConversationEvent = Annotated[
    MessageCreated
    | RunStep
    | MessageDelta
    | CitationsAdded
    | MessageCompleted
    | MessageFailed
    | MessageReset,
    strawberry.union("ConversationEvent", description="An event of a conversation."),
]


def step(cursor: str, message: relay.GlobalID, detail: dict[str, Any]) -> RunStep:
    """The GraphQL event of a stored step."""
    return RunStep(
        cursor=cursor,
        message_id=message,
        agent=detail["agent"],
        action=detail["action"],
        state=RunStepState(detail["state"]),
        detail=detail.get("detail"),
    )


EVENTS: dict[ConversationEventKind, Callable[[str, UUID, relay.GlobalID, dict[str, Any]], Any]] = {
    ConversationEventKind.MESSAGE_CREATED: lambda cursor, key, id, detail: MessageCreated(
        cursor=cursor, message_id=key
    ),
    ConversationEventKind.RUN_STEP: lambda cursor, key, id, detail: step(cursor, id, detail),
    ConversationEventKind.MESSAGE_DELTA: lambda cursor, key, id, detail: MessageDelta(
        cursor=cursor, message_id=id, offset=detail["offset"], text=detail["text"]
    ),
    ConversationEventKind.CITATIONS_ADDED: lambda cursor, key, id, detail: CitationsAdded(
        cursor=cursor, message_key=key
    ),
    ConversationEventKind.MESSAGE_COMPLETED: lambda cursor, key, id, detail: MessageCompleted(
        cursor=cursor, message_id=key
    ),
    ConversationEventKind.MESSAGE_FAILED: lambda cursor, key, id, detail: MessageFailed(
        cursor=cursor, message_id=id, code=detail["code"], reason=detail["reason"]
    ),
    ConversationEventKind.MESSAGE_RESET: lambda cursor, key, id, detail: MessageReset(
        cursor=cursor, message_id=id
    ),
}


@output
class ChatSubscriptions:
    @subscription
    async def conversation_events(
        self, info: Info, id: relay.GlobalID, after: After = None
    ) -> AsyncGenerator[ConversationEvent, None]:
        """Events of a conversation, each exactly once and in order, until the conversation is deleted."""
        context, key = info.context, key_of(id, models.Conversation)

        async def start() -> int:
            if after is None:
                return await events.start_sequence(context.read(), key)
            sequence = position_of(models.ConversationEvent, BY_SEQUENCE, key, after)
            return await events.resume_sequence(context.read(), key, sequence)

        async def read(_: Any, position: int) -> Batch:
            rows = await events.list_after(context.read(), key, position, BATCH_SIZE)
            return Batch.of(rows, event_of, position)

        subject = Subject(models.Conversation, key)
        async for event in stream(info, events.topic(key), start, read, subject=subject):
            yield event


def event_of(row: Any) -> Any:
    """The GraphQL event of a stored event."""
    cursor = encode_cursor(models.ConversationEvent, BY_SEQUENCE, row)
    id = relay.GlobalID("Message", str(row.message_id))
    return EVENTS[row.kind](cursor, row.message_id, id, row.detail or {})
