"""Reports as they are made: asked for, watched step by step, read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import EnergySourceKind, ReportEventKind, ReportMethod
from db.paging import Order, encode_cursor
from resolvers import access
from resolvers.insights import energy_sources, readiness, reports
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    IdempotentInput,
    Payload,
    field,
    input_changes,
    input_values,
    mutation,
    subscription,
)
from schema.framework.projection import columns
from schema.framework.streams import BATCH_SIZE, Batch, Subject, position_of, stream
from schema.lazy_types import ProcessingJobRef, UserRef

for kind in (EnergySourceKind, ReportEventKind, ReportMethod):
    enumeration(kind)

IN_ORDER = Order("report_id", "sequence", unique=True)
ENDS = {ReportEventKind.COMPLETED}

After = Annotated[
    str | None,
    strawberry.argument(
        description="Resumes the stream after this cursor. By default it starts with the first event."
    ),
]


@node(models.EnergySource)
class EnergySource(relay.Node):
    """What the company reckons with of one way to get energy; shares are of the yearly consumption."""

    id: relay.NodeID[UUID]

    code: str
    """Its name in reports, such as `solar`."""

    name: str
    """Display name."""

    kind: EnergySourceKind
    """What it does."""

    cost_per_kwh: float
    """In the company's currency; of storage, for each kilowatt hour that goes through it."""

    capacity_factor: float
    """The share of its nominal power that it gives on average, 0 to 1."""

    reliability: float
    """How far it can be counted on, 0 to 1."""

    renewable_share: float
    """How much of it is renewable, 0 to 1."""

    intermittent: bool
    """Whether it comes and goes with the weather."""

    share_limit: float
    """How much of the consumption it can cover at most, 0 to 1."""

    yearly_growth: float
    """By how much that share can grow in one year, 0 to 1."""

    efficiency: float
    """Of storage, how much of what is stored comes back, 0 to 1."""

    provenance: str
    """Where the figures come from."""

    edited: bool
    """Whether somebody has changed what was shipped."""

    enabled: bool
    """Whether reports reckon with it."""

    updated_at: datetime
    """Time of the last change."""


@node(models.Report)
class Report(relay.Node):
    """A report that is made, or was: `savedReportCreate` keeps it."""

    id: relay.NodeID[UUID]

    job: ProcessingJobRef | None = relation(models.Report.job)
    """The job that makes it."""

    requested_by: UserRef | None = relation(models.Report.requested_by)
    """User who requested it. Null if the user is deleted or not visible to the viewer."""

    title: str
    """Display name."""

    report_type: str
    """What kind of report it is, such as `energy_portfolio`."""

    method: ReportMethod
    """How it finds the mix of sources."""

    report_data: JSON | None
    """What each step found, and the inputs; null before the end."""

    confidence: float | None
    """How far it is to be trusted, 0 to 1; null before the end."""

    generated_text: str | None
    """The report in words; null before the end, or where no words were wanted."""

    created_at: datetime
    """Creation time."""

    generated_at: datetime | None
    """Completion time."""


@output
class ReportRequirement:
    """Something that a report needs, or is better with."""

    name: str
    """What it is, such as `budget`."""

    required: bool
    """Whether there can be no report without it."""

    met: bool
    """Whether it is there."""

    advice: str
    """What to do about it."""


@output
class ReportReadiness:
    """Whether the company has said what a report needs."""

    ready: bool
    """Whether everything required is there."""

    completeness: float
    """How much of everything is there, 0 to 1; what is required counts twice."""

    requirements: list[ReportRequirement]
    """Everything that a report asks for; a dozen at most."""


