"""Jobs."""

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
        "processing_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("job_type", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(50)),
        sa.Column("job_metadata", JSON),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("task", sa.String(100)),
        sa.Column("arguments", JSON),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="4", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("checkpoint", JSON),
        sa.Column("requested_by_id", sa.Uuid()),
        sa.Column("started_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of(
            "processing_job_type",
            "job_type",
            "pdf_extraction",
            "comparison",
            "ai_analysis",
            "document_processing",
            "chat_answer",
            "upkeep",
            "data_import",
            "report_generation",
            "requirement_proposal",
            "re_embedding",
        ),
        one_of("job_status", "status", "pending", "running", "completed", "failed", "cancelled"),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="error_message"),
        references_tenant(),
        references("drawing_sessions", "session_id"),
        references("members", "requested_by_id", ondelete="SET NULL"),
    )
    create_index("processing_jobs", "created_at", "id")
    create_index("processing_jobs", "job_type", "created_at", "id")
    create_index("processing_jobs", "requested_by_id")
    create_index("processing_jobs", "session_id", "created_at", "id")
    create_index("processing_jobs", "session_id", "job_type", unique=True, where="session_id IS NOT NULL")
    create_index("processing_jobs", "status", "created_at", "id")


def drop() -> None:
    """Drop the tables."""
    drop_tables("processing_jobs")
