"""Secrets of one-time passwords, and recovery codes."""

import sqlalchemy as sa

from migrations.tables import INSTANT, NOW, create_table, create_unique, drop_tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_table(
        "platform",
        "totp_secrets",
        sa.Column("id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["platform.users.id"], ondelete="CASCADE"),
    )
    create_unique("platform", "totp_secrets", "user_id")
    create_table(
        "platform",
        "recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["platform.users.id"], ondelete="CASCADE"),
    )
    create_unique("platform", "recovery_codes", "user_id", "digest")


def downgrade() -> None:
    """Undo."""
    drop_tables("platform", "recovery_codes", "totp_secrets")
