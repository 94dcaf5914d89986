"""Energy sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import relay

from db import models
from db.models import EnergySourceKind, GenerationProfile
from resolvers import access
from resolvers.insights import energy_sources
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    IdempotentInput,
    Payload,
    field,
    input_changes,
    input_values,
    mutation,
)
from schema.framework.projection import columns

for kind in (EnergySourceKind, GenerationProfile):
    enumeration(kind)


@node(models.EnergySource)
class EnergySource(relay.Node):
    """Assumptions of a company about an energy source. Shares refer to the annual consumption."""

    id: relay.NodeID[UUID]

    code: str
    """Code in reports, such as `solar`."""

    name: str
    """Name of the energy source."""

    kind: EnergySourceKind
    """Kind of the energy source."""

    cost_per_kwh: float
    """Cost per kilowatt hour in the currency of the company. For storage, per kilowatt hour of throughput."""

    capacity_factor: float
    """Ratio of average to nominal power, from 0 to 1."""

    reliability: float
    """Reliability, from 0 to 1."""

    renewable_share: float
    """Renewable share of its energy, from 0 to 1."""

    intermittent: bool
    """Whether its supply depends on the weather."""

    share_limit: float
    """Maximum share of the consumption that it can cover, from 0 to 1."""

    yearly_growth: float
    """Maximum growth of that share per year, from 0 to 1."""

    efficiency: float
    """Round-trip efficiency of storage, from 0 to 1."""

    profile: GenerationProfile
    """Hours in which it generates."""

    investment_per_kw: float | None
    """Investment for a kilowatt of the company's own plant, for storage for a kilowatt hour of capacity.
    Null if the energy is bought at `costPerKwh`.
    """

    operating_cost_per_kwh: float
    """Cost of operation per kilowatt hour of the company's own plant. Plans add the annuity of the
    investment.
    """

    life_years: int | None
    """Life of the plant in years. Null for that of the profile."""

    existing_kw: float
    """Power of the plants that exist, which need no investment. For a heat pump, its electric power."""

    emission_factor: float
    """Emissions in kilograms of CO2 equivalents per kilowatt hour: for the grid location-based."""

    market_emission_factor: float | None
    """Market-based emissions of the contract. Null for `emissionFactor` without the renewable share."""

    on_site: bool
    """Whether it stands on the company's own site, behind its meter."""

    provenance: str
    """Provenance of the figures."""

    edited: bool
    """Whether a user has changed the default figures."""

    enabled: bool
    """Whether reports use the energy source."""

    updated_at: datetime
    """Time of the last change."""


@input
class EnergySourceUpdateInput:
    """Fields to change. Fields that are omitted keep their value."""

    cost_per_kwh: strawberry.Maybe[float]
    """Cost per kilowatt hour in the currency of the company, from 0 to 1000."""

    capacity_factor: strawberry.Maybe[float]
    """Ratio of average to nominal power, from 0 to 1."""

    reliability: strawberry.Maybe[float]
    """Reliability, from 0 to 1."""

    renewable_share: strawberry.Maybe[float]
    """Renewable share of its energy, from 0 to 1."""

    share_limit: strawberry.Maybe[float]
    """Maximum share of the consumption that it can cover, from 0 to 1."""

    yearly_growth: strawberry.Maybe[float]
    """Maximum growth of that share per year, from 0 to 1."""

    efficiency: strawberry.Maybe[float]
    """Round-trip efficiency of storage, from 0.05 to 1."""

    investment_per_kw: strawberry.Maybe[float | None]
    """Investment for a kilowatt of the company's own plant, for storage for a kilowatt hour of capacity.
    Null if the energy is bought at `costPerKwh`.
    """

    operating_cost_per_kwh: strawberry.Maybe[float]
    """Cost of operation per kilowatt hour of the company's own plant. Plans add the annuity of the
    investment.
    """

    life_years: strawberry.Maybe[int | None]
    """Life of the plant in years. Null for that of the profile."""

    existing_kw: strawberry.Maybe[float]
    """Power of the plants that exist, which need no investment. For a heat pump, its electric power."""

    emission_factor: strawberry.Maybe[float]
    """Emissions in kilograms of CO2 equivalents per kilowatt hour: for the grid location-based."""

    market_emission_factor: strawberry.Maybe[float | None]
    """Market-based emissions of the contract. Null for `emissionFactor` without the renewable share."""

    on_site: strawberry.Maybe[bool]
    """Whether it stands on the company's own site, behind its meter."""

    enabled: strawberry.Maybe[bool]
    """Whether reports use the energy source."""

    provenance: strawberry.Maybe[str]
    """Provenance of the new figures. Required if a figure changes."""


