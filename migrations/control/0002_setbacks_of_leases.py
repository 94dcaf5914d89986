"""Count the failures, transient faults and worker deaths of a job in its lease."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNTS = ("failures", "faults", "deaths")


def upgrade() -> None:
    """Apply."""
    for name in COUNTS:
        count = sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        op.add_column("leases", count, schema="platform")
    op.add_column("leases", sa.Column("waiting_since", INSTANT), schema="platform")


def downgrade() -> None:
    """Undo."""
    for name in ("waiting_since", *COUNTS):
        op.drop_column("leases", name, schema="platform")
