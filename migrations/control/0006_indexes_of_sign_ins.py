"""Index sign-ins by source, and the sessions that have ended."""

from migrations.tables import Indexes, replace_indexes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEW: Indexes = {
    "sign_in_attempts": [("source", "created_at")],
    "refresh_tokens": [("family", "revoked_at")],
}
WHERE = {"revoked_at": "revoked_at IS NOT NULL"}


def upgrade() -> None:
    """Apply."""
    replace_indexes("platform", NEW, {}, where=WHERE)


def downgrade() -> None:
    """Undo."""
    replace_indexes("platform", {}, NEW)
