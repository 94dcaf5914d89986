"""Keep the sequence of activity that is copied from another database."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TRIGGER = """
CREATE CONSTRAINT TRIGGER number_activity AFTER INSERT ON tenant.activity_logs
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {condition} EXECUTE FUNCTION tenant.number_activity()
"""


def replace_trigger(condition: str) -> None:
    """Number only the rows that the condition holds for."""
    op.execute("DROP TRIGGER number_activity ON tenant.activity_logs")
    op.execute(TRIGGER.format(condition=condition))


def upgrade() -> None:
    """Apply."""
    replace_trigger("WHEN (NEW.sequence IS NULL)")


def downgrade() -> None:
    """Undo."""
    replace_trigger("")
