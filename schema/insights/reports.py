"""Report generation and energy sources."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.cursors import encode_cursor
from db.models import ReportEventKind, ReportMethod
from db.pagination import Order
from resolvers import access
from resolvers.insights import readiness, reports
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    IdempotentInput,
    Payload,
    field,
    input_values,
    mutation,
    subscription,
)
from schema.framework.projection import columns
from schema.framework.streams import BATCH_SIZE, Batch, Subject, position_of, stream
from schema.insights.plans import EnergyPlan, plan_of
from schema.lazy_types import ProcessingJobRef, UserRef

for kind in (ReportEventKind, ReportMethod):
    enumeration(kind)

BY_SEQUENCE = Order("report_id", "sequence", unique=True)
FINAL_EVENTS = {ReportEventKind.COMPLETED}

After = Annotated[
    str | None,
    strawberry.argument(
        description="Resumes the stream after this cursor. By default it starts with the first event."
    ),
]


@node(models.Report)
class Report(relay.Node):
    """A report, generated or in progress. Keep it with `savedReportCreate`."""

    id: relay.NodeID[UUID]

    job: ProcessingJobRef | None = relation(models.Report.job)
    """Job that generates the report."""

    requested_by: UserRef | None = relation(models.Report.requested_by)
    """User who requested it. Null if the user is deleted or not visible to the viewer."""

    title: str
    """Title of the report."""

    report_type: str
    """Type of the report, such as `energy_portfolio`."""

    method: ReportMethod
    """Method that computes the mix of energy sources."""

    report_data: JSON | None
    """Inputs and results of each step. Null until complete."""

    @field(needs=("report_data",))
    def plan(self) -> EnergyPlan | None:
        """The results of the report, typed for charts. Null until complete, or of an earlier version."""
        row: Any = self
        return plan_of(row.report_data)

    confidence: float | None
    """Confidence in the report, from 0 to 1. Null until complete."""

    generated_text: str | None
    """Generated text of the report. Null until complete, or if no text was requested."""

    created_at: datetime
    """Creation time."""

    generated_at: datetime | None
    """Completion time."""


@output
class ReportRequirement:
    """A required or recommended input of a report."""

    name: str
    """Name of the input, such as `budget`."""

    required: bool
    """Whether the input is required."""

    met: bool
    """Whether the input is available."""

    advice: str
    """Advice on how to provide the input."""


@output
class ReportReadiness:
    """Whether the inputs of a report are available."""

    ready: bool
    """Whether all required inputs are available."""

    completeness: float
    """Share of the inputs that are available, from 0 to 1. Required inputs count twice."""

    requirements: list[ReportRequirement]
    """Required and recommended inputs. Not paginated."""


@output
class ReportEvent:
    """An event in the generation of a report."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    kind: ReportEventKind
    """Kind of the event."""

    step: str | None
    """Step that has started or completed, such as `portfolio_mix`. Null for the last event."""

    summary: str | None
    """Result of the step, or reason of the failure."""

    report_id: strawberry.Private[UUID]

    @field
    async def report(self, info: Info) -> Report | None:
        """The current state of the report. Null if it is deleted."""
        loader = info.context.loaders.one(models.Report, columns(info, models.Report))
        found: Any = await loader.load(self.report_id)
        row: Report | None = found
        return row


@input
class ReportGenerateInput(IdempotentInput):
    """Input of `reportGenerate`."""

    title: str | None = None
    """Title of the report. Defaults to its month."""

    method: ReportMethod | None = None
    """Method that computes the mix of energy sources. Default OPTIMAL."""

    narrative: bool = True
    """Whether to generate text as well."""


@output
class ReportGeneratePayload(Payload):
    report: Report | None = None
    """The new report. Subscribe to `reportProgress` to follow it."""


@output
class ReportQueries:
    report: Report | None = lookup(models.Report, "Looks up a report by ID.")

    @field
    async def report_readiness(self, info: Info) -> ReportReadiness:
        """Whether the viewer's company has provided the inputs of a report, and which are missing."""
        access.require(info.context.viewer, "reports:view")
        found = await readiness.company_requirements(info.context.read())
        return ReportReadiness(
            ready=readiness.is_ready(found),
            completeness=readiness.completeness(found),
            requirements=[ReportRequirement(**vars(each)) for each in found],
        )


@output
class ReportMutations:
    @mutation(idempotent=True)
    async def report_generate(self, info: Info, input: ReportGenerateInput) -> ReportGeneratePayload:
        """Generate an energy report from the profile, consumption and energy sources of the company."""
        values = input_values(input) | {"method": input.method or ReportMethod.OPTIMAL}
        async with info.context.write() as uow:
            report = await reports.create(uow, info.context.viewer, **values)
        return ReportGeneratePayload.of(report=report)


@output
class ReportSubscriptions:
    @subscription
    async def report_progress(
        self, info: Info, id: relay.GlobalID, after: After = None
    ) -> AsyncGenerator[ReportEvent, None]:
        """Events of the generation of a report, each exactly once and in order, until it has completed."""
        context, key = info.context, key_of(id, models.Report)

        async def start() -> int:
            if after is None:
                return 0
            sequence = position_of(models.ReportEvent, BY_SEQUENCE, key, after)
            return await reports.validate_cursor(context.read(), key, sequence)

        async def read(_: Any, position: int) -> Batch:
            rows = await reports.events_after(context.read(), key, position, BATCH_SIZE)
            return Batch.of(rows, event_of, position, ended=any(row.kind in FINAL_EVENTS for row in rows))

        subject = Subject(models.Report, key)
        async for event in stream(info, reports.topic(key), start, read, subject=subject):
            yield event


def event_of(row: Any) -> ReportEvent:
    """The GraphQL event of a stored event."""
    detail = row.detail or {}
    return ReportEvent(
        cursor=encode_cursor(models.ReportEvent, BY_SEQUENCE, row),
        kind=row.kind,
        step=row.step,
        summary=detail.get("summary"),
        report_id=row.report_id,
    )
