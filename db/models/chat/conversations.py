"""Conversations: messages, citations, feedback and cached answers."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Count,
    Flag,
    Instant,
    Str50,
    Str100,
    Str500,
    TenantKey,
    TenantModel,
    UpdatedAt,
    company_foreign_key,
    enum_column,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)
from db.models.identity import LlmProvider
from db.readers import ReaderKey, overseen_index

if TYPE_CHECKING:
    from db.models.chat.run_logs import AgentLog
    from db.models.drawings import DrawingSession
    from db.models.identity import Company, User


class ConversationStatus(Enum):
    """Lifecycle state of a conversation."""

    ACTIVE = "active"
    """The conversation accepts new messages."""
    ARCHIVED = "archived"
    """The conversation is read-only."""
    DELETED = "deleted"
    """The conversation is deleted and hidden."""


class MessageRole(Enum):
    """Author of a message."""

    USER = "user"
    """A person."""
    ASSISTANT = "assistant"
    """A model that answers questions."""
    SYSTEM = "system"
    """The system."""


class MessageState(Enum):
    """Generation state of a message. Messages from users are always `COMPLETED`."""

    STREAMING = "streaming"
    """The answer is being generated."""
    COMPLETED = "completed"
    """The message is complete."""
    STOPPED = "stopped"
    """A user stopped the generation. The text received so far is kept."""
    FAILED = "failed"
    """The generation failed."""


class AnswerMode(Enum):
    """Mode in which an answer is generated."""

    ANSWER = "answer"
    """A single model generates the answer."""
    COUNCIL = "council"
    """The members of a council propose answers, which are combined into one. It needs a language model."""


class CouncilStrategy(Enum):
    """Strategy by which a council combines its answers."""

    WEIGHTED_CONFIDENCE = "weighted_confidence"
    """The answer with the highest product of confidence and weight wins."""
    HIGHEST_CONFIDENCE = "highest_confidence"
    """The answer with the highest confidence wins."""
    MAJORITY = "majority"
    """The answer that more than half of the members agree on wins. Without a majority, as
    `WEIGHTED_CONFIDENCE`.
    """
    SYNTHESIS = "synthesis"
    """A model writes one answer from all answers. If that fails, as `WEIGHTED_CONFIDENCE`."""


class CouncilBasis(Enum):
    """Votes that the answer of a council is based on."""

    ALL = "all"
    """All votes."""
    BEST = "best"
    """The vote with the highest confidence."""
    MAJORITY = "majority"
    """The votes of the majority."""
    SYNTHESIS = "synthesis"
    """An answer written from all votes."""


class ConversationEventKind(Enum):
    """Kind of an event of a conversation's event stream."""

    MESSAGE_CREATED = "message_created"
    RUN_STEP = "run_step"
    MESSAGE_DELTA = "message_delta"
    CITATIONS_ADDED = "citations_added"
    MESSAGE_COMPLETED = "message_completed"
    MESSAGE_FAILED = "message_failed"
    MESSAGE_RESET = "message_reset"


class FeedbackRating(Enum):
    """Rating of an answer."""

    THUMBS_UP = "thumbs_up"
    """The answer was helpful."""
    THUMBS_DOWN = "thumbs_down"
    """The answer was not helpful."""


