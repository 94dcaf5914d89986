"""Notify processes of changes of what users may access."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE FUNCTION platform.fn_access_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('seshat_access', coalesce(to_jsonb(OLD) ->> TG_ARGV[0], ''));
    RETURN NULL;
END
$$
"""

TRIGGERS = {
    "tg_user_access_updated": (
        "users",
        "UPDATE OF status, role_id, company_id, hashed_password",
        "ROW WHEN ((OLD.status, OLD.role_id, OLD.company_id, OLD.hashed_password) "
        "IS DISTINCT FROM (NEW.status, NEW.role_id, NEW.company_id, NEW.hashed_password))",
        "id",
    ),
    "tg_user_deleted": ("users", "DELETE", "ROW", "id"),
    "tg_session_revoked": (
        "refresh_tokens",
        "UPDATE OF revoked_at",
        "ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at)",
        "user_id",
    ),
    "tg_company_access_updated": (
        "companies",
        "UPDATE OF is_active, kind",
        "ROW WHEN ((OLD.is_active, OLD.kind) IS DISTINCT FROM (NEW.is_active, NEW.kind))",
        "",
    ),
    "tg_company_deleted": ("companies", "DELETE", "STATEMENT", ""),
    "tg_role_changed": ("roles", "UPDATE OR DELETE", "STATEMENT", ""),
    "tg_permission_changed": ("permissions", "UPDATE OR DELETE", "STATEMENT", ""),
    "tg_role_permission_changed": (
        "role_permissions",
        "INSERT OR UPDATE OR DELETE",
        "STATEMENT",
        "",
    ),
}
"""Table, events, level, and the column with the ID of the user by trigger; without it, all users are meant."""


def upgrade() -> None:
    """Apply."""
    op.execute(FUNCTION)
    for name, (table, events, level, column) in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} AFTER {events} ON platform.{table} FOR EACH {level} "
            f"EXECUTE FUNCTION platform.fn_access_changed('{column}')"
        )


def downgrade() -> None:
    """Undo."""
    for name, (table, *_) in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON platform.{table}")
    op.execute("DROP FUNCTION platform.fn_access_changed()")
