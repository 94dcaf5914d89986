"""Logs of requests to models, steps of agents, and token usage."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import LlmProvider, RunStatus
from schema.chat.message_details import TokenCounts, VoteData
from schema.chat.types import Conversation, Message
from schema.framework.decorators import node
from schema.framework.fields import relation
from schema.framework.payloads import field
from schema.lazy_types import CompanyRef, UserRef


@node(models.RunLog)
class RunLog(relay.Node):
    """Log entry of a request to a model. Kept when the conversation is deleted."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.RunLog.user)
    """User who sent the message. Null if not visible to the viewer."""

    conversation: Conversation | None = relation(models.RunLog.conversation)
    """Conversation of the request. Null if it is deleted."""

    message: Message | None = relation(models.RunLog.message)
    """Answer to the request. Null if it is deleted or there was none."""

    model: str | None
    """Name of the requested model."""

    tokens_used: int | None
    """Number of tokens used."""

    latency_ms: int | None
    """Duration in milliseconds."""

    status: RunStatus
    """Outcome of the request."""

    error_code: str | None
    """Error code, such as `TIMEOUT`, or null."""

    cached: bool
    """Whether the answer came from the answer cache, without a request to a model."""

    created_at: datetime
    """Time of the request."""


@node(models.AgentLog)
class AgentLog(relay.Node):
    """Log entry of a step of an agent."""

    id: relay.NodeID[UUID]

    agent_type: str
    """Name of the agent, such as `research` or `council_creative`."""

    operation: str | None
    """Operation, such as `retrieve`."""

    input_data: JSON | None
    """Input of the step."""

    output_data: JSON | None
    """Output of the step."""

    confidence: float | None
    """Confidence, from 0 to 1."""

    is_council_vote: bool
    """Whether the step is a vote of a council member."""

    execution_time_ms: float | None
    """Duration in milliseconds."""

    created_at: datetime
    """Completion time."""

    message: Message | None = relation(models.AgentLog.message)
    """Answer that the step contributed to, or null."""

    user: UserRef | None = relation(models.AgentLog.user)
    """User whom the step was performed for. Null if the user is deleted or not visible to the viewer."""

    company: CompanyRef | None = relation(models.AgentLog.company)
    """Company that owns it."""

    @field(needs=("vote_data",))
    def vote_data(self) -> VoteData | None:
        """The vote, if the step is one."""
        row: Any = self
        return None if row.vote_data is None else VoteData.of(row.vote_data)

    @field(needs=("token_usage",))
    def token_usage(self) -> TokenCounts | None:
        """Token counts of the step."""
        row: Any = self
        return None if row.token_usage is None else TokenCounts.of(row.token_usage)


@node(models.TokenUsage)
class TokenUsage(relay.Node):
    """Tokens used by an operation, and their cost."""

    id: relay.NodeID[UUID]

    operation_type: str | None
    """Type of the operation, such as `chat`."""

    operation_id: str | None
    """Identifier of the operation."""

    prompt_tokens: int
    """Number of prompt tokens."""

    completion_tokens: int
    """Number of completion tokens."""

    total_tokens: int
    """Total number of tokens."""

    estimated_cost: float | None
    """Estimated cost in US dollars, at the prices of that time."""

    llm_provider: LlmProvider | None
    """Provider of the model."""

    model_name: str | None
    """Name of the model."""

    created_at: datetime
    """Time of the usage."""

    user: UserRef | None = relation(models.TokenUsage.user)
    """User who used the tokens. Null if the user is deleted or not visible to the viewer."""

    company: CompanyRef | None = relation(models.TokenUsage.company)
    """Company that owns it."""
