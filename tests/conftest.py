"""What every test may ask for: a real, migrated PostgreSQL, and settings that know it."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
import pytest_asyncio
from sqlalchemy import event

from core.settings import Settings, driverless_url
from db import migrate
from db.models import CompanyKind, RoleName
from db.provision import provision
from resolvers.identity import roles
from schema.contract import Contract, make_schema
from schema.framework.context import Services
from server.app import create_app, open_services
from server.embedded.postgres import EmbeddedPostgres, embedded_url
from server.embedded.process import run_server
from server.embedded.vectors import EmbeddedVectors
from tests import factories
from tests.factories import Fixture, a_company, a_user
from tests.fingerprints import fingerprints
from tests.graphql_client import Client
from tests.leftovers import kill_descendants

for name in Settings.model_fields:
    os.environ.pop(name.upper(), None)  # tests are not to depend on the developer's settings


def pytest_configure(config: pytest.Config) -> None:
    """Keep everything temporary in one folder, removed at the end even if a process of the run was killed.

    It holds pytest's own folder too, which below `/tmp` is closed to the server's account whenever another
    session begins.
    """
    if hasattr(config, "workerinput"):
        return  # a process of a parallel run has these settings of the process that began it
    folder = TemporaryDirectory(prefix="seshat-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["TMPDIR"] = tempfile.tempdir = folder.name
    config.option.basetemp = config.option.basetemp or f"{folder.name}/t"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """End what a process of a parallel run has left running: it may have been killed."""
    kill_descendants(node.workerinput["testrunuid"], node.workerinput["workerid"])


class Postgres(NamedTuple):
    """Addresses of the test database (SQLAlchemy, asyncpg) by role, and the server's data folder."""

    admin: str
    migrator: str
    application: str
    data: Path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_postgres() -> AsyncIterator[Postgres]:
    """One server for each process of the run, provisioned, without a table."""
    with TemporaryDirectory(prefix="postgres-") as folder:
        data = Path(folder)
        async with run_postgres(data) as postgres:
            yield postgres


@asynccontextmanager
async def run_postgres(data: Path) -> AsyncIterator[Postgres]:
    """A server with its data in this folder."""
    async with run_server(EmbeddedPostgres(data, durable=False)):
        postgres = Postgres(
            admin=embedded_url(data, "postgres"),
            migrator=embedded_url(data, "app_migrator"),
            application=embedded_url(data, "app_rw"),
            data=data,
        )
        await provision(postgres.admin, postgres.application)
        yield postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(empty_postgres: Postgres) -> Postgres:
    """The server with both planes migrated to their latest revision."""
    await asyncio.to_thread(migrate.upgrade, empty_postgres.migrator)
    return empty_postgres


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Settings:
    """Settings of an installation that uses the test database, with a data folder of the test's own."""
    return Settings(
        data=tmp_path,
        database_url=postgres.application,
        database_admin_url=postgres.admin,
        secret_key="a secret that only the tests know of",
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    """What the server shares between operations, with roles and permissions seeded; one for the session."""
    settings = Settings(
        data=tmp_path_factory.mktemp("services"),
        database_url=postgres.application,
        database_admin_url=postgres.admin,
        secret_key="a secret that only the tests know of",
        chat_providers='{"ollama": {"url": "http://127.0.0.1:9/v1", "model": "tiny"}}',
        worker=False,
    )
    async with AsyncExitStack() as stack:
        opened = await open_services(settings, stack)
        async with opened.database.platform() as uow:
            await roles.seed(uow)
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stored_vectors(services: Services) -> AsyncIterator[EmbeddedVectors]:
    """The embedded vector store that the session's services look for."""
    store = EmbeddedVectors(services.settings.data)
    await asyncio.to_thread(store.start)
    yield store
    await asyncio.to_thread(store.stop)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(services: Services) -> Fixture:
    """The super admin, in the platform's own company; one for the session."""
    company = a_company(name="The platform", kind=CompanyKind.PLATFORM)
    admin = a_user(company, RoleName.SUPER_ADMIN)
    await factories.save(services.database, admin)
    return admin


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The schema as it is served."""
    return make_schema()


@pytest_asyncio.fixture
async def graphql(services: Services, contract: Contract) -> AsyncIterator[Client]:
    """Sends operations as nobody; `graphql.of(user)` as somebody. It remembers the last one's statements."""
    client = Client(services, contract)
    engines = [engine.sync_engine for engine in services.database.placement.engines]

    def remember(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        client.statements.append(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", remember)
    yield client
    for engine in engines:
        event.remove(engine, "before_cursor_execute", remember)


class People(NamedTuple):
    """Four people of one company, and the administrator of another."""

    admin: Fixture
    manager: Fixture
    user: Fixture
    viewer: Fixture
    stranger: Fixture


@pytest_asyncio.fixture
async def people(services: Services) -> People:
    """Two companies of the test's own."""
    company = a_company()
    names = RoleName.ADMIN, RoleName.MANAGER, RoleName.USER, RoleName.VIEWER
    admin, manager, user, viewer = (a_user(company, name) for name in names)
    found = People(admin, manager, user, viewer, stranger=a_user(a_company()))
    await factories.save(services.database, *found)
    return found


Save = Callable[..., Awaitable[None]]
Unchanged = Callable[..., Any]


@pytest.fixture
def save(services: Services) -> Save:
    """Stores rows that the factories made, with all they hang on."""

    async def store(*rows: Fixture) -> None:
        await factories.save(services.database, *rows)

    return store


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def onlooker(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees all rows."""
    connection = await asyncpg.connect(driverless_url(postgres.admin))
    yield connection
    await connection.close()


@pytest.fixture
def assert_unchanged(onlooker: asyncpg.Connection) -> Unchanged:
    """`async with unchanged():` fails the test when any row of the database is another one afterwards."""

    @asynccontextmanager
    async def watch(*, but: tuple[str, ...] = ()) -> AsyncIterator[None]:
        before = await fingerprints(onlooker)
        yield
        after = await fingerprints(onlooker)
        assert {table for table in before if before[table] != after[table]} <= set(but)

    return watch


@pytest_asyncio.fixture
async def api(settings: Settings, services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """The whole application over HTTP, in this process, without a worker."""
    app = create_app(settings.model_copy(update={"worker": False}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://seshat.test", follow_redirects=True
        ) as client,
    ):
        yield client
