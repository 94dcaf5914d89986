"""Energy sources of a company: default figures that can be edited."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.errors import Conflict, Invalid
from db.ids import id_derived_from, new_id
from db.models import EnergySource, EnergySourceKind, GenerationProfile
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.rows import update_row

DEFAULTS_PATH = Path(__file__).with_name("energy_sources.json")
DEFAULTS_DATE = datetime(2026, 12, 1, tzinfo=UTC)
"""Since when the default figures hold."""
FRACTION_FIELDS = ("capacity_factor", "reliability", "renewable_share", "share_limit", "yearly_growth")
MAX_COST_PER_KWH, MAX_INVESTMENT_PER_KW, MAX_EXISTING_KW, MAX_LIFE_YEARS = 1000.0, 1e7, 1e9, 60
MAX_EMISSION_FACTOR = 10.0
"""In kg of CO2 equivalents per kWh."""
MAX_SOURCES = 50
CODE = re.compile(r"[a-z][a-z0-9_]{0,49}")
RANGES = {
    "cost_per_kwh": (0, MAX_COST_PER_KWH),
    "operating_cost_per_kwh": (0, MAX_COST_PER_KWH),
    "investment_per_kw": (0, MAX_INVESTMENT_PER_KW),
    "life_years": (1, MAX_LIFE_YEARS),
    "existing_kw": (0, MAX_EXISTING_KW),
    "emission_factor": (0, MAX_EMISSION_FACTOR),
    "market_emission_factor": (0, MAX_EMISSION_FACTOR),
}
MIN_EFFICIENCY = 0.05
DEFAULTS: dict[str, Any] = {
    "intermittent": False,
    "efficiency": 1.0,
    "investment_per_kw": None,
    "operating_cost_per_kwh": 0.0,
    "life_years": None,
    "existing_kw": 0.0,
    "emission_factor": 0.0,
    "market_emission_factor": None,
    "on_site": False,
}
"""Figures of a source that are not said."""


def default_sources() -> list[dict[str, Any]]:
    """The figures shipped with the product."""
    sources: list[dict[str, Any]] = json.loads(DEFAULTS_PATH.read_text())
    return [
        {
            **DEFAULTS,
            **source,
            "kind": EnergySourceKind(source["kind"]),
            "profile": GenerationProfile(source.get("profile", "steady")),
        }
        for source in sources
    ]


def unsaved_sources(company_id: UUID, codes: Collection[str]) -> list[EnergySource]:
    """The default sources that are not among these, as the rows that `seed` will insert."""
    return [
        EnergySource(
            id=source_id(company_id, source["code"]),
            company_id=company_id,
            edited=False,
            enabled=True,
            created_at=DEFAULTS_DATE,
            updated_at=DEFAULTS_DATE,
            **source,
        )
        for source in default_sources()
        if source["code"] not in codes
    ]


def source_id(company_id: UUID, code: str) -> UUID:
    """The id of a default source, which it has before it is stored."""
    return id_derived_from(company_id, f"energy source {code}")


async def seed(uow: UnitOfWork) -> None:
    """Insert the default sources that the company does not have."""
    rows = [{"id": source_id(uow.company_id, source["code"]), **source} for source in default_sources()]
    await uow.execute(insert(EnergySource).values(rows).on_conflict_do_nothing())


async def list_enabled(uow: UnitOfWork) -> Sequence[EnergySource]:
    """The enabled sources, by code."""
    return await uow.all(select(EnergySource).where(EnergySource.enabled).order_by(EnergySource.code))


async def restore(uow: UnitOfWork, viewer: Viewer) -> Sequence[EnergySource]:
    """Reset every default source to its default figures."""
    access.require(viewer, "reports:configure")
    await seed(uow)
    for source in default_sources():
        values = {"edited": False, "enabled": True, **source}
        await uow.execute(sa.update(EnergySource).where(EnergySource.code == source["code"]).values(values))
    rows = await uow.all(select(EnergySource).order_by(EnergySource.code))
    await activity_log.record(uow, viewer.user_id, "ENERGY_SOURCES_RESTORE", "Company", viewer.company_id)
    return rows


async def create(uow: UnitOfWork, viewer: Viewer, fields: Mapping[str, Any]) -> EnergySource:
    """Create a source of the company's own."""
    access.require(viewer, "reports:configure")
    await seed(uow)
    values = _validate({**DEFAULTS, "profile": GenerationProfile.STEADY, **fields})
    if not CODE.fullmatch(values["code"]):
        raise Invalid(
            "code must be lower-case letters, digits and underscores, and begin with a letter.",
            "input",
            "code",
        )
    _require_consistent(values)
    if await uow.scalar(select(func.count()).select_from(EnergySource)) >= MAX_SOURCES:
        raise Conflict(f"A company has at most {MAX_SOURCES} energy sources.", "input")
    statement = insert(EnergySource).values({"id": new_id(), "edited": True, **values})
    source = await uow.first(statement.on_conflict_do_nothing().returning(EnergySource))
    if source is None:
        raise Conflict(f"There is an energy source {values['code']} already.", "input", "code")
    await activity_log.record(uow, viewer.user_id, "ENERGY_SOURCE_CREATE", "EnergySource", source.id)
    return source


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a source of the company's own. A default one is disabled instead: it would come back."""
    access.require(viewer, "reports:configure")
    await seed(uow)
    source = await access.find(uow, viewer, EnergySource, id, lock=True)
    if source.code in {default["code"] for default in default_sources()}:
        raise Conflict("A default energy source cannot be deleted. Set enabled to false instead.", "id")
    await uow.execute(sa.delete(EnergySource).where(EnergySource.id == id))
    await activity_log.record(uow, viewer.user_id, "ENERGY_SOURCE_DELETE", "EnergySource", id)


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> EnergySource:
    """Update a source. Changed figures require a provenance."""
    access.require(viewer, "reports:configure")
    await seed(uow)
    source = await access.find(uow, viewer, EnergySource, id, lock=True)
    values = _validate(fields)
    figures = values.keys() - {"provenance", "enabled"}
    if any(values[name] != getattr(source, name) for name in figures) and "provenance" not in values:
        raise Invalid("provenance is required when figures change.", "input", "provenance")
    if figures:
        values["edited"] = True
        columns = ("kind", "intermittent", "profile", "capacity_factor", "investment_per_kw")
        _require_consistent({name: values.get(name, getattr(source, name)) for name in columns})
    return await update_row(uow, viewer, EnergySource, source, values, "ENERGY_SOURCE_UPDATE", fields=fields)


