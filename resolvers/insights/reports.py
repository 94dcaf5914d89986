"""Energy reports: create, generate step by step, and stream events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func, insert, select, update

from core.errors import Conflict, Invalid
from db.events import publish
from db.ids import new_id
from db.models import (
    AgentLog,
    JobStatus,
    ProcessingJobType,
    Report,
    ReportEvent,
    ReportEventKind,
    ReportMethod,
    TokenUsage,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.insights import energy_sources, readiness
from resolvers.insights.profile import WEIGHTS
from resolvers.jobs import start_processing

SUBJECT = "energy report"
ENERGY_REPORT = "energy_portfolio"
MAX_TITLE_LENGTH = 500
CONSUMPTION_FIELDS = (
    *("first_on", "last_on", "annual_kwh", "coverage", "trend_percent_per_year", "renewable_percentage"),
    *("anomaly_count", "anomalies", "months", "seasonality", "insights", "profile", "weekend_ratio"),
)
SOURCE_FIELDS = (
    *("code", "name", "cost_per_kwh", "capacity_factor", "reliability", "renewable_share"),
    *("intermittent", "share_limit", "yearly_growth", "efficiency", "provenance", "investment_per_kw"),
    *("operating_cost_per_kwh", "life_years", "existing_kw", "emission_factor", "market_emission_factor"),
    "on_site",
)


@dataclass(frozen=True)
class GenerateReport(Job):
    """Generate a report. The job has the report's id."""

    report_id: UUID
    queue: ClassVar[str] = "reports"
    retry_deadline: ClassVar[timedelta] = timedelta(minutes=30)
    is_interactive: ClassVar[bool] = True

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Publish that the report failed."""
        await append_event(uow, self.report_id, ReportEventKind.FAILED, None, {"summary": reason})


def topic(report_id: UUID) -> str:
    """Topic on which a report's events are published."""
    return f"report:{report_id}"


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    title: str | None,
    method: ReportMethod,
    narrative: bool,
) -> Report:
    """Create an energy report of the company, and its job.

    Raises `Conflict` if a required input is missing or the target year has passed.
    """
    access.require(viewer, "reports:generate")
    profile, imported, documents = await readiness.load_inputs(uow)
    inputs = readiness.requirements(
        readiness.profile_values(profile) if profile else None, imported is not None, documents
    )
    missing = [requirement.advice for requirement in inputs if requirement.required and not requirement.met]
    if profile is None or missing:
        raise Conflict(f"The company profile is incomplete. {' '.join(missing)}", "input")
    now = datetime.now(UTC)
    assert profile.target_year is not None
    assert profile.total_consumption_kwh is not None
    if profile.target_year <= now.year:
        raise Conflict(f"The target year must be after {now.year} (got {profile.target_year}).", "input")
    if profile.total_consumption_kwh <= 0:
        raise Conflict("The yearly consumption must be greater than 0.", "input")
    label = validators.optional(title, "input", "title", limit=MAX_TITLE_LENGTH)
    values = {
        "id": new_id(),
        "title": label or f"Energy report, {now:%B %Y}",
        "report_type": ENERGY_REPORT,
        "method": method,
        "config": {"method": method.value, "narrative": narrative},
        "requested_by_id": viewer.user_id,
    }
    report = await uow.one(insert(Report).values(values).returning(Report))
    await energy_sources.seed(uow)
    if not await energy_sources.list_enabled(uow):
        raise Conflict("At least one energy source must be enabled.", "input")
    job, kind = GenerateReport(report.id), ProcessingJobType.REPORT_GENERATION
    await start_processing(uow, job, kind, SUBJECT, viewer.user_id, id=report.id)
    await activity_log.record(uow, viewer.user_id, "REPORT_GENERATE", "Report", report.id)
    return report


