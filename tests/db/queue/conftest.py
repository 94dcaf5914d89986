"""Companies with jobs, workers in the test's process and in others, and what became of it all."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, select, text, update

from core.settings import Settings
from db.database import Database
from db.events import Events
from db.ids import new_id
from db.listener import Listener
from db.models import Lease, Member, ProcessingJob, ProcessingJobType, RoleName
from db.placement import Placement
from db.queue import Job, cancel, enqueue, leases
from db.uow import Scope, UnitOfWork
from providers.storage import open_store
from resolvers.access import Viewer
from server.provider_factory import open_embedders, open_sources, open_vectors, worker_services
from server.worker import Worker
from tests import factories
from tests.db.queue.sample_tasks import QUEUE, URGENT
from tests.placement import IS_DEDICATED

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120
"""Seconds after which a test gives up waiting."""

EMPTY = "DELETE FROM platform.{}"
TABLES = ("leases", "fair_shares", "pgqueuer", "pgqueuer_log", "pgqueuer_schedules")


@dataclass
class Hall:
    """What a test works with. `settings` are of the workers: impatient ones, unless changed."""

    database: Database
    settings: Settings
    folder: Path
    company_id: UUID
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def trail(self) -> str:
        """The file that jobs write to."""
        return str(self.folder / "trail")

    def lines(self, *first: str) -> list[str]:
        """What jobs wrote, or only lines that begin with these words."""
        file = Path(self.trail)
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in lines if line.startswith(" ".join(first))]

    async def add(self, job: Job, company_id: UUID | None = None) -> UUID:
        """A row and its job, committed."""
        async with self.database.tenant(company_id or self.company_id) as uow:
            made = insert(ProcessingJob).values(job_type=ProcessingJobType.UPKEEP).returning(ProcessingJob.id)
            id: UUID = await uow.scalar(made)
            await enqueue(uow, job, id)
        return id

    @asynccontextmanager
    async def rolled_back(self) -> AsyncIterator[UnitOfWork]:
        """A unit of the company that never commits."""
        uow = self.database.unit(Scope(self.company_id), read_only=False)
        try:
            yield uow
        finally:
            await uow.finish(commit=False)

    async def cancel(self, id: UUID) -> Any:
        """As the API does."""
        async with self.database.tenant(self.company_id) as uow:
            return await cancel(uow, ProcessingJob, id)

    async def row(self, id: UUID) -> Any:
        """The job's row."""
        async with self.database.tenant(self.company_id, read_only=True) as uow:
            return await uow.one(select(ProcessingJob).where(ProcessingJob.id == id))

    async def lease(self, id: UUID) -> Any:
        """The job's lease, while it has one."""
        async with self.database.tenant(self.company_id, read_only=True) as uow:
            return await uow.first(select(Lease).where(Lease.id == id))

    async def change_leases(self, **values: Any) -> None:
        """Change all leases of the company."""
        async with self.database.tenant(self.company_id) as uow:
            await uow.execute(update(Lease).values(**values))

    async def delete_leases(self) -> None:
        """Delete all leases of the company."""
        async with self.database.tenant(self.company_id) as uow:
            await uow.execute(delete(Lease))

    async def requeue_lost(self, stale: timedelta) -> int:
        """As the sweep does; the number of jobs."""
        of_company = await leases.requeue_lost_of(self.database, self.company_id, stale)
        return await leases.requeue_lost(self.database, stale) + of_company

    async def entries(self) -> list[str]:
        """The states of all entries."""
        async with self.database.platform(read_only=True) as uow:
            found = await uow.all(text("SELECT status::text FROM platform.pgqueuer ORDER BY id"))
        return [row.status for row in found]

    async def entries_gone(self) -> bool:
        """Whether nothing is queued any more."""
        return not await self.entries()

    async def is_over(self, id: UUID) -> bool:
        """Whether the job has ended."""
        return (await self.row(id)).completed_at is not None

    async def until(self, condition: Callable[[], Awaitable[Any] | Any]) -> Any:
        """Wait until something holds, and answer it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                held = condition()
                if asyncio.iscoroutine(held):
                    held = await held
                if held:
                    return held
                await asyncio.sleep(0.02)

    async def ended(self, id: UUID, status: str) -> Any:
        """The job's row, once it has ended; it must have ended so."""

        async def over() -> Any:
            row = await self.row(id)
            return row if row.completed_at else None

        row = await self.until(over)
        assert row.status.value == status, row.error_message
        return row

    @asynccontextmanager
    async def watching(self, topic: str) -> AsyncIterator[AsyncIterator[None]]:
        """The changes of a topic of the company's."""
        placement = self.database.placement
        async with (
            Listener(placement.listen_url) as listener,
            Events(listener, placement) as events,
            aclosing(events.listen(topic, self.company_id)) as changes,
        ):
            await anext(changes)
            if IS_DEDICATED:
                await anext(changes)  # the company's database is listened to
            yield changes

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Worker]:
        """A worker in this process."""
        store = open_store((self.folder / "objects").as_uri())
        listener = Listener(self.database.placement.listen_url, application="test listener")
        async with AsyncExitStack() as stack:
            embedders, vectors = open_embedders(self.settings, stack), open_vectors(self.settings, stack)
            sources = open_sources(self.database, self.settings, stack)
            services = worker_services(self.database, self.settings, store, embedders, vectors, sources)
            async with listener, Worker(services, listener, queues=[QUEUE, URGENT]) as worker:
                yield worker

    def start_worker(self) -> subprocess.Popen[bytes]:
        """A worker in a process of its own."""
        kept = self.settings.model_dump_json(exclude={"secret_key"})
        command = [sys.executable, "-m", "tests.db.queue.worker_process", kept]
        process = subprocess.Popen(command, cwd=ROOT)
        self.processes.append(process)
        return process


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url))
    yield database
    await database.close()


@pytest_asyncio.fixture
async def hall(database: Database, settings: Settings, tmp_path: Path) -> AsyncIterator[Hall]:
    async with database.platform() as uow:
        for table in TABLES:
            await uow.execute(text(EMPTY.format(table)))
    impatient = {"job_heartbeat": 0.3, "job_stale": 1.5, "job_grace": 0.5, "job_concurrency": 2}
    hall = Hall(database, settings.model_copy(update=impatient), tmp_path, await a_company(database))
    yield hall
    for process in hall.processes:
        process.kill()
        process.wait(timeout=30)


@pytest.fixture
def patient(hall: Hall) -> Hall:
    """Workers that look by themselves once a minute: whatever happens sooner, they were told."""
    hall.settings = hall.settings.model_copy(update={"job_heartbeat": 60, "job_stale": 120})
    return hall


async def a_company(database: Database) -> UUID:
    """A company of its own."""
    company = factories.a_company()
    await factories.save(database, company)
    return company.id


async def a_viewer(database: Database, company_id: UUID, *permissions: str) -> Viewer:
    """A member of the company who sees its jobs, with these permissions."""
    user_id = new_id()
    async with database.tenant(company_id) as uow:
        await uow.execute(insert(Member).values(id=user_id))
    return Viewer(user_id, company_id, RoleName.USER, frozenset({"jobs:read", *permissions}))
