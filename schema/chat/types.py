"""Types of conversations, messages, citations and feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import (
    AnswerMode,
    ConversationStatus,
    CouncilStrategy,
    FeedbackRating,
    LlmProvider,
    MessageRole,
    MessageState,
)
from schema.chat.filters import AgentLogOrder, CitationOrder, MessageOrder
from schema.chat.message_details import (
    ConfidenceParts,
    CouncilDecision,
    MessageSource,
    MessageStatement,
    ReasoningStep,
    TokenCounts,
)
from schema.framework.context import Info
from schema.framework.decorators import node
from schema.framework.fields import Connection, connection, inverse, relation
from schema.framework.payloads import alias, derived_field, field
from schema.framework.projection import columns
from schema.framework.scalars import BigInt
from schema.lazy_types import AgentLogRef, CompanyRef, DocumentRef, DrawingSessionRef, UserRef


async def visible_documents(info: Info, ids: list[str] | None) -> list[Any] | None:
    """The visible documents of a stored list, or None if there is no list."""
    if ids is None:
        return None
    loader = info.context.loaders.one(models.Document, columns(info, models.Document))
    rows = await loader.load_many([UUID(id) for id in ids])
    return [row for row in rows if row is not None]


def metadata_value(message: Any, name: str) -> Any:
    """A value stored in the metadata of a message, by name, or None."""
    return (message.message_metadata or {}).get(name)


def document_ids(ids: list[str] | None) -> list[relay.GlobalID] | None:
    """The global IDs of a stored list of documents, or None if there is no list."""
    return None if ids is None else [relay.GlobalID("Document", id) for id in ids]


@node(models.Conversation)
class Conversation(relay.Node):
    """A conversation between a user and a model."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.Conversation.user)
    """User who started the conversation. Null if not visible to the viewer."""

    session: DrawingSessionRef | None = relation(models.Conversation.session)
    """Drawing session that the conversation is about, or null."""

    company: CompanyRef | None = relation(models.Conversation.company)
    """Company that owns it."""

    title: str | None
    """Title. Defaults to the beginning of the first message."""

    status: ConversationStatus
    """Lifecycle state of the conversation."""

    archived: bool = derived_field(lambda row: row.status is ConversationStatus.ARCHIVED, needs=("status",))
    """Whether the conversation is archived and read-only."""

    archived_at: datetime | None
    """Time of archiving, or null."""

    llm_provider: LlmProvider
    """Provider of the model."""

    model_name: str
    """Name of the model."""

    temperature: float
    """Sampling temperature of the model, from 0 to 2."""

    mode: AnswerMode
    """Mode in which answers are generated."""

    council_strategy: CouncilStrategy
    """Strategy by which a council combines its answers."""

    council_rounds: int
    """Number of voting rounds of a council."""

    @field(needs=("selected_document_ids",))
    def selected_document_ids(self) -> list[relay.GlobalID] | None:
        """Global IDs of the documents to search for answers, including deleted ones. Maximum 100. Null for
        all documents.
        """
        row: Any = self
        return document_ids(row.selected_document_ids)

    @field(needs=("selected_document_ids",))
    async def selected_documents(self, info: Info) -> list[DocumentRef] | None:
        """Documents to search for answers that are visible to the viewer. Maximum 100. Null for all
        documents.
        """
        row: Any = self
        return await visible_documents(info, row.selected_document_ids)

    message_count: int
    """Number of messages. Maximum 200."""

    total_tokens_used: BigInt
    """Number of tokens used by all answers."""

    created_at: datetime
    """Creation time of the conversation."""

    updated_at: datetime
    """Time of the last message or change."""

    messages: Connection[Message] = connection(models.Conversation.messages, orders=MessageOrder)
    """Messages of the conversation, oldest first."""


