"""evaluation cases: what a run asked and what came of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0012"
down_revision = "tenant_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "evaluation_cases",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("expected_answer", sa.Text(), nullable=True),
        sa.Column(
            "expected_passages",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "retrieved",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column(
            "cited",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("correct", sa.Boolean(), nullable=False),
        sa.Column(
            "scores",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "run_id"],
            ["tenant.evaluation_runs.company_id", "tenant.evaluation_runs.id"],
            name=op.f("fk_evaluation_cases_company_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_evaluation_cases")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_evaluation_cases_company_id_run_id_correct_number"),
        "evaluation_cases",
        ["company_id", "run_id", "correct", "number"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_evaluation_cases_company_id_run_id_number"),
        "evaluation_cases",
        ["company_id", "run_id", "number"],
        unique=True,
        schema="tenant",
    )
    op.add_column("evaluation_runs", sa.Column("upload_id", sa.Uuid(), nullable=True), schema="tenant")
    op.create_index(
        op.f("ix_evaluation_runs_company_id_upload_id"),
        "evaluation_runs",
        ["company_id", "upload_id"],
        schema="tenant",
    )
    op.create_foreign_key(
        op.f("fk_evaluation_runs_company_id_upload_id"),
        "evaluation_runs",
        "uploads",
        ["company_id", "upload_id"],
        ["company_id", "id"],
        source_schema="tenant",
        referent_schema="tenant",
        ondelete="SET NULL (upload_id)",
    )
    op.enable_tenant_rls("evaluation_cases")


def downgrade() -> None:
    """Undo."""
    op.drop_constraint(op.f("fk_evaluation_runs_company_id_upload_id"), "evaluation_runs", schema="tenant")
    op.drop_index(
        op.f("ix_evaluation_runs_company_id_upload_id"), table_name="evaluation_runs", schema="tenant"
    )
    op.drop_column("evaluation_runs", "upload_id", schema="tenant")
    op.drop_table("evaluation_cases", schema="tenant")