async def plan_inputs(uow: UnitOfWork, report: Report) -> dict[str, Any]:
    """The current inputs of a report's plan. Raises `Invalid` if no enabled source supplies energy."""
    profile, imported, documents = await readiness.load_inputs(uow)
    if profile is None:
        raise Conflict("The company profile was deleted.")
    enabled = await energy_sources.list_enabled(uow)
    sources = [
        {
            **{name: getattr(source, name) for name in SOURCE_FIELDS},
            "kind": source.kind.value,
            "profile": source.profile.value,
        }
        for source in enabled
    ]
    if not any(source["kind"] not in ("storage", "heat_pump") for source in sources):
        raise Invalid("At least one energy source that supplies energy must be enabled.")
    if report.method is ReportMethod.PROPORTIONAL and not any(
        source["kind"] == "renewable" for source in sources
    ):
        raise Invalid("The method PROPORTIONAL requires a renewable source.")
    return {
        "title": report.title,
        "method": report.method.value,
        "year": report.created_at.year,
        "profile": readiness.profile_values(profile),
        "weights": {name.removesuffix("_weight"): getattr(profile, name) for name in WEIGHTS},
        "sources": sources,
        "documents": documents,
        "consumption": imported
        and imported.summary
        and {name: imported.summary[name] for name in CONSUMPTION_FIELDS},
    }


async def append_event(
    uow: UnitOfWork,
    report_id: UUID,
    kind: ReportEventKind,
    step: str | None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append an event. The counter locks the report, so that sequence numbers follow commit order."""
    counter = update(Report).where(Report.id == report_id).values(event_count=Report.event_count + 1)
    sequence = await uow.scalar(counter.returning(Report.event_count))
    if sequence is None:
        return
    event = {
        "report_id": report_id,
        "sequence": sequence,
        "kind": kind,
        "step": step,
        "detail": dict(detail) if detail else None,
        "created_at": func.clock_timestamp(),
    }
    await uow.execute(insert(ReportEvent).values(event))
    await publish(uow, topic(report_id))


async def log_step(
    uow: UnitOfWork, report: Report, step: str, output: Mapping[str, Any], seconds: float
) -> None:
    """Log a completed step, and publish it."""
    confidence = output.get("total") if step == "confidence" else None
    log = {
        "agent_type": step,
        "operation": "report",
        "input_data": {"report_id": str(report.id)},
        "output_data": {"summary": output["summary"]},
        "confidence": confidence,
        "execution_time_ms": seconds * 1000,
        "user_id": report.requested_by_id,
        "created_at": func.clock_timestamp(),
    }
    await uow.execute(insert(AgentLog).values(log))
    await append_event(uow, report.id, ReportEventKind.STEP_COMPLETED, step, {"summary": output["summary"]})


async def complete(
    uow: UnitOfWork,
    report: Report,
    data: Mapping[str, Any],
    confidence: float,
    text: str | None,
    usage: Mapping[str, Any] | None,
) -> None:
    """Store the completed report and its token usage, and publish its completion."""
    values = {
        "report_data": dict(data),
        "confidence": confidence,
        "generated_text": text,
        "token_usage": dict(usage) if usage else None,
        "generated_at": func.now(),
    }
    await uow.execute(update(Report).where(Report.id == report.id).values(values))
    if usage and usage["total_tokens"]:
        row = {"user_id": report.requested_by_id, "operation_id": str(report.id), **usage}
        await uow.execute(insert(TokenUsage).values({**row, "operation_type": "report"}))
    await append_event(uow, report.id, ReportEventKind.COMPLETED, None, {"confidence": confidence})


async def events_after(uow: UnitOfWork, report_id: UUID, sequence: int, limit: int) -> Sequence[ReportEvent]:
    """The events after `sequence`, in order."""
    later = select(ReportEvent).where(ReportEvent.report_id == report_id, ReportEvent.sequence > sequence)
    return await uow.all(later.order_by(ReportEvent.sequence).limit(limit))


async def validate_cursor(uow: UnitOfWork, report_id: UUID, sequence: int) -> int:
    """The sequence number, if the report has reached it. Raises `Invalid`."""
    count = await uow.scalar(select(Report.event_count).where(Report.id == report_id))
    if not 0 <= sequence <= (count or 0):
        raise Invalid("after is not a cursor of this report.", "after")
    return sequence
