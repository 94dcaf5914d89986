"""Typed tools that answer a question about rows, over the rows that the viewer can read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from db.base import Model
from db.models import ConsumptionReading, Document, EvaluationRun, JobStatus, ProcessingJob, Report
from db.uow import UnitOfWork
from pipelines.chat.row_questions.consumption import answer_consumption
from pipelines.chat.row_questions.kinds import (
    KINDS,
    Kind,
    basic_conditions,
    conditions,
    counts_by_end,
    readable_kinds,
)
from pipelines.chat.row_questions.languages import format_instant, format_number
from pipelines.chat.row_questions.lexicon import Measure, Subject
from pipelines.chat.row_questions.patterns import RowQuestion
from pipelines.chat.row_questions.wording import (
    count_sentence,
    describe_period,
    kind_name,
    rows_phrase,
    sentence,
    state_name,
)
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


async def answer_question(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> RowAnswer | None:
    """The answer of the question's tool; None if the viewer can read no rows of its kind.

    If the question may be about a document, the answer says how to ask the documents.
    """
    tool = find_tool(question)
    if tool is None or not any(access.may_read(viewer, access.POLICIES[model]) for model in tool.models):
        return None
    text = await tool.run(uow, viewer, question)
    if text is None:
        return None
    if question.is_ambiguous:
        text = f"{text} {sentence(question, 'documents')}"
    return RowAnswer(text, tool.source)


def find_tool(question: RowQuestion) -> Tool | None:
    """The tool for a question."""
    match question.measure:
        case Measure.COUNT:
            return COUNTS.get(question.subject)
        case Measure.LIST:
            return LISTS.get(question.subject)
        case Measure.STATE:
            return STATES.get(question.subject)
        case _:
            return OTHERS.get(question.subject)


async def count_rows(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """The number of rows with the question's status in its period, by kind."""
    kinds = readable_kinds(viewer, question)
    counts = await _counts(uow, viewer, question, kinds)
    return None if counts is None else count_sentence(question, kinds, counts)


async def _counts(
    uow: UnitOfWork, viewer: Viewer, question: RowQuestion, kinds: list[Kind]
) -> list[int] | None:
    """The number of rows of each kind, in one statement; None if there are no rows of any kind."""
    columns: list[Any] = []
    for kind in kinds:
        found = conditions(kind.model, question, viewer)
        if found is None:
            return None
        counted = access.visible(viewer, kind.model, func.count(kind.model.id)).where(*found)
        columns.append(counted.scalar_subquery())
        exists = access.visible(viewer, kind.model, kind.model.id).where(*basic_conditions(kind.model))
        columns.append(exists.exists())
    values = tuple((await uow.all(select(*columns)))[0])
    return list(values[::2]) if any(values[1::2]) else None


MAX_LISTED = 5
"""Rows that an answer names; the others are counted."""
MAX_REASON_LENGTH = 200


