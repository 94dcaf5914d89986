"""Projects."""

import sqlalchemy as sa

from migrations.tables import INSTANT, NOW, one_of
from migrations.tenant.first_tables.vocabulary import create_index, create_table, drop_tables, references


def create() -> None:
    """Create the tables."""
    create_table(
        "projects",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("project_number", sa.String(100)),
        sa.Column("client_name", sa.String(255)),
        sa.Column("location", sa.String(255)),
        sa.Column("status", sa.String(20), server_default="active", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("project_status", "status", "active", "archived", "completed", "deleted"),
        references("members", "user_id"),
    )
    create_index("projects", "created_at", "id")
    create_index("projects", "name", "id")
    create_index("projects", "status", "created_at", "id")
    create_index("projects", "updated_at", "id")
    create_index("projects", "user_id", "created_at", "id")
    create_index("projects", "user_id", "name")


def drop() -> None:
    """Drop the tables."""
    drop_tables("projects")
