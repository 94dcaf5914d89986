"""first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tenants",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_tenants")),
        schema="tenant",
    )
    op.create_table(
        "members",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_members_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_members")),
        schema="tenant",
    )
    op.create_table(
        "activity_logs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.String(length=50), nullable=True),
        sa.Column("resource_id", sa.String(length=50), nullable=True),
        sa.Column("metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("timestamp", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_activity_logs_company_id_user_id"),
            ondelete="SET NULL (user_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_activity_logs_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_activity_logs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_activity_logs_company_id_resource_type_resource_id"),
        "activity_logs",
        ["company_id", "resource_type", "resource_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_activity_logs_company_id_timestamp_id"),
        "activity_logs",
        ["company_id", "timestamp", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_activity_logs_company_id_user_id_timestamp_id"),
        "activity_logs",
        ["company_id", "user_id", "timestamp", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_idempotency_keys_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_idempotency_keys_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_idempotency_keys")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_idempotency_keys_company_id_created_at"),
        "idempotency_keys",
        ["company_id", "created_at"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_idempotency_keys_company_id_user_id_operation_key"),
        "idempotency_keys",
        ["company_id", "user_id", "operation", "key"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "projects",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("project_number", sa.String(length=100), nullable=True),
        sa.Column("client_name", sa.String(length=255), nullable=True),
        sa.Column("location", sa.String(length=255), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "archived",
                "completed",
                "deleted",
                name="project_status",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="active",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_projects_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_projects")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_projects_company_id_created_at_id"),
        "projects",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_projects_company_id_name_id"),
        "projects",
        ["company_id", "name", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_projects_company_id_status_created_at_id"),
        "projects",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_projects_company_id_updated_at_id"),
        "projects",
        ["company_id", "updated_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_projects_company_id_user_id_created_at_id"),
        "projects",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_projects_company_id_user_id_name"),
        "projects",
        ["company_id", "user_id", "name"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "uploads",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("mime_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "stored",
                name="upload_state",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_uploads_size")),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_uploads_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_uploads")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_uploads_company_id_state_expires_at"),
        "uploads",
        ["company_id", "state", "expires_at"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_uploads_company_id_user_id_created_at_id"),
        "uploads",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "drawing_sessions",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("old_upload_id", sa.Uuid(), nullable=True),
        sa.Column("new_upload_id", sa.Uuid(), nullable=True),
        sa.Column(
            "session_type",
            sa.Enum(
                "comparison",
                "upload",
                "analysis",
                name="session_type",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="comparison",
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "processing",
                "completed",
                "error",
                name="session_status",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="active",
            nullable=False,
        ),
        sa.Column("total_time", sa.Double(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "session_metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "new_upload_id"],
            ["tenant.uploads.company_id", "tenant.uploads.id"],
            name=op.f("fk_drawing_sessions_company_id_new_upload_id"),
            ondelete="SET NULL (new_upload_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "old_upload_id"],
            ["tenant.uploads.company_id", "tenant.uploads.id"],
            name=op.f("fk_drawing_sessions_company_id_old_upload_id"),
            ondelete="SET NULL (old_upload_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "project_id"],
            ["tenant.projects.company_id", "tenant.projects.id"],
            name=op.f("fk_drawing_sessions_company_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_drawing_sessions_company_id_user_id"),
            ondelete="SET NULL (user_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_drawing_sessions_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_drawing_sessions")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_drawing_sessions_company_id_created_at_id"),
        "drawing_sessions",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_sessions_company_id_new_upload_id"),
        "drawing_sessions",
        ["company_id", "new_upload_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_sessions_company_id_old_upload_id"),
        "drawing_sessions",
        ["company_id", "old_upload_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_sessions_company_id_project_id_created_at_id"),
        "drawing_sessions",
        ["company_id", "project_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_sessions_company_id_status_created_at_id"),
        "drawing_sessions",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_sessions_company_id_updated_at_id"),
        "drawing_sessions",
        ["company_id", "updated_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_sessions_company_id_user_id_created_at_id"),
        "drawing_sessions",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "drawings",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column(
            "drawing_type",
            sa.Enum(
                "old",
                "new",
                name="drawing_type",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=False,
        ),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("original_filename", sa.String(length=255), nullable=False),
        sa.Column("storage_path", sa.Text(), nullable=True),
        sa.Column("thumbnail_path", sa.Text(), nullable=True),
        sa.Column("words_path", sa.Text(), nullable=True),
        sa.Column("drawing_name", sa.String(length=100), nullable=True),
        sa.Column("page_number", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "completed",
                "failed",
                "unmatched",
                name="sheet_state",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "processed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "drawing_metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "session_id"],
            ["tenant.drawing_sessions.company_id", "tenant.drawing_sessions.id"],
            name=op.f("fk_drawings_company_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_drawings")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_drawings_company_id_drawing_name_id"),
        "drawings",
        ["company_id", "drawing_name", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawings_company_id_drawing_type_id"),
        "drawings",
        ["company_id", "drawing_type", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawings_company_id_session_id_drawing_name_drawing_type"),
        "drawings",
        ["company_id", "session_id", "drawing_name", "drawing_type"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawings_company_id_session_id_drawing_type_page_number"),
        "drawings",
        ["company_id", "session_id", "drawing_type", "page_number"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawings_company_id_session_id_id"),
        "drawings",
        ["company_id", "session_id", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "processing_jobs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column(
            "job_type",
            sa.Enum(
                "pdf_extraction",
                "comparison",
                "ai_analysis",
                "upkeep",
                name="processing_job_type",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=50), nullable=True),
        sa.Column("job_metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "running",
                "completed",
                "failed",
                "cancelled",
                name="job_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("task", sa.String(length=100), nullable=True),
        sa.Column("arguments", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="4", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("checkpoint", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("requested_by_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status <> 'failed' OR error_message IS NOT NULL", name=op.f("ck_processing_jobs_error_message")
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_processing_jobs_progress")),
        sa.ForeignKeyConstraint(
            ["company_id", "requested_by_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_processing_jobs_company_id_requested_by_id"),
            ondelete="SET NULL (requested_by_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "session_id"],
            ["tenant.drawing_sessions.company_id", "tenant.drawing_sessions.id"],
            name=op.f("fk_processing_jobs_company_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_processing_jobs_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_processing_jobs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_processing_jobs_company_id_created_at_id"),
        "processing_jobs",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_processing_jobs_company_id_job_type_created_at_id"),
        "processing_jobs",
        ["company_id", "job_type", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_processing_jobs_company_id_requested_by_id"),
        "processing_jobs",
        ["company_id", "requested_by_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_processing_jobs_company_id_session_id_created_at_id"),
        "processing_jobs",
        ["company_id", "session_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_processing_jobs_company_id_session_id_job_type"),
        "processing_jobs",
        ["company_id", "session_id", "job_type"],
        unique=True,
        schema="tenant",
        postgresql_where=sa.text("session_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_processing_jobs_company_id_status_created_at_id"),
        "processing_jobs",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "comparisons",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("old_drawing_id", sa.Uuid(), nullable=False),
        sa.Column("new_drawing_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_name", sa.String(length=100), nullable=False),
        sa.Column("overlay_path", sa.Text(), nullable=True),
        sa.Column("overlay_preview_path", sa.Text(), nullable=True),
        sa.Column("old_image_path", sa.Text(), nullable=True),
        sa.Column("new_image_path", sa.Text(), nullable=True),
        sa.Column("alignment_score", sa.Double(), nullable=True),
        sa.Column("low_confidence", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("change_ratio", sa.Double(), nullable=True),
        sa.Column(
            "changes",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "words_removed",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "words_added",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("alignment", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "completed",
                "failed",
                "unmatched",
                name="sheet_state",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("changes_detected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("alignment_score BETWEEN 0 AND 1", name=op.f("ck_comparisons_alignment_score")),
        sa.ForeignKeyConstraint(
            ["company_id", "new_drawing_id"],
            ["tenant.drawings.company_id", "tenant.drawings.id"],
            name=op.f("fk_comparisons_company_id_new_drawing_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "old_drawing_id"],
            ["tenant.drawings.company_id", "tenant.drawings.id"],
            name=op.f("fk_comparisons_company_id_old_drawing_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "session_id"],
            ["tenant.drawing_sessions.company_id", "tenant.drawing_sessions.id"],
            name=op.f("fk_comparisons_company_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_comparisons")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_comparisons_company_id_changes_detected_created_at_id"),
        "comparisons",
        ["company_id", "changes_detected", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_comparisons_company_id_created_at_id"),
        "comparisons",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_comparisons_company_id_new_drawing_id"),
        "comparisons",
        ["company_id", "new_drawing_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_comparisons_company_id_old_drawing_id"),
        "comparisons",
        ["company_id", "old_drawing_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_comparisons_company_id_session_id_drawing_name"),
        "comparisons",
        ["company_id", "session_id", "drawing_name"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_comparisons_company_id_session_id_id"),
        "comparisons",
        ["company_id", "session_id", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "drawing_versions",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_name", sa.String(length=100), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("version_label", sa.String(length=50), nullable=True),
        sa.Column("upload_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("comments", sa.Text(), nullable=True),
        sa.CheckConstraint("version_number >= 1", name=op.f("ck_drawing_versions_version_number")),
        sa.ForeignKeyConstraint(
            ["company_id", "drawing_id"],
            ["tenant.drawings.company_id", "tenant.drawings.id"],
            name=op.f("fk_drawing_versions_company_id_drawing_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "project_id"],
            ["tenant.projects.company_id", "tenant.projects.id"],
            name=op.f("fk_drawing_versions_company_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_drawing_versions")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_drawing_versions_company_id_drawing_id"),
        "drawing_versions",
        ["company_id", "drawing_id"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_versions_company_id_project_id_drawing_name_version_number"),
        "drawing_versions",
        ["company_id", "project_id", "drawing_name", "version_number"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_drawing_versions_company_id_upload_date_id"),
        "drawing_versions",
        ["company_id", "upload_date", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "analysis_results",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("comparison_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_name", sa.String(length=100), nullable=False),
        sa.Column(
            "changes_found",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("critical_change", sa.Text(), nullable=True),
        sa.Column("analysis_summary", sa.Text(), nullable=True),
        sa.Column(
            "recommendations",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("success", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("ai_model_used", sa.String(length=50), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "success OR error_message IS NOT NULL", name=op.f("ck_analysis_results_error_message")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "comparison_id"],
            ["tenant.comparisons.company_id", "tenant.comparisons.id"],
            name=op.f("fk_analysis_results_company_id_comparison_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "session_id"],
            ["tenant.drawing_sessions.company_id", "tenant.drawing_sessions.id"],
            name=op.f("fk_analysis_results_company_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_analysis_results")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_analysis_results_company_id_comparison_id_id"),
        "analysis_results",
        ["company_id", "comparison_id", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_analysis_results_company_id_created_at_id"),
        "analysis_results",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_analysis_results_company_id_session_id_drawing_name"),
        "analysis_results",
        ["company_id", "session_id", "drawing_name"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_analysis_results_company_id_success_created_at_id"),
        "analysis_results",
        ["company_id", "success", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.enable_tenant_rls("activity_logs")
    op.enable_tenant_rls("analysis_results")
    op.enable_tenant_rls("comparisons")
    op.enable_tenant_rls("drawing_sessions")
    op.enable_tenant_rls("drawing_versions")
    op.enable_tenant_rls("drawings")
    op.enable_tenant_rls("idempotency_keys")
    op.enable_tenant_rls("members")
    op.enable_tenant_rls("processing_jobs")
    op.enable_tenant_rls("projects")
    op.enable_tenant_rls("tenants")
    op.enable_tenant_rls("uploads")


def downgrade() -> None:
    """Undo."""
    op.disable_tenant_rls("uploads")
    op.disable_tenant_rls("tenants")
    op.disable_tenant_rls("projects")
    op.disable_tenant_rls("processing_jobs")
    op.disable_tenant_rls("members")
    op.disable_tenant_rls("idempotency_keys")
    op.disable_tenant_rls("drawings")
    op.disable_tenant_rls("drawing_versions")
    op.disable_tenant_rls("drawing_sessions")
    op.disable_tenant_rls("comparisons")
    op.disable_tenant_rls("analysis_results")
    op.disable_tenant_rls("activity_logs")
    op.drop_index(
        op.f("ix_analysis_results_company_id_success_created_at_id"),
        table_name="analysis_results",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_analysis_results_company_id_session_id_drawing_name"),
        table_name="analysis_results",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_analysis_results_company_id_created_at_id"),
        table_name="analysis_results",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_analysis_results_company_id_comparison_id_id"),
        table_name="analysis_results",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("analysis_results", schema="tenant")
    op.drop_index(
        op.f("ix_drawing_versions_company_id_upload_date_id"),
        table_name="drawing_versions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_versions_company_id_project_id_drawing_name_version_number"),
        table_name="drawing_versions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_versions_company_id_drawing_id"),
        table_name="drawing_versions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("drawing_versions", schema="tenant")
    op.drop_index(
        op.f("ix_comparisons_company_id_session_id_id"),
        table_name="comparisons",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_comparisons_company_id_session_id_drawing_name"),
        table_name="comparisons",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_comparisons_company_id_old_drawing_id"),
        table_name="comparisons",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_comparisons_company_id_new_drawing_id"),
        table_name="comparisons",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_comparisons_company_id_created_at_id"),
        table_name="comparisons",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_comparisons_company_id_changes_detected_created_at_id"),
        table_name="comparisons",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("comparisons", schema="tenant")
    op.drop_index(
        op.f("ix_processing_jobs_company_id_status_created_at_id"),
        table_name="processing_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_processing_jobs_company_id_session_id_job_type"),
        table_name="processing_jobs",
        schema="tenant",
        postgresql_where=sa.text("session_id IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_processing_jobs_company_id_session_id_created_at_id"),
        table_name="processing_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_processing_jobs_company_id_requested_by_id"),
        table_name="processing_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_processing_jobs_company_id_job_type_created_at_id"),
        table_name="processing_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_processing_jobs_company_id_created_at_id"),
        table_name="processing_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("processing_jobs", schema="tenant")
    op.drop_index(
        op.f("ix_drawings_company_id_session_id_id"),
        table_name="drawings",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawings_company_id_session_id_drawing_type_page_number"),
        table_name="drawings",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawings_company_id_session_id_drawing_name_drawing_type"),
        table_name="drawings",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawings_company_id_drawing_type_id"),
        table_name="drawings",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawings_company_id_drawing_name_id"),
        table_name="drawings",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("drawings", schema="tenant")
    op.drop_index(
        op.f("ix_drawing_sessions_company_id_user_id_created_at_id"),
        table_name="drawing_sessions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_sessions_company_id_updated_at_id"),
        table_name="drawing_sessions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_sessions_company_id_status_created_at_id"),
        table_name="drawing_sessions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_sessions_company_id_project_id_created_at_id"),
        table_name="drawing_sessions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_sessions_company_id_old_upload_id"),
        table_name="drawing_sessions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_sessions_company_id_new_upload_id"),
        table_name="drawing_sessions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_drawing_sessions_company_id_created_at_id"),
        table_name="drawing_sessions",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("drawing_sessions", schema="tenant")
    op.drop_index(
        op.f("ix_uploads_company_id_user_id_created_at_id"),
        table_name="uploads",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_uploads_company_id_state_expires_at"),
        table_name="uploads",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("uploads", schema="tenant")
    op.drop_index(
        op.f("ix_projects_company_id_user_id_name"),
        table_name="projects",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_projects_company_id_user_id_created_at_id"),
        table_name="projects",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_projects_company_id_updated_at_id"),
        table_name="projects",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_projects_company_id_status_created_at_id"),
        table_name="projects",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_projects_company_id_name_id"), table_name="projects", schema="tenant", postgresql_where=None
    )
    op.drop_index(
        op.f("ix_projects_company_id_created_at_id"),
        table_name="projects",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("projects", schema="tenant")
    op.drop_index(
        op.f("ix_idempotency_keys_company_id_user_id_operation_key"),
        table_name="idempotency_keys",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_idempotency_keys_company_id_created_at"),
        table_name="idempotency_keys",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("idempotency_keys", schema="tenant")
    op.drop_index(
        op.f("ix_activity_logs_company_id_user_id_timestamp_id"),
        table_name="activity_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_activity_logs_company_id_timestamp_id"),
        table_name="activity_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_activity_logs_company_id_resource_type_resource_id"),
        table_name="activity_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("activity_logs", schema="tenant")
    op.drop_table("members", schema="tenant")
    op.drop_table("tenants", schema="tenant")
