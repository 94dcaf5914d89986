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
    TokenUsage,
)
from tests.factories import Made, made, numbers


def a_conversation(user: Made, session: Made | None = None, **values: Any) -> Made:
    """An active conversation of this person's, about the session if there is one."""
    usual = {
        "user_id": user.id,
        "session_id": session and session.id,
        "title": f"Conversation {next(numbers)}",
    }
    return made(Conversation, [user, session], values, **usual)


def a_message(conversation: Made, role: MessageRole = MessageRole.USER, **values: Any) -> Made:
    """Something said; the conversation's counters are not touched."""
    usual = {"conversation_id": conversation.id, "role": role, "content": f"Words {next(numbers)}."}
    return made(Message, [conversation], values, **usual)


def an_answer(conversation: Made, **values: Any) -> Made:
    """What an assistant said."""
    usual = {"model": "model", "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    return a_message(conversation, MessageRole.ASSISTANT, **{**usual, **values})


def a_reply(message: Made, **values: Any) -> Made:
    """Something said in reply."""
    row = a_message(message.parents[0], parent_message_id=message.id, **values)
    row.parents = (*row.parents, message)
    return row


def a_citation(answer: Made, source_index: int = 1, **values: Any) -> Made:
    """What the answer cites, not inline."""
    usual = {"message_id": answer.id, "source_index": source_index, "source_name": "Guide"}
    return made(Citation, [answer], values, **usual)


def a_feedback(answer: Made, user: Made, **values: Any) -> Made:
    """This person's thumbs up for the answer."""
    usual = {"message_id": answer.id, "user_id": user.id, "rating": FeedbackRating.THUMBS_UP}
    return made(Feedback, [answer, user], values, **usual)


def a_run_log(user: Made, answer: Made | None = None, **values: Any) -> Made:
    """A request of this person's that succeeded."""
    usual: dict[str, Any] = {
        "user_id": user.id,
        "message_id": answer and answer.id,
        "conversation_id": answer and answer.conversation_id,
        "model": "model",
        "tokens_used": 30,
        "latency_ms": 100,
        "status": RunStatus.SUCCESS,
    }
    return made(RunLog, [user, answer], values, **usual)


def an_agent_log(user: Made, answer: Made | None = None, **values: Any) -> Made:
    """A step of an agent for this person."""
    usual: dict[str, Any] = {
        "agent_type": "research",
        "operation": "retrieve",
        "message_id": answer and answer.id,
        "user_id": user.id,
    }
    return made(AgentLog, [user, answer], values, **usual)


def a_vote(user: Made, answer: Made, agent: str, **values: Any) -> Made:
    """An agent's vote on the answer."""
    vote = {"agent": agent, "temperature": 0.3, "vote": "yes", "confidence": 0.85, "reasoning": "Because."}
    usual: dict[str, Any] = {"agent_type": f"council_{agent}", "is_council_vote": True, "vote_data": vote}
    return an_agent_log(user, answer, **{**usual, **values})


def a_token_usage(user: Made, **values: Any) -> Made:
    """Tokens of one chat of this person's."""
    usual: dict[str, Any] = {
        "operation_type": "chat",
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "total_tokens": 30,
        "estimated_cost": 0.25,
        "llm_provider": LlmProvider.CUSTOM,
        "user_id": user.id,
    }
    return made(TokenUsage, [user], values, **usual)
