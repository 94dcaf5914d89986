"""Store checks of texts against documents, and their findings by sentence."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import INSTANT, JSON, NOW, one_of
from migrations.tenant.first_tables.vocabulary import create_index, create_table, drop_tables, references

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

VERDICTS = "supported", "contradicted", "not_found", "not_checked"
COUNTS = "sentence_count", *(f"{verdict}_count" for verdict in VERDICTS)
DELETED = """
CREATE TRIGGER tg_text_checks_deleted AFTER DELETE ON tenant.text_checks
REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT
EXECUTE FUNCTION tenant.fn_watched_deleted('text_check')
"""


def upgrade() -> None:
    """Apply."""
    create_table(
        "text_checks",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document_ids", JSON),
        sa.Column("state", sa.String(20), server_default="waiting", nullable=False),
        sa.Column("error_message", sa.Text()),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in COUNTS),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("completed_at", INSTANT),
        one_of("text_check_state", "state", "waiting", "checking", "completed", "stopped", "failed"),
        sa.CheckConstraint(" AND ".join(f"{name} >= 0" for name in COUNTS), name="counts"),
        references("members", "user_id"),
    )
    create_index("text_checks", "created_at", "id")
    create_index("text_checks", "user_id", "created_at", "id")
    op.execute(DELETED)
    create_table(
        "text_check_sentences",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text_start_index", sa.Integer(), nullable=False),
        sa.Column("text_end_index", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("confidence", sa.Double()),
        sa.Column("reason", sa.Text()),
        sa.Column("differences", JSON, server_default="[]", nullable=False),
        sa.Column("citation", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("sentence_verdict", "verdict", *VERDICTS),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("text_start_index >= 0 AND text_end_index > text_start_index", name="offsets"),
        references("text_checks", "check_id"),
    )
    create_index("text_check_sentences", "check_id", "number", unique=True)
    create_index("text_check_sentences", "check_id", "verdict", "number")


def downgrade() -> None:
    """Undo."""
    drop_tables("text_check_sentences", "text_checks")
