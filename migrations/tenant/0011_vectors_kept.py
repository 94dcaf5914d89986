"""vectors kept: what texts were turned into, so that none is paid for twice."""

import sqlalchemy as sa
from alembic import op

revision = "tenant_0011"
down_revision = "tenant_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "cached_vectors",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_cached_vectors_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "fingerprint", name=op.f("pk_cached_vectors")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_cached_vectors_company_id_used_at"),
        "cached_vectors",
        ["company_id", "used_at"],
        schema="tenant",
    )
    op.enable_tenant_rls("cached_vectors")


def downgrade() -> None:
    """Undo."""
    op.drop_table("cached_vectors", schema="tenant")
