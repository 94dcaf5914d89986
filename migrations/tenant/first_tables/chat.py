"""Conversations, messages and their events, citations, feedback, logs of requests to models, cached answers."""

import sqlalchemy as sa

from migrations.tables import INSTANT, JSON, NOW, one_of
from migrations.tenant.first_tables.vocabulary import (
    create_index,
    create_table,
    drop_tables,
    references,
    references_tenant,
)


def create() -> None:
    """Create the tables."""
    create_table(
        "conversations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("title", sa.String(500)),
        sa.Column("status", sa.String(20), server_default="active", nullable=False),
        sa.Column("archived_at", INSTANT),
        sa.Column("llm_provider", sa.String(20), server_default="custom", nullable=False),
        sa.Column("model_name", sa.String(100), server_default="gpt-4", nullable=False),
        sa.Column("temperature", sa.Double(), server_default="0.7", nullable=False),
        sa.Column("mode", sa.String(20), server_default="answer", nullable=False),
        sa.Column("council_strategy", sa.String(20), server_default="weighted_confidence", nullable=False),
        sa.Column("council_rounds", sa.Integer(), server_default="1", nullable=False),
        sa.Column("selected_document_ids", JSON),
        sa.Column("message_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_tokens_used", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("event_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("conversation_status", "status", "active", "archived", "deleted"),
        one_of("llm_provider", "llm_provider", "custom", "ollama", "openai"),
        one_of("answer_mode", "mode", "answer", "council"),
        one_of(
            "council_strategy",
            "council_strategy",
            "weighted_confidence",
            "highest_confidence",
            "majority",
            "synthesis",
        ),
        sa.CheckConstraint("user_id IS NOT NULL OR session_id IS NOT NULL", name="owner"),
        sa.CheckConstraint("temperature BETWEEN 0 AND 2", name="temperature"),
        sa.CheckConstraint("message_count >= 0 AND total_tokens_used >= 0", name="counts"),
        sa.CheckConstraint("council_rounds BETWEEN 1 AND 5", name="council_rounds"),
        references_tenant(),
        references("members", "user_id"),
        references("drawing_sessions", "session_id"),
    )
    create_index("conversations", "created_at", "id")
    create_index("conversations", "session_id", "created_at", "id")
    create_index("conversations", "status", "updated_at", "id")
    create_index("conversations", "updated_at", "id")
    create_index("conversations", "user_id", "status", "updated_at", "id")
    create_index("conversations", "user_id", "updated_at", "id")

    create_table(
        "messages",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("parent_message_id", sa.Uuid()),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), server_default="completed", nullable=False),
        sa.Column("error_code", sa.String(50)),
        sa.Column("mode", sa.String(20)),
        sa.Column("council_strategy", sa.String(20)),
        sa.Column("council_rounds", sa.Integer()),
        sa.Column("model", sa.String(100)),
        sa.Column("prompt_tokens", sa.Integer()),
        sa.Column("completion_tokens", sa.Integer()),
        sa.Column("total_tokens", sa.Integer()),
        sa.Column("confidence", sa.Double()),
        sa.Column("low_confidence_warning", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sources", JSON),
        sa.Column("reasoning_chain", JSON),
        sa.Column("context_document_ids", JSON),
        sa.Column("message_metadata", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("message_role", "role", "user", "assistant", "system"),
        one_of("message_state", "state", "streaming", "completed", "stopped", "failed"),
        one_of("answer_mode", "mode", "answer", "council"),
        one_of(
            "council_strategy",
            "council_strategy",
            "weighted_confidence",
            "highest_confidence",
            "majority",
            "synthesis",
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint(
            "prompt_tokens >= 0 AND completion_tokens >= 0 AND total_tokens >= 0", name="tokens"
        ),
        sa.CheckConstraint("council_rounds BETWEEN 1 AND 5", name="council_rounds"),
        references("conversations", "conversation_id"),
        references("messages", "parent_message_id", ondelete="SET NULL"),
    )
    create_index("messages", "conversation_id", where="state = 'streaming'")
    create_index("messages", "conversation_id", "created_at", "id")
    create_index("messages", "conversation_id", "total_tokens")
    create_index("messages", "created_at", "id")
    create_index("messages", "parent_message_id", "created_at", "id")

    create_table(
        "conversation_events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("detail", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of(
            "conversation_event_kind",
            "kind",
            "message_created",
            "run_step",
            "message_delta",
            "citations_added",
            "message_completed",
            "message_failed",
            "message_reset",
        ),
        references("conversations", "conversation_id"),
        references("messages", "message_id"),
    )
    create_index("conversation_events", "conversation_id", "sequence", unique=True)
    create_index("conversation_events", "created_at")
    create_index("conversation_events", "message_id", "sequence")

    create_table(
        "citations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("source_index", sa.Integer(), nullable=False),
        sa.Column("source_name", sa.String(500)),
        sa.Column("source_uri", sa.String(1000)),
        sa.Column("page_number", sa.Integer()),
        sa.Column("snippet", sa.Text()),
        sa.Column("confidence", sa.Double()),
        sa.Column("text_start_index", sa.Integer()),
        sa.Column("text_end_index", sa.Integer()),
        sa.Column("inline_number", sa.Integer()),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("text_start_index >= 0 AND text_end_index > text_start_index", name="offsets"),
        references("messages", "message_id"),
    )
    create_index("citations", "message_id", "source_index", "id")

    create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.String(20), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("feedback_rating", "rating", "thumbs_up", "thumbs_down"),
        references("messages", "message_id"),
        references("members", "user_id"),
    )
    create_index("feedback", "created_at", "id")
    create_index("feedback", "message_id", unique=True)
    create_index("feedback", "rating", "created_at", "id")
    create_index("feedback", "user_id", "created_at", "id")

    create_table(
        "run_logs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid()),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("model", sa.String(100)),
        sa.Column("tokens_used", sa.Integer()),
        sa.Column("latency_ms", sa.Integer()),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error_code", sa.String(50)),
        sa.Column("cached", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("run_status", "status", "success", "error"),
        sa.CheckConstraint("tokens_used >= 0 AND latency_ms >= 0", name="measures"),
        sa.CheckConstraint("(status = 'error') = (error_code IS NOT NULL)", name="error_code"),
        references("members", "user_id"),
        references("conversations", "conversation_id", ondelete="SET NULL"),
        references("messages", "message_id", ondelete="SET NULL"),
    )
    create_index("run_logs", "conversation_id", "created_at", "id")
    create_index("run_logs", "created_at", "id")
    create_index("run_logs", "message_id")
    create_index("run_logs", "status", "created_at", "id")
    create_index("run_logs", "user_id", "created_at", "id")

    create_table(
        "agent_logs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("agent_type", sa.String(50), nullable=False),
        sa.Column("operation", sa.String(50)),
        sa.Column("input_data", JSON),
        sa.Column("output_data", JSON),
        sa.Column("confidence", sa.Double()),
        sa.Column("is_council_vote", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("vote_data", JSON),
        sa.Column("execution_time_ms", sa.Double()),
        sa.Column("token_usage", JSON),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1 AND execution_time_ms >= 0", name="measures"),
        sa.CheckConstraint("is_council_vote = (vote_data IS NOT NULL)", name="vote_data"),
        references_tenant(),
        references("messages", "message_id"),
    )
    create_index("agent_logs", "agent_type", "created_at", "id")
    create_index("agent_logs", "created_at", "id")
    create_index("agent_logs", "is_council_vote", "created_at", "id")
    create_index("agent_logs", "message_id", "created_at", "id")
    create_index("agent_logs", "user_id", "created_at", "id")

    create_table(
        "token_usage",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("operation_type", sa.String(50)),
        sa.Column("operation_id", sa.String(64)),
        sa.Column("prompt_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("completion_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("estimated_cost", sa.Double()),
        sa.Column("llm_provider", sa.String(20)),
        sa.Column("model_name", sa.String(100)),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("llm_provider", "llm_provider", "custom", "ollama", "openai"),
        sa.CheckConstraint("prompt_tokens >= 0 AND completion_tokens >= 0", name="tokens"),
        sa.CheckConstraint("total_tokens = prompt_tokens + completion_tokens", name="total_tokens"),
        references_tenant(),
    )
    create_index("token_usage", "created_at", "id")
    create_index("token_usage", "llm_provider", "created_at", "id")
    create_index("token_usage", "operation_type", "created_at", "id")
    create_index("token_usage", "user_id", "created_at", "id")

    create_table(
        "cached_answers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("message", JSON, nullable=False),
        sa.Column("citations", JSON, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        references("members", "user_id"),
    )
    create_index("cached_answers", "created_at")
    create_index("cached_answers", "key", unique=True)
    create_index("cached_answers", "user_id")


def drop() -> None:
    """Drop the tables."""
    drop_tables(
        "cached_answers",
        "token_usage",
        "agent_logs",
        "run_logs",
        "feedback",
        "citations",
        "conversation_events",
        "messages",
        "conversations",
    )
