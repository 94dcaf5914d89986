"""Provisioning of roles, database, schemas and grants before the first migration (`seshat init`)."""

from collections.abc import Awaitable, Callable

import asyncpg
from sqlalchemy.engine import URL, make_url

from core.errors import InstallationError
from core.settings import driverless_url
from db.engines import PLANS

OWNER, MIGRATOR, APPLICATION = "app_owner", "app_migrator", "app_rw"

ROLES = {
    OWNER: "NOLOGIN",
    MIGRATOR: "LOGIN NOINHERIT",
    APPLICATION: "LOGIN NOINHERIT",
}
"""The owner of the tables, the migrator, which acts as the owner, and the application."""

APPLICATION_SETTINGS = {
    "search_path": "platform, tenant",
    "app.company_id": "",
    "app.user_id": "",
    "app.scope": "",
    "statement_timeout": "15s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "20s",
    "transaction_timeout": "60s",
    "jit": "off",
    **PLANS,
}
"""Settings of the application role; connection poolers reject them as connection parameters."""

SETTING_MIN_VERSIONS = {"transaction_timeout": 17}
"""The first PostgreSQL version that has a setting."""

SCHEMAS = ("platform", "tenant")

LOCAL_TABLES = ("departures", "leases", "outbox")
"""The tables of the schema `platform` that are used in every database."""

CONNECT_SECONDS = 10.0

LOCK = "SELECT pg_advisory_lock(hashtext('seshat provision'))"


class ProvisionError(InstallationError):
    """The database cannot be provisioned; the message is one line."""


async def provision(admin_url: str, application_url: str) -> None:
    """Creates or completes the database of `application_url`. Idempotent.

    `admin_url` is of a superuser, or of a role that may create roles and databases. A password in
    `application_url` becomes the application role's. Raises `ProvisionError`.
    """
    await _run(_provision, admin_url, application_url)


async def provision_roles(admin_url: str, application_url: str) -> None:
    """Creates or completes the roles on the server of `application_url`, as `provision` does."""
    await _run(_provision_roles, admin_url, application_url)


async def _run(steps: Callable[[URL, URL], Awaitable[None]], admin_url: str, application_url: str) -> None:
    target = make_url(application_url)
    if target.username != APPLICATION:
        raise ProvisionError(f"DATABASE_URL must be of the role {APPLICATION} (got {target.username})")
    try:
        await steps(make_url(admin_url), target)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise ProvisionError(f"the database cannot be provisioned: {error}") from error


async def _provision_roles(admin_url: URL, target: URL) -> None:
    server = await connect(admin_url)
    try:
        await server.execute(LOCK)
        await create_roles(server, target.password)
    finally:
        await server.close()


async def _provision(admin_url: URL, target: URL) -> None:
    database = target.database or ""
    server = await connect(admin_url)
    try:
        await server.execute(LOCK)
        await create_roles(server, target.password)
        if not await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database):
            await create_database(server, database)
        inside = await connect(admin_url.set(database=database))
        try:
            await create_schemas(inside, database)
        finally:
            await inside.close()
    finally:
        await server.close()


async def connect(url: URL) -> asyncpg.Connection:
    """A connection to the database, or to `postgres` on the same server if it does not exist."""
    try:
        return await _connect(url)
    except asyncpg.InvalidCatalogNameError:
        return await _connect(url.set(database="postgres"))


async def _connect(url: URL) -> asyncpg.Connection:
    address = driverless_url(url.render_as_string(hide_password=False))
    return await asyncpg.connect(address, timeout=CONNECT_SECONDS)


