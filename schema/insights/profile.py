"""Company profiles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay

from db import models
from resolvers import access
from resolvers.insights import profile
from schema.framework.context import Info
from schema.framework.decorators import input, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, field, input_changes, mutation
from schema.framework.projection import columns
from schema.lazy_types import CompanyRef


@node(models.CompanyProfile)
class CompanyProfile(relay.Node):
    """Energy profile of a company. At most one per company."""

    id: relay.NodeID[UUID]

    company: CompanyRef | None = relation(models.CompanyProfile.company)
    """Company of the profile."""

    industry: str | None
    """Industry, such as `Manufacturing`. Free text."""

    location: str | None
    """Location where the company uses its energy."""

    target_year: int | None
    """Target year of the energy transition, from 2025 to 2100."""

    renewable_percentage_increase: float | None
    """Targeted increase of the renewable share, in percentage points."""

    budget: float | None
    """Budget in the currency of the company."""

    historical_data_uploaded: bool
    """Whether historical consumption has been imported."""

    chroma_collection_name: str | None
    """Name of the vector collection with the historical data."""

    total_consumption_kwh: float | None
    """Annual consumption in kilowatt hours."""

    current_renewable_percentage: float | None
    """Current renewable share in percent."""

    sustainability_score: float | None
    """Current renewable share relative to the targeted increase, from 0 to 100. It follows the profile.
    Null if either is unknown.
    """

    onboarding_completed: bool
    """Whether the onboarding is complete."""

    energy_mix_weight: float
    """Weight of the energy mix in reports. The three weights sum to 1."""

    price_optimization_weight: float
    """Weight of the price in reports. The three weights sum to 1."""

    portfolio_decision_weight: float
    """Weight of the portfolio in reports. The three weights sum to 1."""

    latitude: float | None
    """Latitude in degrees, from -90 to 90, for the hours of the sun."""

    currency: str | None
    """Currency of all amounts as a code of ISO 4217, such as `EUR`."""

    discount_rate: float
    """Discount rate per year, such as 0.06. Greater than 0 and at most 1."""

    price_escalation: float
    """Yearly growth of the prices of grid energy and fuel, from -0.2 to 0.2."""

    asset_life_years: int
    """Life of assets without a life of their own in years, from 1 to 60. Plans are appraised over
    at least this time.
    """

    demand_price_per_kw: float
    """Yearly price of a kilowatt of peak demand."""

    feed_in_price_per_kwh: float
    """Price of a kilowatt hour that is fed into the grid."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""


Profile = Annotated[
    relay.GlobalID | None,
    strawberry.argument(
        description="Global ID of the profile. Defaults to the profile of the viewer's company."
    ),
]


@output
class ProfileQueries:
    company_profiles: Connection[CompanyProfile] = connection(models.CompanyProfile)
    """Lists the profiles that are visible to the viewer: at most that of their company."""

    @field
    async def company_profile(self, info: Info, id: Profile = None) -> CompanyProfile | None:
        """The profile of the viewer's company, or null."""
        model = models.CompanyProfile
        wanted = columns(info, model)
        if id is None:
            statement = access.visible(info.context.viewer, model, *(getattr(model, name) for name in wanted))
            row: Any = await info.context.read().first(statement)
        else:
            row = await info.context.loaders.one(model, wanted).load(key_of(id, model))
            if row is None:
                raise access.not_found(models.CompanyProfile, "id")
        found: CompanyProfile | None = row
        return found


@input
class CompanyProfileUpdateInput:
    """Fields to change. Fields that are omitted keep their value. Null clears a field."""

    industry: strawberry.Maybe[str | None]
    """Industry, such as `Manufacturing`."""

    location: strawberry.Maybe[str | None]
    """Location where the company uses its energy."""

    target_year: strawberry.Maybe[int | None]
    """Target year of the energy transition, from 2025 to 2100."""

    renewable_percentage_increase: strawberry.Maybe[float | None]
    """Targeted increase of the renewable share in percentage points, from 0 to 100."""

    budget: strawberry.Maybe[float | None]
    """Budget in the currency of the company. Must be positive."""

    total_consumption_kwh: strawberry.Maybe[float | None]
    """Annual consumption in kilowatt hours."""

    current_renewable_percentage: strawberry.Maybe[float | None]
    """Current renewable share in percent, from 0 to 100."""

    onboarding_completed: strawberry.Maybe[bool]
    """Whether the onboarding is complete."""

    energy_mix_weight: strawberry.Maybe[float]
    """Weight of the energy mix, from 0 to 1. The three weights sum to 1 within 0.05."""

    price_optimization_weight: strawberry.Maybe[float]
    """Weight of the price, from 0 to 1. The three weights sum to 1 within 0.05."""

    portfolio_decision_weight: strawberry.Maybe[float]
    """Weight of the portfolio, from 0 to 1. The three weights sum to 1 within 0.05."""

    latitude: strawberry.Maybe[float | None]
    """Latitude in degrees, from -90 to 90, for the hours of the sun."""

    currency: strawberry.Maybe[str | None]
    """Currency of all amounts as a code of ISO 4217, such as `EUR`."""

    discount_rate: strawberry.Maybe[float]
    """Discount rate per year, such as 0.06. Greater than 0 and at most 1."""

    price_escalation: strawberry.Maybe[float]
    """Yearly growth of the prices of grid energy and fuel, from -0.2 to 0.2."""

    asset_life_years: strawberry.Maybe[int]
    """Life of assets without a life of their own in years, from 1 to 60. Plans are appraised over
    at least this time.
    """

    demand_price_per_kw: strawberry.Maybe[float]
    """Yearly price of a kilowatt of peak demand."""

    feed_in_price_per_kwh: strawberry.Maybe[float]
    """Price of a kilowatt hour that is fed into the grid."""


@output
class CompanyProfileUpdatePayload(Payload):
    company_profile: CompanyProfile | None = None
    """The updated company profile."""


@output
class ProfileMutations:
    @mutation
    async def company_profile_update(
        self, info: Info, input: CompanyProfileUpdateInput
    ) -> CompanyProfileUpdatePayload:
        """Update the profile of the viewer's company, creating it if necessary."""
        values = input_changes(input)
        async with info.context.write() as uow:
            changed = await profile.update(uow, info.context.viewer, values)
        return CompanyProfileUpdatePayload.of(company_profile=changed)
