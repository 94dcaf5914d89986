"""Notify subscribers of the deletion of rows, also of those that are deleted with others."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE FUNCTION tenant.fn_watched_deleted() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('seshat', topic || ':' || id)
    FROM (SELECT id FROM deleted LIMIT 1000) AS rows CROSS JOIN unnest(TG_ARGV) AS topic;
    RETURN NULL;
END
$$
"""

TOPICS = {
    "conversations": ("conversation",),
    "crawl_jobs": ("job", "images"),
    "drawing_sessions": ("session",),
    "export_jobs": ("job",),
    "processing_jobs": ("job",),
    "reports": ("report",),
    "requirement_proposals": ("requirements",),
    "validation_jobs": ("job",),
}
"""Prefixes of topics by table."""


def upgrade() -> None:
    """Apply."""
    op.execute(FUNCTION)
    for table, topics in TOPICS.items():
        arguments = ", ".join(f"'{topic}'" for topic in topics)
        op.execute(
            f"CREATE TRIGGER tg_{table}_deleted AFTER DELETE ON tenant.{table} "
            f"REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT "
            f"EXECUTE FUNCTION tenant.fn_watched_deleted({arguments})"
        )


def downgrade() -> None:
    """Undo."""
    for table in TOPICS:
        op.execute(f"DROP TRIGGER tg_{table}_deleted ON tenant.{table}")
    op.execute("DROP FUNCTION tenant.fn_watched_deleted()")
