"""Store why images are in quarantine, which ones people restored, and which validations are previews."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT, Indexes, replace_indexes

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

COLUMNS: dict[str, tuple[sa.Column[object], ...]] = {
    "images": (
        sa.Column("quarantine_reason", sa.String(50)),
        sa.Column("quarantined_at", INSTANT),
        sa.Column("restored", sa.Boolean(), server_default=sa.false(), nullable=False),
    ),
    "validation_jobs": (sa.Column("preview", sa.Boolean(), server_default=sa.false(), nullable=False),),
}
INDEXES: Indexes = {"images": [("company_id", "id"), ("company_id", "crawl_job_id", "id")]}
WHERE = {"id": "duplicate_group = id"}


def upgrade() -> None:
    """Apply."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column, schema="tenant", if_not_exists=True)
    replace_indexes("tenant", INDEXES, {}, where=WHERE, purpose="best")


def downgrade() -> None:
    """Undo."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name, schema="tenant", if_exists=True)
    replace_indexes("tenant", {}, {"images": [("best", *columns) for columns in INDEXES["images"]]})
