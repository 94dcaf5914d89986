"""Typed tools that answer a question about rows, over the rows that the viewer can read."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from db.base import Model
from db.models import (
    ConsumptionReading,
    CrawlJob,
    Document,
    EvaluationRun,
    ExportJob,
    Image,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    ProcessingStatus,
    Report,
    ValidationJob,
)
from db.uow import UnitOfWork
from pipelines.chat.row_questions.consumption import answer_consumption
from pipelines.chat.row_questions.patterns import Measure, RowQuestion, Subject
from resolvers import access
from resolvers.access import Viewer


@dataclass(frozen=True)
class RowAnswer:
    """What the rows say: a sentence, and the name of their kind."""

    text: str
    source: str


RunTool = Callable[[UnitOfWork, Viewer, RowQuestion], Awaitable[str | None]]


@dataclass(frozen=True)
class Tool:
    """A tool for one kind of question; `run` is None if there are no rows of this kind."""

    name: str
    description: str
    source: str
    models: tuple[type[Model], ...]
    run: RunTool


@dataclass(frozen=True)
class Kind:
    """A model whose rows are counted, with its names for one and several rows."""

    model: Any
    one: str
    many: str


PROCESSING_STATUSES = {
    JobStatus.PENDING: ProcessingStatus.PENDING,
    JobStatus.RUNNING: ProcessingStatus.PROCESSING,
    JobStatus.COMPLETED: ProcessingStatus.COMPLETED,
    JobStatus.FAILED: ProcessingStatus.FAILED,
}
KINDS = {
    Subject.IMAGES: (Kind(Image, "image", "images"),),
    Subject.JOBS: (
        Kind(ProcessingJob, "processing job", "processing jobs"),
        Kind(CrawlJob, "crawl", "crawls"),
        Kind(ValidationJob, "validation", "validations"),
        Kind(ExportJob, "export", "exports"),
        Kind(EvaluationRun, "evaluation run", "evaluation runs"),
    ),
    Subject.CRAWLS: (Kind(CrawlJob, "crawl of a data set", "crawls of data sets"),),
    Subject.EXPORTS: (Kind(ExportJob, "export", "exports"),),
    Subject.DOCUMENTS: (Kind(Document, "document", "documents"),),
    Subject.REPORTS: (Kind(Report, "report", "reports"),),
    Subject.EVALUATIONS: (Kind(EvaluationRun, "evaluation run", "evaluation runs"),),
}
ENDED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


async def answer_question(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> RowAnswer | None:
    """The answer of the question's tool; None if the viewer can read no rows of its kind."""
    tool = find_tool(question)
    if tool is None or not any(access.may_read(viewer, access.POLICIES[model]) for model in tool.models):
        return None
    text = await tool.run(uow, viewer, question)
    return None if text is None else RowAnswer(text, tool.source)


def find_tool(question: RowQuestion) -> Tool | None:
    """The tool for a question."""
    if question.measure is Measure.COUNT:
        return COUNTS.get(question.subject)
    return OTHERS.get(question.subject)


