"""Proposals of requirements: asked for, watched, listed, deleted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay

from core.errors import Invalid, NotFound
from db import models
from db.models import ComponentType, ProposalStage
from db.paging import Order, decode_cursor, encode_cursor
from resolvers.requirements import proposals
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of, keys_of, optional_key
from schema.framework.payloads import IdempotentInput, Payload, field, input_values, mutation, subscription
from schema.framework.projection import columns
from schema.requirements.types import ProposedRequirement, RequirementProposal

IN_ORDER = Order("proposal_id", "sequence", unique=True)
MOST = 1_000
"""More requirements than a proposal ever has."""

Watched = Annotated[relay.GlobalID, strawberry.argument(description="Which proposal.")]
From = Annotated[
    str | None,
    strawberry.argument(description="Begin after this `cursor`; with the first requirement unless told."),
]


@enumeration
class RequirementProposalOrder(Enum):
    """How to order proposals."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class RequirementProposalFilter:
    """Which proposals to list."""

    component_type: ComponentType | None = None
    """Only those of this component."""

    stage: ProposalStage | None = None
    """Only those that have come so far."""

    user_id: relay.GlobalID | None = None
    """Only those that this user asked for."""

    def where(self, proposal: Any) -> list[ColumnElement[bool]]:
        found = [proposal.component_type == self.component_type] if self.component_type else []
        found += [proposal.stage == self.stage] if self.stage else []
        if self.user_id:
            found.append(proposal.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@output
class RequirementProposalQueries:
    requirement_proposal: RequirementProposal | None = lookup(
        models.RequirementProposal, "A proposal of requirements, by id."
    )

    proposed_requirement: ProposedRequirement | None = lookup(
        models.ProposedRequirement, "A requirement of a proposal, by id."
    )

    requirement_proposals: Connection[RequirementProposal] = connection(
        models.RequirementProposal, orders=RequirementProposalOrder, filter=RequirementProposalFilter
    )
    """The proposals that the viewer may see, newest first."""


@input
class RequirementProposalCreateInput(IdempotentInput):
    """What is known of a component: a design, a description, documents, or several of them."""

    upload_id: relay.GlobalID | None = None
    """A picture of it, PNG or JPEG, of at most 10 MB and 25 megapixels."""

    description: str | None = None
    """What it is and does, in at most 8,000 characters."""

    document_ids: list[relay.GlobalID] | None = None
    """Documents that tell of it, at most 20; what comes from them is cited."""

    component_type: ComponentType | None = None
    """What it is; found out unless told."""

    start: bool = True
    """Whether it begins at once; otherwise `jobStart` begins its job."""


@output
class RequirementProposalCreatePayload(Payload):
    requirement_proposal: RequirementProposal | None = None
    """The new proposal; `requirementProposed` tells how it comes."""


@output
class RequirementProposalDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """The id of what is gone."""


@output
class RequirementProposalMutations:
    @mutation(idempotent=True)
    async def requirement_proposal_create(
        self, info: Info, input: RequirementProposalCreateInput
    ) -> RequirementProposalCreatePayload:
        """Have the requirements of a component proposed, for people to review."""
        viewer = info.context.viewer
        values = input_values(input) | {
            "upload_id": optional_key(input.upload_id, models.Upload, "input", "uploadId"),
            "document_ids": await documents(info, input.document_ids or []),
        }
        async with info.context.write() as uow:
            proposal = await proposals.create(uow, viewer, **values)
        return RequirementProposalCreatePayload.of(requirement_proposal=proposal)

    @mutation
    async def requirement_proposal_delete(
        self, info: Info, id: relay.GlobalID
    ) -> RequirementProposalDeletePayload:
        """Delete a proposal that is not under way, with its requirements. Exports stay."""
        async with info.context.write() as uow:
            await proposals.remove(uow, info.context.viewer, key_of(id, models.RequirementProposal))
        return RequirementProposalDeletePayload.of(deleted_id=id)


async def documents(info: Info, ids: list[relay.GlobalID]) -> list[UUID]:
    """The keys of documents; NOT_FOUND names the first that the viewer does not see."""
    path = ("input", "documentIds")
    keys = keys_of(ids, models.Document, *path)
    rows = await info.context.loaders.one(models.Document, ("id",)).load_many(keys)
    for position, row in enumerate(rows):
        if row is None:
            raise NotFound("There is no such document.", *path, str(position))
    return list(dict.fromkeys(keys))


@output
class RequirementsProposed:
    """Requirements that have come since the last event, and how far the proposal has come."""

    cursor: str
    """Opaque; pass it as `after` to go on from here."""

    stage: ProposalStage
    """How far the proposal has come: COMPLETE and FAILED are the last."""

    progress: int
    """The same in percent: 0, 20, 40, 80, 100."""

    requirements: list[ProposedRequirement]
    """What is new, in the order in which it came, a few hundred at most; none where only the stage is new."""

    proposal_key: strawberry.Private[UUID]

    @field
    async def proposal(self, info: Info) -> RequirementProposal | None:
        """The proposal as it is now; null where it is gone."""
        wanted = columns(info, models.RequirementProposal)
        loader = info.context.loaders.one(models.RequirementProposal, wanted)
        found: RequirementProposal | None = await loader.load(self.proposal_key)
        return found


@dataclass(frozen=True)
class Place:
    """Where a stream stands, as a cursor holds it."""

    proposal_id: UUID
    sequence: int


@output
class RequirementProposalSubscriptions:
    @subscription
    async def requirement_proposed(
        self, info: Info, proposal_id: Watched, after: From = None
    ) -> AsyncGenerator[RequirementsProposed, None]:
        """A proposal's stages and requirements: first what there is, then what comes, until it has ended."""
        context, key = info.context, key_of(proposal_id, models.RequirementProposal, "proposalId")
        wanted = columns(info, models.ProposedRequirement, ("requirements",), extra=IN_ORDER.columns)
        position = 0 if after is None else position_of(key, after)
        context.viewer  # noqa: B018  refused before anything is awaited
        told: ProposalStage | None = None
        async with aclosing(context.services.events.listen(proposals.topic(key))) as changes:
            async for _ in changes:
                await context.refresh()
                stage = await stage_of(info, key)
                if stage is None and told is None:
                    raise NotFound("There is no such requirement proposal.", "proposalId")
                if stage is None:
                    return
                coming = proposals.coming(context.viewer, wanted, key, position, MOST)
                rows: Any = await context.read().all(coming)
                await context.close()
                if rows or stage is not told:
                    position, told = (rows[-1].sequence if rows else position), stage
                    yield event_of(key, position, stage, list(rows))
                if stage in proposals.OVER:
                    return


async def stage_of(info: Info, key: UUID) -> ProposalStage | None:
    """How far the proposal has come; none where it is out of sight."""
    row = await info.context.loaders.one(models.RequirementProposal, ("id", "stage")).load(key)
    return None if row is None else row.stage


def event_of(key: UUID, position: int, stage: ProposalStage, rows: list[Any]) -> RequirementsProposed:
    """An event, with its cursor."""
    return RequirementsProposed(
        cursor=encode_cursor(models.ProposedRequirement, IN_ORDER, Place(key, position)),
        stage=stage,
        progress=proposals.PROGRESS[stage],
        requirements=rows,
        proposal_key=key,
    )


def position_of(proposal: UUID, cursor: str) -> int:
    """The number after which to begin; `Invalid` for a cursor that this proposal's stream did not give."""
    of, sequence = decode_cursor(models.ProposedRequirement, IN_ORDER, cursor, "after")
    if of != proposal:
        raise Invalid("`after` is not a cursor that this stream gave.", "after")
    return int(sequence)
