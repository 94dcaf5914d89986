"""models that serve: by which embedding model each company is searched, and since when one is active."""

import sqlalchemy as sa
from alembic import op

revision = "control_0005"
down_revision = "control_0004"
branch_labels = None
depends_on = None

ACTIVE = "SELECT id FROM platform.embedding_models WHERE is_active"


def upgrade() -> None:
    """Apply. What is embedded already counts as embedded by the active model."""
    op.add_column(
        "embedding_models",
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        schema="platform",
    )
    op.add_column("companies", sa.Column("embedding_model_id", sa.Uuid(), nullable=True), schema="platform")
    op.create_foreign_key(
        op.f("fk_companies_embedding_model_id"),
        "companies",
        "embedding_models",
        ["embedding_model_id"],
        ["id"],
        source_schema="platform",
        referent_schema="platform",
        ondelete="SET NULL",
    )
    op.create_index(
        op.f("ix_companies_embedding_model_id"), "companies", ["embedding_model_id"], schema="platform"
    )
    op.execute("UPDATE platform.embedding_models SET activated_at = now() WHERE is_active")
    op.execute(f"UPDATE platform.companies SET embedding_model_id = ({ACTIVE})")


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_companies_embedding_model_id"), table_name="companies", schema="platform")
    op.drop_constraint(
        op.f("fk_companies_embedding_model_id"), "companies", schema="platform", type_="foreignkey"
    )
    op.drop_column("companies", "embedding_model_id", schema="platform")
    op.drop_column("embedding_models", "activated_at", schema="platform")
