"""the rest of the graph."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0002"
down_revision = "tenant_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "company_profiles",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("industry", sa.String(length=100), nullable=True),
        sa.Column("location", sa.String(length=255), nullable=True),
        sa.Column("target_year", sa.Integer(), nullable=True),
        sa.Column("renewable_percentage_increase", sa.Double(), nullable=True),
        sa.Column("budget", sa.Double(), nullable=True),
        sa.Column("historical_data_uploaded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("chroma_collection_name", sa.String(length=255), nullable=True),
        sa.Column("total_consumption_kwh", sa.Double(), nullable=True),
        sa.Column("current_renewable_percentage", sa.Double(), nullable=True),
        sa.Column("sustainability_score", sa.Double(), nullable=True),
        sa.Column("onboarding_completed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("energy_mix_weight", sa.Double(), server_default="0.4", nullable=False),
        sa.Column("price_optimization_weight", sa.Double(), server_default="0.35", nullable=False),
        sa.Column("portfolio_decision_weight", sa.Double(), server_default="0.25", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("budget > 0", name=op.f("ck_company_profiles_budget")),
        sa.CheckConstraint(
            "current_renewable_percentage BETWEEN 0 AND 100",
            name=op.f("ck_company_profiles_current_renewable"),
        ),
        sa.CheckConstraint(
            "energy_mix_weight + price_optimization_weight + portfolio_decision_weight BETWEEN 0.95 AND 1.05",
            name=op.f("ck_company_profiles_weights"),
        ),
        sa.CheckConstraint(
            "renewable_percentage_increase BETWEEN 0 AND 100", name=op.f("ck_company_profiles_increase")
        ),
        sa.CheckConstraint(
            "sustainability_score BETWEEN 0 AND 100", name=op.f("ck_company_profiles_sustainability_score")
        ),
        sa.CheckConstraint("target_year BETWEEN 2025 AND 2100", name=op.f("ck_company_profiles_target_year")),
        sa.CheckConstraint("total_consumption_kwh >= 0", name=op.f("ck_company_profiles_consumption")),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_company_profiles_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_company_profiles")),
        sa.UniqueConstraint("company_id", name=op.f("uq_company_profiles_company_id")),
        schema="tenant",
    )
    op.create_table(
        "saved_reports",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.String(length=64), nullable=False),
        sa.Column("report_type", sa.String(length=50), nullable=True),
        sa.Column("report_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=True),
        sa.Column(
            "tags",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("token_usage", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "generated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_saved_reports_confidence")),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_saved_reports_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_saved_reports")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_saved_reports_company_id_report_id"),
        "saved_reports",
        ["company_id", "report_id"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_saved_reports_company_id_report_type_saved_at_id"),
        "saved_reports",
        ["company_id", "report_type", "saved_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_saved_reports_company_id_saved_at_id"),
        "saved_reports",
        ["company_id", "saved_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_saved_reports_company_id_user_id_saved_at_id"),
        "saved_reports",
        ["company_id", "user_id", "saved_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "token_usage",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation_type", sa.String(length=50), nullable=True),
        sa.Column("operation_id", sa.String(length=64), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("completion_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("estimated_cost", sa.Double(), nullable=True),
        sa.Column(
            "llm_provider",
            sa.Enum(
                "custom",
                "ollama",
                "openai",
                name="llm_provider",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=True,
        ),
        sa.Column("model_name", sa.String(length=100), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "prompt_tokens >= 0 AND completion_tokens >= 0", name=op.f("ck_token_usage_tokens")
        ),
        sa.CheckConstraint(
            "total_tokens = prompt_tokens + completion_tokens", name=op.f("ck_token_usage_total_tokens")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_token_usage_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_token_usage")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_token_usage_company_id_created_at_id"),
        "token_usage",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_token_usage_company_id_llm_provider_created_at_id"),
        "token_usage",
        ["company_id", "llm_provider", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_token_usage_company_id_operation_type_created_at_id"),
        "token_usage",
        ["company_id", "operation_type", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_token_usage_company_id_user_id_created_at_id"),
        "token_usage",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "evaluation_runs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("model_name", sa.String(length=100), nullable=False),
        sa.Column("dataset_name", sa.String(length=200), nullable=True),
        sa.Column("config", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("metrics", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
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
            "status <> 'failed' OR error_message IS NOT NULL", name=op.f("ck_evaluation_runs_error_message")
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_evaluation_runs_progress")),
        sa.ForeignKeyConstraint(
            ["company_id", "requested_by_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_evaluation_runs_company_id_requested_by_id"),
            ondelete="SET NULL (requested_by_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_evaluation_runs_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_evaluation_runs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_evaluation_runs_company_id_created_at_id"),
        "evaluation_runs",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_evaluation_runs_company_id_model_name_created_at_id"),
        "evaluation_runs",
        ["company_id", "model_name", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_evaluation_runs_company_id_requested_by_id"),
        "evaluation_runs",
        ["company_id", "requested_by_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_evaluation_runs_company_id_status_created_at_id"),
        "evaluation_runs",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "requirement_exports",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("component_type", sa.String(length=100), nullable=False),
        sa.Column("requirements", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("approved_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("edited_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("custom_added_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("proposal_latency_ms", sa.Integer(), nullable=True),
        sa.Column("used_in_pattern_retrieval", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("used_in_code_generation", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "approved_count >= 0 AND edited_count >= 0 AND custom_added_count >= 0 AND proposal_latency_ms >= 0",
            name=op.f("ck_requirement_exports_counts"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_requirement_exports_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_requirement_exports")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_requirement_exports_company_id_component_type_created_at_id"),
        "requirement_exports",
        ["company_id", "component_type", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_requirement_exports_company_id_created_at_id"),
        "requirement_exports",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_requirement_exports_company_id_proposal_latency_ms_id"),
        "requirement_exports",
        ["company_id", "proposal_latency_ms", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_requirement_exports_company_id_user_id_created_at_id"),
        "requirement_exports",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "crawl_jobs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("keywords", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("total_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("downloaded_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("valid_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("active_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("completed_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_images", sa.Integer(), server_default="1000", nullable=False),
        sa.Column(
            "task_ids",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
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
            "status <> 'failed' OR error_message IS NOT NULL", name=op.f("ck_crawl_jobs_error_message")
        ),
        sa.CheckConstraint(
            "0 <= valid_images AND valid_images <= downloaded_images AND downloaded_images <= total_images",
            name=op.f("ck_crawl_jobs_images"),
        ),
        sa.CheckConstraint(
            "active_chunks >= 0 AND completed_chunks >= 0 AND failed_chunks >= 0 AND active_chunks + completed_chunks + failed_chunks <= total_chunks",
            name=op.f("ck_crawl_jobs_chunks"),
        ),
        sa.CheckConstraint(
            "jsonb_array_length(keywords) BETWEEN 1 AND 50", name=op.f("ck_crawl_jobs_keywords")
        ),
        sa.CheckConstraint("max_images BETWEEN 1 AND 100000", name=op.f("ck_crawl_jobs_max_images")),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_crawl_jobs_progress")),
        sa.ForeignKeyConstraint(
            ["company_id", "project_id"],
            ["tenant.projects.company_id", "tenant.projects.id"],
            name=op.f("fk_crawl_jobs_company_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "requested_by_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_crawl_jobs_company_id_requested_by_id"),
            ondelete="SET NULL (requested_by_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_crawl_jobs_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_crawl_jobs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_jobs_company_id_created_at_id"),
        "crawl_jobs",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_crawl_jobs_company_id_project_id_created_at_id"),
        "crawl_jobs",
        ["company_id", "project_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_crawl_jobs_company_id_project_id_status"),
        "crawl_jobs",
        ["company_id", "project_id", "status"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_crawl_jobs_company_id_requested_by_id"),
        "crawl_jobs",
        ["company_id", "requested_by_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_crawl_jobs_company_id_status_created_at_id"),
        "crawl_jobs",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "documents",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by_id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("filename", sa.String(length=500), nullable=False),
        sa.Column("original_filename", sa.String(length=500), nullable=False),
        sa.Column("file_path", sa.String(length=1000), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("file_type", sa.String(length=50), nullable=True),
        sa.Column("mime_type", sa.String(length=100), nullable=True),
        sa.Column("content_category", sa.String(length=50), nullable=True),
        sa.Column(
            "scope",
            sa.Enum(
                "global",
                "company",
                "user",
                name="document_scope",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="user",
            nullable=False,
        ),
        sa.Column(
            "processing_status",
            sa.Enum(
                "pending",
                "processing",
                "completed",
                "failed",
                name="processing_status",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("extracted_text", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column(
            "keywords",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "topics",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("embedding_model", sa.String(length=100), nullable=True),
        sa.Column("chunk_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("file_size >= 0 AND chunk_count >= 0", name=op.f("ck_documents_sizes")),
        sa.ForeignKeyConstraint(
            ["company_id", "upload_id"],
            ["tenant.uploads.company_id", "tenant.uploads.id"],
            name=op.f("fk_documents_company_id_upload_id"),
            ondelete="SET NULL (upload_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "uploaded_by_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_documents_company_id_uploaded_by_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_documents")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_documents_company_id_created_at_id"),
        "documents",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_documents_company_id_processing_status_created_at_id"),
        "documents",
        ["company_id", "processing_status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_documents_company_id_scope_created_at_id"),
        "documents",
        ["company_id", "scope", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_documents_company_id_upload_id"),
        "documents",
        ["company_id", "upload_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_documents_company_id_uploaded_by_id_created_at_id"),
        "documents",
        ["company_id", "uploaded_by_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_documents_company_id_uploaded_by_id_processing_status_created_at_id"),
        "documents",
        ["company_id", "uploaded_by_id", "processing_status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "conversations",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "archived",
                "deleted",
                name="conversation_status",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="active",
            nullable=False,
        ),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "llm_provider",
            sa.Enum(
                "custom",
                "ollama",
                "openai",
                name="llm_provider",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="custom",
            nullable=False,
        ),
        sa.Column("model_name", sa.String(length=100), server_default="gpt-4", nullable=False),
        sa.Column("temperature", sa.Double(), server_default="0.7", nullable=False),
        sa.Column(
            "selected_document_ids", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("message_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_tokens_used", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "message_count >= 0 AND total_tokens_used >= 0", name=op.f("ck_conversations_counts")
        ),
        sa.CheckConstraint("temperature BETWEEN 0 AND 2", name=op.f("ck_conversations_temperature")),
        sa.CheckConstraint(
            "user_id IS NOT NULL OR session_id IS NOT NULL", name=op.f("ck_conversations_owner")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "session_id"],
            ["tenant.drawing_sessions.company_id", "tenant.drawing_sessions.id"],
            name=op.f("fk_conversations_company_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_conversations_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_conversations_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_conversations")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_conversations_company_id_created_at_id"),
        "conversations",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_conversations_company_id_session_id_created_at_id"),
        "conversations",
        ["company_id", "session_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_conversations_company_id_status_updated_at_id"),
        "conversations",
        ["company_id", "status", "updated_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_conversations_company_id_updated_at_id"),
        "conversations",
        ["company_id", "updated_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_conversations_company_id_user_id_status_updated_at_id"),
        "conversations",
        ["company_id", "user_id", "status", "updated_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_conversations_company_id_user_id_updated_at_id"),
        "conversations",
        ["company_id", "user_id", "updated_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "document_chunks",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_index", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("token_count", sa.Integer(), nullable=True),
        sa.Column("vector_id", sa.String(length=100), nullable=True),
        sa.Column("embedding_model", sa.String(length=100), nullable=True),
        sa.Column("page_number", sa.Integer(), nullable=True),
        sa.Column(
            "chunk_metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("chunk_index >= 0 AND token_count >= 0", name=op.f("ck_document_chunks_counts")),
        sa.ForeignKeyConstraint(
            ["company_id", "document_id"],
            ["tenant.documents.company_id", "tenant.documents.id"],
            name=op.f("fk_document_chunks_company_id_document_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_document_chunks")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_document_chunks_company_id_document_id_chunk_index"),
        "document_chunks",
        ["company_id", "document_id", "chunk_index"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_document_chunks_company_id_vector_id"),
        "document_chunks",
        ["company_id", "vector_id"],
        unique=True,
        schema="tenant",
        postgresql_where=sa.text("vector_id IS NOT NULL"),
    )
    op.create_table(
        "export_jobs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "format",
            sa.Enum(
                "zip",
                "tar",
                "tar.gz",
                "csv",
                "json",
                name="export_format",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="zip",
            nullable=False,
        ),
        sa.Column("total_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("exported_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("download_url", sa.Text(), nullable=True),
        sa.Column(
            "export_options",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
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
            "status <> 'failed' OR error_message IS NOT NULL", name=op.f("ck_export_jobs_error_message")
        ),
        sa.CheckConstraint(
            "0 <= exported_images AND exported_images <= total_images AND file_size >= 0",
            name=op.f("ck_export_jobs_images"),
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_export_jobs_progress")),
        sa.ForeignKeyConstraint(
            ["company_id", "crawl_job_id"],
            ["tenant.crawl_jobs.company_id", "tenant.crawl_jobs.id"],
            name=op.f("fk_export_jobs_company_id_crawl_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "requested_by_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_export_jobs_company_id_requested_by_id"),
            ondelete="SET NULL (requested_by_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_export_jobs_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_export_jobs_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_export_jobs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_export_jobs_company_id_crawl_job_id_created_at_id"),
        "export_jobs",
        ["company_id", "crawl_job_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_export_jobs_company_id_created_at_id"),
        "export_jobs",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_export_jobs_company_id_requested_by_id"),
        "export_jobs",
        ["company_id", "requested_by_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_export_jobs_company_id_status_created_at_id"),
        "export_jobs",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_export_jobs_company_id_user_id_created_at_id"),
        "export_jobs",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "images",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("original_url", sa.Text(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("storage_url", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("file_size", sa.Integer(), nullable=True),
        sa.Column("format", sa.String(length=10), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("is_valid", sa.Boolean(), nullable=True),
        sa.Column("is_duplicate", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0 AND file_size >= 0", name=op.f("ck_images_measures")),
        sa.ForeignKeyConstraint(
            ["company_id", "crawl_job_id"],
            ["tenant.crawl_jobs.company_id", "tenant.crawl_jobs.id"],
            name=op.f("fk_images_company_id_crawl_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_images")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_images_company_id_crawl_job_id_id"),
        "images",
        ["company_id", "crawl_job_id", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_images_company_id_is_valid_id"),
        "images",
        ["company_id", "is_valid", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "validation_jobs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("total_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("validated_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("invalid_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "validation_rules",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
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
            "status <> 'failed' OR error_message IS NOT NULL", name=op.f("ck_validation_jobs_error_message")
        ),
        sa.CheckConstraint(
            "0 <= invalid_images AND invalid_images <= validated_images AND validated_images <= total_images",
            name=op.f("ck_validation_jobs_images"),
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_validation_jobs_progress")),
        sa.ForeignKeyConstraint(
            ["company_id", "crawl_job_id"],
            ["tenant.crawl_jobs.company_id", "tenant.crawl_jobs.id"],
            name=op.f("fk_validation_jobs_company_id_crawl_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "requested_by_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_validation_jobs_company_id_requested_by_id"),
            ondelete="SET NULL (requested_by_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_validation_jobs_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_validation_jobs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_validation_jobs_company_id_crawl_job_id_created_at_id"),
        "validation_jobs",
        ["company_id", "crawl_job_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_validation_jobs_company_id_created_at_id"),
        "validation_jobs",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_validation_jobs_company_id_requested_by_id"),
        "validation_jobs",
        ["company_id", "requested_by_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_validation_jobs_company_id_status_created_at_id"),
        "validation_jobs",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "messages",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("parent_message_id", sa.Uuid(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "user",
                "assistant",
                "system",
                name="message_role",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=False,
        ),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("total_tokens", sa.Integer(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("low_confidence_warning", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sources", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "reasoning_chain", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "context_document_ids", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "message_metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_messages_confidence")),
        sa.CheckConstraint(
            "prompt_tokens >= 0 AND completion_tokens >= 0 AND total_tokens >= 0",
            name=op.f("ck_messages_tokens"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "conversation_id"],
            ["tenant.conversations.company_id", "tenant.conversations.id"],
            name=op.f("fk_messages_company_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "parent_message_id"],
            ["tenant.messages.company_id", "tenant.messages.id"],
            name=op.f("fk_messages_company_id_parent_message_id"),
            ondelete="SET NULL (parent_message_id)",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_messages")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_messages_company_id_conversation_id_created_at_id"),
        "messages",
        ["company_id", "conversation_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_messages_company_id_conversation_id_total_tokens"),
        "messages",
        ["company_id", "conversation_id", "total_tokens"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_messages_company_id_created_at_id"),
        "messages",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_messages_company_id_parent_message_id_created_at_id"),
        "messages",
        ["company_id", "parent_message_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "agent_logs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agent_type", sa.String(length=50), nullable=False),
        sa.Column("operation", sa.String(length=50), nullable=True),
        sa.Column("input_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("output_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("is_council_vote", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("vote_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("execution_time_ms", sa.Double(), nullable=True),
        sa.Column("token_usage", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "confidence BETWEEN 0 AND 1 AND execution_time_ms >= 0", name=op.f("ck_agent_logs_measures")
        ),
        sa.CheckConstraint("is_council_vote = (vote_data IS NOT NULL)", name=op.f("ck_agent_logs_vote_data")),
        sa.ForeignKeyConstraint(
            ["company_id", "message_id"],
            ["tenant.messages.company_id", "tenant.messages.id"],
            name=op.f("fk_agent_logs_company_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_agent_logs_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_agent_logs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_agent_logs_company_id_agent_type_created_at_id"),
        "agent_logs",
        ["company_id", "agent_type", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_agent_logs_company_id_created_at_id"),
        "agent_logs",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_agent_logs_company_id_is_council_vote_created_at_id"),
        "agent_logs",
        ["company_id", "is_council_vote", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_agent_logs_company_id_message_id_created_at_id"),
        "agent_logs",
        ["company_id", "message_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_agent_logs_company_id_user_id_created_at_id"),
        "agent_logs",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "citations",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("source_index", sa.Integer(), nullable=False),
        sa.Column("source_name", sa.String(length=500), nullable=True),
        sa.Column("source_uri", sa.String(length=1000), nullable=True),
        sa.Column("page_number", sa.Integer(), nullable=True),
        sa.Column("snippet", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("text_start_index", sa.Integer(), nullable=True),
        sa.Column("text_end_index", sa.Integer(), nullable=True),
        sa.Column("inline_number", sa.Integer(), nullable=True),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_citations_confidence")),
        sa.CheckConstraint(
            "text_start_index >= 0 AND text_end_index > text_start_index", name=op.f("ck_citations_offsets")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "message_id"],
            ["tenant.messages.company_id", "tenant.messages.id"],
            name=op.f("fk_citations_company_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_citations")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_citations_company_id_message_id_source_index_id"),
        "citations",
        ["company_id", "message_id", "source_index", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "feedback",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "rating",
            sa.Enum(
                "thumbs_up",
                "thumbs_down",
                name="feedback_rating",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=False,
        ),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "message_id"],
            ["tenant.messages.company_id", "tenant.messages.id"],
            name=op.f("fk_feedback_company_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_feedback_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_feedback")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_feedback_company_id_created_at_id"),
        "feedback",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_feedback_company_id_message_id"),
        "feedback",
        ["company_id", "message_id"],
        unique=True,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_feedback_company_id_rating_created_at_id"),
        "feedback",
        ["company_id", "rating", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_feedback_company_id_user_id_created_at_id"),
        "feedback",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_table(
        "run_logs",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("model", sa.String(length=100), nullable=True),
        sa.Column("tokens_used", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "success",
                "error",
                name="run_status",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=False,
        ),
        sa.Column("error_code", sa.String(length=50), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(status = 'error') = (error_code IS NOT NULL)", name=op.f("ck_run_logs_error_code")
        ),
        sa.CheckConstraint("tokens_used >= 0 AND latency_ms >= 0", name=op.f("ck_run_logs_measures")),
        sa.ForeignKeyConstraint(
            ["company_id", "conversation_id"],
            ["tenant.conversations.company_id", "tenant.conversations.id"],
            name=op.f("fk_run_logs_company_id_conversation_id"),
            ondelete="SET NULL (conversation_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "message_id"],
            ["tenant.messages.company_id", "tenant.messages.id"],
            name=op.f("fk_run_logs_company_id_message_id"),
            ondelete="SET NULL (message_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_run_logs_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_run_logs")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_run_logs_company_id_conversation_id_created_at_id"),
        "run_logs",
        ["company_id", "conversation_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_run_logs_company_id_created_at_id"),
        "run_logs",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_run_logs_company_id_message_id"),
        "run_logs",
        ["company_id", "message_id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_run_logs_company_id_status_created_at_id"),
        "run_logs",
        ["company_id", "status", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_run_logs_company_id_user_id_created_at_id"),
        "run_logs",
        ["company_id", "user_id", "created_at", "id"],
        unique=False,
        schema="tenant",
        postgresql_where=None,
    )
    op.enable_tenant_rls("agent_logs")
    op.enable_tenant_rls("citations")
    op.enable_tenant_rls("company_profiles")
    op.enable_tenant_rls("conversations")
    op.enable_tenant_rls("crawl_jobs")
    op.enable_tenant_rls("document_chunks")
    op.enable_tenant_rls("documents")
    op.enable_tenant_rls("evaluation_runs")
    op.enable_tenant_rls("export_jobs")
    op.enable_tenant_rls("feedback")
    op.enable_tenant_rls("images")
    op.enable_tenant_rls("messages")
    op.enable_tenant_rls("requirement_exports")
    op.enable_tenant_rls("run_logs")
    op.enable_tenant_rls("saved_reports")
    op.enable_tenant_rls("token_usage")
    op.enable_tenant_rls("validation_jobs")


def downgrade() -> None:
    """Undo."""
    op.disable_tenant_rls("validation_jobs")
    op.disable_tenant_rls("token_usage")
    op.disable_tenant_rls("saved_reports")
    op.disable_tenant_rls("run_logs")
    op.disable_tenant_rls("requirement_exports")
    op.disable_tenant_rls("messages")
    op.disable_tenant_rls("images")
    op.disable_tenant_rls("feedback")
    op.disable_tenant_rls("export_jobs")
    op.disable_tenant_rls("evaluation_runs")
    op.disable_tenant_rls("documents")
    op.disable_tenant_rls("document_chunks")
    op.disable_tenant_rls("crawl_jobs")
    op.disable_tenant_rls("conversations")
    op.disable_tenant_rls("company_profiles")
    op.disable_tenant_rls("citations")
    op.disable_tenant_rls("agent_logs")
    op.drop_index(
        op.f("ix_run_logs_company_id_user_id_created_at_id"),
        table_name="run_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_run_logs_company_id_status_created_at_id"),
        table_name="run_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_run_logs_company_id_message_id"),
        table_name="run_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_run_logs_company_id_created_at_id"),
        table_name="run_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_run_logs_company_id_conversation_id_created_at_id"),
        table_name="run_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("run_logs", schema="tenant")
    op.drop_index(
        op.f("ix_feedback_company_id_user_id_created_at_id"),
        table_name="feedback",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_feedback_company_id_rating_created_at_id"),
        table_name="feedback",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_feedback_company_id_message_id"),
        table_name="feedback",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_feedback_company_id_created_at_id"),
        table_name="feedback",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("feedback", schema="tenant")
    op.drop_index(
        op.f("ix_citations_company_id_message_id_source_index_id"),
        table_name="citations",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("citations", schema="tenant")
    op.drop_index(
        op.f("ix_agent_logs_company_id_user_id_created_at_id"),
        table_name="agent_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_agent_logs_company_id_message_id_created_at_id"),
        table_name="agent_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_agent_logs_company_id_is_council_vote_created_at_id"),
        table_name="agent_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_agent_logs_company_id_created_at_id"),
        table_name="agent_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_agent_logs_company_id_agent_type_created_at_id"),
        table_name="agent_logs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("agent_logs", schema="tenant")
    op.drop_index(
        op.f("ix_messages_company_id_parent_message_id_created_at_id"),
        table_name="messages",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_messages_company_id_created_at_id"),
        table_name="messages",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_messages_company_id_conversation_id_total_tokens"),
        table_name="messages",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_messages_company_id_conversation_id_created_at_id"),
        table_name="messages",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("messages", schema="tenant")
    op.drop_index(
        op.f("ix_validation_jobs_company_id_status_created_at_id"),
        table_name="validation_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_validation_jobs_company_id_requested_by_id"),
        table_name="validation_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_validation_jobs_company_id_created_at_id"),
        table_name="validation_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_validation_jobs_company_id_crawl_job_id_created_at_id"),
        table_name="validation_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("validation_jobs", schema="tenant")
    op.drop_index(
        op.f("ix_images_company_id_is_valid_id"), table_name="images", schema="tenant", postgresql_where=None
    )
    op.drop_index(
        op.f("ix_images_company_id_crawl_job_id_id"),
        table_name="images",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("images", schema="tenant")
    op.drop_index(
        op.f("ix_export_jobs_company_id_user_id_created_at_id"),
        table_name="export_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_export_jobs_company_id_status_created_at_id"),
        table_name="export_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_export_jobs_company_id_requested_by_id"),
        table_name="export_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_export_jobs_company_id_created_at_id"),
        table_name="export_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_export_jobs_company_id_crawl_job_id_created_at_id"),
        table_name="export_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("export_jobs", schema="tenant")
    op.drop_index(
        op.f("ix_document_chunks_company_id_vector_id"),
        table_name="document_chunks",
        schema="tenant",
        postgresql_where=sa.text("vector_id IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_document_chunks_company_id_document_id_chunk_index"),
        table_name="document_chunks",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("document_chunks", schema="tenant")
    op.drop_index(
        op.f("ix_conversations_company_id_user_id_updated_at_id"),
        table_name="conversations",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_conversations_company_id_user_id_status_updated_at_id"),
        table_name="conversations",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_conversations_company_id_updated_at_id"),
        table_name="conversations",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_conversations_company_id_status_updated_at_id"),
        table_name="conversations",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_conversations_company_id_session_id_created_at_id"),
        table_name="conversations",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_conversations_company_id_created_at_id"),
        table_name="conversations",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("conversations", schema="tenant")
    op.drop_index(
        op.f("ix_documents_company_id_uploaded_by_id_processing_status_created_at_id"),
        table_name="documents",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_documents_company_id_uploaded_by_id_created_at_id"),
        table_name="documents",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_documents_company_id_upload_id"),
        table_name="documents",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_documents_company_id_scope_created_at_id"),
        table_name="documents",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_documents_company_id_processing_status_created_at_id"),
        table_name="documents",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_documents_company_id_created_at_id"),
        table_name="documents",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("documents", schema="tenant")
    op.drop_index(
        op.f("ix_crawl_jobs_company_id_status_created_at_id"),
        table_name="crawl_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_crawl_jobs_company_id_requested_by_id"),
        table_name="crawl_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_crawl_jobs_company_id_project_id_status"),
        table_name="crawl_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_crawl_jobs_company_id_project_id_created_at_id"),
        table_name="crawl_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_crawl_jobs_company_id_created_at_id"),
        table_name="crawl_jobs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("crawl_jobs", schema="tenant")
    op.drop_index(
        op.f("ix_requirement_exports_company_id_user_id_created_at_id"),
        table_name="requirement_exports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_requirement_exports_company_id_proposal_latency_ms_id"),
        table_name="requirement_exports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_requirement_exports_company_id_created_at_id"),
        table_name="requirement_exports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_requirement_exports_company_id_component_type_created_at_id"),
        table_name="requirement_exports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("requirement_exports", schema="tenant")
    op.drop_index(
        op.f("ix_evaluation_runs_company_id_status_created_at_id"),
        table_name="evaluation_runs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_evaluation_runs_company_id_requested_by_id"),
        table_name="evaluation_runs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_evaluation_runs_company_id_model_name_created_at_id"),
        table_name="evaluation_runs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_evaluation_runs_company_id_created_at_id"),
        table_name="evaluation_runs",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("evaluation_runs", schema="tenant")
    op.drop_index(
        op.f("ix_token_usage_company_id_user_id_created_at_id"),
        table_name="token_usage",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_token_usage_company_id_operation_type_created_at_id"),
        table_name="token_usage",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_token_usage_company_id_llm_provider_created_at_id"),
        table_name="token_usage",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_token_usage_company_id_created_at_id"),
        table_name="token_usage",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("token_usage", schema="tenant")
    op.drop_index(
        op.f("ix_saved_reports_company_id_user_id_saved_at_id"),
        table_name="saved_reports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_saved_reports_company_id_saved_at_id"),
        table_name="saved_reports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_saved_reports_company_id_report_type_saved_at_id"),
        table_name="saved_reports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_index(
        op.f("ix_saved_reports_company_id_report_id"),
        table_name="saved_reports",
        schema="tenant",
        postgresql_where=None,
    )
    op.drop_table("saved_reports", schema="tenant")
    op.drop_table("company_profiles", schema="tenant")
