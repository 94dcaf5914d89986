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
from resolvers.requirements.exports import MAX_TEXT_LENGTH, NAME_FIELDS, MAX_NAME_LENGTH

EDITABLE_FIELDS = ("name", "type", "requirement", "values", "required", "description")
"""What people may change of a requirement."""
EXPORTED_FIELDS = (*EDITABLE_FIELDS, "confidence", "rationale", "source", "citation")
"""What an export keeps of a requirement, beside what became of it."""
MAX_PER_CATEGORY = 100
"""Requirements of one category, as in an export."""
MAX_VALUES = 100
MANUAL_RATIONALE = "Manually added."

HIGH_CONFIDENCE, MEDIUM_CONFIDENCE = 0.9, 0.7
"""The least confidence of these levels."""


@dataclass
class ReviewCounts:
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


Review = Mapping[RequirementCategory, ReviewCounts]


async def load_reviews(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, Review]:
    """How each proposal's review stands, by category; for proposals that the viewer is known to see."""
    item = ProposedRequirement
    flags = item.approved, item.edited, item.removed, item.custom
    grouped = select(item.proposal_id, item.category, *flags, func.count().label("count"))
    statement = grouped.where(item.proposal_id == any_id(ids))
    found: dict[UUID, dict[RequirementCategory, ReviewCounts]] = {
        id: {category: ReviewCounts() for category in RequirementCategory} for id in ids
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


def total(review: Review) -> ReviewCounts:
    """All categories together."""
    tallies = [vars(each) for each in review.values()]
    return ReviewCounts(**{name: sum(each[name] for each in tallies) for name in vars(ReviewCounts())})


async def approve_all(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Approve everything that nobody removed."""
    proposal = await _lock_proposal(uow, viewer, id, "id")
    mine = ProposedRequirement.proposal_id == id, ~ProposedRequirement.removed, ~ProposedRequirement.approved
    await uow.execute(sa.update(ProposedRequirement).where(*mine).values(approved=True))
    await _record(uow, viewer, "APPROVE_ALL", id)
    return proposal


async def approve(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Approve a requirement; one that was removed comes back."""
    item = await _lock_requirement(uow, viewer, id)
    return (
        item if item.approved else await _update_row(uow, viewer, item, "APPROVE", approved=True, removed=False)
    )


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Remove a requirement: what was proposed stays on record as removed, what a person added is deleted."""
    item = await _lock_requirement(uow, viewer, id)
    if not item.custom:
        await _update_row(uow, viewer, item, "REMOVE", approved=False, removed=True)
        return
    await uow.execute(sa.delete(ProposedRequirement).where(ProposedRequirement.id == id))
    await _record(uow, viewer, "REMOVE", item.proposal_id, requirement=str(id))


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Change a requirement. What was proposed is kept beside it; a person's own is not marked as edited."""
    item = await _lock_requirement(uow, viewer, id)
    if item.removed:
        raise Conflict("It was removed; approve it to take it back.", "id")
    before = {name: getattr(item, name) for name in EDITABLE_FIELDS}
    after = before | _validate(item.category, {**before, **given})
    if after == before:
        return item
    key = proposals.normalize_key(after["name"])
    if key != item.key:
        await _refuse_duplicate(uow, item.proposal_id, item.category, key)
    news: dict[str, Any] = {**after, "key": key}
    if not item.custom:
        news |= {"edited": True, "original": item.original or before}
    return await _update_row(uow, viewer, item, "EDIT", **news)


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
    await _lock_proposal(uow, viewer, proposal_id, *path)
    values = _validate(category, given)
    key = proposals.normalize_key(values["name"])
    await _refuse_duplicate(uow, proposal_id, category, key)
    own = ProposedRequirement.proposal_id == proposal_id, ProposedRequirement.category == category
    if await uow.scalar(select(func.count()).select_from(ProposedRequirement).where(*own)) >= MAX_PER_CATEGORY:
        raise Conflict(f"There are {MAX_PER_CATEGORY} requirements of this category already.", "input", "category")
    whole = {
        **values,
        "key": key,
        "category": category,
        "confidence": 1.0,
        "rationale": MANUAL_RATIONALE,
        "origin": RequirementOrigin.PERSON,
        "approved": approved,
        "custom": True,
    }
    made = await proposals.add_requirement(uow, proposal_id, whole)
    await _record(uow, viewer, "ADD", proposal_id, requirement=str(made.id))
    return made


async def export(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Export what is approved. Raises `Conflict` where nothing is.

    What people added goes with it, approved or not, so that the export's counts follow from what it keeps.
    """
    proposal = await _lock_proposal(uow, viewer, id, "id")
    item = ProposedRequirement
    wanted = item.proposal_id == id, item.approved | item.custom
    rows = await uow.all(select(item).where(*wanted).order_by(item.sequence))
    if not any(row.approved for row in rows):
        raise Conflict("Nothing is approved yet.", "id")
    kept: dict[str, list[dict[str, Any]]] = {kind: [] for kind in NAME_FIELDS}
    for row in rows:
        kept[row.category.value].append(_export_item(row))
    return await exports.create(
        uow,
        viewer,
        component_type=proposal.component_type.value.title(),
        requirements=kept,
        proposal_latency_ms=proposal.proposal_latency_ms,
        proposal_id=id,
    )


def _export_item(row: Row[Any]) -> dict[str, Any]:
    """A requirement as an export keeps it; what it does not say is absent."""
    said = {name: getattr(row, name) for name in EXPORTED_FIELDS}
    flags = {"approved": row.approved, "edited": row.edited, "custom": row.custom}
    return {name: value for name, value in said.items() if value not in (None, [])} | flags


def _validate(category: RequirementCategory, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a person says of a requirement, as it is stored. Raises `Invalid`."""
    values = given.get("values") or []
    if len(values) > MAX_VALUES:
        raise Invalid(f"At most {MAX_VALUES} items.", "input", "values")
    requirement = given.get("requirement")
    if category is RequirementCategory.ACCESSIBILITY and not (requirement or "").strip():
        raise Invalid("What accessibility asks is said in words.", "input", "requirement")
    return {
        "name": validators.name(given["name"], "input", "name", limit=MAX_NAME_LENGTH),
        "type": validators.optional(given.get("type"), "input", "type", limit=MAX_NAME_LENGTH),
        "requirement": requirement
        and validators.text(requirement.strip(), "input", "requirement", limit=MAX_TEXT_LENGTH),
        "values": [
            validators.name(value, "input", "values", str(position), limit=MAX_NAME_LENGTH)
            for position, value in enumerate(values)
        ],
        "required": bool(given.get("required")),
        "description": validators.text(given.get("description") or "", "input", "description", limit=MAX_TEXT_LENGTH)
        or None,
    }


async def _lock_proposal(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str) -> Row[Any]:
    """The proposal, locked. Raises `Conflict` unless it is complete."""
    access.require(viewer, "requirements:create")
    proposal = await access.find(uow, viewer, RequirementProposal, id, *path, lock=True)
    if proposal.stage is not ProposalStage.COMPLETE:
        raise Conflict("This proposal is not complete.", *path)
    return proposal


async def _lock_requirement(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """The requirement of a complete proposal, both locked, the proposal first."""
    access.require(viewer, "requirements:create")
    found = await access.find(uow, viewer, ProposedRequirement, id)
    await _lock_proposal(uow, viewer, found.proposal_id, "id")
    item = await uow.first(select(ProposedRequirement).where(ProposedRequirement.id == id).with_for_update())
    if item is None:  # somebody removed it meanwhile
        raise NotFound("There is no such proposed requirement.", "id")
    return item


async def _refuse_duplicate(uow: UnitOfWork, proposal_id: UUID, category: RequirementCategory, key: str) -> None:
    item = ProposedRequirement
    same = item.proposal_id == proposal_id, item.category == category, item.key == key
    if await uow.scalar(select(item.id).where(*same)) is not None:
        raise Conflict("There is a requirement of this name already.", "input", "name")


async def _update_row(uow: UnitOfWork, viewer: Viewer, item: Row[Any], verb: str, **news: Any) -> Row[Any]:
    statement = sa.update(ProposedRequirement).where(ProposedRequirement.id == item.id).values(news)
    changed = await uow.one(statement.returning(ProposedRequirement))
    await _record(uow, viewer, verb, item.proposal_id, requirement=str(item.id))
    return changed


async def _record(uow: UnitOfWork, viewer: Viewer, verb: str, id: UUID, **more: Any) -> None:
    await activity_log.record(
        uow, viewer.user_id, f"REQUIREMENT_PROPOSAL_{verb}", "RequirementProposal", id, **more
    )


def confidence_level(confidence: float) -> str:
    """`high`, `medium` or `low`."""
    return "high" if confidence >= HIGH_CONFIDENCE else "medium" if confidence >= MEDIUM_CONFIDENCE else "low"
