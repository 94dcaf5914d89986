"""Index activity by action and by object."""

from migrations.tables import Indexes, replace_indexes

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

CREATED: Indexes = {
    "activity_logs": [
        ("company_id", "action", "timestamp", "id"),
        ("company_id", "resource_id", "timestamp", "id"),
        ("company_id", "user_id", "action", "timestamp", "id"),
        ("company_id", "user_id", "resource_id", "timestamp", "id"),
        ("company_id", "resource_type", "action", "timestamp", "id"),
        ("company_id", "resource_type", "resource_id", "timestamp", "id"),
        ("company_id", "resource_id", "action", "timestamp", "id"),
    ],
}
REPLACED: Indexes = {"activity_logs": [("company_id", "resource_type", "resource_id")]}


def upgrade() -> None:
    """Apply."""
    replace_indexes("tenant", CREATED, REPLACED)


def downgrade() -> None:
    """Undo."""
    replace_indexes("tenant", REPLACED, CREATED)