@node(models.Message)
class Message(relay.Node):
    """A message of a conversation."""

    id: relay.NodeID[UUID]

    conversation: Conversation | None = relation(models.Message.conversation)
    """Conversation of the message."""

    parent_message: Message | None = relation(models.Message.parent_message)
    """Message that this one replies to."""

    replies: Connection[Message] = connection(models.Message.replies, orders=MessageOrder)
    """Replies to the message, oldest first."""

    role: MessageRole
    """Author of the message."""

    content: str
    """Text of the message. Empty while an answer is being generated. In answers, `[1]` marks the citations of
    `inlineNumber` 1, and markup of the model is neutral text: HTML tags, links and images are not live.
    """

    state: MessageState
    """Generation state of the message."""

    error_code: str | None
    """Error code of a failed answer, such as `TIMEOUT`, or null."""

    mode: AnswerMode | None
    """Mode in which the answer was generated. Null for messages of users."""

    council_strategy: CouncilStrategy | None
    """Strategy by which the council combined its answers. Null without a council."""

    council_rounds: int | None
    """Number of voting rounds of the council. Null without a council."""

    model: str | None
    """Name of the model. Null for messages of users."""

    prompt_tokens: int | None
    """Number of prompt tokens."""

    completion_tokens: int | None
    """Number of completion tokens."""

    total_tokens: int | None
    """Total number of tokens."""

    tokens_used: int | None = alias("total_tokens", "Use `totalTokens`.")
    """Number of tokens used by the answer."""

    @field(needs=("prompt_tokens", "completion_tokens", "total_tokens"))
    def token_usage(self) -> TokenCounts | None:
        """Token counts of the answer. Null if they were not recorded."""
        if self.prompt_tokens is self.completion_tokens is self.total_tokens is None:
            return None
        return TokenCounts(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            total_tokens=self.total_tokens,
        )

    confidence: float | None
    """Confidence in the answer, from 0 to 1."""

    @field(needs=("message_metadata",))
    def confidence_parts(self) -> ConfidenceParts | None:
        """Components of the confidence. Null if they were not computed."""
        parts = metadata_value(self, "confidence")
        return None if parts is None else ConfidenceParts.of(parts)

    @field(needs=("message_metadata",))
    def council(self) -> CouncilDecision | None:
        """Decision of the council. Null without a council."""
        decision = metadata_value(self, "council")
        return None if decision is None else CouncilDecision.of(decision)

    low_confidence_warning: bool
    """Whether the answer is not reliable: its confidence is below 0.3, or below 0.5 for a council, or its
    statements have a mean support below 0.7.
    """

    @field(needs=("message_metadata",))
    def found(self) -> bool | None:
        """Whether the sources answer the question. False if the answer says that they do not. Null for
        messages of users.
        """
        found: bool | None = metadata_value(self, "found")
        return found

    @field(needs=("message_metadata",))
    def truncated(self) -> bool:
        """Whether the answer is cut off at the maximum length of the model."""
        return bool(metadata_value(self, "truncated"))

    @field(needs=("message_metadata",))
    def statements(self) -> list[MessageStatement] | None:
        """Statements of the answer in order, compared with the sources. Not paginated. Null if they were not
        compared.
        """
        stored = metadata_value(self, "statements")
        return None if stored is None else [MessageStatement.of(statement) for statement in stored]

    @field(needs=("sources",))
    def sources(self) -> list[MessageSource] | None:
        """Sources that were retrieved for the answer, as of that time. Not paginated."""
        row: Any = self
        return None if row.sources is None else [MessageSource.of(source) for source in row.sources]

    @field(needs=("reasoning_chain",))
    def reasoning_chain(self) -> list[ReasoningStep] | None:
        """Steps of the generation, in order. Not paginated."""
        row: Any = self
        chain = row.reasoning_chain
        return None if chain is None else [ReasoningStep.of(step) for step in chain]

    @field(needs=("context_document_ids",))
    def context_document_ids(self) -> list[relay.GlobalID] | None:
        """Global IDs of the documents in the context of the model, including deleted ones. Not paginated."""
        row: Any = self
        return document_ids(row.context_document_ids)

    @field(needs=("context_document_ids",))
    async def context_documents(self, info: Info) -> list[DocumentRef] | None:
        """Documents in the context of the model that are visible to the viewer. Not paginated."""
        row: Any = self
        return await visible_documents(info, row.context_document_ids)

    message_metadata: JSON | None
    """Additional data about the message."""

    created_at: datetime
    """Creation time of the message."""

    timestamp: datetime = alias("created_at", "Use `createdAt`.")
    """Creation time of the message."""

    updated_at: datetime
    """Time of the last change."""

    citations: Connection[Citation] = connection(models.Message.citations, orders=CitationOrder)
    """Citations of the answer, by number."""

    feedback: Feedback | None = inverse(models.Message.feedback)
    """Feedback on the answer."""

    agent_logs: Connection[AgentLogRef] = connection(models.Message.agent_logs, orders=AgentLogOrder)
    """Steps of agents for the answer, oldest first."""


@node(models.Citation)
class Citation(relay.Node):
    """A citation: a statement of an answer with its source."""

    id: relay.NodeID[UUID]

    message: Message | None = relation(models.Citation.message)
    """Answer that contains the statement."""

    source_index: int
    """Number of the source in the answer, from 1."""

    source_name: str | None
    """Name of the source."""

    source_uri: str | None
    """URI of the source."""

    page_number: int | None
    """Page number from 1. Null if the source has no pages."""

    snippet: str | None
    """Quoted text of the source."""

    confidence: float | None
    """Degree to which the source supports the statement, from 0 to 1."""

    text_start_index: int | None
    """Start of the statement in the answer, in Unicode code points from 0. Null if not inline."""

    text_end_index: int | None
    """End of the statement, exclusive, in Unicode code points. Null if not inline."""

    inline_number: int | None
    """Number of the citation in the text, as in `[1]`. Not unique. Null if not inline."""


@node(models.Feedback)
class Feedback(relay.Node):
    """Rating of an answer. At most one per answer."""

    id: relay.NodeID[UUID]

    message: Message | None = relation(models.Feedback.message)
    """The rated answer."""

    user: UserRef | None = relation(models.Feedback.user)
    """User who rated the answer. Null if not visible to the viewer."""

    rating: FeedbackRating
    """Rating of the answer."""

    comment: str | None
    """Comment on the answer."""

    created_at: datetime
    """Time of the first rating."""
