"""images by group: those that look alike are found whatever their crawl."""

import sqlalchemy as sa
from alembic import op

revision = "tenant_0013"
down_revision = "tenant_0012"
branch_labels = None
depends_on = None

GROUPED = sa.text("duplicate_group IS NOT NULL")
OLD = "ix_images_company_id_crawl_job_id_duplicate_group_id"
NEW = "ix_images_company_id_duplicate_group_id"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.create_index(
            op.f(NEW),
            "images",
            ["company_id", "duplicate_group", "id"],
            schema="tenant",
            postgresql_where=GROUPED,
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(
            op.f(OLD), table_name="images", schema="tenant", postgresql_concurrently=True, if_exists=True
        )


def downgrade() -> None:
    """Undo."""
    with op.get_context().autocommit_block():
        op.create_index(
            op.f(OLD),
            "images",
            ["company_id", "crawl_job_id", "duplicate_group", "id"],
            schema="tenant",
            postgresql_where=GROUPED,
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(
            op.f(NEW), table_name="images", schema="tenant", postgresql_concurrently=True, if_exists=True
        )
