"""Conversations, messages, and what hangs on messages."""

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
    ReasoningStep,
    TokenCounts,
)
from schema.framework.context import Info
from schema.framework.decorators import node
from schema.framework.fields import Connection, connection, inverse, relation
from schema.framework.payloads import alias, computed, field
from schema.framework.projection import columns
from schema.framework.scalars import BigInt
from schema.lazy_types import AgentLogRef, CompanyRef, DocumentRef, DrawingSessionRef, UserRef


async def documents(info: Info, ids: list[str] | None) -> list[Any] | None:
    """The documents of a stored list that are in sight; None where there is no list."""
    if ids is None:
        return None
    loader = info.context.loaders.one(models.Document, columns(info, models.Document))
    rows = await loader.load_many([UUID(id) for id in ids])
    return [row for row in rows if row is not None]


def kept(message: Any, name: str) -> dict[str, Any] | None:
    """What answering stored of itself under a name."""
    found: dict[str, Any] | None = (message.message_metadata or {}).get(name)
    return found


def document_ids(ids: list[str] | None) -> list[relay.GlobalID] | None:
    """A stored list of documents as clients know them; None where there is no list."""
    return None if ids is None else [relay.GlobalID("Document", id) for id in ids]


@node(models.Conversation)
class Conversation(relay.Node):
    """A thread of messages."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.Conversation.user)
    """Who began it; null where the viewer may not see them."""

    session: DrawingSessionRef | None = relation(models.Conversation.session)
    """The drawing session that it is about, if any."""

    company: CompanyRef | None = relation(models.Conversation.company)
    """Company that owns it."""

    title: str | None
    """What people call it; the beginning of the first message unless given."""

    status: ConversationStatus
    """Where it stands."""

    archived: bool = computed(lambda row: row.status is ConversationStatus.ARCHIVED, needs=("status",))
    """Whether it is read-only."""

    archived_at: datetime | None
    """When it was made read-only."""

    llm_provider: LlmProvider
    """Provider of the model."""

    model_name: str
    """Name of the model."""

    temperature: float
    """Sampling temperature of the model, from 0 to 2."""

    mode: AnswerMode
    """Who makes its answers."""

    council_strategy: CouncilStrategy
    """How a council decides."""

    council_rounds: int
    """How often a council's members vote."""

    @field(needs=("selected_document_ids",))
    def selected_document_ids(self) -> list[relay.GlobalID] | None:
        """Where answers may come from, 100 at most, with those that are gone; null where from everywhere."""
        row: Any = self
        return document_ids(row.selected_document_ids)

    @field(needs=("selected_document_ids",))
    async def selected_documents(self, info: Info) -> list[DocumentRef] | None:
        """Where answers may come from, 100 at most, of what is in sight; null where from everywhere."""
        row: Any = self
        return await documents(info, row.selected_document_ids)

    message_count: int
    """How many messages it has; 200 at most."""

    total_tokens_used: BigInt
    """What its answers used so far."""

    created_at: datetime
    """When it began."""

    updated_at: datetime
    """When anything was last said, or anything of this changed."""

    messages: Connection[Message] = connection(models.Conversation.messages, orders=MessageOrder)
    """What was said, from the beginning."""


