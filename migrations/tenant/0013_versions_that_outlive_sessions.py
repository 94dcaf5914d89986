"""Store pairs that people make, versions by file, and which projects compare new issues by themselves."""

import sqlalchemy as sa
from alembic import op

from migrations.backfills import BACKFILL, BATCH_SIZE
from migrations.constraints import REPEATABLE, add_constraint, require_value

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS: dict[str, tuple[sa.Column[object], ...]] = {
    "drawings": (
        sa.Column("partner_id", sa.Uuid()),
        sa.Column("is_pinned", sa.Boolean(), server_default=sa.false(), nullable=False),
    ),
    "drawing_sessions": (sa.Column("is_automatic", sa.Boolean(), server_default=sa.false(), nullable=False),),
    "drawing_versions": (sa.Column("file_sha256", sa.String(100)),),
    "projects": (sa.Column("auto_compare", sa.Boolean(), server_default=sa.false(), nullable=False),),
}
SHEET = "fk_drawing_versions_company_id_drawing_id"
DELETION = BACKFILL.replace("UPDATE tenant.{table} SET {assignments}", "DELETE FROM tenant.{table}")
REFERENCE = "FOREIGN KEY (company_id, drawing_id) REFERENCES tenant.drawings (company_id, id) ON DELETE"


def upgrade() -> None:
    """Apply."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column, schema="tenant", if_not_exists=True)
    with op.get_context().autocommit_block():
        # It can be repeated.
        op.execute(f"{REPEATABLE}ALTER TABLE tenant.drawing_versions ALTER COLUMN drawing_id DROP NOT NULL")
    add_constraint("tenant", "drawing_versions", SHEET, f"{REFERENCE} SET NULL (drawing_id)")


def downgrade() -> None:
    """Undo. Versions without a sheet are deleted."""
    with op.get_context().autocommit_block():
        op.execute(DELETION.format(table="drawing_versions", where="drawing_id IS NULL", size=BATCH_SIZE))
    require_value("tenant", "drawing_versions", "drawing_id")
    add_constraint("tenant", "drawing_versions", SHEET, f"{REFERENCE} CASCADE")
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name, schema="tenant", if_exists=True)
