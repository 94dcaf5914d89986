"""Exports of reviewed component requirements."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Float, cast, func, insert

from core.errors import Invalid
from db.models import RequirementExport
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer

NAME_FIELDS = {"props": "name", "events": "name", "states": "name", "accessibility": "requirement"}
"""The four kinds of requirements, and the field that identifies an item."""

MAX_NAME_LENGTH, MAX_TEXT_LENGTH = 255, 2_000
MAX_LATENCY_MS = 2**31 - 1

RequirementItems = Mapping[str, Sequence[Mapping[str, Any]]]
"""Items by kind; empty fields are absent."""


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    component_type: str,
    requirements: RequirementItems,
    proposal_latency_ms: int | None,
    proposal_id: UUID | None = None,
) -> RequirementExport:
    """Store a component's reviewed requirements with counts of approved, edited and added items."""
    access.require(viewer, "requirements:create")
    if proposal_latency_ms is not None:
        validators.within(proposal_latency_ms, 0, MAX_LATENCY_MS, "input", "proposalLatencyMs")
    kept = {
        kind: [_validate_item(kind, item, position) for position, item in enumerate(items)]
        for kind, items in requirements.items()
    }
    if not any(kept.values()):
        raise Invalid("requirements must contain at least one item.", "input", "requirements")
    values = {
        "user_id": viewer.user_id,
        "component_type": validators.name(component_type, "input", "componentType", limit=100),
        "requirements": kept,
        "proposal_latency_ms": proposal_latency_ms,
        "proposal_id": proposal_id,
        **count_items(kept),
    }
    made = await uow.one(insert(RequirementExport).values(values).returning(RequirementExport))
    await activity_log.record(
        uow, viewer.user_id, "REQUIREMENT_EXPORT_CREATE", "RequirementExport", made.id, **count_items(kept)
    )
    return made


def count_items(requirements: RequirementItems) -> dict[str, int]:
    """Counts of approved items, of those both approved and edited, and of those added manually."""
    items = [item for group in requirements.values() for item in group]
    return {
        "approved_count": sum(item["approved"] for item in items),
        "edited_count": sum(item["approved"] and item["edited"] for item in items),
        "custom_added_count": sum(item["custom"] for item in items),
    }


async def mark_used(
    uow: UnitOfWork, viewer: Viewer, id: UUID, *, in_pattern_retrieval: bool, in_code_generation: bool
) -> RequirementExport:
    """Record what an export was used for. Uses cannot be removed."""
    access.require(viewer, "requirements:create")
    if not (in_pattern_retrieval or in_code_generation):
        raise Invalid(
            "At least one of usedInPatternRetrieval and usedInCodeGeneration must be true.", "input"
        )
    found = await access.find(uow, viewer, RequirementExport, id, lock=True)
    uses = {"pattern_retrieval": in_pattern_retrieval, "code_generation": in_code_generation}
    new = [use for use, flag in uses.items() if flag and not getattr(found, f"used_in_{use}")]
    values = {column: value for use in new for column, value in _usage_values(use).items()}
    if not values:
        return found
    statement = sa.update(RequirementExport).where(RequirementExport.id == id).values(values)
    changed = await uow.one(statement.returning(RequirementExport))
    await activity_log.record(
        uow,
        viewer.user_id,
        "REQUIREMENT_EXPORT_MARK_USED",
        "RequirementExport",
        id,
        fields=[f"used_in_{use}" for use in sorted(new)],
    )
    return changed


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete an export."""
    access.require(viewer, "requirements:create")
    await access.find(uow, viewer, RequirementExport, id, lock=True)
    await uow.execute(sa.delete(RequirementExport).where(RequirementExport.id == id))
    await activity_log.record(uow, viewer.user_id, "REQUIREMENT_EXPORT_DELETE", "RequirementExport", id)


async def approval_metrics(uow: UnitOfWork, viewer: Viewer, component_type: str | None) -> Any:
    """Means over the exports visible to the viewer (None without any), and their number."""
    export = RequirementExport
    statement = access.visible(
        viewer,
        export,
        cast(func.avg(export.approved_count), Float).label("avg_approved"),
        cast(func.avg(export.edited_count), Float).label("avg_edited"),
        cast(func.avg(export.custom_added_count), Float).label("avg_custom"),
        func.count().label("total"),
    )
    if component_type is not None:
        statement = statement.where(export.component_type == component_type)
    return await uow.one(statement)


def _usage_values(use: str) -> dict[str, Any]:
    return {f"used_in_{use}": True, f"{use}_at": func.now()}


def _validate_item(kind: str, item: Mapping[str, Any], position: int) -> dict[str, Any]:
    path = ("input", "requirements", kind, str(position))
    if not (item.get(NAME_FIELDS[kind]) or "").strip():
        raise Invalid(f"{NAME_FIELDS[kind]} must not be blank.", *path, NAME_FIELDS[kind])
    if item.get("confidence") is not None:
        validators.within(item["confidence"], 0, 1, *path, "confidence")
    for field in ("name", "type"):
        validators.text(item.get(field) or "", *path, field, limit=MAX_NAME_LENGTH)
    for field in ("requirement", "description", "rationale"):
        validators.text(item.get(field) or "", *path, field, limit=MAX_TEXT_LENGTH)
    for index, value in enumerate(item.get("values") or ()):
        validators.text(value, *path, "values", str(index), limit=MAX_NAME_LENGTH)
    return dict(item)
