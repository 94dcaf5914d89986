"""Migrations while the tables are used: no statement waits for longer than a second.

A writer updates the rows of every table, one table after the other, with a lock timeout of a second. A reader
holds transactions open, behind which migrations wait, and the writer behind the migrations.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from db import migrate
from db.database import Database
from db.models import RoleName
from db.placement import Placement
from db.provision import provision
from db.revisions import SCHEMA, Plane, Target, revisions
from resolvers.identity import roles
from tests import factories
from tests.conftest import Postgres
from tests.factories import a_company, a_user
from tests.factories.everything import everything

MAX_WAIT = "1s"
TRANSACTION_SECONDS, PAUSE_SECONDS = 1.5, 0.05
"""Time for which a reader holds a transaction open, and until the next one."""

KEYS = """
SELECT format('%I.%I', n.nspname, c.relname) AS name, quote_ident(a.attname) AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
WHERE n.nspname IN ('platform', 'tenant') AND c.relkind = 'r' AND c.relname NOT LIKE 'alembic%'
ORDER BY 1
"""


class Load:
    """A writer and a reader of a database, and the tables at which the writer had to wait."""

    def __init__(self, url: str, company_id: UUID) -> None:
        self._url, self._company = driverless_url(url), str(company_id)
        self._stopped = asyncio.Event()
        self._round = asyncio.Event()
        self._held = asyncio.Event()
        self.waits: list[str] = []

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._url, statement_cache_size=0)
        await connection.execute(f"SET lock_timeout = '{MAX_WAIT}'")
        await connection.execute("SELECT set_config('app.company_id', $1, false)", self._company)
        return connection

    async def _write(self) -> None:
        connection = await self._connect()
        while not self._stopped.is_set():
            for name, key in await connection.fetch(KEYS):
                try:
                    await connection.execute(f"UPDATE {name} SET {key} = {key}")
                except asyncpg.LockNotAvailableError:
                    self.waits.append(name)
                except asyncpg.UndefinedTableError:
                    pass  # which a downgrade has dropped
            self._round.set()
        await connection.close()

    async def _read(self, seconds: float) -> None:
        connection = await self._connect()
        while not self._stopped.is_set():
            transaction = connection.transaction(readonly=True)
            await transaction.start()
            for name, _ in await connection.fetch(KEYS):
                await connection.execute(f"SELECT FROM {name} LIMIT 0")
            self._held.set()
            await asyncio.sleep(seconds)
            await transaction.rollback()
            await asyncio.sleep(PAUSE_SECONDS)
        await connection.close()

    @asynccontextmanager
    async def running(self, *, transaction_seconds: float = TRANSACTION_SECONDS) -> AsyncIterator["Load"]:
        """Runs within the context; at its end, every table was written to."""
        self._stopped.clear()
        users = [asyncio.create_task(self._write()), asyncio.create_task(self._read(transaction_seconds))]
        try:
            await self._completed(1)
            yield self
            await self._completed(2)
        finally:
            self._stopped.set()
            await asyncio.gather(*users)

    async def reader_began(self) -> None:
        """Return when the reader has just begun a transaction, which it holds open for its whole time."""
        self._held.clear()
        await asyncio.wait_for(self._held.wait(), 60)

    async def _completed(self, rounds: int) -> None:
        for _ in range(rounds):
            self._round.clear()
            await asyncio.wait_for(self._round.wait(), 60)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy(
    empty_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Postgres, Load]]:
    """A migrated database of the module's own with rows in every table, and its load."""
    name = f"test_{uuid4().hex}"
    admin_url, migrator, application = (with_database(url, name) for url in empty_postgres[:3])
    own = Postgres(admin_url, migrator, application, empty_postgres.data)
    await provision(empty_postgres.admin, own.application)
    await asyncio.to_thread(migrate.upgrade, own.migrator)
    settings = Settings(data=tmp_path_factory.mktemp("busy"), database_url=own.application)
    database = Database(Placement(settings, own.application))
    async with database.platform() as uow:
        await roles.seed(uow)
    company = a_company()
    rows = everything([a_user(company, RoleName.ADMIN), a_user(company, RoleName.USER)])
    await factories.save(database, *(row for listed in rows.values() for row in listed))
    await database.close()
    yield own, Load(own.direct, company.id)
    admin = await asyncpg.connect(driverless_url(empty_postgres.admin))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def with_database(url: str, name: str) -> str:
    """The same address for another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def run_command(target: Target, action: migrate.Action, revision: str) -> None:
    """Run one action; an error fails the test."""
    outcome = await asyncio.to_thread(migrate.run_command, target, action, revision)
    assert outcome.error is None, f"{action} {revision}: {outcome.error}"


@pytest.mark.parametrize("plane", list(SCHEMA))
async def test_no_migration_makes_writers_wait(busy: tuple[Postgres, Load], plane: Plane) -> None:
    own, load = busy
    target = Target(plane, own.migrator)
    waits: dict[str, list[str]] = {}
    await run_command(target, "downgrade", revisions(plane)[0])

    for _, revision in pairwise(revisions(plane)):
        async with load.running():
            await run_command(target, "upgrade", revision)
        waits[revision], load.waits = load.waits, []

    assert waits == {revision: [] for revision in revisions(plane)[1:]}


SLOW = """
CREATE FUNCTION public.slow(id uuid) RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM pg_sleep(1); RETURN id; END
$$
"""

UNDO = (
    "DROP FUNCTION IF EXISTS public.slow CASCADE",
    "ALTER TABLE tenant.projects DROP COLUMN IF EXISTS x",
)


async def execute(connection: asyncpg.Connection, *statements: str) -> None:
    """Statements without a transaction around them."""
    for statement in statements:
        await connection.execute(statement)


async def build_index(connection: asyncpg.Connection) -> None:
    """An index whose build takes two seconds, under a lock."""
    await execute(connection, SLOW, "CREATE INDEX ix_slow ON tenant.projects (public.slow(id))")


async def build_index_concurrently(connection: asyncpg.Connection) -> None:
    """The same, without a lock."""
    await execute(connection, SLOW, "CREATE INDEX CONCURRENTLY ix_slow ON tenant.projects (public.slow(id))")


async def wait_for_a_lock(connection: asyncpg.Connection) -> None:
    """A lock that is waited for, in front of everybody else, until a reader ends."""
    await execute(connection, "SET lock_timeout = '10s'", "ALTER TABLE tenant.projects ADD COLUMN x int")


@pytest.mark.parametrize(
    ("step", "waiting"),
    [
        (build_index, {"tenant.projects"}),
        (build_index_concurrently, set()),
        (wait_for_a_lock, {"tenant.projects"}),
    ],
)
async def test_steps_that_make_writers_wait_are_noticed(
    busy: tuple[Postgres, Load],
    step: Callable[[asyncpg.Connection], Awaitable[None]],
    waiting: set[str],
) -> None:
    own, load = busy
    connection = await asyncpg.connect(driverless_url(own.admin))

    async with load.running(transaction_seconds=4):
        await load.reader_began()
        await step(connection)
    await execute(connection, *UNDO)
    await connection.close()
    waits, load.waits = load.waits, []

    assert set(waits) == waiting
