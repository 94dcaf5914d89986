"""Review of a proposal: approve, update, remove and add requirements, and export the result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select

from core.errors import Conflict, Invalid
from db.arrays import any_id
from db.models import (
    ProposalStage,
    ProposedRequirement,
    RequirementCategory,
    RequirementExport,
    RequirementOrigin,
    RequirementProposal,
)
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.requirements import exports, proposals
from resolvers.requirements.exports import MAX_NAME_LENGTH, MAX_TEXT_LENGTH, NAME_FIELDS

EDITABLE_FIELDS = ("name", "type", "requirement", "values", "required", "description")
"""Columns of a requirement that can be edited."""
EXPORTED_FIELDS = (*EDITABLE_FIELDS, "confidence", "rationale", "source", "citation")
"""Columns of a requirement that are exported, in addition to its review flags."""
MAX_PER_CATEGORY = 100
"""Requirements per category."""
MAX_VALUES = 100
MANUAL_RATIONALE = "Manually added."

HIGH_CONFIDENCE, MEDIUM_CONFIDENCE = 0.9, 0.7
"""Minimum confidence of each level."""


@dataclass
class ReviewCounts:
    """Counts by review state; `approved`, `edited` and `removed` count only what was proposed."""

    proposed: int = 0
    approved: int = 0
    edited: int = 0
    removed: int = 0
    added: int = 0
    added_approved: int = 0

    @property
    def approval_rate(self) -> float | None:
        """Approved share of the proposed requirements; None without any."""
        return self.approved / self.proposed if self.proposed else None

    @property
    def edit_rate(self) -> float | None:
        """Edited share of the approved requirements; None without any."""
        return self.edited / self.approved if self.approved else None


Review = Mapping[RequirementCategory, ReviewCounts]


async def load_reviews(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, Review]:
    """Review counts per proposal and category. The caller checks that the viewer can see the proposals."""
    item = ProposedRequirement
    flags = item.approved, item.edited, item.removed, item.custom
    grouped = select(item.proposal_id, item.category, *flags, func.count().label("count"))
    statement = grouped.where(item.proposal_id == any_id(ids))
    reviews: dict[UUID, dict[RequirementCategory, ReviewCounts]] = {
        id: {category: ReviewCounts() for category in RequirementCategory} for id in ids
    }
    for row in await uow.all(statement.group_by(item.proposal_id, item.category, *flags)):
        counts, number = reviews[row.proposal_id][row.category], row._mapping["count"]
        if row.custom:
            counts.added += number
            counts.added_approved += number * row.approved
        else:
            counts.proposed += number
            counts.approved += number * row.approved
            counts.edited += number * (row.approved and row.edited)
            counts.removed += number * row.removed
    return dict(reviews)


def total(review: Review) -> ReviewCounts:
    """The sum over all categories."""
    return ReviewCounts(
        **{name: sum(getattr(counts, name) for counts in review.values()) for name in vars(ReviewCounts())}
    )


async def approve_all(uow: UnitOfWork, viewer: Viewer, id: UUID) -> RequirementProposal:
    """Approve all requirements that were not removed."""
    proposal = await _lock_proposal(uow, viewer, id, "id")
    pending = (
        ProposedRequirement.proposal_id == id,
        ~ProposedRequirement.removed,
        ~ProposedRequirement.approved,
    )
    await uow.execute(sa.update(ProposedRequirement).where(*pending).values(approved=True))
    await _record(uow, viewer, "APPROVE_ALL", id)
    return proposal


async def approve(uow: UnitOfWork, viewer: Viewer, id: UUID) -> ProposedRequirement:
    """Approve a requirement, also one that was removed."""
    item = await _lock_requirement(uow, viewer, id)
    return (
        item
        if item.approved
        else await _update_row(uow, viewer, item, "APPROVE", approved=True, removed=False)
    )


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Remove a requirement: a proposed one is marked as removed, one added manually is deleted."""
    item = await _lock_requirement(uow, viewer, id)
    if not item.custom:
        await _update_row(uow, viewer, item, "REMOVE", approved=False, removed=True)
        return
    await uow.execute(sa.delete(ProposedRequirement).where(ProposedRequirement.id == id))
    await _record(uow, viewer, "REMOVE", item.proposal_id, requirement=str(id))


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> ProposedRequirement:
    """Update a requirement. A proposed one is marked as edited and keeps its original."""
    item = await _lock_requirement(uow, viewer, id)
    if item.removed:
        raise Conflict("The requirement was removed. Approve it to restore it.", "id")
    before = {name: getattr(item, name) for name in EDITABLE_FIELDS}
    after = before | _validate(item.category, {**before, **fields})
    if after == before:
        return item
    key = proposals.normalize_key(after["name"])
    if key != item.key:
        await _refuse_duplicate(uow, item.proposal_id, item.category, key)
    values: dict[str, Any] = {**after, "key": key}
    if not item.custom:
        values |= {"edited": True, "original": item.original or before}
    return await _update_row(uow, viewer, item, "EDIT", **values)


