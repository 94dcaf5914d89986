"""Count sign-ins by source, know the networks of users, and tell concurrent uses of refresh tokens from theft."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import (
    INSTANT,
    NOW,
    create_index,
    create_table,
    create_unique,
    drop_tables,
)

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS: dict[str, tuple[sa.Column[object], ...]] = {
    "sign_in_attempts": (
        sa.Column("source", sa.LargeBinary()),
        sa.Column("is_known", sa.Boolean(), server_default="false", nullable=False),
    ),
    "refresh_tokens": (sa.Column("previous_id", sa.Uuid()),),
}


def upgrade() -> None:
    """Apply."""
    create_table(
        "platform",
        "known_addresses",
        sa.Column("id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["platform.users.id"], ondelete="CASCADE"),
    )
    create_unique("platform", "known_addresses", "user_id", "digest")
    create_index("platform", "known_addresses", "used_at")
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column, schema="platform", if_not_exists=True)


def downgrade() -> None:
    """Undo."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name, schema="platform", if_exists=True)
    drop_tables("platform", "known_addresses")
