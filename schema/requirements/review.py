"""Review of a proposal: approve, edit, remove, add and export requirements."""

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
    """Name of the requirement."""

    type: strawberry.Maybe[str | None]
    """Type of its value. Null clears it."""

    requirement: strawberry.Maybe[str | None]
    """Text of an accessibility requirement. Null clears it for the other categories."""

    values: strawberry.Maybe[list[str]]
    """Allowed values. Maximum 100. An empty list clears them."""

    required: strawberry.Maybe[bool]
    """Whether the requirement is mandatory."""

    description: strawberry.Maybe[str | None]
    """Description of its purpose. Null clears it."""


@input
class ProposedRequirementCreateInput(IdempotentInput):
    """Input of `proposedRequirementCreate`."""

    requirement_proposal_id: relay.GlobalID
    """Global ID of the proposal."""

    category: RequirementCategory
    """Category of the requirement."""

    name: str
    """Name of the requirement."""

    type: str | None = None
    """Type of its value."""

    requirement: str | None = None
    """Text of an accessibility requirement. Required for this category."""

    values: list[str] | None = None
    """Allowed values. Maximum 100."""

    required: bool = False
    """Whether the requirement is mandatory."""

    description: str | None = None
    """Description of its purpose."""

    approved: bool = True
    """Whether the requirement is approved immediately."""


@input
class RequirementProposalExportInput(IdempotentInput):
    """Input of `requirementProposalExport`."""


@output
class RequirementProposalApproveAllPayload(Payload):
    requirement_proposal: RequirementProposal | None = None
    """The updated proposal."""


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
    """Global ID of the removed requirement."""


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
        """Approve all requirements of a proposal that are not removed."""
        async with info.context.write() as uow:
            key = key_of(id, models.RequirementProposal)
            proposal = await review.approve_all(uow, info.context.viewer, key)
        return RequirementProposalApproveAllPayload.of(requirement_proposal=proposal)

    @mutation
    async def proposed_requirement_approve(
        self, info: Info, id: relay.GlobalID
    ) -> ProposedRequirementApprovePayload:
        """Approve a requirement. A removed requirement is restored."""
        async with info.context.write() as uow:
            found = await review.approve(uow, info.context.viewer, key_of(id, models.ProposedRequirement))
        return ProposedRequirementApprovePayload.of(proposed_requirement=found)

    @mutation
    async def proposed_requirement_update(
        self, info: Info, id: relay.GlobalID, input: ProposedRequirementUpdateInput
    ) -> ProposedRequirementUpdatePayload:
        """Edit a requirement. The proposed version is kept as `original`."""
        values = input_changes(input)
        key, viewer = key_of(id, models.ProposedRequirement), info.context.viewer
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, viewer, models.ProposedRequirement, key, input.expected_updated_at
            )
            found = await review.update(uow, viewer, key, values)
        return ProposedRequirementUpdatePayload.of(proposed_requirement=found)

    @mutation
    async def proposed_requirement_remove(
        self, info: Info, id: relay.GlobalID
    ) -> ProposedRequirementRemovePayload:
        """Remove a requirement. A proposed one is marked as removed, an added one is deleted."""
        async with info.context.write() as uow:
            await review.remove(uow, info.context.viewer, key_of(id, models.ProposedRequirement))
        return ProposedRequirementRemovePayload.of(removed_id=id)

    @mutation(idempotent=True)
    async def proposed_requirement_create(
        self, info: Info, input: ProposedRequirementCreateInput
    ) -> ProposedRequirementCreatePayload:
        """Add a requirement to a proposal, with confidence 1."""
        viewer, path = info.context.viewer, ("input", "requirementProposalId")
        key = key_of(input.requirement_proposal_id, models.RequirementProposal, *path)
        fields = input_values(input, omit=("requirement_proposal_id", "category", "approved"))
        async with info.context.write() as uow:
            found = await review.add(
                uow, viewer, key, category=input.category, approved=input.approved, fields=fields
            )
        return ProposedRequirementCreatePayload.of(proposed_requirement=found)

    @mutation(idempotent=True)
    async def requirement_proposal_export(
        self, info: Info, id: relay.GlobalID, input: RequirementProposalExportInput | None = None
    ) -> RequirementProposalExportPayload:
        """Export the approved requirements of a proposal, and all requirements added by users."""
        viewer, key = info.context.viewer, key_of(id, models.RequirementProposal)
        async with info.context.write() as uow:
            found = await review.export(uow, viewer, key)
        return RequirementProposalExportPayload.of(requirement_export=found)
