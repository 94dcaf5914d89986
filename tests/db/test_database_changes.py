"""Creation and removal of databases of companies: nothing is left behind, whoever is killed at any step."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert

from core.errors import Unavailable
from core.settings import Settings
from db.database import Database
from db.databases import company_databases, journal
from db.databases.changes import NewDatabase, new_database, repair
from db.databases.company_databases import CompanyDatabases
from db.databases.journal import Busy, Journal
from db.databases.servers import ServerError
from db.databases.template import prepare_template
from db.ids import new_id
from db.models import Company, CompanyKind
from db.placement import Place, Placement
from resolvers import activity_log
from resolvers.identity import users
from tests.db.test_migrations import fetch
from tests.onlooker import Onlooker

NOTHING = {"databases": 0, "companies": 0, "placed": 0, "changes": 0}
EVERYTHING = {"databases": 1, "companies": 1, "placed": 1, "changes": 0}


@pytest.fixture
def databases(settings: Settings) -> CompanyDatabases:
    """The databases of companies on the server of the tests."""
    return CompanyDatabases.of(settings)


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A database whose directory is its own."""
    opened = Database(Placement(settings, settings.database_url or ""))
    yield opened
    await opened.close()


DATABASES = "SELECT datname FROM pg_database WHERE datname ~ '^seshat_[0-9a-f]{32}_' ORDER BY 1"


class Remains:
    """What changes of placement have left on the server since the test began."""

    def __init__(self, onlooker: Onlooker, before: set[str]) -> None:
        self._onlooker, self._before = onlooker, before

    async def databases(self) -> list[str]:
        """The databases of companies."""
        found = [row["datname"] for row in await self._onlooker.fetch(DATABASES)]
        return [name for name in found if name not in self._before]

    async def changes(self) -> list[tuple[str, str]]:
        """The kind and the step of all changes that are not finished."""
        rows = await self._onlooker.fetch("SELECT kind, step FROM platform.placement_changes")
        return [tuple(row) for row in rows]

    async def all(self) -> tuple[list[str], list[tuple[str, str]]]:
        """The databases and the changes."""
        return await self.databases(), await self.changes()


@pytest_asyncio.fixture
async def remains(onlooker: Onlooker) -> Remains:
    """What is left on the server, where other tests may have left something."""
    return Remains(onlooker, {row["datname"] for row in await onlooker.fetch(DATABASES)})


async def create(
    database: Database,
    databases: CompanyDatabases,
    company_id: UUID,
    before: Callable[[NewDatabase], Awaitable[None]] | None = None,
) -> NewDatabase:
    """Creates a company with a database of its own, after something else has happened."""
    async with new_database(database, databases, company_id, "primary") as new:
        if before is not None:
            await before(new)
        async with database.tenant(company_id, kind="platform") as uow:
            company = await users.insert_company(uow, str(company_id), CompanyKind.ORGANISATION, new=new)
    assert (company.database_server, company.database_name) == new.place
    return new


async def reserve(database: Database, databases: CompanyDatabases, company_id: UUID, server: str) -> None:
    """Creates a database, and no company."""
    async with new_database(database, databases, company_id, server):
        pass


async def delete_company(database: Database, new: NewDatabase, *, after: timedelta = timedelta(0)) -> None:
    """Deletes the company, whose database is due after a while."""
    company_id = new.change.company_id
    async with database.tenant(company_id, kind="platform") as uow:
        assert await journal.drop_later(uow, new.place, datetime.now(UTC) + after)
        await uow.execute(delete(Company).where(Company.id == company_id))


async def run_killed(settings: Settings, kind: str) -> list[dict[str, Any]]:
    """The lines that `killed_changes` prints."""
    urls = {name: getattr(settings, name) for name in ("database_url", "database_admin_url")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.db.killed_changes",
        kind,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    output, _ = await process.communicate(json.dumps(urls | {"secret_key": "x" * 32}).encode())
    assert process.returncode == 0
    return [json.loads(line) for line in output.decode().splitlines()]


@pytest.mark.timeout(600)
async def test_a_creation_that_is_killed_at_any_step_leaves_nothing_or_a_company(
    settings: Settings, databases: CompanyDatabases, remains: Remains
) -> None:
    await prepare_template(databases.servers["primary"])

    runs = await run_killed(settings, "create")

    assert [run["after"] for run in runs if run["after"] not in (NOTHING, EVERYTHING)] == []
    assert [run["after"] for run in runs if run["before"]["companies"]] == [
        EVERYTHING for run in runs if run["before"]["companies"]
    ]
    found = {tuple(run["before"].values()) for run in runs}
    assert {(0, 0, 0, 0), (0, 0, 0, 1), (1, 0, 0, 1), (1, 1, 1, 0)} <= found
    assert runs[-1]["before"] == EVERYTHING
    assert await remains.all() == ([], [])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["drop", "repair"])
async def test_a_removal_that_is_killed_at_any_step_is_finished(
    settings: Settings, databases: CompanyDatabases, remains: Remains, kind: str
) -> None:
    await prepare_template(databases.servers["primary"])

    runs = await run_killed(settings, kind)

    for run in runs:
        assert run["after"] == (EVERYTHING if run["before"]["companies"] else NOTHING)
    assert {run["before"]["changes"] for run in runs} == {0, 1}
    assert await remains.all() == ([], [])


