"""Drawing sessions, their drawings and versions, comparisons and analyses."""

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
        "drawing_sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("project_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("old_upload_id", sa.Uuid()),
        sa.Column("new_upload_id", sa.Uuid()),
        sa.Column("session_type", sa.String(20), server_default="comparison", nullable=False),
        sa.Column("status", sa.String(20), server_default="active", nullable=False),
        sa.Column("total_time", sa.Double()),
        sa.Column("error_message", sa.Text()),
        sa.Column("session_metadata", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("session_type", "session_type", "comparison", "upload", "analysis"),
        one_of("session_status", "status", "active", "processing", "completed", "error"),
        references_tenant(),
        references("members", "user_id", ondelete="SET NULL"),
        references("projects", "project_id"),
        references("uploads", "old_upload_id", ondelete="SET NULL"),
        references("uploads", "new_upload_id", ondelete="SET NULL"),
    )
    create_index("drawing_sessions", "created_at", "id")
    create_index("drawing_sessions", "new_upload_id")
    create_index("drawing_sessions", "old_upload_id")
    create_index("drawing_sessions", "project_id", "created_at", "id")
    create_index("drawing_sessions", "status", "created_at", "id")
    create_index("drawing_sessions", "updated_at", "id")
    create_index("drawing_sessions", "user_id", "created_at", "id")

    create_table(
        "drawings",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_type", sa.String(20), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("original_filename", sa.String(255), nullable=False),
        sa.Column("storage_path", sa.Text()),
        sa.Column("thumbnail_path", sa.Text()),
        sa.Column("words_path", sa.Text()),
        sa.Column("drawing_name", sa.String(100)),
        sa.Column("page_number", sa.Integer()),
        sa.Column("state", sa.String(20), server_default="pending", nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("processed_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("drawing_metadata", JSON),
        one_of("drawing_type", "drawing_type", "old", "new"),
        one_of("sheet_state", "state", "pending", "completed", "failed", "unmatched"),
        references("drawing_sessions", "session_id"),
    )
    create_index("drawings", "drawing_name", "id")
    create_index("drawings", "drawing_type", "id")
    create_index("drawings", "session_id", "drawing_name", "drawing_type", unique=True)
    create_index("drawings", "session_id", "drawing_type", "page_number", unique=True)
    create_index("drawings", "session_id", "id")

    create_table(
        "drawing_versions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_name", sa.String(100), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("version_label", sa.String(50)),
        sa.Column("upload_date", INSTANT, server_default=NOW, nullable=False),
        sa.Column("comments", sa.Text()),
        sa.CheckConstraint("version_number >= 1", name="version_number"),
        references("projects", "project_id"),
        references("drawings", "drawing_id"),
    )
    create_index("drawing_versions", "drawing_id", unique=True)
    create_index("drawing_versions", "drawing_name", "version_number", "id")
    create_index("drawing_versions", "project_id", "drawing_name", "version_number", unique=True)
    create_index("drawing_versions", "upload_date", "id")

    create_table(
        "comparisons",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("old_drawing_id", sa.Uuid(), nullable=False),
        sa.Column("new_drawing_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_name", sa.String(100), nullable=False),
        sa.Column("overlay_path", sa.Text()),
        sa.Column("overlay_preview_path", sa.Text()),
        sa.Column("old_image_path", sa.Text()),
        sa.Column("new_image_path", sa.Text()),
        sa.Column("alignment_score", sa.Double()),
        sa.Column("low_confidence", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("change_ratio", sa.Double()),
        sa.Column("changes", JSON, server_default="[]", nullable=False),
        sa.Column("words_removed", JSON, server_default="[]", nullable=False),
        sa.Column("words_added", JSON, server_default="[]", nullable=False),
        sa.Column("alignment", JSON),
        sa.Column("state", sa.String(20), server_default="pending", nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("changes_detected", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("sheet_state", "state", "pending", "completed", "failed", "unmatched"),
        sa.CheckConstraint("alignment_score BETWEEN 0 AND 1", name="alignment_score"),
        references("drawing_sessions", "session_id"),
        references("drawings", "old_drawing_id"),
        references("drawings", "new_drawing_id"),
    )
    create_index("comparisons", "changes_detected", "created_at", "id")
    create_index("comparisons", "changes_detected", "drawing_name", "id")
    create_index("comparisons", "created_at", "id")
    create_index("comparisons", "drawing_name", "id")
    create_index("comparisons", "new_drawing_id")
    create_index("comparisons", "old_drawing_id")
    create_index("comparisons", "session_id", "drawing_name", unique=True)
    create_index("comparisons", "session_id", "id")

    create_table(
        "analysis_results",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("comparison_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("drawing_name", sa.String(100), nullable=False),
        sa.Column("changes_found", JSON, server_default="[]", nullable=False),
        sa.Column("critical_change", sa.Text()),
        sa.Column("analysis_summary", sa.Text()),
        sa.Column("recommendations", JSON, server_default="[]", nullable=False),
        sa.Column("success", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("ai_model_used", sa.String(50), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("success OR error_message IS NOT NULL", name="error_message"),
        references("comparisons", "comparison_id"),
        references("drawing_sessions", "session_id"),
    )
    create_index("analysis_results", "comparison_id", "id")
    create_index("analysis_results", "created_at", "id")
    create_index("analysis_results", "session_id", "drawing_name", unique=True)
    create_index("analysis_results", "success", "created_at", "id")


def drop() -> None:
    """Drop the tables."""
    drop_tables("analysis_results", "comparisons", "drawing_versions", "drawings", "drawing_sessions")
