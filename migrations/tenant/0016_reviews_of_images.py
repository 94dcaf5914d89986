"""Store what found images, and what people think of them."""

import sqlalchemy as sa
from alembic import op

from migrations.constraints import add_constraint
from migrations.tables import Indexes, replace_indexes

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COLUMNS: tuple[sa.Column[object], ...] = (
    sa.Column("keyword", sa.Text()),
    sa.Column("source", sa.String(20)),
    sa.Column("review", sa.String(20), server_default="pending", nullable=False),
    sa.Column("note", sa.Text()),
)
INDEXES: Indexes = {
    "images": [
        ("company_id", "review", "id"),
        ("company_id", "quarantined", "id"),
        ("company_id", "crawl_job_id", "review", "id"),
        ("company_id", "crawl_job_id", "quarantined", "id"),
    ]
}
REVIEW = "ck_images_review_state"


def upgrade() -> None:
    """Apply."""
    for column in COLUMNS:
        op.add_column("images", column, schema="tenant", if_not_exists=True)
    add_constraint("tenant", "images", REVIEW, "CHECK (review IN ('pending', 'accepted', 'rejected'))")
    replace_indexes("tenant", INDEXES, {})


def downgrade() -> None:
    """Undo."""
    for column in COLUMNS:
        op.drop_column("images", column.name, schema="tenant", if_exists=True)
    replace_indexes("tenant", {}, {"images": INDEXES["images"][1::2]})
