"""Messages to the queue from companies with databases of their own."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from db.base import PLATFORM
from db.models import Lease
from db.outbox import Message
from db.queue import entries
from db.queue.entries import Entry
from db.uow import UnitOfWork

UNASSIGNED = 0
"""The entry of a lease whose entry is still to be added."""


@dataclass(frozen=True)
class AddEntry(Message):
    """Add the entry of a job, unless its lease has one or is gone."""

    plane = PLATFORM
    job_id: UUID
    company_id: UUID
    task: str
    queue: str

    async def deliver(self, source: UnitOfWork, target: UnitOfWork) -> None:
        lease = select(Lease.entry_id).where(Lease.id == self.job_id).with_for_update()
        if await source.scalar(lease) != UNASSIGNED:
            return
        entry_id = await entries.add(target, Entry(self.job_id, self.company_id, self.task), self.queue)
        await source.execute(update(Lease).where(Lease.id == self.job_id).values(entry_id=entry_id))


@dataclass(frozen=True)
class CancelEntry(Message):
    """Remove an entry from the queue."""

    plane = PLATFORM
    entry_id: int

    async def deliver(self, source: UnitOfWork, target: UnitOfWork) -> None:
        await entries.cancel(target, self.entry_id)


@dataclass(frozen=True)
class NotifyCancellation(Message):
    """Notify the worker of an entry to check its lease."""

    plane = PLATFORM
    entry_id: int

    async def deliver(self, source: UnitOfWork, target: UnitOfWork) -> None:
        await entries.notify_cancellation(target, self.entry_id)
