"""What a company reckons with of each energy source: shipped figures, which people correct."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from core.errors import Invalid
from db.ids import new_id
from db.models import EnergySource, EnergySourceKind
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.rows import update_row

DEFAULTS_PATH = Path(__file__).with_name("energy_sources.json")
FRACTION_FIELDS = ("capacity_factor", "reliability", "renewable_share", "share_limit", "yearly_growth")
MAX_COST_PER_KWH = 1000.0
MIN_EFFICIENCY = 0.05


def default_sources() -> list[dict[str, Any]]:
    """The figures that come with the product."""
    found: list[dict[str, Any]] = json.loads(DEFAULTS_PATH.read_text())
    return [{**each, "kind": EnergySourceKind(each["kind"])} for each in found]


async def seed(uow: UnitOfWork) -> None:
    """Give the company the shipped sources that it does not have."""
    rows = [{"id": new_id(), "efficiency": 1.0, **each} for each in default_sources()]
    await uow.execute(insert(EnergySource).values(rows).on_conflict_do_nothing())


async def list_enabled(uow: UnitOfWork) -> Sequence[Row[Any]]:
    """The sources that reports reckon with, in the order of their codes."""
    return await uow.all(select(EnergySource).where(EnergySource.enabled).order_by(EnergySource.code))


async def restore(uow: UnitOfWork, viewer: Viewer) -> Sequence[Row[Any]]:
    """Set every shipped source back to what was shipped."""
    access.require(viewer, "reports:configure")
    await seed(uow)
    for each in default_sources():
        values = {"efficiency": 1.0, "edited": False, "enabled": True, **each}
        await uow.execute(sa.update(EnergySource).where(EnergySource.code == each["code"]).values(values))
    rows = await uow.all(select(EnergySource).order_by(EnergySource.code))
    await activity_log.record(uow, viewer.user_id, "ENERGY_SOURCES_RESTORE", "Company", viewer.company_id)
    return rows


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Correct a source's figures; who does says where they come from."""
    access.require(viewer, "reports:configure")
    source = await access.find(uow, viewer, EnergySource, id, lock=True)
    values = validators.values(EnergySource, given, "input")
    for field in FRACTION_FIELDS:
        if field in values:
            validators.within(values[field], 0, 1, "input", validators.camel(field))
    if "cost_per_kwh" in values:
        validators.within(values["cost_per_kwh"], 0, MAX_COST_PER_KWH, "input", "costPerKwh")
    if "efficiency" in values:
        validators.within(values["efficiency"], MIN_EFFICIENCY, 1, "input", "efficiency")
    figures = values.keys() - {"provenance", "enabled"}
    if any(values[name] != getattr(source, name) for name in figures) and "provenance" not in values:
        raise Invalid("Say where the new figures come from.", "input", "provenance")
    if figures:
        values["edited"] = True
    return await update_row(uow, viewer, EnergySource, source, values, "ENERGY_SOURCE_UPDATE", fields=given)
