"""Store what became of each address of a crawl, and when it is requested again."""

import sqlalchemy as sa
from alembic import op

from migrations.backfills import backfill
from migrations.constraints import add_constraint
from migrations.tables import INSTANT, Indexes, replace_indexes

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = "crawl_candidates"
COLUMNS: tuple[sa.Column[object], ...] = (
    sa.Column("kind", sa.String(20), server_default="image", nullable=False),
    sa.Column("image_id", sa.Uuid()),
    sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
    sa.Column("retry_at", INSTANT),
    sa.Column("retry_until", INSTANT),
)
NEW: Indexes = {
    TABLE: [
        ("company_id", "crawl_job_id", "id"),
        ("company_id", "crawl_job_id", "state", "id"),
        ("company_id", "crawl_job_id", "code", "id"),
        ("company_id", "state", "id"),
        ("company_id", "code", "id"),
        ("company_id", "chunk_id", "id"),
        ("company_id", "image_id"),
    ]
}
OLD: Indexes = {
    TABLE: [("company_id", "crawl_job_id", "code"), ("company_id", "chunk_id", "state", "id")],
}
WHERE = {"code": "code IS NOT NULL", "chunk_id": "state = 'found'", "image_id": "image_id IS NOT NULL"}
OLD_WHERE = {"code": "state = 'refused'"}
IMAGE = "fk_crawl_candidates_company_id_image_id"
REFERENCE = (
    "FOREIGN KEY (company_id, image_id) REFERENCES tenant.images (company_id, id) "
    "ON DELETE SET NULL (image_id)"
)
KIND, OUTCOME, REASON = (f"ck_{TABLE}_{name}" for name in ("candidate_kind", "outcome", "reason"))
HAS_OUTCOME = (
    "CHECK (CASE WHEN state IN ('refused', 'left') THEN code IS NOT NULL "
    "WHEN state IN ('stored', 'duplicate') THEN code IS NULL ELSE true END)"
)


def upgrade() -> None:
    """Apply."""
    for column in COLUMNS:
        op.add_column(TABLE, column, schema="tenant", if_not_exists=True)
    op.execute(f"ALTER TABLE tenant.{TABLE} DROP CONSTRAINT IF EXISTS {REASON}")
    backfill("tenant", TABLE, "code = 'MAX_IMAGES'", where="state = 'left' AND code IS NULL")
    add_constraint("tenant", TABLE, OUTCOME, HAS_OUTCOME)
    add_constraint("tenant", TABLE, KIND, "CHECK (kind IN ('image', 'page'))")
    add_constraint("tenant", TABLE, IMAGE, REFERENCE)
    replace_indexes("tenant", NEW, OLD, where=WHERE)


def downgrade() -> None:
    """Undo."""
    replace_indexes("tenant", OLD, NEW, where=OLD_WHERE)
    op.execute(f"ALTER TABLE tenant.{TABLE} DROP CONSTRAINT IF EXISTS {OUTCOME}")
    backfill("tenant", TABLE, "code = NULL, message = NULL", where="state <> 'refused' AND code IS NOT NULL")
    add_constraint("tenant", TABLE, REASON, "CHECK ((state = 'refused') = (code IS NOT NULL))")
    for column in COLUMNS:
        op.drop_column(TABLE, column.name, schema="tenant", if_exists=True)
