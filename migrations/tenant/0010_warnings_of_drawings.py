"""Store with each sheet what of it is not as in the file."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import JSON

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    column = sa.Column("warnings", JSON, server_default="[]", nullable=False)
    op.add_column("drawings", column, schema="tenant", if_not_exists=True)


def downgrade() -> None:
    """Undo."""
    op.drop_column("drawings", "warnings", schema="tenant")
