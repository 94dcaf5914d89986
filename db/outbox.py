"""Outbox: what a transaction writes in the other plane of a company with a database of its own.

In a company of the shared database, messages are delivered at once, in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

import structlog
from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select, text

from db.arrays import any_id
from db.base import PLATFORM, TENANT
from db.database import Database
from db.ids import new_id
from db.models import Company, OutboxMessage
from db.placed_units import PlacedUnitOfWork
from db.uow import UnitOfWork

log = structlog.get_logger(__name__)

BATCH = 100
"""Messages of one delivery."""

IN_ORDER = text("SELECT pg_advisory_xact_lock(hashtextextended('outbox ' || CAST(:company_id AS text), 0))")
"""Messages of a company are delivered one after the other."""


@dataclass(frozen=True)
class Message:
    """Base class of messages. Subclasses add ids and plain values as fields; the class name is the kind."""

    plane: ClassVar[str]
    """The plane that the message is delivered to."""

    def __init_subclass__(cls) -> None:
        KINDS[cls.__name__] = cls

    async def deliver(self, source: UnitOfWork, target: UnitOfWork) -> None:
        """Writes what the message says in `target`, and what depends on it in `source`. Idempotent.

        `target` is committed first. It is the same unit as `source` if the planes are in one database.
        """
        raise NotImplementedError


KINDS: dict[str, type[Message]] = {}


async def send(uow: UnitOfWork, message: Message) -> None:
    """Delivers a message in the unit's transaction, or after its commit if it is for the other database."""
    if not (isinstance(uow, PlacedUnitOfWork) and await uow.is_split()):
        await message.deliver(uow, uow)
        return
    own, source = await uow.own(), PLATFORM if message.plane == TENANT else TENANT
    if source not in uow.writes:
        uow.writes.add(message.plane)
        unit = own if message.plane == TENANT else uow.platform
        await message.deliver(unit, unit)
        return
    payload = TypeAdapter(type(message)).dump_python(message, mode="json")
    values = {"id": new_id(), "company_id": uow.company_id, "kind": type(message).__name__}
    unit = own if source == TENANT else uow.platform
    await unit.execute(insert(OutboxMessage).values(values | {"payload": payload}))
    uow.after_commit[relay, source] = partial(relay, uow.database, uow.company_id, source)


async def relay(database: Database, company_id: UUID, source: str) -> None:
    """Delivers the messages of a company that are stored in a plane's database, in order."""
    while await _relay(database, company_id, source) == BATCH:
        pass


async def _relay(database: Database, company_id: UUID, plane: str) -> int:
    async with database.tenant(company_id, kind="platform") as uow:
        assert isinstance(uow, PlacedUnitOfWork)
        planes = {TENANT: await uow.own(), PLATFORM: uow.platform}
        source, uow.tenant_first = planes[plane], plane == PLATFORM
        await source.execute(IN_ORDER, {"company_id": str(company_id)})
        stored = select(OutboxMessage).where(OutboxMessage.company_id == company_id)
        messages = await source.all(stored.order_by(OutboxMessage.id).limit(BATCH))
        if not messages:
            return 0
        for stored_message in messages:
            message = unpack(stored_message.kind, stored_message.payload)
            await message.deliver(source, planes[message.plane])
        delivered = [message.id for message in messages]
        await source.execute(delete(OutboxMessage).where(OutboxMessage.id == any_id(delivered)))
        uow.writes |= planes.keys()
    return len(messages)


def unpack(kind: str, payload: Mapping[str, Any]) -> Message:
    """The message that is stored. Raises `KeyError` for a kind of another release."""
    return TypeAdapter(KINDS[kind]).validate_python(payload)


async def relay_all(database: Database) -> None:
    """Delivers what was left behind, by processes that ended after a commit."""
    async with database.platform(read_only=True) as uow:
        stored = await uow.all(select(OutboxMessage.company_id).distinct())
        own = await uow.all(select(Company.id).where(Company.database_name.is_not(None)))
    left = [(row.company_id, PLATFORM) for row in stored] + [(row.id, TENANT) for row in own]
    for company_id, plane in left:
        try:
            await relay(database, company_id, plane)
        except Exception as error:
            log.warning("outbox_delivery_failed", company=str(company_id), error=error)
