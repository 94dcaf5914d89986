"""answers given before: kept for an hour, and told apart among the requests to models."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0010"
down_revision = "tenant_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "run_logs",
        sa.Column("cached", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="tenant",
    )
    op.create_table(
        "cached_answers",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("message", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("citations", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_cached_answers_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_cached_answers")),
        schema="tenant",
    )
    for column, unique in (("key", True), ("user_id", False), ("created_at", False)):
        op.create_index(
            op.f(f"ix_cached_answers_company_id_{column}"),
            "cached_answers",
            ["company_id", column],
            unique=unique,
            schema="tenant",
        )
    op.enable_tenant_rls("cached_answers")


def downgrade() -> None:
    """Undo."""
    op.drop_table("cached_answers", schema="tenant")
    op.drop_column("run_logs", "cached", schema="tenant")
