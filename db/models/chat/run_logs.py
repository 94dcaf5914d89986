"""Logs of answers: runs, agents and token usage."""

from __future__ import annotations

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
    TenantKey,
    TenantModel,
    company_foreign_key,
    enum_column,
    list_indexes,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)
from db.models.identity import LlmProvider

if TYPE_CHECKING:
    from db.models.chat.conversations import Conversation, Message
    from db.models.identity import Company, User


class RunStatus(Enum):
    """Outcome of a request to a model."""

    SUCCESS = "success"
    """The model answered."""
    ERROR = "error"
    """The request failed."""


class RunLog(TenantKey, TenantModel):
    """A request to a model. It is kept when the conversation is deleted."""

    __tablename__ = "run_logs"
    __table_args__ = (
        tenant_foreign_key("members", "user_id"),
        tenant_foreign_key("conversations", "conversation_id", "SET NULL"),
        tenant_foreign_key("messages", "message_id", "SET NULL"),
        sa.CheckConstraint("tokens_used >= 0 AND latency_ms >= 0", name="measures"),
        sa.CheckConstraint("(status = 'error') = (error_code IS NOT NULL)", name="error_code"),
        *list_indexes("created_at", "id", filters=("user_id", "conversation_id", "status")),
        tenant_index("message_id"),
    )

    user_id: Mapped[UUID]
    conversation_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    model: Mapped[Str100 | None]
    tokens_used: Mapped[int | None]
    latency_ms: Mapped[int | None]
    status: Mapped[RunStatus] = enum_column(RunStatus)
    error_code: Mapped[Str50 | None]
    cached: Mapped[Flag]
    created_at: Mapped[Instant]

    user: Mapped[User | None] = view_relationship("foreign(RunLog.user_id) == User.id")
    conversation: Mapped[Conversation | None] = view_relationship(
        "foreign(RunLog.conversation_id) == Conversation.id"
    )
    message: Mapped[Message | None] = view_relationship("foreign(RunLog.message_id) == Message.id")


class AgentLog(TenantKey, TenantModel):
    """A step of an agent. It is kept when its user is deleted: there is no foreign key."""

    __tablename__ = "agent_logs"
    __table_args__ = (
        company_foreign_key(),
        tenant_foreign_key("messages", "message_id"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1 AND execution_time_ms >= 0", name="measures"),
        sa.CheckConstraint("is_council_vote = (vote_data IS NOT NULL)", name="vote_data"),
        tenant_index("message_id", "created_at", "id"),
        *list_indexes("created_at", "id", filters=("user_id", "agent_type", "is_council_vote")),
        tenant_index("user_id", "agent_type", "is_council_vote", "created_at", "id"),
    )

    agent_type: Mapped[Str50]
    operation: Mapped[Str50 | None]
    input_data: Mapped[dict[str, Any] | None]
    output_data: Mapped[dict[str, Any] | None]
    confidence: Mapped[float | None]
    is_council_vote: Mapped[Flag]
    vote_data: Mapped[dict[str, Any] | None]
    execution_time_ms: Mapped[float | None]
    token_usage: Mapped[dict[str, Any] | None]
    message_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    created_at: Mapped[Instant]

    message: Mapped[Message | None] = view_relationship("foreign(AgentLog.message_id) == Message.id")
    user: Mapped[User | None] = view_relationship("foreign(AgentLog.user_id) == User.id")
    company: Mapped[Company | None] = view_relationship("foreign(AgentLog.company_id) == Company.id")


class TokenUsage(TenantKey, TenantModel):
    """Token usage and cost of an operation. It is kept when its user is deleted: there is no foreign key."""

    __tablename__ = "token_usage"
    __table_args__ = (
        company_foreign_key(),
        sa.CheckConstraint("prompt_tokens >= 0 AND completion_tokens >= 0", name="tokens"),
        sa.CheckConstraint("total_tokens = prompt_tokens + completion_tokens", name="total_tokens"),
        *list_indexes("created_at", "id", filters=("user_id", "operation_type", "llm_provider")),
        tenant_index("user_id", "operation_type", "llm_provider", "created_at", "id"),
    )

    operation_type: Mapped[Str50 | None]
    operation_id: Mapped[str | None] = mapped_column(sa.String(64))
    prompt_tokens: Mapped[Count]
    completion_tokens: Mapped[Count]
    total_tokens: Mapped[Count]
    estimated_cost: Mapped[float | None]
    llm_provider: Mapped[LlmProvider | None] = enum_column(LlmProvider, nullable=True)
    model_name: Mapped[Str100 | None]
    user_id: Mapped[UUID | None]
    created_at: Mapped[Instant]

    user: Mapped[User | None] = view_relationship("foreign(TokenUsage.user_id) == User.id")
    company: Mapped[Company | None] = view_relationship("foreign(TokenUsage.company_id) == Company.id")
