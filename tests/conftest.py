"""What every test may ask for: a real, migrated PostgreSQL, and settings that know it."""

import asyncio
import gc
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
import pytest_asyncio
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url

from core.garbage_collection import freeze_heap
from core.settings import Settings, driverless_url
from core.settings.placement import PRIMARY
from db import migrate
from db.databases.servers import Server
from db.models import CompanyKind, RoleName
from db.provision import provision
from resolvers.identity import passwords, roles
from schema.contract import Contract, make_schema
from schema.framework.context import Services
from server.app import create_app, open_services
from server.embedded.postgres import DATABASE, EmbeddedPostgres, embedded_url
from server.embedded.process import run_server
from server.embedded.vectors import EmbeddedVectors
from server.logging import configure_logging, formatter
from tests import factories
from tests.executor_usage import ExecutorUsage
from tests.factories import Fixture, a_company, a_user
from tests.fingerprints import fingerprints
from tests.graphql_client import Client
from tests.leftovers import kill_descendants
from tests.onlooker import Onlooker
from tests.pgbouncer import PgBouncer
from tests.placement import DATABASES, PLACEMENT
from tests.planted_secrets import find_in_files, find_secrets, stored_secrets
from tests.postgres_servers import binaries

SWITCHES = {"prepared_statements", "compiled_executor"}
"""Settings with which the whole suite passes either way: `PREPARED_STATEMENTS=false make test`."""

gc.disable()  # until everything is imported

DEAR_HASHER = passwords.hasher
passwords.hasher = PasswordHash(
    (Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1), BcryptHasher())
)  # for a 250th of the time; processes that tests start hash as the product does

for name in Settings.model_fields.keys() - SWITCHES:
    os.environ.pop(name.upper(), None)  # tests are not to depend on the developer's settings