async def test_a_failure_leaves_nothing(
    database: Database, databases: CompanyDatabases, remains: Remains, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(new: NewDatabase) -> None:
        assert await remains.databases() == [new.place.database]
        assert await database.placement.locate(company_id) == new.place
        raise KeyError

    company_id = new_id()
    with pytest.raises(KeyError):
        await create(database, databases, company_id, fail)
    await reserve(database, databases, company_id, "primary")
    with pytest.raises(ServerError, match="there is no server nowhere"):
        await reserve(database, databases, company_id, "nowhere")
    monkeypatch.setattr(company_databases, "OWNER", "nobody_known")
    with pytest.raises(ServerError, match="cannot be created"):
        await reserve(database, databases, company_id, "primary")

    assert await remains.all() == ([], [])
    assert await database.placement.locate(company_id) is None


async def test_a_client_that_leaves_leaves_nothing(
    database: Database, databases: CompanyDatabases, remains: Remains
) -> None:
    async def wait(new: NewDatabase) -> None:
        await asyncio.sleep(60)

    for seconds in (0.01, 0.05, 0.1, 0.2, 1.0):
        task = asyncio.create_task(create(database, databases, new_id(), wait))
        await asyncio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert await remains.all() == ([], [])


async def test_the_rows_of_the_company_are_in_its_database(
    database: Database, databases: CompanyDatabases, remains: Remains, onlooker: Onlooker
) -> None:
    new = await create(database, databases, new_id())
    company_id = new.change.company_id

    async with database.tenant(company_id) as uow:
        await activity_log.record(uow, None, "COMPANY_CREATE", "Company", company_id)

    for table in ("tenants", "activity_logs"):
        counted = f"SELECT count(*) FROM tenant.{table} WHERE company_id = $1"
        assert [row[0] for row in await fetch(databases.url(new.place), counted, company_id)] == [1]
        assert await onlooker.primary.fetchval(counted, company_id) == 0
    await delete_company(database, new)
    assert await repair(databases, print)
    assert await remains.all() == ([], [])


async def test_a_database_that_is_not_due_is_kept(
    database: Database, databases: CompanyDatabases, remains: Remains, onlooker: Onlooker
) -> None:
    new = await create(database, databases, new_id())
    await delete_company(database, new, after=timedelta(hours=1))

    assert await repair(databases, print)
    assert await remains.all() == ([new.place.database], [("drop", "waiting")])
    with pytest.raises(Busy):
        await reserve(database, databases, new.change.company_id, "primary")
    await onlooker.execute("UPDATE platform.placement_changes SET due_at = now()")
    assert await repair(databases, print)

    assert await remains.all() == ([], [])


async def test_a_database_in_which_a_company_is_placed_is_not_dropped(
    database: Database, databases: CompanyDatabases, remains: Remains
) -> None:
    new = await create(database, databases, new_id())
    await delete_company(database, new)
    async with database.platform() as uow:  # an administrator has thought better of it
        server, name = new.place
        place = {"database_server": server, "database_name": name}
        await uow.execute(insert(Company).values({"id": new.change.company_id, "name": name} | place))

    assert await repair(databases, print)

    assert await remains.all() == ([name], [])
    await delete_company(database, new)
    assert await repair(databases, print)


async def test_a_creation_that_was_undone_meanwhile_is_not_settled(
    database: Database, databases: CompanyDatabases, remains: Remains, onlooker: Onlooker
) -> None:
    async def undo(new: NewDatabase) -> None:
        await onlooker.execute("UPDATE platform.placement_changes SET step = 'dropping'")

    company_id = new_id()
    with pytest.raises(Unavailable):
        await create(database, databases, company_id, undo)

    assert await remains.all() == ([], [])
    stored = "SELECT count(*) FROM platform.companies WHERE id = $1"
    assert await onlooker.fetchval(stored, company_id) == 0


async def test_a_company_that_would_be_stored_in_the_shared_database_is_not_settled(
    database: Database, databases: CompanyDatabases, remains: Remains
) -> None:
    async def forget(new: NewDatabase) -> None:
        database.placement.forget()

    with pytest.raises(Unavailable):
        await create(database, databases, new_id(), forget)

    assert await remains.all() == ([], [])


async def test_one_process_changes_the_placement_of_a_company(
    database: Database, databases: CompanyDatabases, remains: Remains
) -> None:
    company_id = new_id()
    async with new_database(database, databases, company_id, "primary") as new:
        with pytest.raises(Busy):
            await reserve(database, databases, company_id, "primary")
        assert await repair(databases, print)  # it is worked on
        assert await remains.all() == ([new.place.database], [("create", "creating")])

    assert await remains.all() == ([], [])


async def test_a_server_that_is_away_stops_no_other_repair(
    databases: CompanyDatabases, remains: Remains, onlooker: Onlooker
) -> None:
    for server in ("away", "primary"):
        company_id = new_id()
        async with Journal.open(databases, company_id) as held:
            await held.begin(Place(server, company_databases.new_name(company_id)))
    said: list[str] = []

    assert not await repair(databases, said.append)

    assert [line for line in said if "FAILED" in line] == [
        "FAILED: DATABASE_SERVERS: there is no server away"
    ]
    assert await remains.changes() == [("create", "dropping")]
    await onlooker.execute("DELETE FROM platform.placement_changes")
