"""What people make of a proposal: approve, change, remove, add; and export what they approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, func, select

from core.errors import Conflict, Invalid, NotFound
from db.arrays import any_id
from db.models import (
    ProposalStage,
    ProposedRequirement,
    RequirementCategory,
    RequirementOrigin,
    RequirementProposal,
)
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.requirements import exports, proposals
from resolvers.requirements.exports import LONG, NAMED, SHORT

TOUCHED = ("name", "type", "requirement", "values", "required", "description")
"""What people may change of a requirement."""
KEPT = (*TOUCHED, "confidence", "rationale", "source", "citation")
"""What an export keeps of a requirement, beside what became of it."""
MOST = 100
"""Requirements of one category, as in an export."""
MOST_VALUES = 100
ADDED = "Manually added."

HIGH, MEDIUM = 0.9, 0.7
"""The least confidence of these levels."""


@dataclass
class Tally:
    """How many there are of each fate; `approved`, `edited` and `removed` are of what was proposed."""

    proposed: int = 0
    approved: int = 0
    edited: int = 0
    removed: int = 0
    added: int = 0
    added_approved: int = 0

    @property
    def approval_rate(self) -> float | None:
        """The approved share of what was proposed; none where nothing was."""
        return self.approved / self.proposed if self.proposed else None

    @property
    def edit_rate(self) -> float | None:
        """The edited share of the approved proposals; none where none was approved."""
        return self.edited / self.approved if self.approved else None


Review = Mapping[RequirementCategory, Tally]


async def reviews(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, Review]:
    """How each proposal's review stands, by category; for proposals that the viewer is known to see."""
    item = ProposedRequirement
    flags = item.approved, item.edited, item.removed, item.custom
    grouped = select(item.proposal_id, item.category, *flags, func.count().label("count"))
    statement = grouped.where(item.proposal_id == any_id(ids))
    found: dict[UUID, dict[RequirementCategory, Tally]] = {
        id: {category: Tally() for category in RequirementCategory} for id in ids
    }
    for row in await uow.all(statement.group_by(item.proposal_id, item.category, *flags)):
        tally, many = found[row.proposal_id][row.category], row._mapping["count"]
        if row.custom:
            tally.added += many
            tally.added_approved += many * row.approved
        else:
            tally.proposed += many
            tally.approved += many * row.approved
            tally.edited += many * (row.approved and row.edited)
            tally.removed += many * row.removed
    return dict(found)


def total(review: Review) -> Tally:
    """All categories together."""
    tallies = [vars(each) for each in review.values()]
    return Tally(**{name: sum(each[name] for each in tallies) for name in vars(Tally())})


