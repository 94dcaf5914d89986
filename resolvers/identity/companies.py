"""Companies: creating and updating them."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import or_, select

from core.errors import Conflict
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import Company, CompanyKind, RoleName
from db.uow import UnitOfWork
from resolvers import access, activity_log, idempotency, validators
from resolvers.access import Viewer
from resolvers.identity import invitations, placement, users
from resolvers.identity.users import NAME_TAKEN
from resolvers.rows import update_row

IN_PROGRESS = "A request with this idempotency key is still creating the company. Try again in a moment."

WAIT_SECONDS, POLL_SECONDS = 10.0, 0.25
"""Patience with a concurrent request that creates the same company's database, and time between looks."""


async def create(
    database: Database,
    settings: Settings,
    viewer: Viewer,
    *,
    name: str,
    industry: str | None,
    dedicated: bool | None = None,
    server: str | None = None,
    administrator_email: str | None = None,
    key: str | None = None,
) -> Company:
    """Create a company with its own tenant, or return the one created earlier with the idempotency `key`.

    Its administrator, if one is named, is invited in the same transaction.

    The company's id is derived from the key, because a tenant that does not exist yet cannot store keys.
    Waits for a concurrent request with the same key. Raises `Conflict` if that takes too long.
    """
    access.require(viewer, "companies:create")
    values = validators.values(Company, {"name": name, "industry": industry}, "input")
    chosen = placement.choose_server(settings, viewer, dedicated=dedicated, server=server)
    administrator = None
    if administrator_email is not None:
        administrator = validators.email(administrator_email, "input", "administratorEmail")
    id = new_id() if key is None else uuid5(viewer.user_id, validators.name(key, *idempotency.PATH))
    deadline = monotonic() + WAIT_SECONDS
    while True:
        async with database.platform(read_only=True) as uow:
            if earlier := await _find_earlier(uow, id, values):
                return earlier
        try:
            return await _create(database, settings, viewer, id, chosen, values, administrator)
        except placement.BeingChanged as error:
            if monotonic() >= deadline:
                raise Conflict(IN_PROGRESS, *idempotency.PATH) from error
        await asyncio.sleep(POLL_SECONDS)


async def _create(
    database: Database,
    settings: Settings,
    viewer: Viewer,
    id: UUID,
    server: str | None,
    values: Mapping[str, Any],
    administrator: str | None,
) -> Company:
    async with (
        placement.new_place(database, settings, id, server) as new,
        database.tenant(id, viewer.user_id, kind="platform") as uow,
    ):
        try:
            company = await users.insert_company(uow, kind=CompanyKind.ORGANISATION, new=new, **values)
        except Conflict:  # inserted concurrently, perhaps by a request with the same key
            if earlier := await _find_earlier(uow, id, values):
                return earlier
            raise
        if administrator is not None:
            await invitations.insert_invitation(uow, settings, viewer, administrator, RoleName.ADMIN)
        await activity_log.record(uow, None, "COMPANY_CREATE", "Company", company.id, by=str(viewer.user_id))
    return company


async def _find_earlier(uow: UnitOfWork, id: UUID, values: Mapping[str, Any]) -> Company | None:
    """The company with this id, if it has these values. Raises `Conflict` for others, or a taken name."""
    matches = or_(Company.id == id, Company.name == values["name"])
    found = {company.id: company for company in await uow.all(select(Company).where(matches))}
    earlier = found.get(id)
    if earlier is not None and (earlier.name, earlier.industry) != (values["name"], values["industry"]):
        raise Conflict(idempotency.OTHER_INPUT, *idempotency.PATH)
    if earlier is None and found:
        raise Conflict(NAME_TAKEN, "input", "name")
    return earlier


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, changes: Mapping[str, Any]) -> Company:
    """Update a company. Only the platform's administrators change `is_active`."""
    access.require(viewer, "platform:manage" if "is_active" in changes else "companies:update")
    company = await access.find(uow, viewer, Company, id, lock=True)
    values = validators.values(Company, changes, "input")
    if "name" in values:
        taken = select(Company.id).where(Company.name == values["name"], Company.id != id)
        if await uow.scalar(taken):
            raise Conflict(NAME_TAKEN, "input", "name")
    if company.kind is CompanyKind.PLATFORM and values.get("is_active") is False:
        raise Conflict("The platform company cannot be deactivated.", "input", "isActive")
    return await update_row(uow, viewer, Company, company, values, "COMPANY_UPDATE")
