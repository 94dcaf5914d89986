"""Every PostgreSQL on this machine, from provisioning to a job, and administrators that are no superusers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from sqlalchemy import text

from core.settings import Settings, driverless_url
from core.settings.placement import PRIMARY
from db import migrate
from db.database import Database
from db.databases.company_databases import create_database, drop_database, new_name
from db.databases.servers import servers_of
from db.models import RoleName
from db.placement import Placement
from db.revisions import revisions
from schema.contract import Contract
from server.app import open_services
from server.cli import parser
from server.commands.migrate import init_database, migrate_databases
from server.embedded.postgres import EmbeddedPostgres, embedded_url
from server.embedded.process import run_server
from server.installation import open_installation
from tests import factories
from tests.db.queue.conftest import Hall, a_company
from tests.db.queue.sample_tasks import Count
from tests.factories import a_project, a_user
from tests.graphql_client import Client
from tests.identity.conftest import PASSWORD, REGISTER, SIGN_IN
from tests.postgres_servers import postgres_versions

ADMINISTRATOR = "CREATE ROLE administrator LOGIN CREATEROLE CREATEDB"
"""What managed servers give their customers. The suite's own server is administered by a superuser."""

OWNER = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'app_owner'"

BACKFILL = '''
"""Store the name of each project in capitals."""

import sqlalchemy as sa
from alembic import op

from migrations.backfills import backfill
from migrations.constraints import add_constraint, require_value

revision = "9999"
down_revision = "{latest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("projects", sa.Column("capitals", sa.Text()), schema="tenant", if_not_exists=True)
    backfill("tenant", "projects", "capitals = upper(name)", where="capitals IS NULL", size=2)
    backfill("platform", "companies", "name = name || '!'", where="name NOT LIKE '%!'", size=1)
    require_value("tenant", "projects", "capitals")
    add_constraint("tenant", "projects", "ck_projects_capitals", "CHECK (capitals = upper(name))")
    owner = "FOREIGN KEY (company_id, user_id) REFERENCES tenant.members (company_id, id)"
    add_constraint("tenant", "projects", "fk_projects_owner", owner)
'''


@asynccontextmanager
async def managed_server(version: str, folder: Path) -> AsyncIterator[Settings]:
    """Settings of a server of this version that has no roles yet but its administrator's."""
    with TemporaryDirectory(prefix="postgres-") as data:
        server = EmbeddedPostgres(Path(data), durable=False, binaries=postgres_versions()[version])
        async with run_server(server):
            postgres = await asyncpg.connect(driverless_url(embedded_url(Path(data), "postgres", "postgres")))
            await postgres.execute(ADMINISTRATOR)
            await postgres.close()
            yield Settings(
                data=folder,
                database_url=embedded_url(Path(data), "app_rw"),
                database_admin_url=embedded_url(Path(data), "administrator", "postgres"),
                secret_key="a secret that only the tests know of",
                registration="open",
                worker=False,
            )


async def run_migrate(settings: Settings, action: str) -> int:
    """The exit code of `seshat migrate`."""
    return await migrate_databases(settings, parser().parse_args(["migrate", action]))


async def fetch(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    """Rows of a statement as PostgreSQL's own superuser."""
    assert settings.database_url is not None
    connection = await asyncpg.connect(driverless_url(settings.database_url.replace("app_rw", "postgres")))
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


@pytest.mark.parametrize("version", sorted(postgres_versions()))
async def test_an_installation_without_a_superuser_on_each_version(
    version: str, contract: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with managed_server(version, tmp_path) as settings:
        for _ in range(2):
            assert await init_database(settings) == 0
            assert await run_migrate(settings, "upgrade") == 0
        assert await run_migrate(settings, "check") == 0
        assert "FAILED" not in capsys.readouterr().out
        assert await fetch(settings, OWNER) == [(False, False)]
        async with open_installation(settings) as ready, AsyncExitStack() as stack:
            services = await open_services(ready, stack)
            server = await services.database.platform(read_only=True).__aenter__()
            assert str(await server.scalar(text("SHOW server_version"))).startswith(version)
            await server.finish(commit=False)
            client = Client(services, contract)
            email = f"{uuid4().hex}@test.example"
            await client(REGISTER, input={"email": email, "password": PASSWORD})
            answer = await client(SIGN_IN, login=email, password=PASSWORD)
            assert answer["userSignIn"]["accessToken"]
            hall = Hall(services.database, ready, tmp_path, await a_company(services.database))
            id = await hall.add(Count(hall.trail, 3, 0))
            async with hall.working():
                await hall.ended(id, "completed")

        await place_company(settings)
        await backfill(settings, tmp_path)


async def place_company(settings: Settings) -> None:
    """A database of a company, which is dropped while the application uses it."""
    server = servers_of(settings)[PRIMARY]
    name = new_name(uuid4())

    await create_database(server, name)
    application = await asyncpg.connect(driverless_url(server.application(name)))
    assert await application.fetch("SELECT FROM platform.leases") == []
    await drop_database(server, name)

    with pytest.raises((asyncpg.AdminShutdownError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)):
        await application.fetch("SELECT FROM platform.leases")


async def backfill(settings: Settings, folder: Path) -> None:
    """A migration that fills in a column of all companies, and makes it required."""
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url))
    owners = [a_user(factories.a_company(), RoleName.ADMIN) for _ in range(2)]
    await factories.save(database, *(a_project(owner, name=f"p{n}") for owner in owners for n in range(3)))
    await database.close()
    (folder / "9999_capitals.py").write_text(BACKFILL.format(latest=revisions("tenant")[-1]))
    url = (settings.database_admin_url or "").replace("/postgres?", "/seshat?")
    config = migrate.configuration("tenant", url)
    own = config.get_main_option("version_locations")
    config.set_main_option("version_locations", f"{own}:{folder}")

    await asyncio.to_thread(command.upgrade, config, "9999")

    rows = await fetch(settings, "SELECT name, capitals FROM tenant.projects ORDER BY company_id, name")
    assert rows == [(f"p{n}", f"P{n}") for _ in owners for n in range(3)]
    [(forced,)] = await fetch(
        settings, "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'tenant.tenants'::regclass"
    )
    assert forced
    assert await fetch(settings, "SELECT FROM platform.companies WHERE name NOT LIKE '%!'") == []
    [(required,)] = await fetch(
        settings,
        "SELECT attnotnull FROM pg_attribute "
        "WHERE attrelid = 'tenant.projects'::regclass AND attname = 'capitals'",
    )
    assert required
