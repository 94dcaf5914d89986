"""Evaluation runs and their cases."""

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
        "evaluation_runs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("model_name", sa.String(100), nullable=False),
        sa.Column("dataset_name", sa.String(200)),
        sa.Column("upload_id", sa.Uuid()),
        sa.Column("config", JSON),
        sa.Column("metrics", JSON),
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
        one_of("job_status", "status", "pending", "running", "completed", "failed", "cancelled"),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="error_message"),
        references_tenant(),
        references("uploads", "upload_id", ondelete="SET NULL"),
        references("members", "requested_by_id", ondelete="SET NULL"),
    )
    create_index("evaluation_runs", "created_at", "id")
    create_index("evaluation_runs", "model_name", "created_at", "id")
    create_index("evaluation_runs", "requested_by_id")
    create_index("evaluation_runs", "status", "created_at", "id")
    create_index("evaluation_runs", "upload_id")

    create_table(
        "evaluation_cases",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("expected_answer", sa.Text()),
        sa.Column("expected_passages", JSON, server_default="[]", nullable=False),
        sa.Column("retrieved", JSON, server_default="[]", nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("cited", JSON, server_default="[]", nullable=False),
        sa.Column("correct", sa.Boolean(), nullable=False),
        sa.Column("scores", JSON, server_default="{}", nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        references("evaluation_runs", "run_id"),
    )
    create_index("evaluation_cases", "run_id", "correct", "number")
    create_index("evaluation_cases", "run_id", "number", unique=True)


def drop() -> None:
    """Drop the tables."""
    drop_tables("evaluation_cases", "evaluation_runs")