@input
class EnergySourceCreateInput(IdempotentInput):
    """Figures of a new energy source. Shares refer to the annual consumption."""

    code: str
    """Code of at most 50 lower-case letters, digits and underscores, such as `roof_solar`. Unique."""

    name: str
    """Name of at most 100 characters."""

    kind: EnergySourceKind
    """Kind of the energy source."""

    cost_per_kwh: float
    """Cost per kilowatt hour in the currency of the company, from 0 to 1000."""

    capacity_factor: float
    """Ratio of average to nominal power, greater than 0 and at most 1."""

    reliability: float
    """Reliability, from 0 to 1."""

    renewable_share: float
    """Renewable share of its energy, from 0 to 1."""

    intermittent: bool = False
    """Whether its supply depends on the weather."""

    share_limit: float = 1.0
    """Maximum share of the consumption that it can cover, from 0 to 1."""

    yearly_growth: float = 1.0
    """Maximum growth of that share per year, from 0 to 1."""

    efficiency: float = 1.0
    """Round-trip efficiency of storage, from 0.05 to 1."""

    profile: GenerationProfile | None = None
    """Hours in which it generates. Default STEADY."""

    investment_per_kw: float | None = None
    """Investment for a kilowatt of the company's own plant, for storage for a kilowatt hour of capacity.
    Null if the energy is bought at `costPerKwh`.
    """

    operating_cost_per_kwh: float = 0.0
    """Cost of operation per kilowatt hour of the company's own plant. Plans add the annuity of the
    investment.
    """

    life_years: int | None = None
    """Life of the plant in years. Null for that of the profile."""

    existing_kw: float = 0.0
    """Power of the plants that exist, which need no investment. For a heat pump, its electric power."""

    emission_factor: float = 0.0
    """Emissions in kilograms of CO2 equivalents per kilowatt hour: for the grid location-based."""

    market_emission_factor: float | None = None
    """Market-based emissions of the contract. Null for `emissionFactor` without the renewable share."""

    on_site: bool = False
    """Whether it stands on the company's own site, behind its meter."""

    provenance: str
    """Provenance of the figures. At most 500 characters."""


@output
class EnergySourceCreatePayload(Payload):
    energy_source: EnergySource | None = None
    """The new energy source."""


@output
class EnergySourceDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class EnergySourceUpdatePayload(Payload):
    energy_source: EnergySource | None = None
    """The updated energy source."""


@output
class EnergySourcesRestorePayload(Payload):
    energy_sources: list[EnergySource] | None = None
    """The energy sources of the company. Not paginated."""


@output
class EnergySourceQueries:
    energy_source: EnergySource | None = lookup(models.EnergySource, "Looks up an energy source by ID.")

    @field
    async def energy_sources(self, info: Info) -> list[EnergySource]:
        """The energy sources of the company, by code: at most 50. Not paginated. The default ones are there
        from the first day.
        """
        model, viewer = models.EnergySource, info.context.viewer
        wanted = [getattr(model, name) for name in {*columns(info, model), "code"}]
        statement = access.visible(viewer, model, *wanted)
        rows: list[Any] = list(await info.context.read().all(statement))
        if access.may_read(viewer, access.POLICIES[model]):
            rows += energy_sources.unsaved_sources(viewer.company_id, {row.code for row in rows})
        return sorted(rows, key=lambda row: row.code)


@output
class EnergySourceMutations:
    @mutation(idempotent=True)
    async def energy_source_create(
        self, info: Info, input: EnergySourceCreateInput
    ) -> EnergySourceCreatePayload:
        """Create an energy source of the company's own, such as an existing plant or a contract."""
        values = input_values(input) | {"profile": input.profile or GenerationProfile.STEADY}
        async with info.context.write() as uow:
            source = await energy_sources.create(uow, info.context.viewer, values)
        return EnergySourceCreatePayload.of(energy_source=source)

    @mutation
    async def energy_source_delete(self, info: Info, id: relay.GlobalID) -> EnergySourceDeletePayload:
        """Delete an energy source of the company's own. Default ones can be disabled."""
        async with info.context.write() as uow:
            await energy_sources.delete(uow, info.context.viewer, key_of(id, models.EnergySource))
        return EnergySourceDeletePayload.of(deleted_id=id)

    @mutation
    async def energy_source_update(
        self, info: Info, id: relay.GlobalID, input: EnergySourceUpdateInput
    ) -> EnergySourceUpdatePayload:
        """Update the figures of an energy source."""
        values = input_changes(input)
        key = key_of(id, models.EnergySource)
        async with info.context.write() as uow:
            source = await energy_sources.update(uow, info.context.viewer, key, values)
        return EnergySourceUpdatePayload.of(energy_source=source)

    @mutation
    async def energy_sources_restore(self, info: Info) -> EnergySourcesRestorePayload:
        """Reset the default energy sources to their default figures, and add missing ones."""
        async with info.context.write() as uow:
            rows = await energy_sources.restore(uow, info.context.viewer)
        return EnergySourcesRestorePayload.of(energy_sources=list(rows))
