"""Allow users who wait for approval."""

from migrations.backfills import backfill
from migrations.constraints import add_constraint

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _allow_states("active", "suspended", "pending")


def downgrade() -> None:
    """Undo."""
    backfill("platform", "users", "status = 'suspended'", where="status = 'pending'")
    _allow_states("active", "suspended")


def _allow_states(*names: str) -> None:
    allowed = ", ".join(f"'{name}'" for name in names)
    add_constraint("platform", "users", "ck_users_user_status", f"CHECK (status IN ({allowed}))")
