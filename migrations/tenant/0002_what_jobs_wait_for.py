"""Say what a job waits for, and until when."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JOB_TABLES = (
    "processing_jobs",
    "crawl_jobs",
    "crawl_chunks",
    "validation_jobs",
    "export_jobs",
    "evaluation_runs",
)


def upgrade() -> None:
    """Apply."""
    for table in JOB_TABLES:
        op.add_column(table, sa.Column("waiting_for", sa.Text()), schema="tenant")
        op.add_column(table, sa.Column("next_attempt_at", INSTANT), schema="tenant")


def downgrade() -> None:
    """Undo."""
    for table in JOB_TABLES:
        op.drop_column(table, "next_attempt_at", schema="tenant")
        op.drop_column(table, "waiting_for", schema="tenant")
