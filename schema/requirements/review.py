"""What people make of a proposal: approve, change, remove, add, export."""

from __future__ import annotations

import strawberry
from strawberry import relay

from db import models
from db.models import RequirementCategory
from resolvers import access
from resolvers.requirements import review
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    input_changes,
    input_values,
    mutation,
)
from schema.requirements.types import ProposedRequirement, RequirementExport, RequirementProposal


@input
class ProposedRequirementUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value."""

    name: strawberry.Maybe[str]
    """What it is called."""

    type: strawberry.Maybe[str | None]
    """What kind of value it takes; null clears."""

    requirement: strawberry.Maybe[str | None]
    """What accessibility asks, in words; null clears, where it is about something else."""

    values: strawberry.Maybe[list[str]]
    """The values it may take, at most 100; an empty list clears."""

    required: strawberry.Maybe[bool]
    """Whether the component needs it."""

    description: strawberry.Maybe[str | None]
    """What it is for; null clears."""


@input
class ProposedRequirementCreateInput(IdempotentInput):
    """A requirement that nobody proposed."""

    requirement_proposal_id: relay.GlobalID
    """The proposal to add it to."""

    category: RequirementCategory
    """What it is about."""

    name: str
    """What it is called."""

    type: str | None = None
    """What kind of value it takes."""

    requirement: str | None = None
    """What accessibility asks, in words; wanted in that category."""

    values: list[str] | None = None
    """The values it may take; 100 at most."""

    required: bool = False
    """Whether the component needs it."""

    description: str | None = None
    """What it is for."""

    approved: bool = True
    """Whether it is approved at once."""


@input
class RequirementProposalExportInput(IdempotentInput):
    """How to export."""


@output
class RequirementProposalApproveAllPayload(Payload):
    requirement_proposal: RequirementProposal | None = None
    """The proposal as it is now."""


@output
class ProposedRequirementApprovePayload(Payload):
    proposed_requirement: ProposedRequirement | None = None
    """The updated requirement."""


@output
class ProposedRequirementUpdatePayload(Payload):
    proposed_requirement: ProposedRequirement | None = None
    """The updated requirement."""


@output
class ProposedRequirementRemovePayload(Payload):
    removed_id: relay.GlobalID | None = None
    """The id of what was removed."""


@output
class ProposedRequirementCreatePayload(Payload):
    proposed_requirement: ProposedRequirement | None = None
    """The new requirement."""


@output
class RequirementProposalExportPayload(Payload):
    requirement_export: RequirementExport | None = None
    """The new export."""


@output
class ReviewMutations:
    @mutation
    async def requirement_proposal_approve_all(
        self, info: Info, id: relay.GlobalID
    ) -> RequirementProposalApproveAllPayload:
        """Approve everything in a proposal that nobody removed."""
        async with info.context.write() as uow:
            key = key_of(id, models.RequirementProposal)
            proposal = await review.approve_all(uow, info.context.viewer, key)
        return RequirementProposalApproveAllPayload.of(requirement_proposal=proposal)

    @mutation
    async def proposed_requirement_approve(
        self, info: Info, id: relay.GlobalID
    ) -> ProposedRequirementApprovePayload:
        """Approve a requirement; one that was removed comes back."""
        async with info.context.write() as uow:
            found = await review.approve(uow, info.context.viewer, key_of(id, models.ProposedRequirement))
        return ProposedRequirementApprovePayload.of(proposed_requirement=found)

    @mutation
    async def proposed_requirement_update(
        self, info: Info, id: relay.GlobalID, input: ProposedRequirementUpdateInput
    ) -> ProposedRequirementUpdatePayload:
        """Change a requirement; what was proposed is kept beside it."""
        given = input_changes(input)
        key, viewer = key_of(id, models.ProposedRequirement), info.context.viewer
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, viewer, models.ProposedRequirement, key, input.expected_updated_at
            )
            found = await review.update(uow, viewer, key, given)
        return ProposedRequirementUpdatePayload.of(proposed_requirement=found)

    @mutation
    async def proposed_requirement_remove(
        self, info: Info, id: relay.GlobalID
    ) -> ProposedRequirementRemovePayload:
        """Remove a requirement: what was proposed is kept as removed, what a person added is deleted."""
        async with info.context.write() as uow:
            await review.remove(uow, info.context.viewer, key_of(id, models.ProposedRequirement))
        return ProposedRequirementRemovePayload.of(removed_id=id)

    @mutation(idempotent=True)
    async def proposed_requirement_create(
        self, info: Info, input: ProposedRequirementCreateInput
    ) -> ProposedRequirementCreatePayload:
        """Add a requirement of one's own, with confidence 1."""
        viewer, path = info.context.viewer, ("input", "requirementProposalId")
        key = key_of(input.requirement_proposal_id, models.RequirementProposal, *path)
        given = input_values(input, omit=("requirement_proposal_id", "category", "approved"))
        async with info.context.write() as uow:
            found = await review.add(
                uow, viewer, key, category=input.category, approved=input.approved, given=given
            )
        return ProposedRequirementCreatePayload.of(proposed_requirement=found)

    @mutation(idempotent=True)
    async def requirement_proposal_export(
        self, info: Info, id: relay.GlobalID, input: RequirementProposalExportInput | None = None
    ) -> RequirementProposalExportPayload:
        """Export what is approved of a proposal. What people added goes with it, approved or not."""
        viewer, key = info.context.viewer, key_of(id, models.RequirementProposal)
        async with info.context.write() as uow:
            found = await review.export(uow, viewer, key)
        return RequirementProposalExportPayload.of(requirement_export=found)
