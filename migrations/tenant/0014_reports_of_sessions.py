"""Store the report files of a drawing session."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import JSON

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    column = sa.Column("reports", JSON, server_default="[]", nullable=False)
    op.add_column("drawing_sessions", column, schema="tenant", if_not_exists=True)


def downgrade() -> None:
    """Undo."""
    op.drop_column("drawing_sessions", "reports", schema="tenant")