os.environ["EMBEDDING_MODEL"] = "minilm"  # a fifth of the time


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the whole suite."""
    parser.addoption("--executor-usage", action="store_true", help="print how operations were executed")
    parser.addoption("--postgres", metavar="VERSION", help="run the server of this major version")
    parser.addoption("--pooler", action="store_true", help="connect through PgBouncer in transaction mode")


def pytest_configure(config: pytest.Config) -> None:
    """Keep everything temporary in one folder, removed at the end even if a process of the run was killed.

    It holds pytest's own folder too, which below `/tmp` is closed to the server's account whenever another
    session begins.
    """
    if config.option.executor_usage:
        config.pluginmanager.register(ExecutorUsage())
    if config.option.pooler:
        os.environ["PREPARED_STATEMENTS"] = "false"
    if hasattr(config, "workerinput"):
        return  # a process of a parallel run has these settings of the process that began it
    folder = TemporaryDirectory(prefix="seshat-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["TMPDIR"] = tempfile.tempdir = folder.name
    config.option.basetemp = config.option.basetemp or f"{folder.name}/t"


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Exempt the code and the tests from garbage collection, as the server does with its own."""
    freeze_heap()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """End what a process of a parallel run has left running: it may have been killed."""
    kill_descendants(node.workerinput["testrunuid"], node.workerinput["workerid"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test if it, or a process that it started, wrote a secret to standard error."""
    report = yield
    written = "".join(text for title, text in report.sections if "stderr" in title)
    if report.passed and (found := find_secrets(written)):
        report.outcome, report.longrepr = "failed", "\n".join(["secrets in standard error:", *found])
    return report


@pytest.fixture(scope="session", autouse=True)
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the tests log in this process, as the server would write it. It must not contain a secret."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    configure_logging("INFO")
    handler = logging.FileHandler(path)
    handler.setFormatter(formatter(console=False))
    logging.getLogger().handlers = [handler]
    yield path
    handler.close()
    assert find_in_files([path]) == []


class Postgres(NamedTuple):
    """Addresses of the test database (SQLAlchemy, asyncpg) by role, and the server's data folder.

    The application's is that of the pooler, if there is one; `direct` is without it.
    """

    admin: str
    migrator: str
    application: str
    data: Path

    @property
    def direct(self) -> str:
        """The application's address without a pooler."""
        database = make_url(self.application).database
        return make_url(self.migrator).set(username="app_rw", database=database).render_as_string()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_postgres(pytestconfig: pytest.Config) -> AsyncIterator[Postgres]:
    """One server for each process of the run, provisioned, without a table."""
    version = pytestconfig.option.postgres
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(TemporaryDirectory(prefix="postgres-")))
        postgres = await stack.enter_async_context(run_postgres(data, version and binaries(version)))
        if pytestconfig.option.pooler:
            await stack.enter_async_context(run_server(pooler := PgBouncer(data)))
            postgres = postgres._replace(application=pooler.url(DATABASE))
        yield postgres


@asynccontextmanager
async def run_postgres(data: Path, binaries: Path | None = None) -> AsyncIterator[Postgres]:
    """A server with its data in this folder: the wheel's, or that of the executables."""
    async with run_server(EmbeddedPostgres(data, durable=False, binaries=binaries)):
        postgres = Postgres(
            admin=embedded_url(data, "postgres"),
            migrator=embedded_url(data, "app_migrator"),
            application=embedded_url(data, "app_rw"),
            data=data,
        )
        await provision(postgres.admin, postgres.application)
        yield postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(empty_postgres: Postgres, log_file: Path) -> AsyncIterator[Postgres]:
    """The server with both planes migrated to their latest revision.

    At the end nothing that is stored is in the log: no address, hash, message or passage.
    """
    await asyncio.to_thread(migrate.upgrade, empty_postgres.migrator)
    DATABASES.server = Server(PRIMARY, empty_postgres.application, empty_postgres.admin)
    yield empty_postgres
    connection = await asyncpg.connect(driverless_url(empty_postgres.admin))
    await DATABASES.free(await DATABASES.places(connection))
    stored = DATABASES.secrets.union(await stored_secrets(connection))
    await DATABASES.close()
    await connection.close()
    logs = [log_file, empty_postgres.data / EmbeddedPostgres.log_name]
    assert find_in_files(logs, stored) == []


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Settings:
    """Settings of an installation that uses the test database, with a data folder of the test's own."""
    return Settings(
        data=tmp_path,
        database_url=postgres.application,
        database_admin_url=postgres.admin,
        database_listen_url=postgres.direct,
        company_placement=PLACEMENT,
        registration="open",
        secret_key="a secret that only the tests know of",
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    """What the server shares between operations, with roles and permissions seeded; one for the session."""
    settings = Settings(
        data=tmp_path_factory.mktemp("services"),
        database_url=postgres.application,
        database_admin_url=postgres.admin,
        database_listen_url=postgres.direct,
        company_placement=PLACEMENT,
        registration="open",
        secret_key="a secret that only the tests know of",
        chat_providers='{"ollama": {"url": "http://127.0.0.1:9/v1", "model": "tiny"}}',
        worker=False,
        offline_councils=True,
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
    assert find_in_files([store.data / EmbeddedVectors.log_name]) == []


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
    schema = make_schema(compiled=Settings().compiled_executor)
    freeze_heap()
    return schema


@pytest_asyncio.fixture
async def graphql(services: Services, contract: Contract) -> AsyncIterator[Client]:
    """Sends operations as nobody; `graphql.of(user)` as somebody. It remembers the last one's statements."""
    client = Client(services, contract)

    def remember(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        client.statements.append(statement)

    event.listen(Engine, "before_cursor_execute", remember)
    yield client
    event.remove(Engine, "before_cursor_execute", remember)


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
async def onlooker(postgres: Postgres) -> AsyncIterator[Onlooker]:
    """Sees all rows."""
    connection = await asyncpg.connect(driverless_url(postgres.admin))
    yield Onlooker(connection)
    await connection.close()


FORGET = """
    UPDATE platform.companies SET database_server = NULL, database_name = NULL WHERE database_name = ANY ($1)
"""


def running_workers() -> list[asyncio.Task[Any]]:
    """The tasks of the workers that run in this process."""
    tasks = asyncio.all_tasks()
    return [task for task in tasks if getattr(task.get_coro(), "__qualname__", "") == "Worker._run"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No test that has a database leaves a job to the workers of other tests.

    What fixtures of the session and the module have made is there before, and stays.
    """
    for item in items:
        if isinstance(item, pytest.Function) and "postgres" in (names := item.fixturenames):
            defined = item._fixtureinfo.name2fixturedefs
            shared = [name for name in names if name in defined and defined[name][-1].scope != "function"]
            names.insert(names.index(shared[-1]) + 1, empty_queue.__name__)


@pytest_asyncio.fixture
async def empty_queue(onlooker: Onlooker) -> AsyncIterator[None]:
    """At the end of a test no job waits for a worker, unless the worker of the module runs.

    The databases of the companies that the test has made are cleared.
    """
    before = await onlooker.places()
    yield
    if made := [place for place in await onlooker.places() if place not in before]:
        await onlooker.execute(FORGET, [place.database for place in made])
        await DATABASES.free(made)
    if not running_workers():
        await onlooker.execute("DELETE FROM platform.pgqueuer")
        await onlooker.execute("DELETE FROM platform.leases")


@pytest.fixture
def assert_unchanged(onlooker: Onlooker) -> Unchanged:
    """`async with unchanged():` fails the test when any row of the database is another one afterwards.

    No worker may run beside, such as one of a module: whatever it writes would be the test's.
    """

    @asynccontextmanager
    async def watch(*, but: tuple[str, ...] = ()) -> AsyncIterator[None]:
        assert running_workers() == []
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
