"""What is on record of every request to a model: the runs, the agents' steps, the tokens."""

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
    """One request to a model. It outlives the conversation."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.RunLog.user)
    """Who asked; null where the viewer may not see them."""

    conversation: Conversation | None = relation(models.RunLog.conversation)
    """Where it was asked; null when that is gone."""

    message: Message | None = relation(models.RunLog.message)
    """What was answered; null when that is gone, or there was no answer."""

    model: str | None
    """Which model was asked."""

    tokens_used: int | None
    """What it used, in tokens."""

    latency_ms: int | None
    """Duration in milliseconds."""

    status: RunStatus
    """How it went."""

    error_code: str | None
    """What went wrong, such as `TIMEOUT`; null where nothing did."""

    cached: bool
    """Whether an answer was given again, and no model was asked."""

    created_at: datetime
    """When it was asked."""


@node(models.AgentLog)
class AgentLog(relay.Node):
    """One step of an agent."""

    id: relay.NodeID[UUID]

    agent_type: str
    """Which agent, such as `research` or `council_creative`."""

    operation: str | None
    """What it did, such as `retrieve`."""

    input_data: JSON | None
    """What it was given."""

    output_data: JSON | None
    """What it made of that."""

    confidence: float | None
    """Confidence, from 0 to 1."""

    is_council_vote: bool
    """Whether it is a vote in a council."""

    execution_time_ms: float | None
    """Duration in milliseconds."""

    created_at: datetime
    """Completion time."""

    message: Message | None = relation(models.AgentLog.message)
    """The answer that it was for; null where there is none."""

    user: UserRef | None = relation(models.AgentLog.user)
    """Whom it was for; null when they are gone, or out of the viewer's sight."""

    company: CompanyRef | None = relation(models.AgentLog.company)
    """Company that owns it."""

    @field(needs=("vote_data",))
    def vote_data(self) -> VoteData | None:
        """The vote, where it is one."""
        row: Any = self
        return None if row.vote_data is None else VoteData.of(row.vote_data)

    @field(needs=("token_usage",))
    def token_usage(self) -> TokenCounts | None:
        """What it used, in tokens."""
        row: Any = self
        return None if row.token_usage is None else TokenCounts.of(row.token_usage)


@node(models.TokenUsage)
class TokenUsage(relay.Node):
    """Tokens that one operation used, and what they cost."""

    id: relay.NodeID[UUID]

    operation_type: str | None
    """What they were used for, such as `chat`."""

    operation_id: str | None
    """Which one, as that kind of operation counts them."""

    prompt_tokens: int
    """What models were asked."""

    completion_tokens: int
    """What models answered."""

    total_tokens: int
    """Both together."""

    estimated_cost: float | None
    """In US dollars, by the price list of that time."""

    llm_provider: LlmProvider | None
    """Where the model ran."""

    model_name: str | None
    """Which model it was."""

    created_at: datetime
    """When they were used."""

    user: UserRef | None = relation(models.TokenUsage.user)
    """Who used them; null when they are gone, or out of the viewer's sight."""

    company: CompanyRef | None = relation(models.TokenUsage.company)
    """Company that owns it."""
