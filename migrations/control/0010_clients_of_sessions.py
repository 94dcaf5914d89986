"""Record when a session began, and the client that used it last."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS: tuple[sa.Column[object], ...] = (
    sa.Column("signed_in_at", INSTANT),
    sa.Column("address", sa.String(255)),
    sa.Column("user_agent", sa.String(255)),
)


def upgrade() -> None:
    """Apply."""
    for column in COLUMNS:
        op.add_column("refresh_tokens", column, schema="platform", if_not_exists=True)


def downgrade() -> None:
    """Undo."""
    for column in COLUMNS:
        op.drop_column("refresh_tokens", column.name, schema="platform", if_exists=True)
