"""Uploads."""

import sqlalchemy as sa

from migrations.tables import INSTANT, NOW, one_of
from migrations.tenant.first_tables.vocabulary import create_index, create_table, drop_tables, references


def create() -> None:
    """Create the tables."""
    create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("mime_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), server_default="pending", nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("upload_state", "state", "pending", "stored"),
        sa.CheckConstraint("size > 0", name="size"),
        references("members", "user_id"),
    )
    create_index("uploads", "state", "expires_at")
    create_index("uploads", "user_id", "created_at", "id")


def drop() -> None:
    """Drop the tables."""
    drop_tables("uploads")
