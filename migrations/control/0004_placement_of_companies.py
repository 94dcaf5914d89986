"""Place companies in databases of their own: outbox, departures, unfinished changes of placement."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT, JSON, NOW, create_index, create_table, drop_tables, one_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REQUIRE_PRESENT = """
CREATE FUNCTION platform.require_present(company uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('place ' || company, 0));
    IF EXISTS (SELECT FROM platform.departures WHERE company_id = company) THEN
        RAISE EXCEPTION 'the company is in another database' USING ERRCODE = 'SE001';
    END IF;
END
$$
"""
"""Waits for nobody: the lock is exclusive only while a move looks for writers that have begun before it."""

NOTIFY = """
CREATE FUNCTION platform.fn_placement_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('seshat_placement', OLD.id::text);
    RETURN NULL;
END
$$
"""

TRIGGERS = {
    "tg_company_placed": "UPDATE OF database_server, database_name",
    "tg_company_unplaced": "DELETE",
}


def upgrade() -> None:
    """Apply."""
    create_table(
        "platform",
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
    )
    create_index("platform", "outbox", "company_id", "id")
    create_table(
        "platform",
        "departures",
        sa.Column("company_id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
    )
    create_table(
        "platform",
        "placement_changes",
        sa.Column("id", sa.Uuid(), nullable=False, primary_key=True),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("step", sa.String(50), nullable=False),
        sa.Column("database_server", sa.String(255)),
        sa.Column("database_name", sa.String(255)),
        sa.Column("due_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("details", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("placement_change_kind", "kind", "create", "move", "drop"),
    )
    create_index("platform", "placement_changes", "company_id", unique=True)
    create_index("platform", "placement_changes", "due_at")
    op.execute(REQUIRE_PRESENT)
    op.execute(NOTIFY)
    for name, events in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} AFTER {events} ON platform.companies FOR EACH ROW "
            "EXECUTE FUNCTION platform.fn_placement_changed()"
        )


def downgrade() -> None:
    """Undo."""
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON platform.companies")
    op.execute("DROP FUNCTION platform.fn_placement_changed(), platform.require_present(uuid)")
    drop_tables("platform", "placement_changes", "departures", "outbox")
