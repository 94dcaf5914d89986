"""Users who write and read while their company moves, and a ledger of what was acknowledged to them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from core.errors import Unavailable
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.listener import Listener
from db.models import ActivityLog, Project, User
from db.outbox import relay_all
from db.placement import Placement
from resolvers import activity_log

THINK_SECONDS = 0.01

FILL = """
INSERT INTO tenant.projects (company_id, id, user_id, name, description)
SELECT $1, gen_random_uuid(), $2, 'Filler ' || i, repeat('text ', 20) FROM generate_series(1, $3::int) i;
"""


@dataclass
class Ledger:
    """What was acknowledged: the projects that exist, those that do not, and the counts of each user."""

    present: set[UUID] = field(default_factory=set)
    absent: set[UUID] = field(default_factory=set)
    activity: set[UUID] = field(default_factory=set)
    counts: dict[UUID, int] = field(default_factory=dict)
    writes: int = 0
    refusals: int = 0
    slowest: float = 0.0
    lost_reads: list[UUID] = field(default_factory=list)


@dataclass
class LoadUser:
    """Writes one unit after the other, each of which is acknowledged, refused, or fails the test."""

    database: Database
    company_id: UUID
    user_id: UUID
    ledger: Ledger
    counter: UUID = field(default_factory=new_id)

    async def work(self, end: asyncio.Event) -> None:
        """Works until the end: creates, changes and deletes projects, and changes the user."""
        await self.create(self.counter, "0")
        self.ledger.counts[self.counter] = 0
        while not end.is_set():
            begin = time.monotonic()
            try:
                await self.step()
                self.ledger.writes += 1
            except Unavailable:
                self.ledger.refusals += 1
            self.ledger.slowest = max(self.ledger.slowest, time.monotonic() - begin)
            await asyncio.sleep(THINK_SECONDS)

    async def step(self) -> None:
        """Four units of work."""
        first, second, activity = new_id(), new_id(), new_id()
        await self.create(first, "first")
        await self.read(first)
        async with self.database.tenant(self.company_id, self.user_id) as uow:
            change = update(Project).where(Project.id == self.counter)
            count = self.ledger.counts[self.counter] + 1
            await uow.execute(change.values(description=str(count), updated_at=func.now()))
            await uow.execute(insert(Project).values(id=second, user_id=self.user_id, name=str(second)))
        self.ledger.counts[self.counter] = count
        self.ledger.present.add(second)
        async with self.database.tenant(self.company_id, self.user_id) as uow:
            await uow.execute(delete(Project).where(Project.id == first))
        self.ledger.present.remove(first)
        self.ledger.absent.add(first)
        async with self.database.tenant(self.company_id, self.user_id) as uow:
            await uow.execute(update(User).where(User.id == self.user_id).values(full_name=str(count)))
            await activity_log.record(uow, self.user_id, "LOAD", "Load", activity)
        self.ledger.activity.add(activity)

    async def create(self, id: UUID, description: str) -> None:
        """Creates a project."""
        async with self.database.tenant(self.company_id, self.user_id) as uow:
            values = {"id": id, "user_id": self.user_id, "name": str(id), "description": description}
            await uow.execute(insert(Project).values(values))
        if id != self.counter:
            self.ledger.present.add(id)

    async def read(self, id: UUID) -> None:
        """What was written is found at once."""
        async with self.database.tenant(self.company_id, self.user_id, read_only=True) as uow:
            if await uow.scalar(select(Project.id).where(Project.id == id)) is None:
                self.ledger.lost_reads.append(id)


@asynccontextmanager
async def processes(settings: Settings, url: str) -> AsyncIterator[list[Database]]:
    """Two databases as in processes of the application, one of which is notified of moves."""
    async with AsyncExitStack() as stack:
        notified, other = (Database(Placement(settings, url)) for _ in range(2))
        for database in (notified, other):
            stack.push_async_callback(database.close)
        listener = await stack.enter_async_context(Listener(notified.placement.listen_url))
        await stack.enter_async_context(notified.placement.watch(listener))
        yield [notified, other]


@asynccontextmanager
async def load(databases: list[Database], company_id: UUID, users: list[UUID]) -> AsyncIterator[Ledger]:
    """Users who work until the end of the context. Raises what fails for one of them."""
    ledger, end = Ledger(), asyncio.Event()
    workers = [
        LoadUser(databases[number % len(databases)], company_id, user_id, ledger)
        for number, user_id in enumerate(users)
    ]
    async with asyncio.TaskGroup() as tasks:
        for worker in workers:
            tasks.create_task(worker.work(end))
        try:
            yield ledger
        finally:
            end.set()
    await relay_all(databases[0])


async def assert_nothing_lost(ledger: Ledger, database: Database, company_id: UUID) -> None:
    """Everything that was acknowledged is found where the company is."""
    assert ledger.lost_reads == []
    async with database.tenant(company_id, read_only=True) as uow:
        found = {row.id: row.description for row in await uow.all(select(Project.id, Project.description))}
        logged = await uow.all(select(ActivityLog.id, ActivityLog.resource_id))
    assert ledger.present <= found.keys()
    assert not ledger.absent & found.keys()
    assert {id: int(found[id] or 0) for id in ledger.counts} == ledger.counts
    assert {str(id) for id in ledger.activity} <= {row.resource_id for row in logged}
