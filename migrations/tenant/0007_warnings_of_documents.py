"""Store with each document what of its file was not read."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import JSON

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    column = sa.Column("warnings", JSON, server_default="[]", nullable=False)
    op.add_column("documents", column, schema="tenant", if_not_exists=True)


def downgrade() -> None:
    """Undo."""
    op.drop_column("documents", "warnings", schema="tenant")
