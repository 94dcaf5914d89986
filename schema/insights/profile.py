"""Company profiles, as clients see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay

from core.errors import NotFound
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
    """A company's energy targets and standing; one for each company."""

    id: relay.NodeID[UUID]

    company: CompanyRef | None = relation(models.CompanyProfile.company)
    """Company that owns it."""

    industry: str | None
    """Industry, such as `Manufacturing`. Free text."""

    location: str | None
    """Where the company uses its energy."""

    target_year: int | None
    """By when the transition is to be done, 2025 to 2100."""

    renewable_percentage_increase: float | None
    """By how much the renewable share is to grow, in percent."""

    budget: float | None
    """What may be spent, in the company's currency."""

    historical_data_uploaded: bool
    """Whether data of past consumption is there."""

    chroma_collection_name: str | None
    """The vector collection that holds the historical data."""

    total_consumption_kwh: float | None
    """In kilowatt hours."""

    current_renewable_percentage: float | None
    """The renewable share now, in percent."""

    sustainability_score: float | None
    """0 to 100, from the last report."""

    onboarding_completed: bool
    """Whether the company has said all that reports need."""

    energy_mix_weight: float
    """What the energy mix counts in a report; the three weights sum to 1."""

    price_optimization_weight: float
    """What the price counts in a report; the three weights sum to 1."""

    portfolio_decision_weight: float
    """What the portfolio counts in a report; the three weights sum to 1."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""


Profile = Annotated[
    relay.GlobalID | None,
    strawberry.argument(description="Which profile: the viewer's company's unless told."),
]


@output
class ProfileQueries:
    company_profiles: Connection[CompanyProfile] = connection(models.CompanyProfile)
    """Every profile the viewer may see: that of their company, if there is one."""

    @field
    async def company_profile(self, info: Info, id: Profile = None) -> CompanyProfile | None:
        """The profile of the viewer's company; null while there is none."""
        model = models.CompanyProfile
        wanted = columns(info, model)
        if id is None:
            statement = access.visible(info.context.viewer, model, *(getattr(model, name) for name in wanted))
            row: Any = await info.context.read().first(statement)
        else:
            row = await info.context.loaders.one(model, wanted).load(key_of(id, model))
            if row is None:
                raise NotFound("There is no such company profile.", "id")
        found: CompanyProfile | None = row
        return found


@input
class CompanyProfileUpdateInput:
    """Fields to change. Fields that are omitted keep their value; null clears them."""

    industry: strawberry.Maybe[str | None]
    """Industry, such as `Manufacturing`."""

    location: strawberry.Maybe[str | None]
    """Where the company uses its energy."""

    target_year: strawberry.Maybe[int | None]
    """By when the transition is to be done, 2025 to 2100."""

    renewable_percentage_increase: strawberry.Maybe[float | None]
    """By how much the renewable share is to grow, in percent: 0 to 100."""

    budget: strawberry.Maybe[float | None]
    """What may be spent, more than nothing."""

    total_consumption_kwh: strawberry.Maybe[float | None]
    """In kilowatt hours."""

    current_renewable_percentage: strawberry.Maybe[float | None]
    """The renewable share now, in percent: 0 to 100."""

    onboarding_completed: strawberry.Maybe[bool]
    """Whether the company has said all that reports need."""

    energy_mix_weight: strawberry.Maybe[float]
    """What the energy mix counts: 0 to 1; the three weights sum to 1, give or take 0.05."""

    price_optimization_weight: strawberry.Maybe[float]
    """What the price counts: 0 to 1; the three weights sum to 1, give or take 0.05."""

    portfolio_decision_weight: strawberry.Maybe[float]
    """What the portfolio counts: 0 to 1; the three weights sum to 1, give or take 0.05."""


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
        """Change the profile of the viewer's company, which is made first if there is none."""
        given = input_changes(input)
        async with info.context.write() as uow:
            changed = await profile.update(uow, info.context.viewer, given)
        return CompanyProfileUpdatePayload.of(company_profile=changed)
