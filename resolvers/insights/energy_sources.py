"""Energy sources of a company: default figures that can be edited."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
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
    """The figures shipped with the product."""
    sources: list[dict[str, Any]] = json.loads(DEFAULTS_PATH.read_text())
    return [{**source, "kind": EnergySourceKind(source["kind"])} for source in sources]


async def seed(uow: UnitOfWork) -> None:
    """Insert the default sources that the company does not have."""
    rows = [{"id": new_id(), "efficiency": 1.0, **source} for source in default_sources()]
    await uow.execute(insert(EnergySource).values(rows).on_conflict_do_nothing())


async def list_enabled(uow: UnitOfWork) -> Sequence[EnergySource]:
    """The enabled sources, by code."""
    return await uow.all(select(EnergySource).where(EnergySource.enabled).order_by(EnergySource.code))


async def restore(uow: UnitOfWork, viewer: Viewer) -> Sequence[EnergySource]:
    """Reset every default source to its default figures."""
    access.require(viewer, "reports:configure")
    await seed(uow)
    for source in default_sources():
        values = {"efficiency": 1.0, "edited": False, "enabled": True, **source}
        await uow.execute(sa.update(EnergySource).where(EnergySource.code == source["code"]).values(values))
    rows = await uow.all(select(EnergySource).order_by(EnergySource.code))
    await activity_log.record(uow, viewer.user_id, "ENERGY_SOURCES_RESTORE", "Company", viewer.company_id)
    return rows


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> EnergySource:
    """Update a source. Changed figures require a provenance."""
    access.require(viewer, "reports:configure")
    source = await access.find(uow, viewer, EnergySource, id, lock=True)
    values = validators.values(EnergySource, fields, "input")
    for field in FRACTION_FIELDS:
        if field in values:
            validators.within(values[field], 0, 1, "input", validators.camel(field))
    if "cost_per_kwh" in values:
        validators.within(values["cost_per_kwh"], 0, MAX_COST_PER_KWH, "input", "costPerKwh")
    if "efficiency" in values:
        validators.within(values["efficiency"], MIN_EFFICIENCY, 1, "input", "efficiency")
    figures = values.keys() - {"provenance", "enabled"}
    if any(values[name] != getattr(source, name) for name in figures) and "provenance" not in values:
        raise Invalid("provenance is required when figures change.", "input", "provenance")
    if figures:
        values["edited"] = True
    return await update_row(uow, viewer, EnergySource, source, values, "ENERGY_SOURCE_UPDATE", fields=fields)
