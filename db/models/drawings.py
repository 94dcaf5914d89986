"""Drawings: comparison sessions, sheets and changes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.sheet_pairs import PairReason as PairReason
from db.base import (
    Flag,
    Instant,
    Str50,
    Str100,
    Str255,
    TenantKey,
    TenantModel,
    UpdatedAt,
    company_foreign_key,
    enum_column,
    list_indexes,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)

if TYPE_CHECKING:
    from db.models.chat.conversations import Conversation
    from db.models.identity import User
    from db.models.jobs import ProcessingJob
    from db.models.projects import Project


class SessionType(Enum):
    """Purpose of a drawing session."""

    COMPARISON = "comparison"
    """Compares two revisions of a drawing set."""
    UPLOAD = "upload"
    """Extracts the sheets of uploaded files."""
    ANALYSIS = "analysis"
    """Analyzes the changes between two revisions."""


class SessionStatus(Enum):
    """Processing state of a drawing session."""

    ACTIVE = "active"
    """The session accepts uploads and has not been started."""
    PROCESSING = "processing"
    """A job is processing the session."""
    COMPLETED = "completed"
    """Processing has completed."""
    ERROR = "error"
    """Processing has failed."""


class DrawingType(Enum):
    """Revision that a sheet belongs to."""

    OLD = "old"
    """The earlier revision."""
    NEW = "new"
    """The later revision."""


class SheetState(Enum):
    """Processing state of a page or of a pair of pages."""

    PENDING = "pending"
    """Waiting to be processed."""
    COMPLETED = "completed"
    """Processed."""
    FAILED = "failed"
    """Processing failed."""
    UNMATCHED = "unmatched"
    """The other revision has no matching page."""


class ComparisonSensitivity(Enum):
    """How far a line may lie from where it was and count as unchanged."""

    HIGH = "high"
    """Up to two thirds of the normal distance."""
    NORMAL = "normal"
    """A quarter of a millimeter on paper."""
    LOW = "low"
    """Up to twice the normal distance."""


class DrawingSession(TenantKey, TenantModel):
    """A comparison of two revisions of a drawing set."""

    __tablename__ = "drawing_sessions"
    __table_args__ = (
        company_foreign_key(),
        tenant_foreign_key("members", "user_id", "SET NULL"),
        tenant_foreign_key("projects", "project_id"),
        tenant_foreign_key("uploads", "old_upload_id", "SET NULL"),
        tenant_foreign_key("uploads", "new_upload_id", "SET NULL"),
        *list_indexes("created_at", "id", filters=("user_id", "project_id", "status")),
        *list_indexes("updated_at", "id", filters=("user_id", "project_id", "status")),
        tenant_index("old_upload_id"),
        tenant_index("new_upload_id"),
    )

    user_id: Mapped[UUID | None]
    project_id: Mapped[UUID | None]
    name: Mapped[Str255]
    old_upload_id: Mapped[UUID | None]
    new_upload_id: Mapped[UUID | None]
    session_type: Mapped[SessionType] = enum_column(SessionType, SessionType.COMPARISON)
    status: Mapped[SessionStatus] = enum_column(SessionStatus, SessionStatus.ACTIVE)
    total_time: Mapped[float | None]
    error_message: Mapped[str | None]
    session_metadata: Mapped[dict[str, Any] | None]
    sensitivity: Mapped[ComparisonSensitivity] = enum_column(
        ComparisonSensitivity, ComparisonSensitivity.NORMAL
    )
    min_change_size: Mapped[float | None]
    is_automatic: Mapped[Flag]
    reports: Mapped[list[Any]] = mapped_column(server_default="[]")
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    user: Mapped[User | None] = view_relationship("foreign(DrawingSession.user_id) == User.id")
    project: Mapped[Project | None] = view_relationship("foreign(DrawingSession.project_id) == Project.id")
    drawings: Mapped[list[Drawing]] = view_relationship("DrawingSession.id == foreign(Drawing.session_id)")
    comparisons: Mapped[list[Comparison]] = view_relationship(
        "DrawingSession.id == foreign(Comparison.session_id)"
    )
    analysis_results: Mapped[list[AnalysisResult]] = view_relationship(
        "DrawingSession.id == foreign(AnalysisResult.session_id)"
    )
    jobs: Mapped[list[ProcessingJob]] = view_relationship(
        "DrawingSession.id == foreign(ProcessingJob.session_id)"
    )
    conversations: Mapped[list[Conversation]] = view_relationship(
        "DrawingSession.id == foreign(Conversation.session_id)"
    )


class Drawing(TenantKey, TenantModel):
    """A page of one of the two files, with its rendered image.

    A person has paired a pinned sheet with its partner, or separated it from all others if it has none.
    """

    __tablename__ = "drawings"
    __table_args__ = (
        tenant_foreign_key("drawing_sessions", "session_id"),
        tenant_index("session_id", "drawing_name", "drawing_type", unique=True),
        tenant_index("session_id", "drawing_type", "page_number", unique=True),
        tenant_index("session_id", "id"),
        tenant_index("drawing_name", "id"),
        tenant_index("drawing_type", "id"),
    )

    session_id: Mapped[UUID]
    drawing_type: Mapped[DrawingType] = enum_column(DrawingType)
    filename: Mapped[Str255]
    original_filename: Mapped[Str255]
    storage_path: Mapped[str | None]
    thumbnail_path: Mapped[str | None]
    words_path: Mapped[str | None]
    drawing_name: Mapped[Str100 | None]
    page_number: Mapped[int | None]
    state: Mapped[SheetState] = enum_column(SheetState, SheetState.PENDING)
    error_message: Mapped[str | None]
    pair_reason: Mapped[PairReason | None] = enum_column(PairReason)
    partner_id: Mapped[UUID | None]
    is_pinned: Mapped[Flag]
    processed_at: Mapped[Instant]
    drawing_metadata: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[str]] = mapped_column(server_default="[]")

    session: Mapped[DrawingSession] = view_relationship("foreign(Drawing.session_id) == DrawingSession.id")
    versions: Mapped[list[DrawingVersion]] = view_relationship(
        "Drawing.id == foreign(DrawingVersion.drawing_id)"
    )


class DrawingVersion(TenantKey, TenantModel):
    """A revision of a sheet of a project: what one file shows of it. It outlives the sessions of the file."""

    __tablename__ = "drawing_versions"
    __table_args__ = (
        tenant_foreign_key("projects", "project_id"),
        tenant_foreign_key("drawings", "drawing_id", "SET NULL"),
        sa.CheckConstraint("version_number >= 1", name="version_number"),
        tenant_index("project_id", "drawing_name", "version_number", unique=True),
        tenant_index("drawing_id", unique=True),
        tenant_index("upload_date", "id"),
        tenant_index("project_id", "upload_date", "id"),
        tenant_index("drawing_name", "version_number", "id"),
    )

    project_id: Mapped[UUID]
    drawing_id: Mapped[UUID | None]
    drawing_name: Mapped[Str100]
    file_sha256: Mapped[Str100 | None]
    version_number: Mapped[int]
    version_label: Mapped[Str50 | None]
    upload_date: Mapped[Instant]
    comments: Mapped[str | None]

    project: Mapped[Project] = view_relationship("foreign(DrawingVersion.project_id) == Project.id")
    drawing: Mapped[Drawing | None] = view_relationship("foreign(DrawingVersion.drawing_id) == Drawing.id")


class Comparison(TenantKey, TenantModel):
    """A pair of an old and a new sheet, and their overlay.

    `points` are pairs of an old and a new point by which a person aligned the sheets. `job_id` is the last
    job that compared this pair alone. `vanished_reviews` are decisions on changes that no longer exist.
    """

    __tablename__ = "comparisons"
    __table_args__ = (
        tenant_foreign_key("drawing_sessions", "session_id"),
        tenant_foreign_key("drawings", "old_drawing_id"),
        tenant_foreign_key("drawings", "new_drawing_id"),
        sa.CheckConstraint("alignment_score BETWEEN 0 AND 1", name="alignment_score"),
        sa.CheckConstraint("pair_confidence BETWEEN 0 AND 1", name="pair_confidence"),
        tenant_foreign_key("processing_jobs", "job_id", "SET NULL"),
        tenant_index("session_id", "drawing_name", unique=True),
        tenant_index("session_id", "id"),
        tenant_index("old_drawing_id"),
        tenant_index("new_drawing_id"),
        tenant_index("job_id"),
        *list_indexes("drawing_name", "id", filters=("changes_detected",)),
        *list_indexes("created_at", "id", filters=("session_id", "changes_detected")),
        tenant_index("session_id", "changes_detected", "drawing_name", "id"),
    )

    session_id: Mapped[UUID]
    old_drawing_id: Mapped[UUID]
    new_drawing_id: Mapped[UUID]
    drawing_name: Mapped[Str100]
    overlay_path: Mapped[str | None]
    overlay_preview_path: Mapped[str | None]
    overlay_tiles: Mapped[dict[str, Any] | None]
    old_image_path: Mapped[str | None]
    new_image_path: Mapped[str | None]
    pair_reason: Mapped[PairReason] = enum_column(PairReason, PairReason.NUMBER)
    pair_confidence: Mapped[float | None]
    alignment_score: Mapped[float | None]
    low_confidence: Mapped[Flag]
    change_ratio: Mapped[float | None]
    changes: Mapped[list[Any]] = mapped_column(server_default="[]")
    words_removed: Mapped[list[str]] = mapped_column(server_default="[]")
    words_added: Mapped[list[str]] = mapped_column(server_default="[]")
    alignment: Mapped[dict[str, Any] | None]
    points: Mapped[list[Any] | None]
    job_id: Mapped[UUID | None]
    vanished_reviews: Mapped[list[Any]] = mapped_column(server_default="[]")
    state: Mapped[SheetState] = enum_column(SheetState, SheetState.PENDING)
    error_message: Mapped[str | None]
    changes_detected: Mapped[Flag]
    created_at: Mapped[Instant]

    session: Mapped[DrawingSession] = view_relationship("foreign(Comparison.session_id) == DrawingSession.id")
    old_drawing: Mapped[Drawing] = view_relationship("foreign(Comparison.old_drawing_id) == Drawing.id")
    new_drawing: Mapped[Drawing] = view_relationship("foreign(Comparison.new_drawing_id) == Drawing.id")
    job: Mapped[ProcessingJob | None] = view_relationship("foreign(Comparison.job_id) == ProcessingJob.id")
    analysis_results: Mapped[list[AnalysisResult]] = view_relationship(
        "Comparison.id == foreign(AnalysisResult.comparison_id)"
    )


class AnalysisResult(TenantKey, TenantModel):
    """The analysis of a comparison."""

    __tablename__ = "analysis_results"
    __table_args__ = (
        tenant_foreign_key("comparisons", "comparison_id"),
        tenant_foreign_key("drawing_sessions", "session_id"),
        sa.CheckConstraint("success OR error_message IS NOT NULL", name="error_message"),
        tenant_index("session_id", "drawing_name", unique=True),
        *list_indexes(
            *("created_at", "id"),
            filters=("comparison_id", "session_id", "success", "drawing_name"),
            pairs=[("session_id", "success")],
        ),
    )

    comparison_id: Mapped[UUID]
    session_id: Mapped[UUID]
    drawing_name: Mapped[Str100]
    changes_found: Mapped[list[str]] = mapped_column(server_default="[]")
    critical_change: Mapped[str | None]
    analysis_summary: Mapped[str | None]
    recommendations: Mapped[list[str]] = mapped_column(server_default="[]")
    success: Mapped[bool] = mapped_column(server_default=sa.true())
    error_message: Mapped[str | None]
    ai_model_used: Mapped[Str50]
    created_at: Mapped[Instant]

    comparison: Mapped[Comparison] = view_relationship(
        "foreign(AnalysisResult.comparison_id) == Comparison.id"
    )
    session: Mapped[DrawingSession] = view_relationship(
        "foreign(AnalysisResult.session_id) == DrawingSession.id"
    )
