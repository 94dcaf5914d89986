"""Invitations, one-time tokens and verified addresses."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT, NOW, create_index, create_table, create_unique, drop_tables, one_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLES = ("super_admin", "admin", "manager", "analyst", "rep", "user", "viewer")


def upgrade() -> None:
    """Apply."""
    op.add_column("users", sa.Column("email_verified_at", INSTANT), schema="platform")
    create_table(
        "platform",
        "one_time_tokens",
        sa.Column("id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("token_purpose", "purpose", "password_reset", "email_verification"),
        sa.ForeignKeyConstraint(["user_id"], ["platform.users.id"], ondelete="CASCADE"),
    )
    create_unique("platform", "one_time_tokens", "digest")
    create_index("platform", "one_time_tokens", "email", "purpose", "created_at")
    create_index("platform", "one_time_tokens", "user_id")
    create_index("platform", "one_time_tokens", "expires_at")
    create_table(
        "platform",
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("invited_by_id", sa.Uuid()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("role_name", "role", *ROLES),
        sa.ForeignKeyConstraint(["company_id"], ["platform.companies.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["invited_by_id"], ["platform.users.id"], ondelete="SET NULL"),
    )
    create_unique("platform", "invitations", "digest")
    create_index("platform", "invitations", "company_id", "created_at", "id")
    create_index("platform", "invitations", "invited_by_id")
    create_index("platform", "invitations", "expires_at")


def downgrade() -> None:
    """Undo."""
    drop_tables("platform", "invitations", "one_time_tokens")
    op.drop_column("users", "email_verified_at", schema="platform")