async def create_roles(admin: asyncpg.Connection, password: str | None) -> None:
    """Creates or updates the three roles and their settings."""
    existing = {row["rolname"]: row for row in await admin.fetch("SELECT * FROM pg_roles")}
    me = existing[await admin.fetchval("SELECT current_user")]
    for role, attributes in ROLES.items():
        if role not in existing:
            await admin.execute(f"CREATE ROLE {role} {attributes}")
    await admin.execute(f"GRANT {OWNER} TO {MIGRATOR}")
    if not me["rolsuper"]:
        # The owner's rights, and the right to end the others' connections, as removing a database does.
        await admin.execute(f"GRANT {', '.join(ROLES)} TO CURRENT_USER")
    elif not (owner := existing.get(OWNER)) or not owner["rolbypassrls"]:
        # Lets migrations update rows of all companies; managed servers may not permit it.
        await admin.execute(f"ALTER ROLE {OWNER} BYPASSRLS")
    application = existing.get(APPLICATION)
    if application and (application["rolsuper"] or application["rolbypassrls"]):
        await admin.execute(f"ALTER ROLE {APPLICATION} NOSUPERUSER NOBYPASSRLS")
    if password is not None:
        literal = await admin.fetchval("SELECT quote_literal($1::text)", password)
        await admin.execute(f"ALTER ROLE {APPLICATION} PASSWORD {literal}")
    version = admin.get_server_version().major
    for name, value in APPLICATION_SETTINGS.items():
        if version >= SETTING_MIN_VERSIONS.get(name, 0):
            listed = ", ".join(f"'{part}'" for part in value.split(", "))
            try:
                await admin.execute(f"ALTER ROLE {APPLICATION} SET {name} = {listed}")
            except asyncpg.InsufficientPrivilegeError:
                # Only a superuser can set defaults for custom settings. Without a default, an unset scope is
                # an unknown setting instead of an empty one: both are errors.
                if not name.startswith("app."):
                    raise


async def create_database(admin: asyncpg.Connection, name: str) -> None:
    """Creates an empty UTF-8 database with bytewise collation and Unicode case mapping."""
    quoted = await admin.fetchval("SELECT quote_ident($1)", name)
    builtin = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
    provider = builtin if admin.get_server_version().major >= 17 else ""
    await admin.execute(
        f"CREATE DATABASE {quoted} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8' {provider} LOCALE 'C'"
    )


async def create_schemas(admin: asyncpg.Connection, name: str) -> None:
    """Creates both schemas, and grants the application role access; other roles have none."""
    quoted = await admin.fetchval("SELECT quote_ident($1)", name)
    async with admin.transaction():
        for schema in SCHEMAS:
            if await admin.fetchval("SELECT to_regnamespace($1) IS NULL", schema):
                await admin.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {OWNER}")
        await admin.execute(f"SET LOCAL ROLE {OWNER}")
        owned = await admin.fetchval(
            "SELECT pg_has_role(current_user, datdba, 'MEMBER') FROM pg_database WHERE datname = $1", name
        )
        if owned:
            await restrict_connections(admin, quoted)
        await admin.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        for schema in SCHEMAS:
            default = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT"
            await admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {APPLICATION}")
            await admin.execute(f"{default} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION}")
            await admin.execute(f"{default} USAGE ON SEQUENCES TO {APPLICATION}")
            await admin.execute(f"{default} EXECUTE ON FUNCTIONS TO {APPLICATION}")


async def restrict_connections(admin: asyncpg.Connection, quoted: str) -> None:
    """Lets the application and the migrator alone connect to a database. As the role `app_owner`."""
    await admin.execute(f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC")
    await admin.execute(f"GRANT CONNECT ON DATABASE {quoted} TO {APPLICATION}, {MIGRATOR}")


async def restrict_platform(admin: asyncpg.Connection) -> None:
    """Leaves the application of the schema `platform` only what a company's own database uses. Idempotent.

    Any other statement of the platform plane fails there, as it belongs into the primary database.
    """
    tables = ", ".join(f"platform.{table}" for table in LOCAL_TABLES)
    async with admin.transaction():
        await admin.execute(f"SET LOCAL ROLE {OWNER}")
        for kind in ("TABLES", "SEQUENCES"):
            default = "ALTER DEFAULT PRIVILEGES IN SCHEMA platform REVOKE ALL"
            await admin.execute(f"{default} ON {kind} FROM {APPLICATION}")
            await admin.execute(f"REVOKE ALL ON ALL {kind} IN SCHEMA platform FROM {APPLICATION}")
        await admin.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {APPLICATION}")
        await admin.execute(f"GRANT SELECT ON platform.alembic_version_control TO {APPLICATION}")
