"""Store why sheets are paired, and how probable the pair is."""

import sqlalchemy as sa
from alembic import op

from migrations.constraints import add_constraint

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

REASONS = (
    *("number", "content", "renumbered", "renamed", "reordered", "duplicated", "split", "merged", "position"),
    *("inserted", "removed", "uncertain", "manual"),
)


def upgrade() -> None:
    """Apply."""
    for table, column in (
        ("drawings", sa.Column("pair_reason", sa.String(20))),
        ("comparisons", sa.Column("pair_reason", sa.String(20), server_default="number", nullable=False)),
        ("comparisons", sa.Column("pair_confidence", sa.Double())),
    ):
        op.add_column(table, column, schema="tenant", if_not_exists=True)
    allowed = ", ".join(f"'{reason}'" for reason in REASONS)
    for table in ("drawings", "comparisons"):
        add_constraint("tenant", table, f"ck_{table}_pair_reason", f"CHECK (pair_reason IN ({allowed}))")
    between = "CHECK (pair_confidence BETWEEN 0 AND 1)"
    add_constraint("tenant", "comparisons", "ck_comparisons_pair_confidence", between)


def downgrade() -> None:
    """Undo."""
    for table, columns in (
        ("comparisons", ("pair_confidence", "pair_reason")),
        ("drawings", ("pair_reason",)),
    ):
        for column in columns:
            op.drop_column(table, column, schema="tenant", if_exists=True)