class Conversation(TenantKey, TenantModel):
    """A thread of messages. Its counters are updated with each message."""

    __tablename__ = "conversations"
    __table_args__ = (
        company_foreign_key(),
        tenant_foreign_key("members", "user_id"),
        tenant_foreign_key("drawing_sessions", "session_id"),
        sa.CheckConstraint("user_id IS NOT NULL OR session_id IS NOT NULL", name="owner"),
        sa.CheckConstraint("temperature BETWEEN 0 AND 2", name="temperature"),
        sa.CheckConstraint("message_count >= 0 AND total_tokens_used >= 0", name="counts"),
        sa.CheckConstraint("council_rounds BETWEEN 1 AND 5", name="council_rounds"),
        tenant_index("user_id", "status", "updated_at", "id"),
        tenant_index("user_id", "updated_at", "id"),
        tenant_index("status", "updated_at", "id"),
        tenant_index("status", "created_at", "id"),
        tenant_index("status", "id"),
        tenant_index("session_id", "created_at", "id"),
        tenant_index("updated_at", "id"),
        tenant_index("created_at", "id"),
    )

    user_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    title: Mapped[Str500 | None]
    status: Mapped[ConversationStatus] = enum_column(ConversationStatus, ConversationStatus.ACTIVE)
    archived_at: Mapped[datetime | None]
    llm_provider: Mapped[LlmProvider] = enum_column(LlmProvider, LlmProvider.CUSTOM)
    model_name: Mapped[Str100] = mapped_column(server_default="gpt-4")
    temperature: Mapped[float] = mapped_column(server_default="0.7")
    mode: Mapped[AnswerMode] = enum_column(AnswerMode, AnswerMode.ANSWER)
    council_strategy: Mapped[CouncilStrategy] = enum_column(
        CouncilStrategy, CouncilStrategy.WEIGHTED_CONFIDENCE
    )
    council_rounds: Mapped[int] = mapped_column(server_default="1")
    selected_document_ids: Mapped[list[str] | None]
    message_count: Mapped[Count]
    total_tokens_used: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    event_count: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    user: Mapped[User | None] = view_relationship("foreign(Conversation.user_id) == User.id")
    company: Mapped[Company | None] = view_relationship("foreign(Conversation.company_id) == Company.id")
    session: Mapped[DrawingSession | None] = view_relationship(
        "foreign(Conversation.session_id) == DrawingSession.id"
    )
    messages: Mapped[list[Message]] = view_relationship("Conversation.id == foreign(Message.conversation_id)")


