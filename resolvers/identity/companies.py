"""Companies: creating and updating them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select

from core.errors import Conflict
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import Company, CompanyKind
from db.uow import UnitOfWork
from resolvers import access, activity_log, idempotency, validators
from resolvers.access import Viewer
from resolvers.identity import placement, users
from resolvers.identity.users import NAME_TAKEN
from resolvers.rows import update_row


async def create(
    database: Database,
    settings: Settings,
    viewer: Viewer,
    *,
    name: str,
    industry: str | None,
    dedicated: bool | None = None,
    server: str | None = None,
    key: str | None = None,
) -> Company:
    """Create a company with its own tenant, or return the one created earlier with the idempotency `key`.

    The company's id is derived from the key, because a tenant that does not exist yet cannot store keys.
    """
    access.require(viewer, "companies:create")
    values = validators.values(Company, {"name": name, "industry": industry}, "input")
    chosen = placement.choose_server(settings, viewer, dedicated=dedicated, server=server)
    id = new_id() if key is None else uuid5(viewer.user_id, validators.name(key, *idempotency.PATH))
    async with database.platform(read_only=True) as uow:
        if earlier := await _find_earlier(uow, id, values):
            return earlier
        if await uow.scalar(select(Company.id).where(Company.name == values["name"])):
            raise Conflict(NAME_TAKEN, "input", "name")
    async with (
        placement.new_place(database, settings, id, chosen) as new,
        database.tenant(id, viewer.user_id, kind="platform") as uow,
    ):
        if earlier := await _find_earlier(uow, id, values):
            return earlier
        company = await users.insert_company(uow, kind=CompanyKind.ORGANISATION, new=new, **values)
        await activity_log.record(uow, None, "COMPANY_CREATE", "Company", company.id, by=str(viewer.user_id))
    return company


async def _find_earlier(uow: UnitOfWork, id: UUID, values: Mapping[str, Any]) -> Company | None:
    earlier = await uow.first(select(Company).where(Company.id == id))
    if earlier is not None and (earlier.name, earlier.industry) != (values["name"], values["industry"]):
        raise Conflict(idempotency.OTHER_INPUT, *idempotency.PATH)
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
