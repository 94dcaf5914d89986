"""Migrations: each goes down and up again, together they are the models, a broken database stops no other.

A database at a revision that the code does not know is refused, and nothing in it changes.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from db import migrate
from db.databases.servers import servers_of
from db.databases.targets import company_targets
from db.provision import provision
from db.revisions import (
    ROOT,
    SCHEMA,
    MigrationError,
    Plane,
    Target,
    next_revision,
    refuse_unknown,
    require_latest,
    revision_statuses,
    revisions,
)
from server.cli import parser
from server.commands.migrate import init_database, migrate_databases
from server.embedded.postgres import EmbeddedPostgres
from server.embedded.process import run_server
from server.installation import open_installation
from tests.conftest import Postgres, run_postgres
from tests.fingerprints import FINGERPRINT
from tests.server.conftest import free_port, run

CATALOG = """
SELECT n.nspname, c.relname, concat_ws(' ', c.relkind, c.relrowsecurity, c.relforcerowsecurity)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
UNION ALL
SELECT table_schema, table_name || '.' || column_name,
       concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default, generation_expression)
FROM information_schema.columns
UNION ALL
SELECT n.nspname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
UNION ALL
SELECT schemaname, indexname, indexdef FROM pg_indexes
UNION ALL
SELECT schemaname, tablename || ' ' || policyname, concat_ws(' ', permissive, roles, cmd, qual, with_check)
FROM pg_policies
UNION ALL
SELECT n.nspname, p.proname, pg_get_functiondef(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind = 'f'
UNION ALL
SELECT n.nspname, c.relname || ' ' || t.tgname, pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal
ORDER BY 1, 2, 3
"""

GRANTS = """
SELECT rolname, concat_ws(' ', rolsuper, rolbypassrls, rolcanlogin, rolinherit),
       array_to_string(rolconfig, ';')
FROM pg_roles WHERE rolname LIKE 'app\\_%'
UNION ALL
SELECT nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace
UNION ALL
SELECT 'default ' || defaclobjtype::text, defaclnamespace::regnamespace::text, defaclacl::text
FROM pg_default_acl
"""
TABLES = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('platform', 'tenant')"
OLD: dict[Plane, str] = {"control": "control_0005", "tenant": "tenant_0014"}
"""The last revisions before the first release, whose migrations are gone."""


def database(url: str, name: str) -> str:
    """The same address for another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest_asyncio.fixture
async def empty(empty_postgres: Postgres) -> AsyncIterator[Postgres]:
    """A provisioned database of the test's own, without a table."""
    name = f"test_{uuid4().hex}"
    urls = [database(url, name) for url in empty_postgres[:3]]
    made = Postgres(admin=urls[0], migrator=urls[1], application=urls[2], data=empty_postgres.data)
    await provision(empty_postgres.admin, made.application)
    yield made
    await fetch(empty_postgres.admin, f"DROP DATABASE {name} WITH (FORCE)")


async def fetch(url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Rows of a statement on a connection of its own."""
    connection = await asyncpg.connect(driverless_url(url))
    try:
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def fingerprint(url: str) -> set[tuple[str, ...]]:
    """Everything that migrations make, in words; without what belongs to PostgreSQL and to Alembic."""
    rows = [tuple(row) for row in await fetch(url, CATALOG)]
    return {row for row in rows if row[0] in SCHEMA.values() and "alembic_version" not in row[1]}


async def run_command(target: Target, action: migrate.Action, revision: str = migrate.LATEST) -> None:
    """Run one action; an error fails the test."""
    outcome = await asyncio.to_thread(migrate.run_command, target, action, revision)
    assert outcome.error is None, f"{action} {revision}: {outcome.error}"


async def stamp(url: str, revisions: dict[Plane, str]) -> None:
    """Write revisions into the version tables, which are made if there are none."""
    for plane, revision in revisions.items():
        table = f"{SCHEMA[plane]}.alembic_version_{plane}"
        await fetch(url, f"CREATE TABLE IF NOT EXISTS {table} (version_num varchar(32) PRIMARY KEY)")
        await fetch(url, f"GRANT SELECT ON {table} TO app_owner, app_rw")
        await fetch(url, f"DELETE FROM {table}")
        await fetch(url, f"INSERT INTO {table} VALUES ($1)", revision)


async def state(url: str) -> set[tuple[object, ...]]:
    """All that migrating, provisioning and seeding could change: structure, roles, grants and rows."""
    rows = " UNION ALL ".join(FINGERPRINT.format(name) for [name] in await fetch(url, TABLES))
    return {tuple(row) for statement in (CATALOG, GRANTS, rows) for row in await fetch(url, statement)}


def refusal(plane: Plane, url: str, revision: str) -> str:
    """What is said of a database that was made by the migrations before the first release."""
    return (
        f"{plane} in {make_url(url).database} was made by an earlier version (revision {revision}) "
        "that this version cannot upgrade: start with an empty data folder or database"
    )


async def test_a_migrated_database_stands_at_the_latest_revision_of_both_planes(postgres: Postgres) -> None:
    statuses = await revision_statuses([Target(plane, postgres.migrator) for plane in SCHEMA])

    assert [(found.revision, found.error) for found in statuses] == [
        (revisions("control")[-1], None),
        (revisions("tenant")[-1], None),
    ]


@pytest.mark.parametrize("plane", list(SCHEMA))
async def test_each_revision_goes_up_and_down_and_up_again(empty: Postgres, plane: Plane) -> None:
    target = Target(plane, empty.migrator)
    states = [await fingerprint(empty.admin)]

    for revision in revisions(plane):
        await run_command(target, "upgrade", revision)
        states.append(await fingerprint(empty.admin))
        await run_command(target, "downgrade", "-1")
        assert await fingerprint(empty.admin) == states[-2], f"what {revision} leaves behind"
        await run_command(target, "upgrade", revision)
        assert await fingerprint(empty.admin) == states[-1], f"what {revision} makes the second time"

    assert len(states) == len(revisions(plane)) + 1


@pytest.mark.parametrize("plane", list(SCHEMA))
async def test_the_migrations_are_the_models(postgres: Postgres, plane: Plane) -> None:
    await run_command(Target(plane, postgres.migrator), "check")


async def test_a_table_without_its_fence_is_noticed(empty: Postgres) -> None:
    target = Target("tenant", empty.migrator)
    await run_command(target, "upgrade")
    await fetch(empty.admin, "ALTER TABLE tenant.projects NO FORCE ROW LEVEL SECURITY")

    outcome = await asyncio.to_thread(migrate.run_command, target, "check")

    assert outcome.error == "New upgrade operations detected: [('enable_tenant_rls', 'projects')]"


async def test_one_broken_database_stops_no_other(
    empty: Postgres, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    pooled, own = make_url(empty.admin).database, f"own_{uuid4().hex}"
    await provision(empty.admin, database(empty.application, own))
    await run_command(Target("control", empty.migrator), "upgrade")
    place = """INSERT INTO platform.companies (id, name, database_server, database_name)
        VALUES ($1, $2, $3, $4)"""
    await fetch(empty.admin, place, uuid4(), "Own", "primary", own)
    await fetch(empty.admin, place, uuid4(), "Lost", "primary", "nowhere")
    await fetch(empty.admin, place, uuid4(), "Abroad", "eu", "away")
    placed = settings.model_copy(
        update={"database_url": empty.application, "database_admin_url": empty.admin}
    )

    failed = await migrate_databases(placed, parser().parse_args(["migrate", "upgrade"]))
    said = capsys.readouterr().out
    alone = await migrate_databases(placed, parser().parse_args(["migrate", "status", "--company", "Own"]))

    assert failed == 1
    for plane in SCHEMA:
        assert f"upgrade {plane} in {pooled}: ok" in said
        assert f"upgrade {plane} in {own}: ok" in said
        assert f'upgrade {plane} in nowhere: FAILED: database "nowhere" does not exist' in said
        missing = "DATABASE_SERVERS: the server eu of away is missing"
        assert f"upgrade {plane} in away on eu: FAILED: {missing}" in said
    assert (alone, capsys.readouterr().out) == (
        0,
        "".join(f"{plane} in {own}: {revisions(plane)[-1]}, up to date\n" for plane in SCHEMA),
    )
    await fetch(empty.admin, f"DROP DATABASE {own} WITH (FORCE)")


async def test_an_unknown_company_is_said(settings: Settings) -> None:
    with pytest.raises(MigrationError, match="there is no company Nobody"):
        await company_targets(servers_of(settings), ["tenant"], "Nobody")


async def test_a_database_that_is_outdated_is_not_served(empty: Postgres) -> None:
    name = make_url(empty.admin).database

    with pytest.raises(MigrationError) as refusal:
        await require_latest(empty.application)

    assert str(refusal.value) == (
        f"control in {name} is at revision none, not at {revisions('control')[-1]}: "
        "run `seshat init` and `seshat migrate upgrade`"
    )


def test_migrations_are_numbered() -> None:
    for plane in SCHEMA:
        files = sorted((ROOT / "migrations" / plane).glob("*.py"))
        numbers = [f"{number:04}" for number, _ in enumerate(files, 1)]
        alembic = ScriptDirectory.from_config(migrate.configuration(plane)).walk_revisions()

        assert revisions(plane) == [script.revision for script in alembic][::-1] == numbers
        assert [file.name[:5] for file in files] == [f"{number}_" for number in numbers]
        assert next_revision(plane) == f"{len(files) + 1:04}"


@pytest.mark.parametrize("upgraded", [False, True], ids=["without tables", "with tables"])
@pytest.mark.parametrize(
    ("stamped", "named"),
    [
        (OLD, "control"),
        ({"control": "control_0001", "tenant": "tenant_0001"}, "control"),
        ({"tenant": "tenant_0003"}, "tenant"),
    ],
)
async def test_a_database_of_the_migrations_before_is_refused_and_left_alone(
    empty: Postgres,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    stamped: dict[Plane, str],
    named: Plane,
    upgraded: bool,
) -> None:
    for plane in SCHEMA if upgraded else ():
        await run_command(Target(plane, empty.migrator), "upgrade")
    await stamp(empty.admin, stamped)
    before = await state(empty.admin)
    line = refusal(named, empty.admin, stamped[named])
    placed = settings.model_copy(
        update={"database_url": empty.application, "database_admin_url": empty.admin}
    )

    failed = await migrate_databases(placed, parser().parse_args(["migrate", "upgrade"]))
    [said] = capsys.readouterr().out.splitlines()
    with pytest.raises(MigrationError) as upgrading:
        await asyncio.to_thread(migrate.upgrade, empty.migrator)
    with pytest.raises(MigrationError) as provisioning:
        await init_database(placed)
    with pytest.raises(MigrationError) as opening:
        async with open_installation(placed):
            pass

    assert failed == 1
    assert f"FAILED: {line} (" in said
    assert str(upgrading.value).endswith(f" failed: {line}")
    assert [str(provisioning.value), str(opening.value)] == [line, line]
    assert await state(empty.admin) == before


async def test_a_database_of_a_later_version_is_refused(empty: Postgres) -> None:
    await stamp(empty.admin, {"tenant": "0999"})

    with pytest.raises(MigrationError) as refused:
        await refuse_unknown(empty.admin)

    assert str(refused.value) == (
        f"tenant in {make_url(empty.admin).database} was migrated by a later version (revision 0999): "
        "run that version"
    )


async def test_a_data_folder_of_the_migrations_before_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with run_postgres(data) as postgres:
        await asyncio.to_thread(migrate.upgrade, postgres.migrator)
        await stamp(postgres.admin, OLD)
        before = await state(postgres.admin)
    line = refusal("control", postgres.admin, OLD["control"])

    ended = await asyncio.to_thread(run, "serve", "--port", str(free_port()), "--data", str(data))
    settings = Settings(data=data)
    for command in (
        init_database(settings),
        migrate_databases(settings, parser().parse_args(["migrate", "upgrade"])),
    ):
        with pytest.raises(MigrationError) as refused:
            await command
        assert str(refused.value) == line

    assert ended == (1, "", f"seshat: {line}\n")
    async with run_server(EmbeddedPostgres(data, durable=False)):
        assert await state(postgres.admin) == before


ROWS_OF_A_COMPANY = """
SET session_replication_role = replica;
INSERT INTO tenant.tenants (company_id) VALUES ('{0}');
INSERT INTO tenant.conversations (company_id, id, user_id, session_id, status)
SELECT '{0}', {1}, '{0}', CASE WHEN n % 3 = 0 THEN '{0}'::uuid END,
       CASE WHEN n % 5 = 0 THEN 'deleted' ELSE 'active' END FROM generate_series(1, 250) n;
INSERT INTO tenant.messages (company_id, id, conversation_id, role, content)
SELECT '{0}', {1}, {1}, 'user', 'x' FROM generate_series(1, 250) n;
INSERT INTO tenant.citations (company_id, id, message_id, source_index)
SELECT '{0}', {1}, {1}, 1 FROM generate_series(1, 250) n;
INSERT INTO tenant.feedback (company_id, id, message_id, user_id, rating)
SELECT '{0}', {1}, {1}, '{0}', 'thumbs_up' FROM generate_series(1, 250) n;
INSERT INTO tenant.documents
    (company_id, id, uploaded_by_id, title, filename, original_filename, file_path, scope)
SELECT '{0}', {1}, '{0}', 'x', 'x', 'x', 'x',
       CASE n % 3 WHEN 0 THEN 'user' WHEN 1 THEN 'company' ELSE 'global' END
FROM generate_series(1, 250) n;
INSERT INTO tenant.document_chunks (company_id, id, document_id, chunk_index, content)
SELECT '{0}', {1}, {1}, 1, 'x' FROM generate_series(1, 250) n;
"""
READERS = """
SELECT count(*) FILTER (WHERE m.reader_id IS NOT DISTINCT FROM expected.id) AS messages,
       count(*) FILTER (WHERE c.reader_id IS NOT DISTINCT FROM expected.id) AS citations,
       count(*) FILTER (WHERE f.reader_id IS NOT DISTINCT FROM expected.id) AS feedback,
       count(*) FILTER (WHERE k.reader_id = CASE d.scope
           WHEN 'user' THEN d.uploaded_by_id
           ELSE lpad((d.scope = 'global')::int::text, 32, '0')::uuid END) AS chunks
FROM tenant.conversations t
JOIN tenant.messages m USING (company_id, id) JOIN tenant.citations c USING (company_id, id)
JOIN tenant.feedback f USING (company_id, id) JOIN tenant.documents d USING (company_id, id)
JOIN tenant.document_chunks k USING (company_id, id)
CROSS JOIN LATERAL (SELECT CASE WHEN t.status = 'deleted' THEN NULL
    WHEN t.session_id IS NOT NULL THEN lpad('', 32, '0')::uuid ELSE t.user_id END) AS expected (id)
"""


async def test_rows_of_all_companies_get_their_readers_without_bypassing_the_fence(empty: Postgres) -> None:
    """Of two companies, in batches; again if it was interrupted."""
    target = Target("tenant", empty.migrator)
    await run_command(target, "upgrade", "0005")
    connection = await asyncpg.connect(driverless_url(empty.admin))
    try:
        for company in (uuid4(), uuid4()):
            await connection.execute(ROWS_OF_A_COMPANY.format(company, f"md5('{company}' || n)::uuid"))
        await connection.execute("ALTER ROLE app_owner NOBYPASSRLS")
        await run_command(target, "upgrade", "0006")
        first = await fetch(empty.admin, READERS)
        await stamp(empty.admin, {"tenant": "0005"})
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE tenant.messages SET reader_id = NULL")
        await connection.execute("UPDATE tenant.document_chunks SET reader_id = NULL")
        await run_command(target, "upgrade", "0006")
        second = await fetch(empty.admin, READERS)
    finally:
        await connection.execute("ALTER ROLE app_owner BYPASSRLS")
        await connection.close()

    assert [tuple(row) for row in first + second] == 2 * [(500, 500, 500, 500)]
    await run_command(target, "upgrade")
    await run_command(target, "check")
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'tenant.tenants'::regclass"
    assert [row[0] for row in await fetch(empty.admin, forced)] == [True]