async def add(
    uow: UnitOfWork,
    viewer: Viewer,
    proposal_id: UUID,
    *,
    category: RequirementCategory,
    approved: bool,
    fields: Mapping[str, Any],
) -> ProposedRequirement:
    """Add a requirement manually."""
    path = "input", "requirementProposalId"
    await _lock_proposal(uow, viewer, proposal_id, *path)
    values = _validate(category, fields)
    key = proposals.normalize_key(values["name"])
    await _refuse_duplicate(uow, proposal_id, category, key)
    same_category = ProposedRequirement.proposal_id == proposal_id, ProposedRequirement.category == category
    if (
        await uow.scalar(select(func.count()).select_from(ProposedRequirement).where(*same_category))
        >= MAX_PER_CATEGORY
    ):
        raise Conflict(f"A category can have at most {MAX_PER_CATEGORY} requirements.", "input", "category")
    columns = {
        **values,
        "key": key,
        "category": category,
        "confidence": 1.0,
        "rationale": MANUAL_RATIONALE,
        "origin": RequirementOrigin.PERSON,
        "approved": approved,
        "custom": True,
    }
    requirement = await proposals.add_requirement(uow, proposal_id, columns)
    await _record(uow, viewer, "ADD", proposal_id, requirement=str(requirement.id))
    return requirement


async def export(uow: UnitOfWork, viewer: Viewer, id: UUID) -> RequirementExport:
    """Export the approved requirements. Raises `Conflict` if there are none.

    Manually added requirements are exported whether approved or not, so that the export can count them.
    """
    proposal = await _lock_proposal(uow, viewer, id, "id")
    item = ProposedRequirement
    selected = item.proposal_id == id, item.approved | item.custom
    rows = await uow.all(select(item).where(*selected).order_by(item.sequence))
    assert proposal.component_type is not None  # set before a proposal is complete
    if not any(row.approved for row in rows):
        raise Conflict("No requirement is approved.", "id")
    items: dict[str, list[dict[str, Any]]] = {kind: [] for kind in NAME_FIELDS}
    for row in rows:
        items[row.category.value].append(_export_item(row))
    return await exports.create(
        uow,
        viewer,
        component_type=proposal.component_type.value.title(),
        requirements=items,
        proposal_latency_ms=proposal.proposal_latency_ms,
        proposal_id=id,
    )


def _export_item(row: ProposedRequirement) -> dict[str, Any]:
    """The exported form of a requirement, without empty fields."""
    columns = {name: getattr(row, name) for name in EXPORTED_FIELDS}
    flags = {"approved": row.approved, "edited": row.edited, "custom": row.custom}
    return {name: value for name, value in columns.items() if value not in (None, [])} | flags


def _validate(category: RequirementCategory, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a requirement from its input. Raises `Invalid`."""
    values = fields.get("values") or []
    if len(values) > MAX_VALUES:
        raise Invalid(f"values must have at most {MAX_VALUES} items (got {len(values)}).", "input", "values")
    requirement = fields.get("requirement")
    if category is RequirementCategory.ACCESSIBILITY and not (requirement or "").strip():
        raise Invalid("requirement is required for the category ACCESSIBILITY.", "input", "requirement")
    return {
        "name": validators.name(fields["name"], "input", "name", limit=MAX_NAME_LENGTH),
        "type": validators.optional(fields.get("type"), "input", "type", limit=MAX_NAME_LENGTH),
        "requirement": requirement
        and validators.text(requirement.strip(), "input", "requirement", limit=MAX_TEXT_LENGTH),
        "values": [
            validators.name(value, "input", "values", str(position), limit=MAX_NAME_LENGTH)
            for position, value in enumerate(values)
        ],
        "required": bool(fields.get("required")),
        "description": validators.text(
            fields.get("description") or "", "input", "description", limit=MAX_TEXT_LENGTH
        )
        or None,
    }


async def _lock_proposal(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str) -> RequirementProposal:
    """The proposal, locked. Raises `Conflict` unless it is complete."""
    access.require(viewer, "requirements:create")
    proposal = await access.find(uow, viewer, RequirementProposal, id, *path, lock=True)
    if proposal.stage is not ProposalStage.COMPLETE:
        raise Conflict("The proposal is not complete.", *path)
    return proposal


async def _lock_requirement(uow: UnitOfWork, viewer: Viewer, id: UUID) -> ProposedRequirement:
    """The requirement of a complete proposal; locks the proposal, then the requirement."""
    access.require(viewer, "requirements:create")
    found = await access.find(uow, viewer, ProposedRequirement, id)
    await _lock_proposal(uow, viewer, found.proposal_id, "id")
    item = await uow.first(select(ProposedRequirement).where(ProposedRequirement.id == id).with_for_update())
    if item is None:  # deleted concurrently
        raise access.not_found(ProposedRequirement, "id")
    return item


async def _refuse_duplicate(
    uow: UnitOfWork, proposal_id: UUID, category: RequirementCategory, key: str
) -> None:
    item = ProposedRequirement
    same = item.proposal_id == proposal_id, item.category == category, item.key == key
    if await uow.scalar(select(item.id).where(*same)) is not None:
        raise Conflict("A requirement with this name already exists.", "input", "name")


async def _update_row(
    uow: UnitOfWork, viewer: Viewer, item: ProposedRequirement, verb: str, **values: Any
) -> ProposedRequirement:
    statement = sa.update(ProposedRequirement).where(ProposedRequirement.id == item.id).values(values)
    changed = await uow.one(statement.returning(ProposedRequirement))
    await _record(uow, viewer, verb, item.proposal_id, requirement=str(item.id))
    return changed


async def _record(uow: UnitOfWork, viewer: Viewer, verb: str, id: UUID, **details: Any) -> None:
    await activity_log.record(
        uow, viewer.user_id, f"REQUIREMENT_PROPOSAL_{verb}", "RequirementProposal", id, **details
    )


def confidence_level(confidence: float) -> str:
    """The level of a confidence: `high`, `medium` or `low`."""
    return "high" if confidence >= HIGH_CONFIDENCE else "medium" if confidence >= MEDIUM_CONFIDENCE else "low"