async def approve_all(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Approve everything that nobody removed."""
    proposal = await _reviewed(uow, viewer, id, "id")
    mine = ProposedRequirement.proposal_id == id, ~ProposedRequirement.removed, ~ProposedRequirement.approved
    await uow.execute(sa.update(ProposedRequirement).where(*mine).values(approved=True))
    await _note(uow, viewer, "APPROVE_ALL", id)
    return proposal


async def approve(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Approve a requirement; one that was removed comes back."""
    item = await _item(uow, viewer, id)
    return (
        item if item.approved else await _decide(uow, viewer, item, "APPROVE", approved=True, removed=False)
    )


async def put_aside(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Remove a requirement: what was proposed stays on record as removed, what a person added is deleted."""
    item = await _item(uow, viewer, id)
    if not item.custom:
        await _decide(uow, viewer, item, "REMOVE", approved=False, removed=True)
        return
    await uow.execute(sa.delete(ProposedRequirement).where(ProposedRequirement.id == id))
    await _note(uow, viewer, "REMOVE", item.proposal_id, requirement=str(id))


async def change(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Change a requirement. What was proposed is kept beside it; a person's own is not marked as edited."""
    item = await _item(uow, viewer, id)
    if item.removed:
        raise Conflict("It was removed; approve it to take it back.", "id")
    before = {name: getattr(item, name) for name in TOUCHED}
    after = before | _checked(item.category, {**before, **given})
    if after == before:
        return item
    key = proposals.key_of(after["name"])
    if key != item.key:
        await _refuse_known(uow, item.proposal_id, item.category, key)
    news: dict[str, Any] = {**after, "key": key}
    if not item.custom:
        news |= {"edited": True, "original": item.original or before}
    return await _decide(uow, viewer, item, "EDIT", **news)


async def add(
    uow: UnitOfWork,
    viewer: Viewer,
    proposal_id: UUID,
    *,
    category: RequirementCategory,
    approved: bool,
    given: Mapping[str, Any],
) -> Row[Any]:
    """A requirement of a person's own."""
    path = "input", "requirementProposalId"
    await _reviewed(uow, viewer, proposal_id, *path)
    values = _checked(category, given)
    key = proposals.key_of(values["name"])
    await _refuse_known(uow, proposal_id, category, key)
    own = ProposedRequirement.proposal_id == proposal_id, ProposedRequirement.category == category
    if await uow.scalar(select(func.count()).select_from(ProposedRequirement).where(*own)) >= MOST:
        raise Conflict(f"There are {MOST} requirements of this category already.", "input", "category")
    whole = {
        **values,
        "key": key,
        "category": category,
        "confidence": 1.0,
        "rationale": ADDED,
        "origin": RequirementOrigin.PERSON,
        "approved": approved,
        "custom": True,
    }
    made = await proposals.add(uow, proposal_id, whole)
    await _note(uow, viewer, "ADD", proposal_id, requirement=str(made.id))
    return made


async def export(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Export what is approved. Raises `Conflict` where nothing is.

    What people added goes with it, approved or not, so that the export's counts follow from what it keeps.
    """
    proposal = await _reviewed(uow, viewer, id, "id")
    item = ProposedRequirement
    wanted = item.proposal_id == id, item.approved | item.custom
    rows = await uow.all(select(item).where(*wanted).order_by(item.sequence))
    if not any(row.approved for row in rows):
        raise Conflict("Nothing is approved yet.", "id")
    kept: dict[str, list[dict[str, Any]]] = {kind: [] for kind in NAMED}
    for row in rows:
        kept[row.category.value].append(_stored(row))
    return await exports.export(
        uow,
        viewer,
        component_type=proposal.component_type.value.title(),
        requirements=kept,
        proposal_latency_ms=proposal.proposal_latency_ms,
        proposal_id=id,
    )


def _stored(row: Row[Any]) -> dict[str, Any]:
    """A requirement as an export keeps it; what it does not say is absent."""
    said = {name: getattr(row, name) for name in KEPT}
    flags = {"approved": row.approved, "edited": row.edited, "custom": row.custom}
    return {name: value for name, value in said.items() if value not in (None, [])} | flags


def _checked(category: RequirementCategory, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a person says of a requirement, as it is stored. Raises `Invalid`."""
    values = given.get("values") or []
    if len(values) > MOST_VALUES:
        raise Invalid(f"At most {MOST_VALUES} items.", "input", "values")
    requirement = given.get("requirement")
    if category is RequirementCategory.ACCESSIBILITY and not (requirement or "").strip():
        raise Invalid("What accessibility asks is said in words.", "input", "requirement")
    return {
        "name": validators.name(given["name"], "input", "name", limit=SHORT),
        "type": validators.optional(given.get("type"), "input", "type", limit=SHORT),
        "requirement": requirement
        and validators.text(requirement.strip(), "input", "requirement", limit=LONG),
        "values": [
            validators.name(value, "input", "values", str(position), limit=SHORT)
            for position, value in enumerate(values)
        ],
        "required": bool(given.get("required")),
        "description": validators.text(given.get("description") or "", "input", "description", limit=LONG)
        or None,
    }


async def _reviewed(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str) -> Row[Any]:
    """The proposal, locked. Raises `Conflict` unless it is complete."""
    access.require(viewer, "requirements:create")
    proposal = await access.find(uow, viewer, RequirementProposal, id, *path, lock=True)
    if proposal.stage is not ProposalStage.COMPLETE:
        raise Conflict("This proposal is not complete.", *path)
    return proposal


async def _item(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """The requirement of a complete proposal, both locked, the proposal first."""
    access.require(viewer, "requirements:create")
    found = await access.find(uow, viewer, ProposedRequirement, id)
    await _reviewed(uow, viewer, found.proposal_id, "id")
    item = await uow.first(select(ProposedRequirement).where(ProposedRequirement.id == id).with_for_update())
    if item is None:  # somebody removed it meanwhile
        raise NotFound("There is no such proposed requirement.", "id")
    return item


async def _refuse_known(uow: UnitOfWork, proposal_id: UUID, category: RequirementCategory, key: str) -> None:
    item = ProposedRequirement
    same = item.proposal_id == proposal_id, item.category == category, item.key == key
    if await uow.scalar(select(item.id).where(*same)) is not None:
        raise Conflict("There is a requirement of this name already.", "input", "name")


async def _decide(uow: UnitOfWork, viewer: Viewer, item: Row[Any], verb: str, **news: Any) -> Row[Any]:
    statement = sa.update(ProposedRequirement).where(ProposedRequirement.id == item.id).values(news)
    changed = await uow.one(statement.returning(ProposedRequirement))
    await _note(uow, viewer, verb, item.proposal_id, requirement=str(item.id))
    return changed


async def _note(uow: UnitOfWork, viewer: Viewer, verb: str, id: UUID, **more: Any) -> None:
    await activity_log.record(
        uow, viewer.user_id, f"REQUIREMENT_PROPOSAL_{verb}", "RequirementProposal", id, **more
    )


def level(confidence: float) -> str:
    """`high`, `medium` or `low`."""
    return "high" if confidence >= HIGH else "medium" if confidence >= MEDIUM else "low"
