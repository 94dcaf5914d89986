"""Asking in a conversation."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import relay

from db import models
from db.models import AnswerMode, CouncilStrategy
from resolvers.chat import questions
from resolvers.chat.questions import AnswerOptions
from schema.chat.types import Message
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, mutation


@input
class MessageSendInput(IdempotentInput):
    """What to say, and where."""

    conversation_id: relay.GlobalID
    """The conversation; an archived one refuses."""

    content: str
    """What to say, in at most 100,000 characters."""

    parent_message_id: strawberry.Maybe[relay.GlobalID | None]
    """The message that it follows; null for none. Unless given, the latest one. To ask something in
    another way, follow what the first way followed: the conversation branches there.
    """

    mode: AnswerMode | None = None
    """Who makes the answer; unless given, as the conversation says."""

    council_strategy: CouncilStrategy | None = None
    """How a council decides; unless given, as the conversation says."""

    council_rounds: int | None = None
    """How often a council's members vote, 1 to 5 times; unless given, as the conversation says."""


@output
class MessageSendPayload(Payload):
    message: Message | None = None
    """What the viewer said."""

    answer: Message | None = None
    """The answer, still empty: `conversationEvents` tells how it comes."""


@output
class MessageCancelPayload(Payload):
    message: Message | None = None
    """The answer as it is now; one that is being written stops within a second."""


@output
class MessageRegeneratePayload(Payload):
    answer: Message | None = None
    """Another answer to the same message, still empty."""


@output
class SendingMutations:
    @mutation(idempotent=True)
    async def message_send(self, info: Info, input: MessageSendInput) -> MessageSendPayload:
        """Say something and have it answered. A conversation has at most 200 messages, answers included."""
        viewer, parent = info.context.viewer, input.parent_message_id
        conversation = key_of(input.conversation_id, models.Conversation, "input", "conversationId")
        given: dict[str, Any] = {
            "content": input.content,
            "branch": parent is not None,
            "parent_id": (
                key_of(parent.value, models.Message, "input", "parentMessageId")
                if parent is not None and parent.value is not None
                else None
            ),
            "manner": AnswerOptions(input.mode, input.council_strategy, input.council_rounds),
        }
        async with info.context.write() as uow:
            message = await questions.send(uow, viewer, conversation, **given)
            answer = await questions.first_answer(uow, message.id)
        return MessageSendPayload.of(message=message, answer=answer)

    @mutation
    async def message_cancel(self, info: Info, id: relay.GlobalID) -> MessageCancelPayload:
        """Stop an answer; what has come of it is kept. Stopping one that has ended changes nothing."""
        key = key_of(id, models.Message)
        async with info.context.write() as uow:
            message = await questions.cancel_answer(uow, info.context.viewer, key)
        return MessageCancelPayload.of(message=message)

    @mutation
    async def message_regenerate(self, info: Info, id: relay.GlobalID) -> MessageRegeneratePayload:
        """Have a message answered once more, in the same mode; `id` is the answer to better, which stays."""
        key = key_of(id, models.Message)
        async with info.context.write() as uow:
            answer = await questions.regenerate(uow, info.context.viewer, key)
        return MessageRegeneratePayload.of(answer=answer)
