"""A primary database of each test's own, and databases of companies, as copies of one that is migrated."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import insert, update

from core.settings import Settings, driverless_url
from db import migrate
from db.database import Database
from db.models import Lease, Message, RoleName
from db.placement import Place, Placement
from db.provision import provision
from resolvers.identity import roles
from tests import factories
from tests.conftest import Postgres
from tests.db.company_move.copied_databases import TEMPLATE, CopiedDatabases, address, fetch
from tests.factories import Fixture, a_company, a_user
from tests.factories.chat import an_answer
from tests.factories.everything import everything
from tests.fingerprints import of_company
from tests.isolation.internal_rows import store_internal_rows


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(empty_postgres: Postgres) -> Postgres:
    """The server, with a migrated database to copy."""
    await provision(empty_postgres.admin, address(empty_postgres.application, TEMPLATE))
    await asyncio.to_thread(migrate.upgrade, address(empty_postgres.migrator, TEMPLATE))
    return empty_postgres


@dataclass
class Installation:
    """A primary database with a company, and the databases beside it."""

    databases: CopiedDatabases
    database: Database
    application: str
    company_id: UUID

    def application_url(self, place: Place | None) -> str:
        """The address of a database for the application."""
        return address(self.application, self.databases.primary if place is None else place.database)

    async def place(self) -> Place | None:
        """Where the company is."""
        [row] = await self.primary(
            "SELECT database_server, database_name FROM platform.companies WHERE id = $1"
        )
        return Place(*row) if row["database_name"] else None

    async def primary(self, statement: str) -> list[asyncpg.Record]:
        """Rows of a statement in the primary database whose parameter is the company."""
        return await fetch(self.databases.url(None), statement, self.company_id)

    async def at(self, place: Place | None, statement: str) -> list[asyncpg.Record]:
        """Rows of a statement in a database whose parameter is the company."""
        return await fetch(self.databases.url(place), statement, self.company_id)

    async def rows(self, place: Place | None) -> dict[str, str | None]:
        """Digests of the company's rows by table that move."""
        connection = await asyncpg.connect(driverless_url(self.databases.url(place)))
        try:
            found = await of_company(connection, self.company_id)
        finally:
            await connection.close()
        names = ("departures", "placement_changes", "users", "invitations", "fair_shares")
        stay = {f"platform.{name}" for name in names}
        return {name: digest for name, digest in found.items() if digest is not None and name not in stay}

    async def assert_settled(self, place: Place | None) -> None:
        """The company is here and admitted here, and no move is unfinished."""
        assert await self.place() == place
        assert await self.primary("SELECT FROM platform.placement_changes WHERE company_id = $1") == []
        assert await self.at(place, "SELECT FROM platform.departures WHERE company_id = $1") == []
        if place is not None:
            assert await self.rows(None) == {}


@pytest_asyncio.fixture
async def installation(template: Postgres, settings: Settings) -> AsyncIterator[Installation]:
    """A company in a primary database of the test's own, with rows in every table that can move."""
    databases = CopiedDatabases(template.admin, f"primary_{uuid4().hex[:12]}")
    await databases.copy_template(databases.primary)
    url = address(template.application, databases.primary)
    database = Database(Placement(settings.model_copy(update={"database_url": url}), url))
    async with database.platform() as uow:
        await roles.seed(uow)
    company, other = (a_company(database_name=None) for _ in range(2))  # pooled in any run
    for each in (company, other):
        await store_company(database, each)
    yield Installation(databases, database, template.application, company.id)
    await database.close()
    for name in databases.created:
        await databases.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def store_company(database: Database, company: Fixture) -> None:
    """Stores a row of every kind for two people of the company."""
    people = [a_user(company, RoleName.ADMIN), a_user(company, RoleName.USER)]
    rows = everything(people)
    await factories.save(database, *(row for alike in rows.values() for row in alike))
    await store_internal_rows(database, rows)
    (conversation, *_), (job, *_) = rows["Conversation"], rows["ProcessingJob"]
    answers = [an_answer(conversation) for _ in range(3)]
    await factories.save(database, *answers)
    lease = {"id": job.id, "company_id": company.id, "task": "Task", "queue": "queue", "entry_id": 1}
    async with database.tenant(company.id) as uow:
        first, second, third = answers  # the first refers to a later one
        for message, parent in ((first, third), (second, first)):
            change = update(Message).where(Message.id == message.id)
            await uow.execute(change.values(parent_message_id=parent.id))
        await uow.execute(insert(Lease).values(lease))


@pytest.fixture
def own() -> Place:
    """A place for a database of the company's own."""
    return Place("primary", f"own_{uuid4().hex[:12]}")
