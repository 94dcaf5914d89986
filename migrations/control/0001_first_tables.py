"""first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "control_0001"
down_revision = None
branch_labels = None
depends_on = None


COMPANY = (
    "current_setting('app.scope') = 'company' "
    "AND company_id = nullif(current_setting('app.company_id'), '')::uuid"
)
CHANGEABLE = f"current_setting('app.scope') = 'platform' OR {COMPANY}"
VISIBLE = f"{CHANGEABLE} OR id = nullif(current_setting('app.user_id'), '')::uuid"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "companies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("industry", sa.String(length=100), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "organisation",
                "personal",
                "platform",
                name="company_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="platform",
            ),
            server_default="organisation",
            nullable=False,
        ),
        sa.Column("database_server", sa.String(length=255), nullable=True),
        sa.Column("database_name", sa.String(length=255), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
        sa.UniqueConstraint(
            "database_server", "database_name", name=op.f("uq_companies_database_server_database_name")
        ),
        sa.UniqueConstraint("name", name=op.f("uq_companies_name")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_companies_created_at_id"), "companies", ["created_at", "id"], unique=False, schema="platform"
    )
    op.create_index(
        "uq_companies_platform",
        "companies",
        ["kind"],
        unique=True,
        schema="platform",
        postgresql_where=sa.text("kind = 'platform'"),
    )
    op.create_table(
        "fair_shares",
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("virtual_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "company_id", name=op.f("pk_fair_shares")),
        schema="platform",
    )
    op.create_table(
        "leases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "cancelling",
                name="lease_state",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="platform",
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "heartbeat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leases")),
        schema="platform",
    )
    op.create_index(op.f("ix_leases_company_id"), "leases", ["company_id"], unique=False, schema="platform")
    op.create_index(
        op.f("ix_leases_state_heartbeat_at"),
        "leases",
        ["state", "heartbeat_at"],
        unique=False,
        schema="platform",
    )
    op.create_table(
        "permissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.String(length=50), nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permissions")),
        sa.UniqueConstraint("resource", "action", name=op.f("uq_permissions_resource_action")),
        schema="platform",
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "name",
            sa.Enum(
                "super_admin",
                "admin",
                "manager",
                "analyst",
                "rep",
                "user",
                "viewer",
                name="role_name",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="platform",
            ),
            nullable=False,
        ),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
        schema="platform",
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_sign_in_attempts_created_at"),
        "sign_in_attempts",
        ["created_at"],
        unique=False,
        schema="platform",
    )
    op.create_index(
        op.f("ix_sign_in_attempts_login_created_at"),
        "sign_in_attempts",
        ["login", "created_at"],
        unique=False,
        schema="platform",
    )
    op.create_table(
        "role_permissions",
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.Column("permission_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["platform.permissions.id"],
            name=op.f("fk_role_permissions_permission_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["platform.roles.id"], name=op.f("fk_role_permissions_role_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", "permission_id", name=op.f("pk_role_permissions")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_role_permissions_permission_id"),
        "role_permissions",
        ["permission_id"],
        unique=False,
        schema="platform",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("hashed_password", sa.String(length=255), nullable=True),
        sa.Column("full_name", sa.String(length=255), nullable=True),
        sa.Column("company_label", sa.String(length=255), nullable=True),
        sa.Column("profession", sa.String(length=100), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "suspended",
                name="user_status",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="platform",
            ),
            server_default="active",
            nullable=False,
        ),
        sa.Column(
            "preferences",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "preferred_llm",
            sa.Enum(
                "custom",
                "ollama",
                "openai",
                name="llm_provider",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="platform",
            ),
            server_default="custom",
            nullable=False,
        ),
        sa.Column(
            "explainability_level",
            sa.Enum(
                "basic",
                "detailed",
                "debug",
                name="explainability_level",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="platform",
            ),
            server_default="detailed",
            nullable=False,
        ),
        sa.Column("has_completed_onboarding", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["platform.companies.id"], name=op.f("fk_users_company_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["platform.roles.id"], name=op.f("fk_users_role_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_users_company_id_created_at_id"),
        "users",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="platform",
    )
    op.create_index(
        op.f("ix_users_company_id_id"), "users", ["company_id", "id"], unique=False, schema="platform"
    )
    op.create_index(op.f("ix_users_role_id"), "users", ["role_id"], unique=False, schema="platform")
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["platform.users.id"], name=op.f("fk_refresh_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_refresh_tokens_digest")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_refresh_tokens_expires_at"),
        "refresh_tokens",
        ["expires_at"],
        unique=False,
        schema="platform",
    )
    op.create_index(
        op.f("ix_refresh_tokens_family"), "refresh_tokens", ["family"], unique=False, schema="platform"
    )
    op.create_index(
        op.f("ix_refresh_tokens_user_id"), "refresh_tokens", ["user_id"], unique=False, schema="platform"
    )
    op.execute("ALTER TABLE platform.users ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE platform.users FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY users_visible ON platform.users FOR SELECT USING ({VISIBLE})")
    for command, clause in (
        ("INSERT", f"WITH CHECK ({CHANGEABLE})"),
        ("UPDATE", f"USING ({CHANGEABLE}) WITH CHECK ({CHANGEABLE})"),
        ("DELETE", f"USING ({CHANGEABLE})"),
    ):
        op.execute(f"CREATE POLICY users_{command.lower()} ON platform.users FOR {command} {clause}")


def downgrade() -> None:
    """Undo."""
    for name in ("visible", "insert", "update", "delete"):
        op.execute(f"DROP POLICY users_{name} ON platform.users")
    op.execute("ALTER TABLE platform.users NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE platform.users DISABLE ROW LEVEL SECURITY")
    op.drop_index(op.f("ix_refresh_tokens_user_id"), table_name="refresh_tokens", schema="platform")
    op.drop_index(op.f("ix_refresh_tokens_family"), table_name="refresh_tokens", schema="platform")
    op.drop_index(op.f("ix_refresh_tokens_expires_at"), table_name="refresh_tokens", schema="platform")
    op.drop_table("refresh_tokens", schema="platform")
    op.drop_index(op.f("ix_users_role_id"), table_name="users", schema="platform")
    op.drop_index(op.f("ix_users_company_id_id"), table_name="users", schema="platform")
    op.drop_index(op.f("ix_users_company_id_created_at_id"), table_name="users", schema="platform")
    op.drop_table("users", schema="platform")
    op.drop_index(op.f("ix_role_permissions_permission_id"), table_name="role_permissions", schema="platform")
    op.drop_table("role_permissions", schema="platform")
    op.drop_index(
        op.f("ix_sign_in_attempts_login_created_at"), table_name="sign_in_attempts", schema="platform"
    )
    op.drop_index(op.f("ix_sign_in_attempts_created_at"), table_name="sign_in_attempts", schema="platform")
    op.drop_table("sign_in_attempts", schema="platform")
    op.drop_table("roles", schema="platform")
    op.drop_table("permissions", schema="platform")
    op.drop_index(op.f("ix_leases_state_heartbeat_at"), table_name="leases", schema="platform")
    op.drop_index(op.f("ix_leases_company_id"), table_name="leases", schema="platform")
    op.drop_table("leases", schema="platform")
    op.drop_table("fair_shares", schema="platform")
    op.drop_index(
        "uq_companies_platform",
        table_name="companies",
        schema="platform",
        postgresql_where=sa.text("kind = 'platform'"),
    )
    op.drop_index(op.f("ix_companies_created_at_id"), table_name="companies", schema="platform")
    op.drop_table("companies", schema="platform")