@output
class ReportEvent:
    """Something that happened while a report was made."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    kind: ReportEventKind
    """What happened."""

    step: str | None
    """The step that begins or has ended, such as `portfolio_mix`; null at the end of all."""

    summary: str | None
    """What the step found, or why there is no report."""

    report_id: strawberry.Private[UUID]

    @field
    async def report(self, info: Info) -> Report | None:
        """The report as it is now; null where it is gone."""
        loader = info.context.loaders.one(models.Report, columns(info, models.Report))
        found: Any = await loader.load(self.report_id)
        row: Report | None = found
        return row


@input
class ReportGenerateInput(IdempotentInput):
    """Which report to make."""

    title: str | None = None
    """What to call it; its month unless given."""

    method: ReportMethod | None = None
    """How to find the mix: `OPTIMAL` unless given."""

    narrative: bool = True
    """Whether to put it into words, too."""


@output
class ReportGeneratePayload(Payload):
    report: Report | None = None
    """The report that is to be made; `reportProgress` tells how it comes."""


@input
class EnergySourceUpdateInput:
    """What to correct; what is left out stays."""

    cost_per_kwh: strawberry.Maybe[float]
    """In the company's currency, 0 to 1000."""

    capacity_factor: strawberry.Maybe[float]
    """0 to 1."""

    reliability: strawberry.Maybe[float]
    """0 to 1."""

    renewable_share: strawberry.Maybe[float]
    """0 to 1."""

    share_limit: strawberry.Maybe[float]
    """0 to 1."""

    yearly_growth: strawberry.Maybe[float]
    """0 to 1."""

    efficiency: strawberry.Maybe[float]
    """0.05 to 1."""

    enabled: strawberry.Maybe[bool]
    """Whether reports reckon with it."""

    provenance: strawberry.Maybe[str]
    """Where the new figures come from; to be said whenever a figure changes."""


@output
class EnergySourceUpdatePayload(Payload):
    energy_source: EnergySource | None = None
    """The updated energy source."""


@output
class EnergySourcesRestorePayload(Payload):
    energy_sources: list[EnergySource] | None = None
    """The energy sources of the company. Not paginated."""


@output
class ReportQueries:
    report: Report | None = lookup(models.Report, "A report that is made, or was, by id.")

    energy_source: EnergySource | None = lookup(models.EnergySource, "An energy source, by id.")

    @field
    async def energy_sources(self, info: Info) -> list[EnergySource]:
        """What the company reckons with, by code; a few dozen at most. Empty before the first import or
        report: `energySourcesRestore` fills it.
        """
        model = models.EnergySource
        wanted = [getattr(model, name) for name in columns(info, model)]
        statement = access.visible(info.context.viewer, model, *wanted).order_by(model.code)
        rows: Any = await info.context.read().all(statement)
        return list(rows)

    @field
    async def report_readiness(self, info: Info) -> ReportReadiness:
        """Whether the viewer's company has said what a report needs, and what is missing."""
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
        """Make a report on the company's energy: from its profile, its consumption and its sources."""
        values = input_values(input) | {"method": input.method or ReportMethod.OPTIMAL}
        async with info.context.write() as uow:
            report = await reports.create(uow, info.context.viewer, **values)
        return ReportGeneratePayload.of(report=report)

    @mutation
    async def energy_source_update(
        self, info: Info, id: relay.GlobalID, input: EnergySourceUpdateInput
    ) -> EnergySourceUpdatePayload:
        """Correct what the company reckons with of a source."""
        given = input_changes(input)
        key = key_of(id, models.EnergySource)
        async with info.context.write() as uow:
            source = await energy_sources.update(uow, info.context.viewer, key, given)
        return EnergySourceUpdatePayload.of(energy_source=source)

    @mutation
    async def energy_sources_restore(self, info: Info) -> EnergySourcesRestorePayload:
        """Set the shipped sources back to the shipped figures, and add those that are missing."""
        async with info.context.write() as uow:
            rows = await energy_sources.restore(uow, info.context.viewer)
        return EnergySourcesRestorePayload.of(energy_sources=list(rows))


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
            sequence = position_of(models.ReportEvent, IN_ORDER, key, after)
            return await reports.validate_cursor(context.read(), key, sequence)

        async def read(_: Any, position: int) -> Batch:
            rows = await reports.events_after(context.read(), key, position, BATCH_SIZE)
            return Batch.of(rows, event_of, position, ended=any(row.kind in ENDS for row in rows))

        subject = Subject(models.Report, key)
        async for event in stream(info, reports.topic(key), start, read, subject=subject):
            yield event


def event_of(row: Any) -> ReportEvent:
    """The GraphQL event of a stored event."""
    detail = row.detail or {}
    return ReportEvent(
        cursor=encode_cursor(models.ReportEvent, IN_ORDER, row),
        kind=row.kind,
        step=row.step,
        summary=detail.get("summary"),
        report_id=row.report_id,
    )
