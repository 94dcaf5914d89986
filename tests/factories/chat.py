"""Conversations, and what is on record of them."""

from typing import Any

from db.models import (
    AgentLog,
    Citation,
    Conversation,
    Feedback,
    FeedbackRating,
    LlmProvider,
    Message,
    MessageRole,
    RunLog,
    RunStatus,
    SentenceVerdict,
    TextCheck,
    TextCheckSentence,
    TextCheckState,
    TokenUsage,
)
from tests.factories import Fixture, build, numbers


def a_conversation(user: Fixture, session: Fixture | None = None, **values: Any) -> Fixture:
    """An active conversation of this person's, about the session if there is one."""
    defaults = {
        "user_id": user.id,
        "session_id": session and session.id,
        "title": f"Conversation {next(numbers)}",
    }
    return build(Conversation, [user, session], values, **defaults)


def a_message(conversation: Fixture, role: MessageRole = MessageRole.USER, **values: Any) -> Fixture:
    """Something said; the conversation's counters are not touched."""
    defaults = {"conversation_id": conversation.id, "role": role, "content": f"Words {next(numbers)}."}
    return build(Message, [conversation], values, **defaults)


def an_answer(conversation: Fixture, **values: Any) -> Fixture:
    """What an assistant said."""
    defaults = {"model": "model", "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    return a_message(conversation, MessageRole.ASSISTANT, **{**defaults, **values})


def a_reply(message: Fixture, **values: Any) -> Fixture:
    """Something said in reply."""
    row = a_message(message.parents[0], parent_message_id=message.id, **values)
    row.parents = (*row.parents, message)
    return row


def a_citation(answer: Fixture, source_index: int = 1, **values: Any) -> Fixture:
    """What the answer cites, not inline."""
    defaults = {"message_id": answer.id, "source_index": source_index, "source_name": "Guide"}
    return build(Citation, [answer], values, **defaults)


def a_feedback(answer: Fixture, user: Fixture, **values: Any) -> Fixture:
    """This person's thumbs up for the answer."""
    defaults = {"message_id": answer.id, "user_id": user.id, "rating": FeedbackRating.THUMBS_UP}
    return build(Feedback, [answer, user], values, **defaults)


def a_run_log(user: Fixture, answer: Fixture | None = None, **values: Any) -> Fixture:
    """A request of this person's that succeeded."""
    defaults: dict[str, Any] = {
        "user_id": user.id,
        "message_id": answer and answer.id,
        "conversation_id": answer and answer.conversation_id,
        "model": "model",
        "tokens_used": 30,
        "latency_ms": 100,
        "status": RunStatus.SUCCESS,
    }
    return build(RunLog, [user, answer], values, **defaults)


def an_agent_log(user: Fixture, answer: Fixture | None = None, **values: Any) -> Fixture:
    """A step of an agent for this person."""
    defaults: dict[str, Any] = {
        "agent_type": "research",
        "operation": "retrieve",
        "message_id": answer and answer.id,
        "user_id": user.id,
    }
    return build(AgentLog, [user, answer], values, **defaults)


def a_vote(user: Fixture, answer: Fixture, agent: str, **values: Any) -> Fixture:
    """An agent's vote on the answer."""
    vote = {"agent": agent, "temperature": 0.3, "vote": "yes", "confidence": 0.85, "reasoning": "Because."}
    defaults: dict[str, Any] = {"agent_type": f"council_{agent}", "is_council_vote": True, "vote_data": vote}
    return an_agent_log(user, answer, **{**defaults, **values})


def a_token_usage(user: Fixture, **values: Any) -> Fixture:
    """Tokens of one chat of this person's."""
    defaults: dict[str, Any] = {
        "operation_type": "chat",
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "total_tokens": 30,
        "estimated_cost": 0.25,
        "llm_provider": LlmProvider.CUSTOM,
        "user_id": user.id,
    }
    return build(TokenUsage, [user], values, **defaults)


def a_text_check(user: Fixture, **values: Any) -> Fixture:
    """A complete check of a text with one sentence."""
    defaults: dict[str, Any] = {
        "user_id": user.id,
        "text": f"Door {next(numbers)} is green.",
        "state": TextCheckState.COMPLETED,
        "sentence_count": 1,
        "supported_count": 1,
    }
    return build(TextCheck, [user], values, **defaults)


def a_text_check_sentence(check: Fixture, **values: Any) -> Fixture:
    """A sentence of the check that is supported."""
    defaults: dict[str, Any] = {
        "check_id": check.id,
        "number": next(numbers),
        "text_start_index": 0,
        "text_end_index": 14,
        "text": "Door 1 is green.",
        "verdict": SentenceVerdict.SUPPORTED,
        "confidence": 0.9,
    }
    return build(TextCheckSentence, [check], values, **defaults)
