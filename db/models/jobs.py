"""Background jobs, their leases and the fair shares of queues."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from db.base import (
    Count,
    Instant,
    LocalModel,
    PlatformModel,
    PrimaryKey,
    Str50,
    Str100,
    TenantKey,
    TenantModel,
    UpdatedAt,
    company_foreign_key,
    enum_column,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)

if TYPE_CHECKING:
    from db.models.drawings import DrawingSession
    from db.models.identity import User


class JobStatus(Enum):
    """Lifecycle state of a job."""

    PENDING = "pending"
    """The job waits for a worker."""
    RUNNING = "running"
    """A worker is running the job."""
    COMPLETED = "completed"
    """The job has completed."""
    FAILED = "failed"
    """The job has failed."""
    CANCELLED = "cancelled"
    """The job was cancelled."""


TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})


class ProcessingJobType(Enum):
    """Type of a processing job."""

    PDF_EXTRACTION = "pdf_extraction"
    """Extracts the pages of a PDF file."""
    COMPARISON = "comparison"
    """Compares two revisions of a drawing set."""
    AI_ANALYSIS = "ai_analysis"
    """Analyzes the changes between two drawings with a model."""
    SHEET_COMPARISON = "sheet_comparison"
    """Compares one pair of sheets again and analyzes its changes."""
    DOCUMENT_PROCESSING = "document_processing"
    """Extracts, chunks and embeds a document."""
    CHAT_ANSWER = "chat_answer"
    """Generates the answer to a question."""
    TEXT_CHECK = "text_check"
    """Checks the sentences of a text against documents."""
    DATA_IMPORT = "data_import"
    """Imports consumption readings from a file."""
    REPORT_GENERATION = "report_generation"
    """Generates a report, or the files of one."""
    REQUIREMENT_PROPOSAL = "requirement_proposal"
    """Proposes requirements for a component."""
    RE_EMBEDDING = "re_embedding"
    """Embeds existing documents with another embedding model."""
    DATASET_PUSH = "dataset_push"
    """Pushes an export to a bucket or a hub."""
    UPKEEP = "upkeep"
    """Maintenance, such as the removal of deleted objects."""


class JobRow(TenantKey, TenantModel):
    """The columns of every kind of job.

    `task` and `arguments` say what the job runs. `attempts` counts all attempts, of which `max_attempts` may
    fail for a reason of the job's own. `waiting_for` says why the last attempt did not finish the job, while
    it waits for the next one at `next_attempt_at`. `epoch` is the fencing token: it grows with each attempt,
    and only the latest may write.
    """

    __abstract__ = True

    status: Mapped[JobStatus] = enum_column(JobStatus, JobStatus.PENDING)
    progress: Mapped[Count]
    task: Mapped[Str100 | None]
    arguments: Mapped[dict[str, Any] | None]
    attempts: Mapped[Count]
    max_attempts: Mapped[int] = mapped_column(server_default="4")
    epoch: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    version: Mapped[int] = mapped_column(sa.BigInteger, server_default="1")
    checkpoint: Mapped[dict[str, Any] | None]
    requested_by_id: Mapped[UUID | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    waiting_for: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            company_foreign_key(),
            tenant_foreign_key("members", "requested_by_id", "SET NULL"),
            sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
            sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="error_message"),
            tenant_index("status", "created_at", "id"),
            tenant_index("created_at", "id"),
            tenant_index("requested_by_id"),
        )


class ProcessingJob(JobRow):
    """A processing job of a session or of the company; `subject` identifies what it works on."""

    __tablename__ = "processing_jobs"

    session_id: Mapped[UUID | None]
    job_type: Mapped[ProcessingJobType] = enum_column(ProcessingJobType)
    subject: Mapped[Str50 | None]
    job_metadata: Mapped[dict[str, Any] | None]

    session: Mapped[DrawingSession | None] = view_relationship(
        "foreign(ProcessingJob.session_id) == DrawingSession.id"
    )
    requested_by: Mapped[User | None] = view_relationship("foreign(ProcessingJob.requested_by_id) == User.id")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *JobRow.__table_args__,
            tenant_foreign_key("drawing_sessions", "session_id"),
            tenant_index("session_id", "created_at", "id"),
            tenant_index("session_id", "job_type", unique=True, where="session_id IS NOT NULL"),
            tenant_index("job_type", "created_at", "id"),
        )


class LeaseState(Enum):
    """State of a job in the queue."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"


class Lease(PrimaryKey, LocalModel):
    """The queue's state of a live job, with the id of the job's row. Deleted when the job ends.

    `failures` counts attempts that failed for a reason of the job's own. Since the job last made progress,
    `faults` counts transient faults, the first of them at `waiting_since`, and `deaths` counts workers that
    died while they ran the job.
    """

    __tablename__ = "leases"
    __table_args__ = (sa.Index(None, "state", "heartbeat_at"), sa.Index(None, "company_id"))

    company_id: Mapped[UUID]
    task: Mapped[Str100]
    queue: Mapped[Str100]
    state: Mapped[LeaseState] = enum_column(LeaseState, LeaseState.QUEUED)
    worker: Mapped[Str100 | None]
    entry_id: Mapped[int] = mapped_column(sa.BigInteger)
    heartbeat_at: Mapped[Instant]
    failures: Mapped[Count]
    faults: Mapped[Count]
    waiting_since: Mapped[datetime | None]
    deaths: Mapped[Count]
    created_at: Mapped[Instant]


class FairShare(PlatformModel):
    """A company's virtual time in a queue (start-time fair queuing)."""

    __tablename__ = "fair_shares"

    queue: Mapped[Str100] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    virtual_time: Mapped[int] = mapped_column(sa.BigInteger)
