"""Roles, schemas and grants, on the database that every other test uses too."""

import asyncpg
import pytest

from core.settings import driverless_url
from db.provision import ProvisionError, provision
from tests.conftest import Postgres

CATALOG = """
SELECT 'role ' || rolname AS what, rolsuper::text || rolbypassrls || rolcanlogin || rolinherit AS state,
       array_to_string(rolconfig, ';') AS settings
FROM pg_roles WHERE rolname LIKE 'app\\_%'
UNION ALL
SELECT 'schema ' || nspname, pg_get_userbyid(nspowner), nspacl::text
FROM pg_namespace WHERE nspname IN ('platform', 'tenant')
UNION ALL
SELECT 'default ' || n.nspname, d.defaclobjtype::text, d.defaclacl::text
FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace
UNION ALL
SELECT 'database', pg_get_userbyid(datdba), datacl::text FROM pg_database WHERE datname = current_database()
ORDER BY 1, 2
"""


async def test_provisioning_again_changes_nothing(postgres: Postgres) -> None:
    before = await fetch(postgres.admin, CATALOG)

    await provision(postgres.admin, postgres.application)

    assert await fetch(postgres.admin, CATALOG) == before
    assert [row["what"] for row in before if row["what"].startswith("role")] == [
        "role app_migrator",
        "role app_owner",
        "role app_rw",
    ]


async def test_a_serving_role_with_too_much_power_loses_it(postgres: Postgres) -> None:
    await fetch(postgres.admin, "ALTER ROLE app_rw BYPASSRLS")

    await provision(postgres.admin, postgres.application)

    [role] = await fetch(postgres.admin, "SELECT rolbypassrls FROM pg_roles WHERE rolname = 'app_rw'")
    assert role["rolbypassrls"] is False


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE tenant.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "TRUNCATE tenant.projects",
        "ALTER TABLE tenant.projects DISABLE ROW LEVEL SECURITY",
        "SET ROLE app_owner",
    ],
)
async def test_the_serving_role_may_not_change_the_structure(postgres: Postgres, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(postgres.application, statement)


async def test_without_a_scope_tenant_tables_are_an_error_and_not_all_rows(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidTextRepresentationError, match="invalid input syntax for type uuid"):
        await fetch(postgres.application, "SELECT * FROM tenant.projects")


async def test_the_serving_role_has_its_limits(postgres: Postgres) -> None:
    wanted = {
        "statement_timeout": "15s",
        "lock_timeout": "3s",
        "jit": "off",
        "search_path": "platform, tenant",
    }

    rows = await fetch(
        postgres.application, f"SELECT name, setting, unit FROM pg_settings WHERE name IN {(*wanted,)}"
    )

    found = {
        row["name"]: f"{int(row['setting']) // 1000}s" if row["unit"] == "ms" else row["setting"]
        for row in rows
    }
    assert found == wanted


async def test_an_address_of_another_role_is_refused(postgres: Postgres) -> None:
    with pytest.raises(ProvisionError, match="DATABASE_URL must be of the role app_rw"):
        await provision(postgres.admin, postgres.admin)


async def fetch(url: str, statement: str) -> list[asyncpg.Record]:
    """Rows of a statement on a connection of its own."""
    connection = await asyncpg.connect(driverless_url(url))
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()
