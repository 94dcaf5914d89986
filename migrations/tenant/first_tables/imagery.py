"""Crawls and their chunks and candidates, images, validations, exports."""

import sqlalchemy as sa

from migrations.tables import INSTANT, JSON, NOW, one_of
from migrations.tenant.first_tables.vocabulary import (
    create_index,
    create_table,
    drop_tables,
    references,
    references_tenant,
)


def create() -> None:
    """Create the tables."""
    create_table(
        "crawl_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("keywords", JSON, nullable=False),
        sa.Column("sources", JSON, server_default="[]", nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("downloaded_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("valid_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("active_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("completed_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_images", sa.Integer(), server_default="1000", nullable=False),
        sa.Column("task_ids", JSON, server_default="[]", nullable=False),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("task", sa.String(100)),
        sa.Column("arguments", JSON),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="4", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("checkpoint", JSON),
        sa.Column("requested_by_id", sa.Uuid()),
        sa.Column("started_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("job_status", "status", "pending", "running", "completed", "failed", "cancelled"),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="error_message"),
        sa.CheckConstraint("max_images BETWEEN 1 AND 100000", name="max_images"),
        sa.CheckConstraint("jsonb_array_length(keywords) BETWEEN 1 AND 50", name="keywords"),
        sa.CheckConstraint(
            "0 <= valid_images AND valid_images <= downloaded_images AND downloaded_images <= total_images",
            name="images",
        ),
        sa.CheckConstraint(
            "active_chunks >= 0 AND completed_chunks >= 0 AND failed_chunks >= 0 AND active_chunks + completed_chunks + failed_chunks <= total_chunks",
            name="chunks",
        ),
        references_tenant(),
        references("projects", "project_id"),
        references("members", "requested_by_id", ondelete="SET NULL"),
    )
    create_index("crawl_jobs", "created_at", "id")
    create_index("crawl_jobs", "project_id", "created_at", "id")
    create_index("crawl_jobs", "project_id", "status")
    create_index("crawl_jobs", "requested_by_id")
    create_index("crawl_jobs", "status", "created_at", "id")

    create_table(
        "crawl_chunks",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("wanted", JSON, nullable=False),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("task", sa.String(100)),
        sa.Column("arguments", JSON),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="4", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("checkpoint", JSON),
        sa.Column("requested_by_id", sa.Uuid()),
        sa.Column("started_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("job_status", "status", "pending", "running", "completed", "failed", "cancelled"),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="error_message"),
        sa.CheckConstraint("share BETWEEN 1 AND 500", name="share"),
        references_tenant(),
        references("crawl_jobs", "crawl_job_id"),
        references("members", "requested_by_id", ondelete="SET NULL"),
    )
    create_index("crawl_chunks", "crawl_job_id", "number", unique=True)
    create_index("crawl_chunks", "crawl_job_id", "status")
    create_index("crawl_chunks", "created_at", "id")
    create_index("crawl_chunks", "number", "id", where="status = 'pending'")
    create_index("crawl_chunks", "requested_by_id")
    create_index("crawl_chunks", "status", "created_at", "id")

    create_table(
        "crawl_candidates",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_key", sa.Uuid(), nullable=False),
        sa.Column("page_url", sa.Text()),
        sa.Column("licence", sa.Text()),
        sa.Column("attribution", sa.Text()),
        sa.Column("caption", sa.Text()),
        sa.Column("state", sa.String(20), server_default="found", nullable=False),
        sa.Column("code", sa.String(50)),
        sa.Column("message", sa.Text()),
        one_of("candidate_state", "state", "found", "stored", "duplicate", "refused", "left"),
        sa.CheckConstraint("(state = 'refused') = (code IS NOT NULL)", name="reason"),
        references("crawl_jobs", "crawl_job_id"),
        references("crawl_chunks", "chunk_id"),
    )
    create_index("crawl_candidates", "chunk_id", "state", "id")
    create_index("crawl_candidates", "crawl_job_id", "code", where="state = 'refused'")
    create_index("crawl_candidates", "crawl_job_id", "url_key", unique=True)

    create_table(
        "images",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("original_url", sa.Text(), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("storage_url", sa.Text()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("file_size", sa.Integer()),
        sa.Column("format", sa.String(10)),
        sa.Column("hash", sa.String(64)),
        sa.Column("perceptual_hash", sa.BigInteger()),
        sa.Column("duplicate_group", sa.Uuid()),
        sa.Column("thumbnail_key", sa.Text()),
        sa.Column("page_url", sa.Text()),
        sa.Column("licence", sa.Text()),
        sa.Column("attribution", sa.Text()),
        sa.Column("caption", sa.Text()),
        sa.Column("url_key", sa.Uuid()),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_valid", sa.Boolean()),
        sa.Column("is_duplicate", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("issues", JSON, server_default="[]", nullable=False),
        sa.Column("quarantined", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0 AND file_size >= 0", name="measures"),
        references("crawl_jobs", "crawl_job_id"),
    )
    create_index("images", "crawl_job_id", "hash", unique=True, where="hash IS NOT NULL")
    create_index("images", "crawl_job_id", "id")
    create_index("images", "crawl_job_id", "sequence", "id")
    create_index("images", "duplicate_group", "id", where="duplicate_group IS NOT NULL")
    create_index("images", "hash")
    create_index("images", "is_valid", "id")
    create_index("images", "url_key", "id")

    create_table(
        "validation_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("total_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("validated_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("invalid_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("validation_rules", JSON, server_default="{}", nullable=False),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("task", sa.String(100)),
        sa.Column("arguments", JSON),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="4", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("checkpoint", JSON),
        sa.Column("requested_by_id", sa.Uuid()),
        sa.Column("started_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("job_status", "status", "pending", "running", "completed", "failed", "cancelled"),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="error_message"),
        sa.CheckConstraint(
            "0 <= invalid_images AND invalid_images <= validated_images AND validated_images <= total_images",
            name="images",
        ),
        references_tenant(),
        references("crawl_jobs", "crawl_job_id"),
        references("members", "requested_by_id", ondelete="SET NULL"),
    )
    create_index("validation_jobs", "crawl_job_id", "created_at", "id")
    create_index("validation_jobs", "created_at", "id")
    create_index("validation_jobs", "requested_by_id")
    create_index("validation_jobs", "status", "created_at", "id")

    create_table(
        "export_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("crawl_job_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("format", sa.String(20), server_default="zip", nullable=False),
        sa.Column("total_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("exported_images", sa.Integer(), server_default="0", nullable=False),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("download_url", sa.Text()),
        sa.Column("export_options", JSON, server_default="{}", nullable=False),
        sa.Column("shards", JSON, server_default="[]", nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("task", sa.String(100)),
        sa.Column("arguments", JSON),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="4", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("checkpoint", JSON),
        sa.Column("requested_by_id", sa.Uuid()),
        sa.Column("started_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of(
            "export_format",
            "format",
            "zip",
            "tar",
            "tar.gz",
            "csv",
            "json",
            "imagefolder",
            "coco",
            "webdataset",
            "parquet",
        ),
        one_of("job_status", "status", "pending", "running", "completed", "failed", "cancelled"),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="error_message"),
        sa.CheckConstraint(
            "0 <= exported_images AND exported_images <= total_images AND file_size >= 0", name="images"
        ),
        references_tenant(),
        references("crawl_jobs", "crawl_job_id"),
        references("members", "user_id"),
        references("members", "requested_by_id", ondelete="SET NULL"),
    )
    create_index("export_jobs", "crawl_job_id", "created_at", "id")
    create_index("export_jobs", "created_at", "id")
    create_index("export_jobs", "requested_by_id")
    create_index("export_jobs", "status", "created_at", "id")
    create_index("export_jobs", "user_id", "created_at", "id")


def drop() -> None:
    """Drop the tables."""
    drop_tables("export_jobs", "validation_jobs", "images", "crawl_candidates", "crawl_chunks", "crawl_jobs")