def _validate(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = validators.values(EnergySource, fields, "input")
    for field in FRACTION_FIELDS:
        if field in values:
            validators.within(values[field], 0, 1, "input", validators.camel(field))
    for field, (minimum, maximum) in RANGES.items():
        if values.get(field) is not None:
            validators.within(values[field], minimum, maximum, "input", validators.camel(field))
    if "efficiency" in values:
        validators.within(values["efficiency"], MIN_EFFICIENCY, 1, "input", "efficiency")
    return values


def _require_consistent(values: Mapping[str, Any]) -> None:
    """Raise `Invalid` for figures that contradict one another."""
    weather = values["profile"] is not GenerationProfile.STEADY
    if values["intermittent"] and not weather:
        raise Invalid("An intermittent source needs the profile SOLAR or WIND.", "input", "profile")
    if weather and not values["intermittent"]:
        raise Invalid("A source with the profile of sun or wind is intermittent.", "input", "intermittent")
    if values["capacity_factor"] <= 0 and values["kind"] is not EnergySourceKind.STORAGE:
        raise Invalid("capacityFactor must be greater than 0.", "input", "capacityFactor")
    if values["kind"] is EnergySourceKind.GRID and values["investment_per_kw"] is not None:
        raise Invalid("A grid supply is bought: it has no investmentPerKw.", "input", "investmentPerKw")