async def list_rows(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """The names of the latest rows with the question's status, and why they failed."""
    kinds = readable_kinds(viewer, question)
    counts = await _counts(uow, viewer, question, kinds)
    if counts is None or (not sum(counts) and (question.is_ambiguous or question.latest_only)):
        return None
    if not sum(counts):
        return count_sentence(question, kinds, counts)
    limit = 1 if question.latest_only else MAX_LISTED
    listed = []
    for kind, count in zip(kinds, counts, strict=True):
        if count:
            listed += await _list_kind(uow, viewer, question, kind.model, limit)
    listed.sort(key=lambda row: row[0], reverse=True)
    items = [text for _, text in listed[:limit]]
    total = 1 if question.latest_only else sum(counts)
    if total > len(items):
        items.append(sentence(question, "more", count=total - len(items)))
    subject = rows_phrase(question, kinds, total)
    if question.is_mine:
        subject += f" ({sentence(question, 'mine')})"
    return f"{subject}: {'; '.join(items)}."


async def _list_kind(
    uow: UnitOfWork, viewer: Viewer, question: RowQuestion, model: Any, limit: int
) -> list[tuple[Any, str]]:
    """The latest rows of a model: their instants, and their names with instant and reason."""
    instant = model.completed_at if counts_by_end(model, question) else model.created_at
    name = {ProcessingJob: ProcessingJob.job_type, Document: Document.title, Report: Report.title}.get(model)
    reason = (
        select(ProcessingJob.error_message).where(ProcessingJob.id == Report.id).scalar_subquery()
        if model is Report
        else model.error_message
    )
    columns = (instant, model.name if name is None else name, reason)
    found = conditions(model, question, viewer) or ()
    statement = access.visible(viewer, model, *columns).where(*found)
    rows = await uow.all(statement.order_by(instant.desc(), model.id.desc()).limit(limit))
    return [(row[0], _item(question, *row)) for row in rows]


def _item(question: RowQuestion, instant: Any, name: Any, reason: str | None) -> str:
    shown = f"“{getattr(name, 'value', name)}” ({format_instant(instant, question.language)})"
    if question.status is not JobStatus.FAILED or not reason:
        return shown
    return f"{shown}: {shorten(reason)}"


def shorten(reason: str) -> str:
    """A reason on one line, without its full stop."""
    text = " ".join(reason.split()).rstrip(".")
    return text if len(text) <= MAX_REASON_LENGTH else f"{text[:MAX_REASON_LENGTH].rstrip()}…"


async def latest_state(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """The latest row of the question's kind and status: its name, state, times, and why it failed."""
    (kind,) = readable_kinds(viewer, question)
    model, found = kind.model, conditions(kind.model, question, viewer)
    instant = model.completed_at if counts_by_end(model, question) else model.created_at
    is_job = model not in (Document, Report)
    columns = [model.title if not is_job else model.name, model.created_at]
    if is_job:
        columns += [model.status, model.completed_at, model.error_message]
    statement = access.visible(viewer, model, *columns).where(*(found or ()))
    row = await uow.first(statement.order_by(instant.desc(), model.id.desc()).limit(1))
    if row is None:
        return None
    name, created_at, *state = row
    parts = [sentence(question, "created_at", instant=format_instant(created_at, question.language))]
    if is_job:
        status, ended_at, reason = state
        parts.insert(0, state_name(question, status))
        if ended_at is not None:
            parts.append(sentence(question, "ended_at", instant=format_instant(ended_at, question.language)))
        if status is JobStatus.FAILED and reason:
            parts.append(shorten(reason))
    text = sentence(question, "latest", kind=kind_name(question, kind), name=name, state="; ".join(parts))
    return f"{text[:-1]} ({sentence(question, 'mine')})." if question.is_mine else text


async def latest_metric(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """A metric of the latest completed evaluation run of the period, or its main metrics."""
    statement = access.visible(
        viewer, EvaluationRun, EvaluationRun.name, EvaluationRun.metrics, EvaluationRun.completed_at
    ).where(EvaluationRun.status == JobStatus.COMPLETED)
    if question.is_mine:
        statement = statement.where(EvaluationRun.requested_by_id == viewer.user_id)
    if question.period is not None:
        statement = statement.where(
            EvaluationRun.completed_at >= question.period.start,
            EvaluationRun.completed_at < question.period.end,
        )
    run = await uow.first(statement.order_by(EvaluationRun.completed_at.desc()).limit(1))
    if run is None:
        if question.period is None or question.is_mine:
            return None
        return _capitalize(sentence(question, "no_run", period=describe_period(question)))
    instant = format_instant(run.completed_at, question.language)
    name = sentence(question, "run", name=run.name, instant=instant)
    metrics = run.metrics or {}
    if question.metric is None:
        items = [
            f"{_label(metric)} {_figure(metrics[metric], question)}"
            for metric in MAIN_METRICS
            if metrics.get(metric) is not None
        ]
        return sentence(question, "metrics", run=name, items=", ".join(items)) if items else None
    value, label = metrics.get(question.metric), _label(question.metric)
    if value is None:
        return _capitalize(sentence(question, "no_metric", metric=label, run=name))
    text = sentence(question, "metric", metric=label, run=name, value=_figure(value, question))
    return _capitalize(text)


MAIN_METRICS = ("precision", "recall", "f1_score")


def _label(metric: str) -> str:
    return metric.replace("_score", "")


def _figure(value: float, question: RowQuestion) -> str:
    """A metric with four significant digits."""
    text = f"{value:.4g}"
    decimals = len(text.partition(".")[2])
    return text if "e" in text else format_number(float(text), decimals, question.language)


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


async def extreme_cost(uow: UnitOfWork, viewer: Viewer, question: RowQuestion) -> str | None:
    """The generated report whose recommended plan costs least or most."""
    statement = access.visible(viewer, Report, Report.title, Report.report_data, Report.generated_at).where(
        Report.generated_at.is_not(None), Report.report_data.is_not(None)
    )
    if question.is_mine:
        statement = statement.where(Report.requested_by_id == viewer.user_id)
    if question.period is not None:
        statement = statement.where(
            Report.generated_at >= question.period.start, Report.generated_at < question.period.end
        )
    rows = await uow.all(statement.order_by(Report.generated_at.desc()).limit(MAX_REPORTS + 1))
    costs = [(cost, row) for row in rows if (cost := plan_cost(row.report_data)) is not None]
    if len(rows) > MAX_REPORTS or (not rows and question.period is None):
        return None
    scope = sentence(question, "cost_scope", period=describe_period(question)) if question.period else ""
    if not costs:
        return sentence(question, "no_cost", scope=scope)
    extreme = (min if question.measure is Measure.MINIMUM else max)(cost for cost, _ in costs)
    titles = [
        sentence(
            question, "title", title=row.title, instant=format_instant(row.generated_at, question.language)
        )
        for cost, row in costs
        if cost == extreme
    ]
    text = sentence(
        question,
        "lowest" if question.measure is Measure.MINIMUM else "highest",
        cost=format_number(extreme, 2, question.language),
        titles=sentence(question, "and").join(titles),
        count=len(costs),
        scope=scope,
    )
    return f"{text[:-1]} ({sentence(question, 'mine')})." if question.is_mine else text


MAX_REPORTS = 1_000
"""Reports that are compared; of more, none is said to be the cheapest."""


def plan_cost(data: Any) -> float | None:
    """The total cost of a report's recommended plan, over the years of its roadmap."""
    try:
        return float(sum(year["cost"] for year in data["roadmap"]["years"]))
    except (KeyError, TypeError, ValueError):
        return None


COUNTS: dict[Subject, Tool] = {
    subject: Tool(
        f"count_{subject.name.lower()}",
        f"Counts {subject.value}, by status and period.",
        subject.value.capitalize(),
        tuple(kind.model for kind in kinds),
        count_rows,
    )
    for subject, kinds in KINDS.items()
}
LISTS: dict[Subject, Tool] = {
    subject: Tool(
        f"list_{subject.name.lower()}",
        f"Names the latest {subject.value} in a status, and why they failed.",
        subject.value.capitalize(),
        tuple(kind.model for kind in kinds),
        list_rows,
    )
    for subject, kinds in KINDS.items()
    if subject is not Subject.IMAGES
}
STATES: dict[Subject, Tool] = {
    subject: Tool(
        f"latest_{subject.name.lower()}",
        f"Reads the state of the latest of the {subject.value}.",
        subject.value.capitalize(),
        tuple(kind.model for kind in kinds),
        latest_state,
    )
    for subject, kinds in KINDS.items()
    if subject not in (Subject.IMAGES, Subject.JOBS)
}
OTHERS: dict[Subject, Tool] = {
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
