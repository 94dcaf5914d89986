"""What a company wants to reach, and the reports that were kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from core.errors import Invalid
from db.ids import new_id
from db.models import CompanyProfile, SavedReport
from db.uow import UnitOfWork
from resolvers import access, activity, checks
from resolvers.access import Viewer

TEXTS = {"industry": 100, "location": 255}
RANGES = {
    "target_year": (2025, 2100),
    "renewable_percentage_increase": (0, 100),
    "total_consumption_kwh": (0, 1e15),
    "current_renewable_percentage": (0, 100),
    "energy_mix_weight": (0, 1),
    "price_optimization_weight": (0, 1),
    "portfolio_decision_weight": (0, 1),
}
WEIGHTS = ("energy_mix_weight", "price_optimization_weight", "portfolio_decision_weight")
TOLERANCE = 0.05
"""How far the sum of the weights may be from 1."""

LARGEST_BUDGET = 1e15
MOST_TAGS, LONGEST_TAG = 20, 50


async def change_profile(uow: UnitOfWork, viewer: Viewer, given: Mapping[str, Any]) -> Row[Any]:
    """Change the company's profile, which is made first if there is none."""
    access.require(viewer, "reports:configure")
    values = _checked(given)
    await uow.execute(insert(CompanyProfile).values(id=new_id()).on_conflict_do_nothing())
    profile = await uow.one(select(CompanyProfile).with_for_update())
    if values.keys() & set(WEIGHTS):
        energy, price, portfolio = (values.get(name, getattr(profile, name)) for name in WEIGHTS)
        if not 1 - TOLERANCE <= energy + price + portfolio <= 1 + TOLERANCE:
            raise Invalid("The three weights sum to 1, give or take 0.05.", "input")
    if values:
        profile = await uow.one(update(CompanyProfile).values(values).returning(CompanyProfile))
    fields = sorted(values)
    await activity.record(
        uow, viewer.user_id, "COMPANY_PROFILE_UPDATE", "CompanyProfile", profile.id, fields=fields
    )
    return profile


async def change_report(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Give a report another title or other tags."""
    access.require(viewer, "reports:save")
    report = await access.find(uow, viewer, SavedReport, id, lock=True)
    values = dict(given)
    if "title" in values:
        values["title"] = checks.optional(values["title"], "input", "title", limit=500)
    if "tags" in values:
        values["tags"] = _tags(values["tags"])
    if not values:
        return report
    changed = await uow.one(
        update(SavedReport).where(SavedReport.id == id).values(values).returning(SavedReport)
    )
    fields = sorted(values)
    await activity.record(uow, viewer.user_id, "SAVED_REPORT_UPDATE", "SavedReport", id, fields=fields)
    return changed


async def remove_report(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a report."""
    access.require(viewer, "reports:delete")
    await access.find(uow, viewer, SavedReport, id, lock=True)
    await uow.execute(delete(SavedReport).where(SavedReport.id == id))
    await activity.record(uow, viewer.user_id, "SAVED_REPORT_DELETE", "SavedReport", id)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    for field, limit in TEXTS.items():
        if field in values:
            values[field] = checks.optional(values[field], "input", field, limit=limit)
    for field, (least, most) in RANGES.items():
        if values.get(field) is not None:
            checks.within(values[field], least, most, "input", checks.camel(field))
    budget = values.get("budget")
    if budget is not None and not 0 < budget <= LARGEST_BUDGET:
        raise Invalid("A budget is more than nothing.", "input", "budget")
    return values


def _tags(given: Sequence[str]) -> list[str]:
    if len(given) > MOST_TAGS:
        raise Invalid(f"At most {MOST_TAGS} tags.", "input", "tags")
    tags = [checks.name(tag, "input", "tags", str(i), limit=LONGEST_TAG) for i, tag in enumerate(given)]
    return list(dict.fromkeys(tags))
