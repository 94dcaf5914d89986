"""Databases of companies: their template, what the application may do in them, and their removal."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import select

from core.settings import Settings, driverless_url
from core.settings.placement import PRIMARY
from db.base import LocalModel, Model
from db.database import Database
from db.databases.company_databases import create_database, drop_database, new_name
from db.databases.servers import NoAdministrator, Server, administer, servers_of, with_database
from db.databases.template import prepare_template, refresh_template, template_name
from db.ids import new_id
from db.models import Project
from db.placement import Place, Placement
from db.provision import LOCAL_TABLES, ProvisionError, provision_roles
from db.revisions import (
    BEING_MIGRATED,
    SCHEMA,
    NotMigrated,
    Target,
    require_latest_of,
    revision_statuses,
    revisions,
)
from tests.conftest import Postgres
from tests.db.test_migrations import fetch, fingerprint

NAMES = "SELECT datname FROM pg_database WHERE datname LIKE 'seshat\\_template\\_%' ORDER BY 1"


@pytest.fixture
def server(postgres: Postgres) -> Server:
    """The server of the tests."""
    return Server("primary", postgres.application, postgres.admin)


@pytest_asyncio.fixture
async def own(server: Server) -> AsyncIterator[str]:
    """The database of a company."""
    name = new_name(new_id())
    await create_database(server, name)
    yield name
    await drop_database(server, name)


async def connect(url: str) -> asyncpg.Connection:
    """A connection in the test's care."""
    return await asyncpg.connect(driverless_url(url))


async def test_one_process_makes_the_template_and_drops_earlier_ones(server: Server) -> None:
    name = template_name()
    left = [f"{name}_draft", "seshat_template_0001_0001_00000000", "seshat_template_9999_9999_00000000"]
    async with administer(server) as admin:
        await admin.execute(f"ALTER DATABASE {await prepare_template(server)} IS_TEMPLATE false")
        await admin.execute(f"DROP DATABASE {name}")
        for each in left:
            await admin.execute(f"CREATE DATABASE {each}")

        made = await asyncio.gather(*(prepare_template(server) for _ in range(2)))

        assert set(made) == {name}
        assert [row[0] for row in await admin.fetch(NAMES)] == [name, left[-1]]
        assert await refresh_template(server) is None
        await admin.execute(f"DROP DATABASE {left[-1]}")


@pytest.mark.parametrize("role", ["admin", "application", "migrator"])
async def test_nobody_connects_to_the_template(server: Server, postgres: Postgres, role: str) -> None:
    name = await prepare_template(server)

    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await connect(with_database(getattr(postgres, role), name))


async def test_a_database_has_both_planes_at_their_latest_revisions(
    server: Server, postgres: Postgres, own: str
) -> None:
    await create_database(server, own)  # again

    statuses = await revision_statuses([Target(plane, server.admin(own)) for plane in SCHEMA])
    assert [status.is_latest for status in statuses] == [True, True]
    assert await fingerprint(server.admin(own)) == await fingerprint(postgres.admin)


async def test_only_the_application_and_the_migrator_connect(server: Server, own: str) -> None:
    async with administer(server) as admin:
        access = await admin.fetchval("SELECT datacl::text FROM pg_database WHERE datname = $1", own)

    assert access == "{app_owner=CTc/app_owner,app_rw=c/app_owner,app_migrator=c/app_owner}"


async def test_the_application_uses_its_tables_and_none_of_the_platform(server: Server, own: str) -> None:
    allowed = "SELECT has_table_privilege('app_rw', oid, $1) FROM pg_class WHERE oid = to_regclass($2)"
    async with administer(server, own) as admin:
        await admin.execute("SET ROLE app_owner")
        await admin.execute("CREATE TABLE platform.later (id int)")
        found: dict[str, Mapping[str, bool]] = {}
        for row in await admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'platform'"):
            kinds = ("SELECT", "INSERT", "UPDATE", "DELETE")
            name = f"platform.{row['tablename']}"
            found[row["tablename"]] = {kind: await admin.fetchval(allowed, kind, name) for kind in kinds}

    assert {table for table, kinds in found.items() if all(kinds.values())} == set(LOCAL_TABLES)
    assert {table for table, kinds in found.items() if any(kinds.values())} == {
        *LOCAL_TABLES,
        "alembic_version_control",
    }
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(server.application(own), "SELECT count(*) FROM platform.companies")
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await fetch(server.application(own), "SELECT count(*) FROM tenant.projects")  # no company is set