async def count_rows(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """The number of rows with the question's status in its period, by kind."""
    kinds = [kind for kind in KINDS[question.subject] if access.may_read(viewer, access.POLICIES[kind.model])]
    filters = [_conditions(kind.model, question) for kind in kinds]
    if any(conditions is None for conditions in filters):
        return None
    columns: list[Any] = []
    for kind, conditions in zip(kinds, filters, strict=True):
        counted = access.visible(viewer, kind.model, func.count(kind.model.id)).where(*(conditions or ()))
        columns.append(counted.scalar_subquery())
        exists = access.visible(viewer, kind.model, kind.model.id).where(*_unconditional(kind.model)).exists()
        columns.append(exists)
    values = tuple((await uow.all(select(*columns)))[0])
    counts, existing = values[::2], values[1::2]
    return _count_sentence(question, kinds, counts) if any(existing) else None


def _unconditional(model: Any) -> list[ColumnElement[bool]]:
    """What is never counted: the jobs of chat answers, of which this is one, and maintenance."""
    if model is ProcessingJob:
        uncounted = (ProcessingJobType.CHAT_ANSWER, ProcessingJobType.UPKEEP)
        return [ProcessingJob.job_type.not_in(uncounted)]
    return []


def _conditions(model: Any, question: RowQuestion) -> list[ColumnElement[bool]] | None:
    """The conditions of the status and the period; None for a status that the model does not have."""
    conditions, instant = _unconditional(model), model.created_at
    match model, question.status:
        case _, None:
            pass
        case _ if model is Image:
            if question.status is not JobStatus.FAILED:
                return None
            conditions.append(Image.is_valid.is_(False))
        case _ if model is Document:
            if question.status not in PROCESSING_STATUSES:
                return None
            conditions.append(Document.processing_status == PROCESSING_STATUSES[question.status])
        case _ if model is Report:
            job = select(ProcessingJob.id).where(
                ProcessingJob.id == Report.id, ProcessingJob.status == question.status
            )
            conditions.append(job.exists())
        case _, status:
            conditions.append(model.status == status)
            instant = model.completed_at if status in ENDED else model.created_at
    if question.period is not None:
        conditions += [instant >= question.period.start, instant < question.period.end]
    return conditions


def _count_sentence(question: RowQuestion, kinds: Sequence[Kind], counts: Sequence[int]) -> str:
    total = sum(counts)
    names = Kind(None, "job", "jobs") if question.subject is Subject.JOBS else kinds[0]
    subject = f"{total or 'No'} {names.one if total == 1 else names.many}"
    sentence = f"{subject} {_predicate(question, total == 1)}"
    if question.period is not None:
        sentence += f" {question.period}"
    parts = [
        f"{count} {kind.one if count == 1 else kind.many}"
        for kind, count in zip(kinds, counts, strict=True)
        if count
    ]
    if question.subject is Subject.JOBS:
        sentence += f" ({', '.join(parts)}; " if parts else " ("
        sentence += "chat answers and maintenance are not counted)"
    return f"{sentence}."


def _predicate(question: RowQuestion, is_one: bool) -> str:
    """The verb of a count, which says which instant of a row counts."""
    be, was = ("is", "was") if is_one else ("are", "were")
    is_past = question.period is not None
    match question.subject, question.status:
        case Subject.IMAGES, JobStatus.FAILED:
            return "failed the quality checks" + (", of those stored" if is_past else "")
        case Subject.IMAGES, _:
            return f"{was} stored"
        case Subject.DOCUMENTS | Subject.REPORTS as subject, JobStatus() as status:
            added = "added" if subject is Subject.DOCUMENTS else "requested"
            state = f"{be} {status.value} now"
            return f"{state}, of those {added}" if is_past else state
        case Subject.DOCUMENTS, None:
            return f"that you can read {was} added"
        case Subject.REPORTS, None:
            return f"{was} requested"
        case _, (JobStatus.PENDING | JobStatus.RUNNING) as status:
            state = f"{be} {status.value} now"
            return f"{state}, of those created" if is_past else state
        case _, JobStatus.FAILED:
            return "failed"
        case _, JobStatus() as status:
            return f"{was} {status.value}"
        case _:
            return f"{was} created"


async def latest_metric(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """A metric of the latest completed evaluation run of the period."""
    statement = access.visible(
        viewer, EvaluationRun, EvaluationRun.name, EvaluationRun.metrics, EvaluationRun.completed_at
    ).where(EvaluationRun.status == JobStatus.COMPLETED)
    if question.period is not None:
        statement = statement.where(
            EvaluationRun.completed_at >= question.period.start,
            EvaluationRun.completed_at < question.period.end,
        )
    run = await uow.first(statement.order_by(EvaluationRun.completed_at.desc()).limit(1))
    if run is None:
        if question.period is None:
            return None
        return f"No evaluation run was completed {question.period}."
    value = (run.metrics or {}).get(question.metric)
    name = f"the latest completed evaluation run, “{run.name}” ({format_instant(run.completed_at)})"
    label = str(question.metric).replace("_score", "")
    if value is None:
        return f"There is no {label} of {name}: its data set has nothing to compute it from."
    return f"The {label} of {name}, is {value:.4g}."


async def extreme_cost(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """The generated report whose recommended plan costs least or most."""
    statement = access.visible(viewer, Report, Report.title, Report.report_data, Report.generated_at).where(
        Report.generated_at.is_not(None), Report.report_data.is_not(None)
    )
    if question.period is not None:
        statement = statement.where(
            Report.generated_at >= question.period.start, Report.generated_at < question.period.end
        )
    rows = await uow.all(statement.order_by(Report.generated_at.desc()).limit(MAX_REPORTS + 1))
    costs = [(cost, row) for row in rows if (cost := plan_cost(row.report_data)) is not None]
    if len(rows) > MAX_REPORTS or (not rows and question.period is None):
        return None
    scope = f", of those generated {question.period}" if question.period else ""
    if not costs:
        return f"There is no generated report with a cost{scope}."
    extreme = (min if question.measure is Measure.MINIMUM else max)(cost for cost, _ in costs)
    best = [row for cost, row in costs if cost == extreme]
    word = "lowest" if question.measure is Measure.MINIMUM else "highest"
    titles = " and ".join(f"“{row.title}” (generated {format_instant(row.generated_at)})" for row in best)
    return (
        f"The {word} total cost of the recommended plan is {extreme:,.2f}, in the currency of the budget: "
        f"{titles}, of {len(costs)} reports with a cost{scope}."
    )


MAX_REPORTS = 1_000
"""Reports that are compared; of more, none is said to be the cheapest."""


def plan_cost(data: Any) -> float | None:
    """The total cost of a report's recommended plan, over the years of its roadmap."""
    try:
        return float(sum(year["cost"] for year in data["roadmap"]["years"]))
    except (KeyError, TypeError, ValueError):
        return None


def format_instant(instant: datetime) -> str:
    """An instant such as `30 November 2026, 08:15 UTC`."""
    moment = instant.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


COUNTS = {
    subject: Tool(
        f"count_{subject.name.lower()}",
        f"Counts {subject.value}, by status and period.",
        subject.value.capitalize(),
        tuple(kind.model for kind in kinds),
        count_rows,
    )
    for subject, kinds in KINDS.items()
}
OTHERS = {
    Subject.EVALUATIONS: Tool(
        "latest_evaluation_metric",
        "Reads a metric of the latest completed evaluation run.",
        "Evaluation runs",
        (EvaluationRun,),
        latest_metric,
    ),
    Subject.REPORTS: Tool(
        "report_cost", "Finds the report with the lowest or highest cost.", "Reports", (Report,), extreme_cost
    ),
    Subject.CONSUMPTION: Tool(
        "past_consumption",
        "Adds or averages the past consumption in kWh, by period.",
        "Past consumption",
        (ConsumptionReading,),
        answer_consumption,
    ),
}
