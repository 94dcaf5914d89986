"""Saved reports: create, update, export, compare, rerun and delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import func, insert, select

from core.errors import Conflict, Invalid
from db.ids import new_id
from db.models import ProcessingJob, ProcessingJobType, Report, ReportMethod, SavedReport
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.insights import generated_documents, reports
from resolvers.jobs import start_processing
from resolvers.object_removal import enqueue_removal
from resolvers.rows import update_row

SUBJECT = "report files"
MAX_TAGS, MAX_TAG_LENGTH = 20, 50
MAX_TITLE_LENGTH, MAX_TEXT_LENGTH = 500, 100_000


@dataclass(frozen=True)
class PublishReport(Job):
    """Render a saved report as files, and store its text as a document."""

    saved_report_id: UUID
    revision: int
    queue: ClassVar[str] = "reports"
    is_interactive: ClassVar[bool] = True


def files_prefix(company_id: UUID, id: UUID) -> str:
    """Storage prefix of a saved report's files; each revision has a folder."""
    return f"{company_id}/reports/{id}"


async def create(
    uow: UnitOfWork, viewer: Viewer, *, report_id: UUID, title: str | None, tags: Sequence[str]
) -> SavedReport:
    """Save a completed report; a job renders its files."""
    access.require(viewer, "reports:save")
    report = await access.find(uow, viewer, Report, report_id, "input", "reportId")
    if report.report_data is None:
        raise Conflict("The report is not complete.", "input", "reportId")
    label = validators.optional(title, "input", "title", limit=MAX_TITLE_LENGTH)
    values = {
        "id": new_id(),
        "report_id": uuid4().hex,
        "report_type": report.report_type,
        "report_data": report.report_data,
        "title": label or report.title,
        "tags": validate_tags(tags),
        "confidence": report.confidence,
        "token_usage": report.token_usage,
        "user_id": viewer.user_id,
        "generated_at": report.generated_at,
        "method": report.method,
        "config": report.config,
        "generated_text": report.generated_text,
    }
    saved = await uow.one(insert(SavedReport).values(values).returning(SavedReport))
    await activity_log.record(uow, viewer.user_id, "SAVED_REPORT_CREATE", "SavedReport", saved.id)
    saved, _ = await publish(uow, viewer, saved)
    return saved


async def publish(uow: UnitOfWork, viewer: Viewer, saved: SavedReport) -> tuple[SavedReport, UUID]:
    """Enqueue the rendering of the report's files. Returns the report and the job."""
    next_revision = SavedReport.revision + 1
    changed = sa.update(SavedReport).where(SavedReport.id == saved.id).values(revision=next_revision)
    saved = await uow.one(changed.returning(SavedReport))
    job, kind = PublishReport(saved.id, saved.revision), ProcessingJobType.REPORT_GENERATION
    return saved, await start_processing(uow, job, kind, SUBJECT, viewer.user_id)


async def export(uow: UnitOfWork, viewer: Viewer, id: UUID) -> tuple[SavedReport, ProcessingJob]:
    """Render the files of a report again. Returns the report and the job."""
    access.require(viewer, "reports:save")
    saved = await access.find(uow, viewer, SavedReport, id, lock=True)
    if not is_exportable(saved):
        raise Conflict("The report contains no data to export.", "id")
    saved, job = await publish(uow, viewer, saved)
    await activity_log.record(uow, viewer.user_id, "SAVED_REPORT_EXPORT", "SavedReport", id)
    return saved, await uow.one(select(ProcessingJob).where(ProcessingJob.id == job))


def is_exportable(saved: SavedReport) -> bool:
    """Whether the report's data can be rendered."""
    data = saved.report_data or {}
    return all(part in data for part in ("inputs", "roadmap", "decision", "confidence"))


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> SavedReport:
    """Update a report's title, tags or edited text; the generated text is kept."""
    access.require(viewer, "reports:save")
    report = await access.find(uow, viewer, SavedReport, id, lock=True)
    values = dict(fields)
    if "title" in values:
        values |= validators.values(SavedReport, {"title": values["title"]}, "input")
    if "tags" in values:
        values["tags"] = validate_tags(values["tags"])
    if "edited_text" in values:
        text = values["edited_text"]
        text = None if text is None or not text.strip() else text.strip()
        values["edited_text"] = text and validators.text(text, "input", "editedText", limit=MAX_TEXT_LENGTH)
        values |= {"edited_at": func.now(), "edited_by_id": viewer.user_id}
    changed = await update_row(uow, viewer, SavedReport, report, values, "SAVED_REPORT_UPDATE", fields=fields)
    shown = changed.title != report.title or changed.edited_text != report.edited_text
    if shown and is_exportable(changed):
        changed, _ = await publish(uow, viewer, changed)
    return changed


