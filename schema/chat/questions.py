"""Mutations that send messages and generate answers."""

from __future__ import annotations

import strawberry
from strawberry import relay

from db import models
from db.models import AnswerMode, CouncilStrategy
from resolvers.chat import questions
from resolvers.chat.questions import AnswerOptions
from schema.chat.types import Message
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of, optional_key
from schema.framework.payloads import IdempotentInput, Payload, mutation


@input
class MessageSendInput(IdempotentInput):
    """Input of `messageSend`."""

    conversation_id: relay.GlobalID
    """Global ID of the conversation. It must not be archived."""

    content: str
    """Text of the message, of at most 100,000 characters."""

    parent_message_id: strawberry.Maybe[relay.GlobalID | None]
    """Global ID of the message to reply to. Null starts a new thread. Defaults to the latest message. To
    branch the conversation, reply to the same message again.
    """

    mode: AnswerMode | None = None
    """Mode in which the answer is generated. Defaults to the setting of the conversation."""

    council_strategy: CouncilStrategy | None = None
    """Strategy by which a council combines its answers. Defaults to the setting of the conversation."""

    council_rounds: int | None = None
    """Number of voting rounds of a council, from 1 to 5. Defaults to the setting of the conversation."""


@output
class MessageSendPayload(Payload):
    message: Message | None = None
    """The message of the viewer."""

    answer: Message | None = None
    """The answer, initially empty. Subscribe to `conversationEvents` to receive it."""


@output
class MessageCancelPayload(Payload):
    message: Message | None = None
    """The answer. If it is being generated, generation stops within a second."""


@output
class MessageRegeneratePayload(Payload):
    answer: Message | None = None
    """The new answer to the same message, initially empty."""


@output
class MessageMutations:
    @mutation(idempotent=True)
    async def message_send(self, info: Info, input: MessageSendInput) -> MessageSendPayload:
        """Send a message and generate an answer. Maximum 200 messages per conversation, including answers."""
        viewer, parent = info.context.viewer, input.parent_message_id
        conversation = key_of(input.conversation_id, models.Conversation, "input", "conversationId")
        parent_id = optional_key(parent and parent.value, models.Message, "input", "parentMessageId")
        options = AnswerOptions(input.mode, input.council_strategy, input.council_rounds)
        async with info.context.write() as uow:
            message = await questions.send(
                uow,
                viewer,
                info.context.services.settings,
                conversation,
                input.content,
                parent_id=parent_id,
                branch=parent is not None,
                options=options,
            )
            answer = await questions.first_answer(uow, message.id)
        return MessageSendPayload.of(message=message, answer=answer)

    @mutation
    async def message_cancel(self, info: Info, id: relay.GlobalID) -> MessageCancelPayload:
        """Stop the generation of an answer and keep its text. Has no effect on a completed answer."""
        key = key_of(id, models.Message)
        async with info.context.write() as uow:
            message = await questions.cancel_answer(uow, info.context.viewer, key)
        return MessageCancelPayload.of(message=message)

    @mutation
    async def message_regenerate(self, info: Info, id: relay.GlobalID) -> MessageRegeneratePayload:
        """Generate another answer to the same message, in the same mode. `id` is the existing answer, which
        is kept.
        """
        key = key_of(id, models.Message)
        async with info.context.write() as uow:
            answer = await questions.regenerate(uow, info.context.viewer, info.context.services.settings, key)
        return MessageRegeneratePayload.of(answer=answer)
