"""Store labels of images."""

import sqlalchemy as sa

from migrations.tables import INSTANT, NOW, one_of
from migrations.tenant.first_tables.vocabulary import create_index, create_table, drop_tables, references

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_table(
        "image_labels",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("label_source", "source", "keyword", "folder", "caption", "person"),
        references("images", "image_id"),
        references("crawl_jobs", "crawl_job_id"),
    )
    create_index("image_labels", "image_id", "name", unique=True)
    create_index("image_labels", "name", "image_id")
    create_index("image_labels", "crawl_job_id", "name", "image_id")


def downgrade() -> None:
    """Undo."""
    drop_tables("image_labels")
