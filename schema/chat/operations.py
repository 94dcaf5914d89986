"""Queries and mutations of conversations and feedback."""

from __future__ import annotations

from typing import Any, cast

import strawberry
from strawberry import relay

from db import models
from db.models import AnswerMode, CouncilStrategy, FeedbackRating, LlmProvider
from resolvers import access
from resolvers.chat import conversations, feedback, providers, questions
from schema.chat.filters import (
    AgentLogFilter,
    AgentLogOrder,
    ConversationFilter,
    ConversationOrder,
    FeedbackFilter,
    FeedbackOrder,
    MessageFilter,
    MessageOrder,
    RunLogFilter,
    RunLogOrder,
    TokenUsageFilter,
    TokenUsageOrder,
)
from schema.chat.run_logs import AgentLog, RunLog, TokenUsage
from schema.chat.types import Citation, Conversation, Feedback, Message
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of, optional_key, visible_key, visible_keys
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    field,
    input_changes,
    input_values,
    mutation,
)
from schema.framework.projection import columns

MAX_VOTES = 100


@output
class ChatQueries:
    conversation: Conversation | None = lookup(models.Conversation, "Looks up a conversation by ID.")
    message: Message | None = lookup(models.Message, "Looks up a message by ID.")
    citation: Citation | None = lookup(models.Citation, "Looks up a citation by ID.")
    feedback: Feedback | None = lookup(models.Feedback, "Looks up feedback by ID.")
    run_log: RunLog | None = lookup(models.RunLog, "Looks up a run log by ID.")
    agent_log: AgentLog | None = lookup(models.AgentLog, "Looks up an agent log by ID.")
    token_usage: TokenUsage | None = lookup(models.TokenUsage, "Looks up a token usage record by ID.")

    conversations: Connection[Conversation] = connection(
        models.Conversation, orders=ConversationOrder, filter=ConversationFilter
    )
    """Lists conversations, most recently updated first."""

    messages: Connection[Message] = connection(models.Message, orders=MessageOrder, filter=MessageFilter)
    """Lists messages, oldest first."""

    citations: Connection[Citation] = connection(models.Citation)
    """Lists citations of all answers, oldest first."""

    feedbacks: Connection[Feedback] = connection(models.Feedback, orders=FeedbackOrder, filter=FeedbackFilter)
    """Lists feedback on answers, newest first."""

    run_logs: Connection[RunLog] = connection(models.RunLog, orders=RunLogOrder, filter=RunLogFilter)
    """Lists requests to models, newest first. Viewers without permission to read analytics see only their
    own.
    """

    agent_logs: Connection[AgentLog] = connection(
        models.AgentLog, orders=AgentLogOrder, filter=AgentLogFilter
    )
    """Lists steps of agents, oldest first. Without permission to read analytics, only those of the viewer."""

    token_usages: Connection[TokenUsage] = connection(
        models.TokenUsage, orders=TokenUsageOrder, filter=TokenUsageFilter
    )
    """Lists token usage records, newest first. Viewers without permission to read analytics see only their
    own.
    """

    @field
    async def chat_history(self, info: Info, session_id: relay.GlobalID) -> Conversation | None:
        """The first conversation about a drawing session, or null."""
        key = await visible_key(info, session_id, models.DrawingSession, "sessionId")
        model = models.Conversation
        wanted = [getattr(model, name) for name in columns(info, model)]
        about = access.visible(info.context.viewer, model, *wanted).where(model.session_id == key)
        first = about.order_by(model.created_at, model.id).limit(1)
        return cast(Conversation | None, await info.context.read().first(first))

    @field
    async def council_votes(self, info: Info, message_id: relay.GlobalID) -> list[AgentLog]:
        """Votes of the council on an answer, in order. Maximum 100."""
        key = await visible_key(info, message_id, models.Message, "messageId")
        model = models.AgentLog
        wanted = [getattr(model, name) for name in columns(info, model)]
        votes = access.visible(info.context.viewer, model, *wanted).where(
            model.message_id == key, model.is_council_vote
        )
        rows: Any = await info.context.read().all(votes.order_by(model.created_at, model.id).limit(MAX_VOTES))
        return list(rows)


async def selected_documents(info: Info, ids: list[relay.GlobalID] | None) -> list[str] | None:
    """The keys of documents as JSON. Raises `NotFound`."""
    if ids is None:
        return None
    keys = await visible_keys(info, ids, models.Document, "input", "selectedDocumentIds")
    return [str(key) for key in keys]


@input
class ConversationCreateInput(IdempotentInput):
    """Input of `conversationCreate`."""

    title: str | None = None
    """Title. Defaults to the beginning of the first message."""

    first_message: str | None = None
    """First message of the viewer. An answer to it is generated."""

    session_id: relay.GlobalID | None = None
    """Global ID of the drawing session that the conversation is about."""

    llm_provider: LlmProvider | None = None
    """Provider of the model. Must be enabled on the server. Defaults to the viewer's preferred provider."""

    model_name: str | None = None
    """Name of the model."""

    temperature: float | None = None
    """Sampling temperature of the model, from 0 to 2."""

    mode: AnswerMode | None = None
    """Mode in which answers are generated. Default ANSWER."""

    council_strategy: CouncilStrategy | None = None
    """Strategy by which a council combines its answers. Default WEIGHTED_CONFIDENCE."""

    council_rounds: int | None = None
    """Number of voting rounds of a council, from 1 to 5. Default 1."""

    selected_document_ids: list[relay.GlobalID] | None = None
    """Global IDs of the documents to search for answers. Maximum 100. Defaults to all documents."""