class Message(TenantKey, ReaderKey, TenantModel):
    """A message of a user or an assistant. An answer is generated by the processing job with the same id."""

    __tablename__ = "messages"
    __table_args__ = (
        tenant_foreign_key("conversations", "conversation_id"),
        tenant_foreign_key("messages", "parent_message_id", "SET NULL"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint(
            "prompt_tokens >= 0 AND completion_tokens >= 0 AND total_tokens >= 0", name="tokens"
        ),
        sa.CheckConstraint("council_rounds BETWEEN 1 AND 5", name="council_rounds"),
        tenant_index("conversation_id", "created_at", "id"),
        tenant_index("conversation_id", "total_tokens"),
        tenant_index("conversation_id", where="state = 'streaming'"),
        tenant_index("parent_message_id", "created_at", "id"),
        tenant_index("reader_id", "created_at", "id"),
        tenant_index("reader_id", "conversation_id", "created_at", "id"),
        overseen_index("messages", "created_at", "id"),
    )

    conversation_id: Mapped[UUID]
    parent_message_id: Mapped[UUID | None]
    role: Mapped[MessageRole] = enum_column(MessageRole)
    content: Mapped[str]
    state: Mapped[MessageState] = enum_column(MessageState, MessageState.COMPLETED)
    error_code: Mapped[Str50 | None]
    mode: Mapped[AnswerMode | None] = enum_column(AnswerMode, nullable=True)
    council_strategy: Mapped[CouncilStrategy | None] = enum_column(CouncilStrategy, nullable=True)
    council_rounds: Mapped[int | None]
    model: Mapped[Str100 | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    total_tokens: Mapped[int | None]
    confidence: Mapped[float | None]
    low_confidence_warning: Mapped[Flag]
    sources: Mapped[list[Any] | None]
    reasoning_chain: Mapped[list[Any] | None]
    context_document_ids: Mapped[list[str] | None]
    message_metadata: Mapped[dict[str, Any] | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    conversation: Mapped[Conversation] = view_relationship(
        "foreign(Message.conversation_id) == Conversation.id"
    )
    parent_message: Mapped[Message | None] = view_relationship(
        "foreign(Message.parent_message_id) == remote(Message.id)"
    )
    replies: Mapped[list[Message]] = view_relationship(
        "Message.id == remote(foreign(Message.parent_message_id))"
    )
    citations: Mapped[list[Citation]] = view_relationship("Message.id == foreign(Citation.message_id)")
    feedback: Mapped[list[Feedback]] = view_relationship("Message.id == foreign(Feedback.message_id)")
    agent_logs: Mapped[list[AgentLog]] = view_relationship("Message.id == foreign(AgentLog.message_id)")


class ConversationEvent(TenantKey, TenantModel):
    """An event of a conversation, kept for a day; `sequence` counts from 1 in commit order."""

    __tablename__ = "conversation_events"
    __table_args__ = (
        tenant_foreign_key("conversations", "conversation_id"),
        tenant_foreign_key("messages", "message_id"),
        tenant_index("conversation_id", "sequence", unique=True),
        tenant_index("message_id", "sequence"),
        tenant_index("created_at"),
    )

    conversation_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    message_id: Mapped[UUID]
    kind: Mapped[ConversationEventKind] = enum_column(ConversationEventKind)
    detail: Mapped[dict[str, Any] | None]
    created_at: Mapped[Instant]


class Citation(TenantKey, ReaderKey, TenantModel):
    """The source of a statement. Offsets count Unicode code points of the message's content."""

    __tablename__ = "citations"
    __table_args__ = (
        tenant_foreign_key("messages", "message_id"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("text_start_index >= 0 AND text_end_index > text_start_index", name="offsets"),
        tenant_index("message_id", "source_index", "id"),
        tenant_index("reader_id", "id"),
        overseen_index("citations", "id"),
    )

    message_id: Mapped[UUID]
    source_index: Mapped[int]
    source_name: Mapped[Str500 | None]
    source_uri: Mapped[str | None] = mapped_column(sa.String(1000))
    page_number: Mapped[int | None]
    snippet: Mapped[str | None]
    confidence: Mapped[float | None]
    text_start_index: Mapped[int | None]
    text_end_index: Mapped[int | None]
    inline_number: Mapped[int | None]

    message: Mapped[Message] = view_relationship("foreign(Citation.message_id) == Message.id")


class Feedback(TenantKey, ReaderKey, TenantModel):
    """Feedback on an answer; at most one per message."""

    __tablename__ = "feedback"
    __table_args__ = (
        tenant_foreign_key("messages", "message_id"),
        tenant_foreign_key("members", "user_id"),
        tenant_index("message_id", unique=True),
        tenant_index("user_id", "created_at", "id"),
        tenant_index("reader_id", "created_at", "id"),
        tenant_index("reader_id", "user_id", "created_at", "id"),
        tenant_index("reader_id", "rating", "created_at", "id"),
        tenant_index("reader_id", "user_id", "rating", "created_at", "id"),
        overseen_index("feedback", "created_at", "id"),
        overseen_index("feedback", "rating", "created_at", "id"),
        overseen_index("feedback", "user_id", "rating", "created_at", "id"),
    )

    message_id: Mapped[UUID]
    user_id: Mapped[UUID]
    rating: Mapped[FeedbackRating] = enum_column(FeedbackRating)
    comment: Mapped[str | None]
    created_at: Mapped[Instant]

    message: Mapped[Message] = view_relationship("foreign(Feedback.message_id) == Message.id")
    user: Mapped[User | None] = view_relationship("foreign(Feedback.user_id) == User.id")


class CachedAnswer(TenantKey, TenantModel):
    """A cached answer; `key` is a digest of the question and everything else that determines the answer."""

    __tablename__ = "cached_answers"
    __table_args__ = (
        tenant_foreign_key("members", "user_id"),
        tenant_index("key", unique=True),
        tenant_index("user_id"),
        tenant_index("created_at"),
    )

    key: Mapped[str] = mapped_column(sa.String(64))
    user_id: Mapped[UUID]
    message: Mapped[dict[str, Any]]
    citations: Mapped[list[Any]]
    created_at: Mapped[Instant]
