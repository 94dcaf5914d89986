"""Requirement proposals: creation, listing, progress and deletion."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.cursors import encode_cursor
from db.models import ComponentType, ProposalStage
from db.pagination import Order
from resolvers.requirements import proposals
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of, optional_key, visible_keys
from schema.framework.payloads import IdempotentInput, Payload, field, input_values, mutation, subscription
from schema.framework.projection import columns
from schema.framework.streams import Batch, Subject, position_of, stream
from schema.requirements.types import ProposedRequirement, RequirementProposal

BY_SEQUENCE = Order("proposal_id", "sequence", unique=True)
MAX_REQUIREMENTS = 1_000
"""Upper bound of the requirements of one proposal."""

ProposalID = Annotated[relay.GlobalID, strawberry.argument(description="Global ID of the proposal.")]
After = Annotated[
    str | None,
    strawberry.argument(
        description="Resumes the stream after this cursor. By default it starts with the first requirement."
    ),
]


@enumeration
class RequirementProposalOrder(Enum):
    """Sort orders of requirement proposals."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class RequirementProposalFilter:
    """Conditions for listing requirement proposals."""

    component_type: ComponentType | None = None
    """Matches proposals for this component type."""

    stage: ProposalStage | None = None
    """Matches proposals in this stage."""

    user_id: relay.GlobalID | None = None
    """Matches items requested by this user."""

    def where(self, proposal: Any) -> list[ColumnElement[bool]]:
        found = [proposal.component_type == self.component_type] if self.component_type else []
        found += [proposal.stage == self.stage] if self.stage else []
        if self.user_id:
            found.append(proposal.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@output
class RequirementProposalQueries:
    requirement_proposal: RequirementProposal | None = lookup(
        models.RequirementProposal, "Looks up a requirement proposal by ID."
    )

    proposed_requirement: ProposedRequirement | None = lookup(
        models.ProposedRequirement, "Looks up a proposed requirement by ID."
    )

    requirement_proposals: Connection[RequirementProposal] = connection(
        models.RequirementProposal, orders=RequirementProposalOrder, filter=RequirementProposalFilter
    )
    """Lists the requirement proposals that are visible to the viewer, newest first."""


@input
class RequirementProposalCreateInput(IdempotentInput):
    """Input of `requirementProposalCreate`. At least one of design, description and documents is required."""

    upload_id: relay.GlobalID | None = None
    """Global ID of the upload with the design: a PNG or JPEG image of at most 10 MB and 25 megapixels."""

    description: str | None = None
    """Description of the component, of at most 8,000 characters."""

    document_ids: list[relay.GlobalID] | None = None
    """Global IDs of documents about the component, which are cited. Maximum 20."""

    component_type: ComponentType | None = None
    """Type of the component. Classified automatically by default."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class RequirementProposalCreatePayload(Payload):
    requirement_proposal: RequirementProposal | None = None
    """The new proposal. Subscribe to `requirementProposed` to follow it."""


@input
class RequirementProposalClassifyInput:
    """Input of `requirementProposalClassify`."""

    component_type: ComponentType
    """Type of the component."""


@output
class RequirementProposalClassifyPayload(Payload):
    requirement_proposal: RequirementProposal | None = None
    """The restarted proposal. Subscribe to `requirementProposed` to follow it."""


@output
class RequirementProposalDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class RequirementProposalMutations:
    @mutation(idempotent=True)
    async def requirement_proposal_create(
        self, info: Info, input: RequirementProposalCreateInput
    ) -> RequirementProposalCreatePayload:
        """Propose requirements for a component, for users to review."""
        viewer = info.context.viewer
        values = input_values(input) | {
            "upload_id": optional_key(input.upload_id, models.Upload, "input", "uploadId"),
            "document_ids": await visible_keys(
                info, input.document_ids or [], models.Document, "input", "documentIds"
            ),
        }
        async with info.context.write() as uow:
            proposal = await proposals.create(uow, viewer, **values)
        return RequirementProposalCreatePayload.of(requirement_proposal=proposal)

    @mutation
    async def requirement_proposal_classify(
        self, info: Info, id: relay.GlobalID, input: RequirementProposalClassifyInput
    ) -> RequirementProposalClassifyPayload:
        """Set the component type of a proposal that failed because the type is unclear, and restart it."""
        key = key_of(id, models.RequirementProposal)
        async with info.context.write() as uow:
            proposal = await proposals.classify(uow, info.context.viewer, key, input.component_type)
        return RequirementProposalClassifyPayload.of(requirement_proposal=proposal)

    @mutation
    async def requirement_proposal_delete(
        self, info: Info, id: relay.GlobalID
    ) -> RequirementProposalDeletePayload:
        """Delete a proposal that is not in progress, with its requirements. Exports are kept."""
        async with info.context.write() as uow:
            await proposals.delete(uow, info.context.viewer, key_of(id, models.RequirementProposal))
        return RequirementProposalDeletePayload.of(deleted_id=id)


@output
class RequirementsProposed:
    """Requirements proposed since the previous event, with the stage of the proposal."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    stage: ProposalStage
    """Stage of the proposal. `COMPLETE` and `FAILED` are final."""

    progress: int
    """Progress in percent: 0, 20, 40, 80 or 100."""

    requirements: list[ProposedRequirement]
    """New requirements, in order. Empty if only the stage has changed."""

    proposal_key: strawberry.Private[UUID]

    @field
    async def proposal(self, info: Info) -> RequirementProposal | None:
        """The current state of the proposal. Null if it is deleted."""
        wanted = columns(info, models.RequirementProposal)
        loader = info.context.loaders.one(models.RequirementProposal, wanted)
        found: RequirementProposal | None = await loader.load(self.proposal_key)
        return found


@dataclass(frozen=True)
class StreamPosition:
    """Position in a stream, as encoded in a cursor."""

    proposal_id: UUID
    sequence: int


@output
class RequirementProposalSubscriptions:
    @subscription
    async def requirement_proposed(
        self, info: Info, proposal_id: ProposalID, after: After = None
    ) -> AsyncGenerator[RequirementsProposed, None]:
        """Stages and requirements of a proposal, starting with the existing ones, until it has ended."""
        context, key = info.context, key_of(proposal_id, models.RequirementProposal, "proposalId")
        needed = columns(info, models.ProposedRequirement, ("requirements",), extra=BY_SEQUENCE.columns)

        async def start() -> tuple[int, ProposalStage | None]:
            return position_of(models.ProposedRequirement, BY_SEQUENCE, key, after), None

        async def read(
            proposal: models.RequirementProposal, position: tuple[int, ProposalStage | None]
        ) -> Batch:
            sequence, sent_stage = position
            following = proposals.requirements_after(context.viewer, needed, key, sequence, MAX_REQUIREMENTS)
            rows: Any = await context.read().all(following)
            sequence, stage = rows[-1].sequence if rows else sequence, proposal.stage
            changed = bool(rows) or stage is not sent_stage
            events = [event_of(key, sequence, stage, list(rows))] if changed else []
            return Batch(events, (sequence, stage), ended=stage in proposals.FINAL_STAGES)

        subject = Subject(models.RequirementProposal, key, "proposalId", ("id", "stage"))
        async for event in stream(info, proposals.topic(key), start, read, subject=subject):
            yield event


def event_of(key: UUID, position: int, stage: ProposalStage, rows: list[Any]) -> RequirementsProposed:
    """An event with its cursor."""
    return RequirementsProposed(
        cursor=encode_cursor(models.ProposedRequirement, BY_SEQUENCE, StreamPosition(key, position)),
        stage=stage,
        progress=proposals.STAGE_PROGRESS[stage],
        requirements=rows,
        proposal_key=key,
    )
