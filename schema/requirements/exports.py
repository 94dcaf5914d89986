"""Requirement exports: creation, listing, usage and approval metrics."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.loaders import ROOT
from db.pagination import Order
from resolvers.requirements import exports
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.fields import After, Before, Connection, First, Last, connection, lookup, page_of
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    IdempotentInput,
    Payload,
    field,
    input_values,
    mutation,
    validate_arguments,
)
from schema.framework.projection import columns
from schema.requirements.types import RequirementExport

FASTEST_FIRST = Order("proposal_latency_ms")
"""Only for lists in which every row has a latency."""

MaxLatency = Annotated[
    int, strawberry.argument(description="Maximum duration of the proposal, in milliseconds.")
]
ComponentType = Annotated[
    str | None,
    strawberry.argument(
        description="Restricts the metrics to exports of this component type, such as `Button`."
    ),
]


@enumeration
class RequirementExportOrder(Enum):
    """Sort orders of requirement exports."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class RequirementExportFilter:
    """Conditions for listing requirement exports."""

    component_type: str | None = None
    """Matches exports of this component type, such as `Button`."""

    user_id: relay.GlobalID | None = None
    """Matches exports created by this user."""

    def where(self, export: Any) -> list[ColumnElement[bool]]:
        kind = self.component_type
        found = [export.component_type == kind] if kind is not None else []
        if self.user_id:
            found.append(export.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@output
class ApprovalMetrics:
    """Approval statistics of proposed requirements, over all exports that are visible to the viewer."""

    avg_approved: float | None
    """Mean number of approved requirements per export. Null without exports."""

    avg_edited: float | None
    """Mean number of approved and edited requirements per export. Null without exports."""

    avg_custom: float | None
    """Mean number of manually added requirements per export. Null without exports."""

    total: int
    """Number of exports."""


@output
class ExportedRequirementQueries:
    requirement_export: RequirementExport | None = lookup(
        models.RequirementExport, "Looks up a requirement export by ID."
    )

    requirement_exports: Connection[RequirementExport] = connection(
        models.RequirementExport, orders=RequirementExportOrder, filter=RequirementExportFilter
    )
    """Lists the requirement exports that are visible to the viewer, newest first."""

    @field
    async def approval_metrics(self, info: Info, component_type: ComponentType = None) -> ApprovalMetrics:
        """Approval statistics of proposed requirements."""
        validate_arguments({"component_type": component_type})
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
        """Lists exports by the duration of their proposal, fastest first. Exports without a duration are
        omitted.
        """
        info.context.viewer  # noqa: B018  requires a signed-in viewer
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
            count=lambda limit: loaders.count(model, quick, tag, limit).load(ROOT),
        )


@input
class RequirementItemInput:
    """A requirement of a component."""

    name: str | None = None
    """Name of the property, event or state. Required for these categories."""

    type: str | None = None
    """Type of its value."""

    requirement: str | None = None
    """Text of an accessibility requirement. Required for this category."""

    values: list[str] | None = None
    """Allowed values."""

    required: bool | None = None
    """Whether the requirement is mandatory."""

    description: str | None = None
    """Description of its purpose."""

    confidence: float | None = None
    """Confidence of the proposal, from 0 to 1."""

    rationale: str | None = None
    """Rationale of the proposal."""

    approved: bool = False
    """Whether a user approved the requirement."""

    edited: bool = False
    """Whether a user edited the requirement."""

    custom: bool = False
    """Whether a user added the requirement."""

    def stored(self) -> dict[str, Any]:
        """The item as JSON."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in said.items() if value is not None}


@input
class RequirementsInput:
    """Requirements of a component. Maximum 100 per category."""

    props: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """Properties."""

    events: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """Events."""

    states: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """States."""

    accessibility: list[RequirementItemInput] = strawberry.field(default_factory=list)
    """Accessibility requirements."""

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """The items of each category as JSON."""
        return {kind: [item.stored() for item in getattr(self, kind)] for kind in exports.NAME_FIELDS}


@input
class RequirementExportCreateInput(IdempotentInput):
    """Input of `requirementExportCreate`. Approved, edited and added requirements are counted from it."""

    component_type: str
    """Type of the component, such as `Button`."""

    requirements: RequirementsInput
    """All proposed and added requirements with their review state."""

    proposal_latency_ms: int | None = None
    """Duration of the proposal in milliseconds."""


@input
class RequirementExportMarkUsedInput:
    """Usage of an export. Usage that is already recorded is kept."""

    in_pattern_retrieval: bool = False
    """Whether the export was used to retrieve patterns."""

    in_code_generation: bool = False
    """Whether the export was used to generate code."""


@output
class RequirementExportCreatePayload(Payload):
    requirement_export: RequirementExport | None = None
    """The new export."""


@output
class RequirementExportMarkUsedPayload(Payload):
    requirement_export: RequirementExport | None = None
    """The updated export."""


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
        """Store the reviewed requirements of a component."""
        values = input_values(input) | {"requirements": input.requirements.stored()}
        async with info.context.write() as uow:
            export = await exports.create(uow, info.context.viewer, **values)
        return RequirementExportCreatePayload.of(requirement_export=export)

    @mutation
    async def requirement_export_mark_used(
        self, info: Info, id: relay.GlobalID, input: RequirementExportMarkUsedInput
    ) -> RequirementExportMarkUsedPayload:
        """Record the usage of an export. Repeating it has no effect."""
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
        """Delete an export. This cannot be undone."""
        async with info.context.write() as uow:
            await exports.delete(uow, info.context.viewer, key_of(id, models.RequirementExport))
        return RequirementExportDeletePayload.of(deleted_id=id)