def test_the_tables_of_every_database_are_those_of_the_models() -> None:
    models = (mapper.class_ for mapper in Model.registry.mappers)

    assert sorted(m.__tablename__ for m in models if issubclass(m, LocalModel)) == list(LOCAL_TABLES)


async def test_a_database_is_dropped_while_it_is_used(server: Server) -> None:
    name = new_name(new_id())
    await create_database(server, name)
    connection = await connect(server.application(name))

    await drop_database(server, name)
    await drop_database(server, name)

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.execute("SELECT 1")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await connect(server.application(name))
    connection.terminate()


async def test_a_database_that_is_not_migrated_is_refused_in_words_for_users(
    server: Server, own: str
) -> None:
    connection = await connect(server.application(own))
    await require_latest_of(connection)

    for table, revision in (
        ("platform.alembic_version_control", "0001"),
        ("tenant.alembic_version_tenant", None),
    ):
        await fetch(server.admin(own), f"UPDATE {table} SET version_num = '0001'")
        if revision is None:
            await fetch(server.admin(own), f"DROP TABLE {table}")
        with pytest.raises(NotMigrated, match=BEING_MIGRATED) as refused:
            await require_latest_of(connection)
        assert own not in str(refused.value)
    await connection.close()


async def test_units_of_a_company_whose_database_is_outdated_are_refused(
    settings: Settings, server: Server, own: str
) -> None:
    database = Database(Placement(settings, settings.database_url or ""))
    company_id = new_id()
    database.placement.remember(company_id, Place(PRIMARY, own))
    version = "UPDATE tenant.alembic_version_tenant SET version_num"
    latest = revisions("tenant")[-1]

    await fetch(server.admin(own), f"{version} = '0001'")
    with pytest.raises(NotMigrated, match=BEING_MIGRATED):
        async with database.tenant(company_id, read_only=True) as uow:
            await uow.all(select(Project.id))
    assert database.placement.connections() == {PRIMARY: 0}
    for known in (latest, "9999"):
        await fetch(server.admin(own), f"{version} = '{known}'")
        database.placement.remember(company_id, Place(PRIMARY, own))
        async with database.tenant(company_id, read_only=True) as uow:
            assert await uow.all(select(Project.id)) == []
        await database.placement.close_unused(limit=0)

    await database.close()


async def test_without_an_administrator_it_is_said_what_is_missing(settings: Settings) -> None:
    eu = {"eu": {"url": settings.database_url}}
    unmanaged = Settings(database_url=settings.database_url, database_servers=eu, secret_key="x" * 32)

    said = []
    for server in servers_of(unmanaged).values():
        with pytest.raises(NoAdministrator) as refused:
            await create_database(server, "any")
        said.append(str(refused.value))

    assert said == [
        "DATABASE_ADMIN_URL is required to create, migrate or drop databases",
        "DATABASE_SERVERS: the admin_url of eu is required to create, migrate or drop databases",
    ]


async def test_roles_of_another_server_are_provisioned(postgres: Postgres) -> None:
    await fetch(postgres.admin, "ALTER ROLE app_rw RESET lock_timeout")

    await provision_roles(postgres.admin, postgres.application)

    rows = await fetch(postgres.admin, "SELECT rolconfig FROM pg_roles WHERE rolname = 'app_rw'")
    assert "lock_timeout=3s" in rows[0]["rolconfig"]
    with pytest.raises(ProvisionError, match="must be of the role app_rw"):
        await provision_roles(postgres.admin, postgres.admin)
