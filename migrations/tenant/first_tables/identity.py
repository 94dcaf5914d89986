"""Companies and their members, what they did, and idempotency keys."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT, JSON, NOW
from migrations.tenant.first_tables.vocabulary import (
    create_index,
    create_table,
    drop_tables,
    references,
    references_tenant,
)

NUMBER = """
CREATE FUNCTION tenant.number_activity() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('activity'), hashtext(NEW.company_id::text));
  UPDATE tenant.activity_logs SET sequence = 1 + coalesce(
    (SELECT sequence FROM tenant.activity_logs
     WHERE company_id = NEW.company_id AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1), 0)
  WHERE company_id = NEW.company_id AND id = NEW.id;
  RETURN NULL;
END $$
"""
"""Runs when the transaction commits; the lock is held until others see what it wrote."""

TRIGGER = """
CREATE CONSTRAINT TRIGGER number_activity AFTER INSERT ON tenant.activity_logs
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenant.number_activity()
"""


def create() -> None:
    """Create the tables."""
    create_table(
        "tenants",
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
    )

    create_table(
        "members",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        references_tenant(),
    )

    create_table(
        "activity_logs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.String(50)),
        sa.Column("resource_id", sa.String(50)),
        sa.Column("metadata", JSON),
        sa.Column("timestamp", INSTANT, server_default=NOW, nullable=False),
        sa.Column("sequence", sa.BigInteger()),
        references_tenant(),
        references("members", "user_id", ondelete="SET NULL"),
    )
    create_index("activity_logs", "resource_type", "resource_id")
    create_index("activity_logs", "sequence", unique=True)
    create_index("activity_logs", "timestamp", "id")
    create_index("activity_logs", "user_id", "timestamp", "id")

    op.execute(NUMBER)
    op.execute(TRIGGER)

    create_table(
        "idempotency_keys",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.String(100), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("result", JSON, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        references_tenant(),
        references("members", "user_id"),
    )
    create_index("idempotency_keys", "created_at")
    create_index("idempotency_keys", "user_id", "operation", "key", unique=True)


def drop() -> None:
    """Drop the tables."""
    drop_tables("idempotency_keys", "activity_logs", "members", "tenants")
    op.execute("DROP FUNCTION tenant.number_activity()")