@node(models.Message)
class Message(relay.Node):
    """One thing said."""

    id: relay.NodeID[UUID]

    conversation: Conversation | None = relation(models.Message.conversation)
    """The conversation it is of."""

    parent_message: Message | None = relation(models.Message.parent_message)
    """What it replies to."""

    replies: Connection[Message] = connection(models.Message.replies, orders=MessageOrder)
    """What replies to it, the oldest first."""

    role: MessageRole
    """Who speaks."""

    content: str
    """What was said; of an answer that is being written, nothing yet."""

    state: MessageState
    """How far it has come."""

    error_code: str | None
    """Why there is no answer, such as `TIMEOUT`; null where nothing went wrong."""

    mode: AnswerMode | None
    """Who makes the answer; null for people's own words."""

    council_strategy: CouncilStrategy | None
    """How the council decides; null where there is none."""

    council_rounds: int | None
    """How often the council's members vote; null where there is none."""

    model: str | None
    """The model that answered; null for people's own words."""

    prompt_tokens: int | None
    """What the model was asked, in tokens."""

    completion_tokens: int | None
    """What the model answered, in tokens."""

    total_tokens: int | None
    """Both together."""

    tokens_used: int | None = alias("total_tokens", "Use `totalTokens`.")
    """What the answer used, in tokens."""

    @field(needs=("prompt_tokens", "completion_tokens", "total_tokens"))
    def token_usage(self) -> TokenCounts | None:
        """What the answer used, in tokens; null where nothing was counted."""
        if self.prompt_tokens is self.completion_tokens is self.total_tokens is None:
            return None
        return TokenCounts(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            total_tokens=self.total_tokens,
        )

    confidence: float | None
    """How well the answer is supported, 0 to 1."""

    @field(needs=("message_metadata",))
    def confidence_parts(self) -> ConfidenceParts | None:
        """What the confidence is made of; null where it was not computed here."""
        parts = kept(self, "confidence")
        return None if parts is None else ConfidenceParts.of(parts)

    @field(needs=("message_metadata",))
    def council(self) -> CouncilDecision | None:
        """How the council decided; null where there was none."""
        decision = kept(self, "council")
        return None if decision is None else CouncilDecision.of(decision)

    low_confidence_warning: bool
    """Whether the answer is too weakly supported to rely on: below 0.3, or 0.5 of a council."""

    @field(needs=("sources",))
    def sources(self) -> list[MessageSource] | None:
        """What was found for the answer, as it was then; a few dozen at most."""
        row: Any = self
        return None if row.sources is None else [MessageSource.of(source) for source in row.sources]

    @field(needs=("reasoning_chain",))
    def reasoning_chain(self) -> list[ReasoningStep] | None:
        """How the answer came about, in order; a few dozen steps at most."""
        row: Any = self
        chain = row.reasoning_chain
        return None if chain is None else [ReasoningStep.of(step) for step in chain]

    @field(needs=("context_document_ids",))
    def context_document_ids(self) -> list[relay.GlobalID] | None:
        """The documents that the model was shown, with those that are gone; a few dozen at most."""
        row: Any = self
        return document_ids(row.context_document_ids)

    @field(needs=("context_document_ids",))
    async def context_documents(self, info: Info) -> list[DocumentRef] | None:
        """The documents that the model was shown, of what is in sight; a few dozen at most."""
        row: Any = self
        return await documents(info, row.context_document_ids)

    message_metadata: JSON | None
    """More about it."""

    created_at: datetime
    """When it was said."""

    timestamp: datetime = alias("created_at", "Use `createdAt`.")
    """When it was said."""

    updated_at: datetime
    """Time of the last change."""

    citations: Connection[Citation] = connection(models.Message.citations, orders=CitationOrder)
    """Where its statements come from, by number."""

    feedback: Feedback | None = inverse(models.Message.feedback)
    """What somebody thought of it."""

    agent_logs: Connection[AgentLogRef] = connection(models.Message.agent_logs, orders=AgentLogOrder)
    """What agents did for it, from the beginning."""


@node(models.Citation)
class Citation(relay.Node):
    """Where a statement of an answer comes from."""

    id: relay.NodeID[UUID]

    message: Message | None = relation(models.Citation.message)
    """The answer."""

    source_index: int
    """Its place among the answer's sources, from 1."""

    source_name: str | None
    """What the source is called."""

    source_uri: str | None
    """Where the source is."""

    page_number: int | None
    """The page, from 1, where there are pages."""

    snippet: str | None
    """What the source says."""

    confidence: float | None
    """How well it supports the statement, 0 to 1."""

    text_start_index: int | None
    """Where the statement begins in the answer, in Unicode code points from 0; null where not inline."""

    text_end_index: int | None
    """Before which code point the statement ends; null where not inline."""

    inline_number: int | None
    """The number that readers see in the text; it may repeat; null where not inline."""


@node(models.Feedback)
class Feedback(relay.Node):
    """What somebody thought of an answer; there is one at most for each."""

    id: relay.NodeID[UUID]

    message: Message | None = relation(models.Feedback.message)
    """The answer."""

    user: UserRef | None = relation(models.Feedback.user)
    """Who rated it; null where the viewer may not see them."""

    rating: FeedbackRating
    """In one word."""

    comment: str | None
    """In more."""

    created_at: datetime
    """When they first rated it."""