async def rerun(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Report:
    """Generate a new report with the same settings from current data."""
    access.require(viewer, "reports:generate")
    saved = await access.find(uow, viewer, SavedReport, id)
    if saved.config is None:
        raise Conflict("The settings of this report are not known, so it cannot be rerun.", "id")
    return await reports.create(
        uow,
        viewer,
        title=saved.title,
        method=saved.method or ReportMethod.OPTIMAL,
        narrative=bool(saved.config.get("narrative", True)),
    )


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a report with its files and its document."""
    access.require(viewer, "reports:delete")
    report = await access.find(uow, viewer, SavedReport, id, lock=True)
    await uow.execute(sa.delete(SavedReport).where(SavedReport.id == id))
    await generated_documents.delete(uow, viewer, report.document_id)
    if report.revision:
        await enqueue_removal(uow, requester_id(uow, viewer), f"{files_prefix(uow.company_id, id)}/")
    await activity_log.record(uow, viewer.user_id, "SAVED_REPORT_DELETE", "SavedReport", id)


async def find_revision(uow: UnitOfWork, id: UUID, revision: int) -> SavedReport | None:
    """The report, if `revision` is its current revision."""
    current = SavedReport.id == id, SavedReport.revision == revision
    return await uow.first(select(SavedReport).where(*current))


async def save_files(
    uow: UnitOfWork,
    saved: SavedReport,
    files: Sequence[Mapping[str, Any]],
    upload_id: UUID,
    *,
    size: int,
    sha256: str,
) -> None:
    """Store the rendered files and the document; deletes those of the previous revision."""
    current = SavedReport.id == saved.id, SavedReport.revision == saved.revision
    row = await uow.first(select(SavedReport).where(*current).with_for_update())
    if row is None:  # deleted or superseded by another revision
        await enqueue_removal(uow, None, f"{files_prefix(uow.company_id, saved.id)}/{saved.revision}/")
        return
    await generated_documents.delete(uow, None, row.document_id)
    title = row.title or "Report"
    document = await generated_documents.create(uow, row.user_id, upload_id, title, size=size, sha256=sha256)
    values = {"files": [dict(file) for file in files], "document_id": document}
    await uow.execute(sa.update(SavedReport).where(*current).values(values))
    earlier = {file["key"].rpartition("/")[0] for file in row.files} - {
        file["key"].rpartition("/")[0] for file in files
    }
    await enqueue_removal(uow, None, *sorted(f"{folder}/" for folder in earlier))


@dataclass(frozen=True)
class Difference:
    """A figure of two reports; `change` is the second minus the first."""

    figure: str
    first: float | None
    second: float | None

    @property
    def change(self) -> float | None:
        """None if either report lacks the figure."""
        return None if self.first is None or self.second is None else round(self.second - self.first, 6)


def compare(first: SavedReport, second: SavedReport) -> list[Difference]:
    """The figures that at least one of two reports has."""
    left, right = figures(first), figures(second)
    return [Difference(name, left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])]


def figures(saved: SavedReport) -> dict[str, float]:
    """The key figures of a report."""
    data = saved.report_data
    if data is None or not is_exportable(saved):
        return {} if saved.confidence is None else {"confidence": saved.confidence}
    decision, profile, last = data["decision"], data["inputs"]["profile"], data["roadmap"]["years"][-1]
    values = {
        "confidence": saved.confidence,
        "score": decision["score"],
        "budget": profile["budget"],
        "target_year": profile["target_year"],
        "annual_consumption_kwh": profile["total_consumption_kwh"],
        "target_share": decision["target_share"],
        "reached_share": decision["reached_share"],
        "missed_share": decision["missed_share"],
        "unmet_kwh": decision["unmet_kwh"],
        "total_cost": sum(year["cost"] for year in data["roadmap"]["years"]),
        "final_year_cost": last["cost"],
    }
    mix = {f"{code}_kwh": energy for code, energy in last["energy_kwh"].items()}
    return {name: float(value) for name, value in {**values, **mix}.items() if value is not None}


def validate_tags(tags: Sequence[str] | None) -> list[str]:
    """The distinct tags. Raises `Invalid`."""
    if tags is None:
        raise Invalid("tags cannot be null.", "input", "tags")
    if len(tags) > MAX_TAGS:
        raise Invalid(f"tags must have at most {MAX_TAGS} items (got {len(tags)}).", "input", "tags")
    names = [
        validators.name(tag, "input", "tags", str(i), limit=MAX_TAG_LENGTH) for i, tag in enumerate(tags)
    ]
    return list(dict.fromkeys(names))
