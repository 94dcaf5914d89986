"""Reports of a comparison session as files. A new one of a format replaces the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.errors import Conflict
from db.arrays import any_id
from db.ids import new_id
from db.models import (
    Comparison,
    Drawing,
    DrawingSession,
    DrawingType,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    Project,
    SessionStatus,
    Upload,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.drawings import comparison_results
from resolvers.jobs import start_processing
from resolvers.object_removal import enqueue_removal, session_prefix

SUBJECT = "comparison report"
REFUSALS = {
    SessionStatus.ACTIVE: "The session has not been started.",
    SessionStatus.PROCESSING: "The session is in progress. Request the report when it has completed.",
    SessionStatus.ERROR: "The session has failed. Start it again first.",
}


class ComparisonReportFormat(Enum):
    """Format of a comparison report."""

    PDF = "pdf"
    """Index, sheets with numbered clouds as annotations, and lists of changes."""
    CSV = "csv"
    """List of changes as comma-separated values."""
    XLSX = "xlsx"
    """Sheets and changes as an Excel workbook."""
    BCF = "bcf"
    """Changes as topics of the BIM Collaboration Format, version 2.1."""
    OVERLAY_PDF = "overlay_pdf"
    """Both revisions of each compared sheet on one page: the old one in red and the new one in green, as
    layers, with clouds as annotations. Lines stay lines where both sheets are PDF or DXF.
    """


@dataclass(frozen=True)
class WriteComparisonReport(Job):
    """Write the report of a session in one format."""

    session_id: UUID
    report_id: UUID
    format: str
    queue: ClassVar[str] = "reports"
    is_interactive: ClassVar[bool] = True

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Delete what a failed or cancelled job has stored."""
        await enqueue_removal(uow, None, report_prefix(uow.company_id, self.session_id, self.report_id))


@dataclass(frozen=True)
class ReportRows:
    """The rows that a report is about; `files` are the names of the old and the new file.

    `fingerprint` is that of the results before they were read.
    """

    session: DrawingSession
    project: str | None
    files: tuple[str, str]
    drawings: Sequence[Drawing]
    comparisons: Sequence[Comparison]
    uploads: Mapping[DrawingType, Upload] = field(default_factory=dict)
    fingerprint: str = ""


def report_prefix(company_id: UUID, session_id: UUID, report_id: UUID) -> str:
    """Storage prefix of a report, below that of its session."""
    return f"{session_prefix(company_id, session_id)}reports/{report_id}/"


async def create(
    uow: UnitOfWork, viewer: Viewer, session_id: UUID, format: ComparisonReportFormat
) -> tuple[DrawingSession, ProcessingJob]:
    """Enqueue the report of a completed session. Returns the session and the job."""
    access.require(viewer, "jobs:run")
    session = await access.find(uow, viewer, DrawingSession, session_id, "sessionId", lock=True)
    require_completed(session, "sessionId")
    job = WriteComparisonReport(session_id, new_id(), format.value)
    id = await start_processing(uow, job, ProcessingJobType.REPORT_GENERATION, SUBJECT, viewer.user_id)
    await activity_log.record(
        uow, viewer.user_id, "COMPARISON_REPORT_CREATE", "DrawingSession", session_id, format=format.value
    )
    return session, await uow.one(select(ProcessingJob).where(ProcessingJob.id == id))


def require_completed(session: DrawingSession, *path: str) -> None:
    """Raises `Conflict` for a session without results, or whose results are being replaced."""
    if session.status in REFUSALS:
        raise Conflict(REFUSALS[session.status], *path)


async def load_rows(uow: UnitOfWork, session_id: UUID) -> ReportRows:
    """The rows of a report. Raises `Conflict` if the session has none, or no longer exists."""
    session = await uow.first(select(DrawingSession).where(DrawingSession.id == session_id))
    if session is None:
        raise Conflict("The session no longer exists.")
    require_completed(session)
    fingerprint = (await fingerprints(uow, [session_id])).get(session_id, "")
    uploads = await comparison_results.session_uploads(uow, session_id)
    drawings = await comparison_results.list_pages(uow, session_id)
    comparisons = await comparison_results.list_comparisons(uow, session_id)
    project = await uow.scalar(select(Project.name).where(Project.id == session.project_id))
    names = {page.drawing_type: page.original_filename for page in drawings}
    names |= {revision: upload.filename for revision, upload in uploads.items()}
    files = names.get(DrawingType.OLD, ""), names.get(DrawingType.NEW, "")
    return ReportRows(session, project, files, drawings, comparisons, uploads, fingerprint)


async def fingerprints(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, str]:
    """A hash per session of what its reports show: pairs, results and decisions. Empty sessions have none."""
    shown: list[Any] = [
        getattr(Comparison, name)
        for name in (
            *("id", "old_drawing_id", "new_drawing_id", "drawing_name", "pair_reason", "state"),
            *("error_message", "alignment_score", "low_confidence", "change_ratio", "changes"),
            *("vanished_reviews", "words_removed", "words_added", "alignment"),
        )
    ]
    row = func.md5(func.jsonb_build_array(*shown).cast(sa.Text))
    whole = func.md5(func.string_agg(row, aggregate_order_by(sa.literal(""), Comparison.id)))
    of_sessions = select(Comparison.session_id, whole.label("hash")).group_by(Comparison.session_id)
    found = await uow.all(of_sessions.where(Comparison.session_id == any_id(ids)))
    return {row.session_id: row.hash for row in found}


async def save(
    uow: UnitOfWork,
    job: WriteComparisonReport,
    *,
    name: str,
    mime_type: str,
    size: int,
    key: str,
    fingerprint: str,
) -> None:
    """Publish a report's file, and delete the last one of its format."""
    found = select(DrawingSession).where(DrawingSession.id == job.session_id).with_for_update()
    session = await uow.first(found)
    if session is None:  # deleted meanwhile
        await enqueue_removal(uow, None, report_prefix(uow.company_id, job.session_id, job.report_id))
        return
    entry = {
        "format": job.format,
        "name": name,
        "mime_type": mime_type,
        "size": size,
        "key": key,
        "created_at": datetime.now(UTC).isoformat(),
        "fingerprint": fingerprint,
    }
    others = [report for report in session.reports if report["format"] != job.format]
    last = [report for report in session.reports if report["format"] == job.format and report["key"] != key]
    changed = sa.update(DrawingSession).where(DrawingSession.id == job.session_id)
    # the session itself does not change: its `updated_at` is that of the last change by people
    values: dict[str, Any] = {"reports": [*others, entry], "updated_at": DrawingSession.updated_at}
    await uow.execute(changed.values(values))
    await enqueue_removal(uow, None, *(f"{report['key'].rpartition('/')[0]}/" for report in last))
