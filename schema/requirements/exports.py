"""Exports of reviewed requirements: made, listed, used, judged."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.loaders import ROOT
from db.paging import Order
from resolvers.requirements import exports
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.fields import After, Before, Connection, First, Last, connection, lookup, page_of
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, check_text, field, input_values, mutation
from schema.framework.projection import columns
from schema.requirements.types import RequirementExport

FASTEST_FIRST = Order("proposal_latency_ms")
"""Only for lists in which every row has a latency."""

MaxLatency = Annotated[
    int, strawberry.argument(description="Only those whose proposal took less, in milliseconds.")
]
ComponentType = Annotated[
    str | None, strawberry.argument(description="Only over those of this component, such as `Button`.")
]


@enumeration
class RequirementExportOrder(Enum):
    """How to order requirement exports."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class RequirementExportFilter:
    """Which requirement exports to list."""

    component_type: str | None = None
    """Only those of this component, such as `Button`."""

    user_id: relay.GlobalID | None = None
    """Only those that this user made."""

    def where(self, export: Any) -> list[ColumnElement[bool]]:
        kind = self.component_type
        found = [export.component_type == kind] if kind is not None else []
        if self.user_id:
            found.append(export.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@output
class ApprovalMetrics:
    """How people judge proposed requirements, over the exports that the viewer may see."""

    avg_approved: float | None
    """The mean number of approved requirements; null without an export."""

    avg_edited: float | None
    """The mean number of approved requirements that were edited; null without an export."""

    avg_custom: float | None
    """The mean number of requirements added by hand; null without an export."""

    total: int
    """How many exports there are."""


@output
class ExportedRequirementQueries:
    requirement_export: RequirementExport | None = lookup(
        models.RequirementExport, "A requirement export, by id."
    )

    requirement_exports: Connection[RequirementExport] = connection(
        models.RequirementExport, orders=RequirementExportOrder, filter=RequirementExportFilter
    )
    """The requirement exports that the viewer may see, newest first."""

    @field
    async def approval_metrics(self, info: Info, component_type: ComponentType = None) -> ApprovalMetrics:
        """How people judge proposed requirements."""
        check_text({"component_type": component_type})
        viewer = info.context.viewer
        metrics: Any = await exports.approval_metrics(info.context.read(), viewer, component_type)
        found: ApprovalMetrics = metrics
        return found

    @field
    async def fast_exports(
        self,
        info: Info,
        max_latency_ms: MaxLatency = 3000,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[RequirementExport]:
        """The exports whose proposal was quick, the quickest first; those not timed are left out."""
        info.context.viewer  # noqa: B018  refused before anything is read
        model, loaders = models.RequirementExport, info.context.loaders
        page = page_of(model, FASTEST_FIRST, first, after, last, before)
        wanted = columns(info, model, ("nodes",), ("edges", "node"), extra=FASTEST_FIRST.columns)

        def quick(export: Any) -> list[Any]:
            return [export.proposal_latency_ms < max_latency_ms]

        tag = ("fast", max_latency_ms)
        return Connection(
            model=model,
            page=page,
            rows=lambda: loaders.page(model, page, wanted, quick, tag).load(ROOT),
            count=lambda: loaders.count(model, quick, tag).load(ROOT),
        )


@input
class RequirementItemInput:
    """One requirement of a component."""

    name: str | None = None
    """Of the property, event or state, which must have one."""

    type: str | None = None
    """What kind of value it takes."""

    requirement: str | None = None
    """What accessibility asks, in words; accessibility items must have it."""

    values: list[str] | None = None
    """The values it may take."""

    required: bool | None = None
    """Whether the component needs it."""

    description: str | None = None
    """What it is for."""

    confidence: float | None = None
    """How sure the proposal was, 0 to 1."""

    rationale: str | None = None
    """Why it was proposed."""

    approved: bool = False
    """Whether a person approved it."""

    edited: bool = False
    """Whether a person changed it."""

    custom: bool = False
    """Whether a person added it."""

    def stored(self) -> dict[str, Any]:
        """What it says, as it is stored."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in said.items() if value is not None}


@input
class RequirementsInput:
    """A component's requirements; at most 100 of each kind."""

    props: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """Properties."""

    events: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """Events."""

    states: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """States."""

    accessibility: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """What accessibility asks."""

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """Of each kind its items, as they are stored."""
        return {kind: [item.stored() for item in getattr(self, kind)] for kind in exports.NAME_FIELDS}


@input
class RequirementExportCreateInput(IdempotentInput):
    """Requirements that were reviewed. What was approved, edited and added is counted from them."""

    component_type: str
    """Such as `Button`."""

    requirements: RequirementsInput
    """All that were proposed or added, and what became of them."""

    proposal_latency_ms: int | None = None
    """How long the proposal took, in milliseconds."""


@input
class RequirementExportMarkUsedInput:
    """What an export was used for. What was said once stays."""

    in_pattern_retrieval: bool = False
    """Patterns were looked up with it."""

    in_code_generation: bool = False
    """Code was made of it."""


@output
class RequirementExportCreatePayload(Payload):
    requirement_export: RequirementExport | None = None
    """The new export."""


@output
class RequirementExportMarkUsedPayload(Payload):
    requirement_export: RequirementExport | None = None
    """The export as it is now."""


@output
class RequirementExportDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class ExportedRequirementMutations:
    @mutation(idempotent=True)
    async def requirement_export_create(
        self, info: Info, input: RequirementExportCreateInput
    ) -> RequirementExportCreatePayload:
        """Keep a component's reviewed requirements."""
        values = input_values(input) | {"requirements": input.requirements.stored()}
        async with info.context.write() as uow:
            export = await exports.create(uow, info.context.viewer, **values)
        return RequirementExportCreatePayload.of(requirement_export=export)

    @mutation
    async def requirement_export_mark_used(
        self, info: Info, id: relay.GlobalID, input: RequirementExportMarkUsedInput
    ) -> RequirementExportMarkUsedPayload:
        """Say what an export was used for; saying it again changes nothing."""
        async with info.context.write() as uow:
            export = await exports.mark_used(
                uow,
                info.context.viewer,
                key_of(id, models.RequirementExport),
                in_pattern_retrieval=input.in_pattern_retrieval,
                in_code_generation=input.in_code_generation,
            )
        return RequirementExportMarkUsedPayload.of(requirement_export=export)

    @mutation
    async def requirement_export_delete(
        self, info: Info, id: relay.GlobalID
    ) -> RequirementExportDeletePayload:
        """Delete an export. There is no way back."""
        async with info.context.write() as uow:
            await exports.delete(uow, info.context.viewer, key_of(id, models.RequirementExport))
        return RequirementExportDeletePayload.of(deleted_id=id)
