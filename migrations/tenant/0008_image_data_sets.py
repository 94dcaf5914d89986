"""image data sets: chunks of crawls, what they look at, what is known of images, more formats of exports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0008"
down_revision = "tenant_0007"
branch_labels = None
depends_on = None

FORMATS = ("zip", "tar", "tar.gz", "csv", "json")
MORE_FORMATS = (*FORMATS, "imagefolder", "coco", "webdataset", "parquet")


def allow_formats(*values: str) -> None:
    """Which formats exports may have."""
    op.drop_constraint("ck_export_jobs_export_format", "export_jobs", schema="tenant")
    op.create_check_constraint(
        op.f("ck_export_jobs_export_format"), "export_jobs", sa.column("format").in_(values), schema="tenant"
    )


def upgrade() -> None:
    """Apply."""
    allow_formats(*MORE_FORMATS)
    op.create_table(
        "crawl_chunks",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("wanted", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
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
            "status <> 'failed' OR error_message IS NOT NULL", name=op.f("ck_crawl_chunks_error_message")
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_crawl_chunks_progress")),
        sa.CheckConstraint("share BETWEEN 1 AND 500", name=op.f("ck_crawl_chunks_share")),
        sa.ForeignKeyConstraint(
            ["company_id", "crawl_job_id"],
            ["tenant.crawl_jobs.company_id", "tenant.crawl_jobs.id"],
            name=op.f("fk_crawl_chunks_company_id_crawl_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "requested_by_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_crawl_chunks_company_id_requested_by_id"),
            ondelete="SET NULL (requested_by_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_crawl_chunks_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_crawl_chunks")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_chunks_company_id_crawl_job_id_number"),
        "crawl_chunks",
        ["company_id", "crawl_job_id", "number"],
        unique=True,
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_chunks_company_id_crawl_job_id_status"),
        "crawl_chunks",
        ["company_id", "crawl_job_id", "status"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_chunks_company_id_created_at_id"),
        "crawl_chunks",
        ["company_id", "created_at", "id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_chunks_company_id_number_id"),
        "crawl_chunks",
        ["company_id", "number", "id"],
        schema="tenant",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        op.f("ix_crawl_chunks_company_id_requested_by_id"),
        "crawl_chunks",
        ["company_id", "requested_by_id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_chunks_company_id_status_created_at_id"),
        "crawl_chunks",
        ["company_id", "status", "created_at", "id"],
        schema="tenant",
    )
    op.create_table(
        "crawl_candidates",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_key", sa.Uuid(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("attribution", sa.Text(), nullable=True),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "found",
                "stored",
                "duplicate",
                "refused",
                "left",
                name="candidate_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="found",
            nullable=False,
        ),
        sa.Column("code", sa.String(length=50), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'refused') = (code IS NOT NULL)", name=op.f("ck_crawl_candidates_reason")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "chunk_id"],
            ["tenant.crawl_chunks.company_id", "tenant.crawl_chunks.id"],
            name=op.f("fk_crawl_candidates_company_id_chunk_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "crawl_job_id"],
            ["tenant.crawl_jobs.company_id", "tenant.crawl_jobs.id"],
            name=op.f("fk_crawl_candidates_company_id_crawl_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_crawl_candidates")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_candidates_company_id_chunk_id_state_id"),
        "crawl_candidates",
        ["company_id", "chunk_id", "state", "id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_crawl_candidates_company_id_crawl_job_id_code"),
        "crawl_candidates",
        ["company_id", "crawl_job_id", "code"],
        schema="tenant",
        postgresql_where=sa.text("state = 'refused'"),
    )
    op.create_index(
        op.f("ix_crawl_candidates_company_id_crawl_job_id_url_key"),
        "crawl_candidates",
        ["company_id", "crawl_job_id", "url_key"],
        unique=True,
        schema="tenant",
    )
    op.add_column(
        "crawl_jobs",
        sa.Column(
            "sources",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        schema="tenant",
    )
    op.add_column(
        "crawl_jobs",
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        schema="tenant",
    )
    op.add_column(
        "export_jobs",
        sa.Column(
            "shards",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        schema="tenant",
    )
    op.add_column("images", sa.Column("perceptual_hash", sa.BigInteger(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("duplicate_group", sa.Uuid(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("thumbnail_key", sa.Text(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("page_url", sa.Text(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("licence", sa.Text(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("attribution", sa.Text(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("caption", sa.Text(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("url_key", sa.Uuid(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("etag", sa.Text(), nullable=True), schema="tenant")
    op.add_column("images", sa.Column("last_modified", sa.Text(), nullable=True), schema="tenant")
    op.add_column(
        "images", sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False), schema="tenant"
    )
    op.add_column(
        "images",
        sa.Column(
            "issues",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        schema="tenant",
    )
    op.add_column(
        "images",
        sa.Column("quarantined", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_images_company_id_crawl_job_id_duplicate_group_id"),
        "images",
        ["company_id", "crawl_job_id", "duplicate_group", "id"],
        schema="tenant",
        postgresql_where=sa.text("duplicate_group IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_images_company_id_crawl_job_id_hash"),
        "images",
        ["company_id", "crawl_job_id", "hash"],
        unique=True,
        schema="tenant",
        postgresql_where=sa.text("hash IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_images_company_id_crawl_job_id_sequence_id"),
        "images",
        ["company_id", "crawl_job_id", "sequence", "id"],
        schema="tenant",
    )
    op.create_index(op.f("ix_images_company_id_hash"), "images", ["company_id", "hash"], schema="tenant")
    op.create_index(
        op.f("ix_images_company_id_url_key_id"), "images", ["company_id", "url_key", "id"], schema="tenant"
    )
    op.enable_tenant_rls("crawl_candidates")
    op.enable_tenant_rls("crawl_chunks")


def downgrade() -> None:
    """Undo. Refused by the database while there are exports of the new formats."""
    op.drop_index(op.f("ix_images_company_id_url_key_id"), table_name="images", schema="tenant")
    op.drop_index(op.f("ix_images_company_id_hash"), table_name="images", schema="tenant")
    op.drop_index(op.f("ix_images_company_id_crawl_job_id_sequence_id"), table_name="images", schema="tenant")
    op.drop_index(
        op.f("ix_images_company_id_crawl_job_id_hash"),
        table_name="images",
        schema="tenant",
        postgresql_where=sa.text("hash IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_images_company_id_crawl_job_id_duplicate_group_id"),
        table_name="images",
        schema="tenant",
        postgresql_where=sa.text("duplicate_group IS NOT NULL"),
    )
    op.drop_column("images", "quarantined", schema="tenant")
    op.drop_column("images", "issues", schema="tenant")
    op.drop_column("images", "sequence", schema="tenant")
    op.drop_column("images", "last_modified", schema="tenant")
    op.drop_column("images", "etag", schema="tenant")
    op.drop_column("images", "url_key", schema="tenant")
    op.drop_column("images", "caption", schema="tenant")
    op.drop_column("images", "attribution", schema="tenant")
    op.drop_column("images", "licence", schema="tenant")
    op.drop_column("images", "page_url", schema="tenant")
    op.drop_column("images", "thumbnail_key", schema="tenant")
    op.drop_column("images", "duplicate_group", schema="tenant")
    op.drop_column("images", "perceptual_hash", schema="tenant")
    op.drop_column("export_jobs", "shards", schema="tenant")
    op.drop_column("crawl_jobs", "sequence", schema="tenant")
    op.drop_column("crawl_jobs", "sources", schema="tenant")
    op.drop_table("crawl_candidates", schema="tenant")
    op.drop_table("crawl_chunks", schema="tenant")
    allow_formats(*FORMATS)