@input
class ConversationUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value. Null clears a field."""

    title: strawberry.Maybe[str | None]
    """Title of the conversation."""

    llm_provider: strawberry.Maybe[LlmProvider]
    """Provider of the model."""

    model_name: strawberry.Maybe[str]
    """Name of the model."""

    temperature: strawberry.Maybe[float]
    """Sampling temperature of the model, from 0 to 2."""

    mode: strawberry.Maybe[AnswerMode]
    """Mode in which answers are generated."""

    council_strategy: strawberry.Maybe[CouncilStrategy]
    """Strategy by which a council combines its answers."""

    council_rounds: strawberry.Maybe[int]
    """Number of voting rounds of a council, from 1 to 5."""

    selected_document_ids: strawberry.Maybe[list[relay.GlobalID] | None]
    """Global IDs of the documents to search for answers. Maximum 100. Null for all documents."""


@input
class FeedbackSubmitInput:
    """Input of `feedbackSubmit`."""

    message_id: relay.GlobalID
    """Global ID of the answer."""

    rating: FeedbackRating
    """Rating of the answer."""

    comment: str | None = None
    """Comment of at most 2,000 characters."""


@output
class ConversationCreatePayload(Payload):
    conversation: Conversation | None = None
    """The new conversation."""

    message: Message | None = None
    """The first message of the viewer, or null."""

    answer: Message | None = None
    """The answer to the first message, initially empty. Subscribe to `conversationEvents` to receive it."""


@output
class ConversationUpdatePayload(Payload):
    conversation: Conversation | None = None
    """The updated conversation."""


@output
class ConversationArchivePayload(Payload):
    conversation: Conversation | None = None
    """The updated conversation."""


@output
class ConversationRestorePayload(Payload):
    conversation: Conversation | None = None
    """The updated conversation."""


@output
class ConversationDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class FeedbackSubmitPayload(Payload):
    feedback: Feedback | None = None
    """The new or updated feedback."""


@output
class FeedbackDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class ChatMutations:
    @mutation(idempotent=True)
    async def conversation_create(
        self, info: Info, input: ConversationCreateInput
    ) -> ConversationCreatePayload:
        """Create a conversation, optionally with a first message. A user can have at most 100 active
        conversations.
        """
        viewer, first_message = info.context.viewer, input.first_message
        settings = info.context.services.settings
        providers.validate_provider(settings, input.llm_provider, "input", "llmProvider")
        fields: dict[str, Any] = {
            **input_values(input, omit=("first_message",)),
            "session_id": optional_key(input.session_id, models.DrawingSession, "input", "sessionId"),
            "selected_document_ids": await selected_documents(info, input.selected_document_ids),
        }
        async with info.context.write() as uow:
            provider = input.llm_provider or await providers.preferred_provider(uow, viewer, settings)
            values = fields | {"llm_provider": provider}
            conversation = await questions.create_conversation(uow, viewer, settings, values, first_message)
            if first_message is None:
                return ConversationCreatePayload.of(conversation=conversation)
            message = await questions.first_message(uow, conversation.id)
            answer = await questions.first_answer(uow, message.id)
        return ConversationCreatePayload.of(conversation=conversation, message=message, answer=answer)

    @mutation
    async def conversation_update(
        self, info: Info, id: relay.GlobalID, input: ConversationUpdateInput
    ) -> ConversationUpdatePayload:
        """Update the title or answer settings of a conversation that is not archived."""
        values = input_changes(input, omit=("selected_document_ids",))
        settings = info.context.services.settings
        providers.validate_provider(settings, values.get("llm_provider"), "input", "llmProvider")
        if input.selected_document_ids is not None:
            values["selected_document_ids"] = await selected_documents(
                info, input.selected_document_ids.value
            )
        key = key_of(id, models.Conversation)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.Conversation, key, input.expected_updated_at
            )
            conversation = await conversations.update(uow, info.context.viewer, settings, key, values)
        return ConversationUpdatePayload.of(conversation=conversation)

    @mutation
    async def conversation_archive(self, info: Info, id: relay.GlobalID) -> ConversationArchivePayload:
        """Archive a conversation, which makes it read-only. Has no effect on an archived conversation."""
        async with info.context.write() as uow:
            key = key_of(id, models.Conversation)
            conversation = await conversations.archive(uow, info.context.viewer, key)
        return ConversationArchivePayload.of(conversation=conversation)

    @mutation
    async def conversation_restore(self, info: Info, id: relay.GlobalID) -> ConversationRestorePayload:
        """Restore an archived conversation. Has no effect on an active conversation."""
        async with info.context.write() as uow:
            key = key_of(id, models.Conversation)
            conversation = await conversations.restore(uow, info.context.viewer, key)
        return ConversationRestorePayload.of(conversation=conversation)

    @mutation
    async def conversation_delete(self, info: Info, id: relay.GlobalID) -> ConversationDeletePayload:
        """Delete a conversation. Its token usage is kept."""
        async with info.context.write() as uow:
            await conversations.delete(uow, info.context.viewer, key_of(id, models.Conversation))
        return ConversationDeletePayload.of(deleted_id=id)

    @mutation
    async def feedback_submit(self, info: Info, input: FeedbackSubmitInput) -> FeedbackSubmitPayload:
        """Rate an answer. Replaces the viewer's previous rating."""
        viewer = info.context.viewer
        key = key_of(input.message_id, models.Message, "input", "messageId")
        async with info.context.write() as uow:
            row = await feedback.submit(uow, viewer, key, rating=input.rating, comment=input.comment)
        return FeedbackSubmitPayload.of(feedback=row)

    @mutation
    async def feedback_delete(self, info: Info, id: relay.GlobalID) -> FeedbackDeletePayload:
        """Delete feedback on an answer."""
        async with info.context.write() as uow:
            await feedback.delete(uow, info.context.viewer, key_of(id, models.Feedback))
        return FeedbackDeletePayload.of(deleted_id=id)
