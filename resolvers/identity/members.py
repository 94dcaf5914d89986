"""Copies of companies and users in the databases of companies, for foreign keys."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from db.base import TENANT
from db.models import Member, Tenant
from db.outbox import Message
from db.uow import UnitOfWork


@dataclass(frozen=True)
class AddTenant(Message):
    """Add the row of a company."""

    plane = TENANT
    company_id: UUID

    async def deliver(self, source: UnitOfWork, target: UnitOfWork) -> None:
        await target.execute(insert(Tenant).values(company_id=self.company_id).on_conflict_do_nothing())


@dataclass(frozen=True)
class AddMember(Message):
    """Add the copy of a user."""

    plane = TENANT
    user_id: UUID

    async def deliver(self, source: UnitOfWork, target: UnitOfWork) -> None:
        await target.execute(insert(Member).values(id=self.user_id).on_conflict_do_nothing())
