"""embedding models."""

import sqlalchemy as sa
from alembic import op

revision = "control_0003"
down_revision = "control_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "embedding_models",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("max_tokens", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("dimension > 0 AND max_tokens > 0", name=op.f("ck_embedding_models_sizes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedding_models")),
        sa.UniqueConstraint("name", name=op.f("uq_embedding_models_name")),
        schema="platform",
    )
    op.create_index(
        "uq_embedding_models_active",
        "embedding_models",
        ["is_active"],
        unique=True,
        schema="platform",
        postgresql_where=sa.text("is_active"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index(
        "uq_embedding_models_active",
        table_name="embedding_models",
        schema="platform",
        postgresql_where=sa.text("is_active"),
    )
    op.drop_table("embedding_models", schema="platform")
