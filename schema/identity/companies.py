"""Mutations of companies."""

from __future__ import annotations

import strawberry
from strawberry import relay

from db import models
from resolvers.identity import companies, placement
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, input_changes, mutation
from schema.identity.types import Company
from schema.lazy_types import ProcessingJobRef


@input
class CompanyCreateInput(IdempotentInput):
    """Input of `companyCreate`."""

    name: str
    """Name. Unique on the platform."""

    industry: str | None = None
    """Industry, such as `Manufacturing`."""

    administrator_email: str | None = None
    """Email address of the administrator, who is invited to the new company by mail."""

    dedicated: bool | None = None
    """Whether the company gets a database of its own. The default is a setting of the installation. Platform
    administrators only.
    """

    server: str | None = None
    """Server of that database, as named in the settings of the installation. Default `primary`. Platform
    administrators only.
    """


@input
class CompanyPlaceInput:
    """Input of `companyPlace`."""

    dedicated: bool
    """Whether the company gets a database of its own, or is stored in the shared one."""

    server: str | None = None
    """Server of the database of its own, as named in the settings of the installation. Default `primary`."""


@input
class CompanyUpdateInput:
    """Fields to change. Fields that are omitted keep their value."""

    name: strawberry.Maybe[str]
    """Name. Unique on the platform."""

    industry: strawberry.Maybe[str | None]
    """Industry, such as `Manufacturing`."""

    is_active: strawberry.Maybe[bool]
    """Whether users of the company can sign in. Platform administrators only."""


@output
class CompanyCreatePayload(Payload):
    company: Company | None = None
    """The new company."""


@output
class CompanyPlacePayload(Payload):
    company: Company | None = None
    """The company, where it is before the move."""

    job: ProcessingJobRef | None = None
    """The job that moves the company. Null if it is there already."""


@output
class CompanyUpdatePayload(Payload):
    company: Company | None = None
    """The updated company."""


@output
class CompanyMutations:
    @mutation
    async def company_create(self, info: Info, input: CompanyCreateInput) -> CompanyCreatePayload:
        """Create a company. Requires `companies:create`."""
        company = await companies.create(
            info.context.services.database,
            info.context.services.settings,
            info.context.viewer,
            name=input.name,
            industry=input.industry,
            dedicated=input.dedicated,
            server=input.server,
            administrator_email=input.administrator_email,
            key=input.idempotency_key,
        )
        return CompanyCreatePayload.of(company=company)

    @mutation
    async def company_place(
        self, info: Info, id: relay.GlobalID, input: CompanyPlaceInput
    ) -> CompanyPlacePayload:
        """Move a company to a database of its own, or to the shared one, while its users work. Requires
        `platform:manage`.
        """
        viewer, settings = info.context.viewer, info.context.services.settings
        key = key_of(id, models.Company)
        async with info.context.write() as uow:
            company, job = await placement.move(
                uow, settings, viewer, key, dedicated=input.dedicated, server=input.server
            )
        return CompanyPlacePayload.of(company=company, job=job)

    @mutation
    async def company_update(
        self, info: Info, id: relay.GlobalID, input: CompanyUpdateInput
    ) -> CompanyUpdatePayload:
        """Update a company."""
        values = input_changes(input)
        key = key_of(id, models.Company)
        async with info.context.write() as uow:
            company = await companies.update(uow, info.context.viewer, key, values)
        info.context.services.viewers.forget()
        return CompanyUpdatePayload.of(company=company)
