"""Companies, as the platform manages them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, select, update

from core.errors import Conflict
from db.ids import new_id
from db.models import Company, CompanyKind
from db.uow import Database, UnitOfWork
from resolvers import access, activity_log, idempotency, validators
from resolvers.access import Viewer
from resolvers.identity import users


async def create(
    database: Database, viewer: Viewer, *, name: str, industry: str | None, key: str | None = None
) -> Row[Any]:
    """A company with its own tenant, or the one that was made when it was first asked for under `key`.

    The key makes the company's id, because a tenant that is not yet there keeps no keys.
    """
    access.require(viewer, "companies:create")
    label = validators.name(name, "input", "name")
    trade = validators.optional(industry, "input", "industry", limit=100)
    id = new_id() if key is None else uuid5(viewer.user_id, validators.name(key, *idempotency.PATH))
    async with database.tenant(id, viewer.user_id, kind="platform") as uow:
        earlier = await uow.first(select(Company).where(Company.id == id))
        if earlier is not None:
            if (earlier.name, earlier.industry) != (label, trade):
                raise Conflict("This key was used for another request.", *idempotency.PATH)
            return earlier
        company = await users.insert_company(uow, label, CompanyKind.ORGANISATION, trade)
        await activity_log.record(uow, None, "COMPANY_CREATE", "Company", company.id, by=str(viewer.user_id))
    return company


async def change(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Rename a company or say its trade; closing one and opening it again is for the platform."""
    access.require(viewer, "platform:manage" if "is_active" in given else "companies:update")
    company = await access.find(uow, viewer, Company, id, lock=True)
    values = dict(given)
    if "name" in values:
        values["name"] = validators.name(values["name"] or "", "input", "name")
        taken = select(Company.id).where(Company.name == values["name"], Company.id != id)
        if await uow.scalar(taken):
            raise Conflict("A company has this name already.", "input", "name")
    if "industry" in values:
        values["industry"] = validators.optional(values["industry"], "input", "industry", limit=100)
    if company.kind is CompanyKind.PLATFORM and values.get("is_active") is False:
        raise Conflict("The platform's own company stays open.", "input", "isActive")
    if not values:
        return company
    changed = await uow.one(update(Company).where(Company.id == id).values(values).returning(Company))
    await activity_log.record(uow, viewer.user_id, "COMPANY_UPDATE", "Company", id, fields=sorted(given))
    return changed
