"""Sort orders and filters of the chat domain."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import (
    AnswerMode,
    ConversationStatus,
    CouncilStrategy,
    FeedbackRating,
    LlmProvider,
    MessageRole,
    MessageState,
    RunStatus,
)
from db.pagination import Order
from schema.framework.decorators import enumeration, input
from schema.framework.global_ids import key_of

for kind in (
    AnswerMode,
    ConversationStatus,
    CouncilStrategy,
    FeedbackRating,
    LlmProvider,
    MessageRole,
    MessageState,
    RunStatus,
):
    enumeration(kind)


@enumeration
class ConversationOrder(Enum):
    """Sort orders of conversations."""

    UPDATED_AT_DESC = Order("updated_at", descending=True)
    UPDATED_AT_ASC = Order("updated_at")
    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")
    ID_DESC = Order("id", descending=True)
    ID_ASC = Order("id")


@enumeration
class SessionConversationOrder(Enum):
    """Sort orders of the conversations about a drawing session."""

    CREATED_AT_ASC = Order("created_at")
    CREATED_AT_DESC = Order("created_at", descending=True)


@enumeration
class MessageOrder(Enum):
    """Sort orders of messages."""

    CREATED_AT_ASC = Order("created_at")
    CREATED_AT_DESC = Order("created_at", descending=True)


@enumeration
class CitationOrder(Enum):
    """Sort orders of the citations of a message."""

    SOURCE_INDEX_ASC = Order("source_index")
    SOURCE_INDEX_DESC = Order("source_index", descending=True)


@enumeration
class FeedbackOrder(Enum):
    """Sort orders of feedback."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class RunLogOrder(Enum):
    """Sort orders of run logs."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class AgentLogOrder(Enum):
    """Sort orders of agent logs."""

    CREATED_AT_ASC = Order("created_at")
    CREATED_AT_DESC = Order("created_at", descending=True)


@enumeration
class TokenUsageOrder(Enum):
    """Sort orders of token usage records."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class ConversationFilter:
    """Conditions for listing conversations."""

    status: ConversationStatus | None = None
    """Matches conversations in this state. Deleted conversations are never listed."""

    archived: bool | None = None
    """If true, matches archived conversations. If false, matches conversations that are not archived."""

    user_id: relay.GlobalID | None = None
    """Matches items of this user."""

    def where(self, conversation: Any) -> list[ColumnElement[bool]]:
        found = [conversation.status == self.status] if self.status else []
        if self.archived is not None:
            status = ConversationStatus.ARCHIVED if self.archived else ConversationStatus.ACTIVE
            found.append(conversation.status == status)
        if self.user_id:
            found.append(conversation.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@input
class MessageFilter:
    """Conditions for listing messages."""

    conversation_id: relay.GlobalID | None = None
    """Matches items of this conversation."""

    def where(self, message: Any) -> list[ColumnElement[bool]]:
        if not self.conversation_id:
            return []
        key = key_of(self.conversation_id, models.Conversation, "filter", "conversationId")
        return [message.conversation_id == key]


@input
class FeedbackFilter:
    """Conditions for listing feedback."""

    rating: FeedbackRating | None = None
    """Matches feedback with this rating."""

    user_id: relay.GlobalID | None = None
    """Matches items of this user."""

    def where(self, feedback: Any) -> list[ColumnElement[bool]]:
        found = [feedback.rating == self.rating] if self.rating else []
        if self.user_id:
            found.append(feedback.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@input
class RunLogFilter:
    """Conditions for listing run logs."""

    status: RunStatus | None = None
    """Matches requests with this outcome."""

    user_id: relay.GlobalID | None = None
    """Matches items of this user."""

    conversation_id: relay.GlobalID | None = None
    """Matches items of this conversation."""

    def where(self, run: Any) -> list[ColumnElement[bool]]:
        found = [run.status == self.status] if self.status else []
        if self.user_id:
            found.append(run.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        if self.conversation_id:
            key = key_of(self.conversation_id, models.Conversation, "filter", "conversationId")
            found.append(run.conversation_id == key)
        return found


@input
class AgentLogFilter:
    """Conditions for listing agent logs."""

    message_id: relay.GlobalID | None = None
    """Matches steps for this message."""

    user_id: relay.GlobalID | None = None
    """Matches steps for this user."""

    agent_type: str | None = None
    """Matches steps of this agent, such as `research`."""

    is_council_vote: bool | None = None
    """If true, matches votes of a council. If false, matches other steps."""

    def where(self, log: Any) -> list[ColumnElement[bool]]:
        found = [log.agent_type == self.agent_type] if self.agent_type is not None else []
        if self.is_council_vote is not None:
            found.append(log.is_council_vote == self.is_council_vote)
        if self.message_id:
            found.append(log.message_id == key_of(self.message_id, models.Message, "filter", "messageId"))
        if self.user_id:
            found.append(log.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@input
class TokenUsageFilter:
    """Conditions for listing token usage."""

    user_id: relay.GlobalID | None = None
    """Matches items of this user."""

    operation_type: str | None = None
    """Matches usage for this type of operation, such as `chat`."""

    llm_provider: LlmProvider | None = None
    """Matches usage of this provider."""

    def where(self, usage: Any) -> list[ColumnElement[bool]]:
        found = [usage.operation_type == self.operation_type] if self.operation_type is not None else []
        if self.llm_provider:
            found.append(usage.llm_provider == self.llm_provider)
        if self.user_id:
            found.append(usage.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found
