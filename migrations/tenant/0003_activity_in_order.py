"""activity in the order of its commits."""

import sqlalchemy as sa
from alembic import op

revision = "tenant_0003"
down_revision = "tenant_0002"
branch_labels = None
depends_on = None

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


def upgrade() -> None:
    """Apply. What was logged before stays without a number."""
    op.add_column("activity_logs", sa.Column("sequence", sa.BigInteger(), nullable=True), schema="tenant")
    op.create_index(
        op.f("ix_activity_logs_company_id_sequence"),
        "activity_logs",
        ["company_id", "sequence"],
        unique=True,
        schema="tenant",
    )
    op.execute(NUMBER)
    op.execute(TRIGGER)


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER number_activity ON tenant.activity_logs")
    op.execute("DROP FUNCTION tenant.number_activity()")
    op.drop_index(op.f("ix_activity_logs_company_id_sequence"), table_name="activity_logs", schema="tenant")
    op.drop_column("activity_logs", "sequence", schema="tenant")
