"""Migrations: each goes down and up again, together they are the models, a broken database stops no other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from db import migrate
from db.migrate import Plane, Target
from db.provision import provision
from server.cli import parser
from server.commands.migrate import migrate_databases
from tests.conftest import Postgres

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
    return {row for row in rows if row[0] in migrate.SCHEMA.values() and "alembic_version" not in row[1]}


async def perform(target: Target, action: migrate.Action, revision: str = migrate.LATEST) -> None:
    """Run one action; an error fails the test."""
    outcome = await asyncio.to_thread(migrate.run_command, target, action, revision)
    assert outcome.error is None, f"{action} {revision}: {outcome.error}"


def revisions(plane: Plane) -> Sequence[str]:
    """Every revision, the first one first."""
    scripts = ScriptDirectory.from_config(migrate.configuration(plane))
    return [script.revision for script in scripts.walk_revisions()][::-1]


async def test_a_migrated_database_stands_at_the_latest_revision_of_both_planes(postgres: Postgres) -> None:
    standings = [await migrate.revision_status(Target(plane, postgres.migrator)) for plane in migrate.SCHEMA]

    assert [(found.revision, found.error) for found in standings] == [
        (revisions("control")[-1], None),
        (revisions("tenant")[-1], None),
    ]


@pytest.mark.parametrize("plane", list(migrate.SCHEMA))
async def test_each_revision_goes_up_and_down_and_up_again(empty: Postgres, plane: Plane) -> None:
    target = Target(plane, empty.migrator)
    states = [await fingerprint(empty.admin)]

    for revision in revisions(plane):
        await perform(target, "upgrade", revision)
        states.append(await fingerprint(empty.admin))
        await perform(target, "downgrade", "-1")
        assert await fingerprint(empty.admin) == states[-2], f"what {revision} leaves behind"
        await perform(target, "upgrade", revision)
        assert await fingerprint(empty.admin) == states[-1], f"what {revision} makes the second time"

    assert len(states) == len(revisions(plane)) + 1


@pytest.mark.parametrize("plane", list(migrate.SCHEMA))
async def test_the_migrations_are_the_models(postgres: Postgres, plane: Plane) -> None:
    await perform(Target(plane, postgres.migrator), "check")


async def test_a_table_without_its_fence_is_noticed(empty: Postgres) -> None:
    target = Target("tenant", empty.migrator)
    await perform(target, "upgrade")
    await fetch(empty.admin, "ALTER TABLE tenant.projects NO FORCE ROW LEVEL SECURITY")

    outcome = await asyncio.to_thread(migrate.run_command, target, "check")

    assert outcome.error == "New upgrade operations detected: [('enable_tenant_rls', 'projects')]"


async def test_one_broken_database_stops_no_other(
    empty: Postgres, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    pooled, own = make_url(empty.admin).database, f"own_{uuid4().hex}"
    await provision(empty.admin, database(empty.application, own))
    await perform(Target("control", empty.migrator), "upgrade")
    place = "INSERT INTO platform.companies (id, name, database_name) VALUES ($1, $2, $3)"
    await fetch(empty.admin, place, uuid4(), "Own", own)
    await fetch(empty.admin, place, uuid4(), "Lost", "nowhere")
    placed = settings.model_copy(
        update={"database_url": empty.application, "database_admin_url": empty.admin}
    )

    failed = await migrate_databases(placed, parser().parse_args(["migrate", "upgrade", "--plane", "tenant"]))
    said = capsys.readouterr().out
    alone = await migrate_databases(placed, parser().parse_args(["migrate", "status", "--company", "Own"]))

    assert failed == 1
    assert f"upgrade tenant in {pooled}: ok" in said
    assert f"upgrade tenant in {own}: ok" in said
    assert 'upgrade tenant in nowhere: FAILED: database "nowhere" does not exist' in said
    assert (alone, capsys.readouterr().out) == (
        0,
        f"tenant in {own}: {revisions('tenant')[-1]}, up to date\n",
    )
    await fetch(empty.admin, f"DROP DATABASE {own} WITH (FORCE)")


async def test_an_unknown_company_is_said(postgres: Postgres) -> None:
    with pytest.raises(migrate.MigrationError, match="there is no company Nobody"):
        await migrate.tenant_databases(postgres.admin, "Nobody")


async def test_a_database_that_is_behind_is_not_served(empty: Postgres) -> None:
    name = make_url(empty.admin).database

    with pytest.raises(migrate.MigrationError) as refusal:
        await migrate.require_latest(empty.application)

    assert str(refusal.value) == (
        f"control in {name} is at nothing and not at {revisions('control')[-1]}: "
        "run `seshat init` and `seshat migrate upgrade`"
    )
