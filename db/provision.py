"""What a database needs before its first migration: roles, itself, schemas and grants (`seshat init`)."""

import asyncpg
from sqlalchemy.engine import URL, make_url

from core.settings import driverless_url

OWNER, MIGRATOR, APPLICATION = "app_owner", "app_migrator", "app_rw"

ROLES = {
    OWNER: "NOLOGIN",
    MIGRATOR: "LOGIN NOINHERIT",
    APPLICATION: "LOGIN NOINHERIT",
}
"""Who owns the tables, who migrates them (as the owner), and who serves."""

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
}
"""Settings of the serving role; not of its connections, because poolers refuse those."""

SETTING_MIN_VERSIONS = {"transaction_timeout": 17}
"""The PostgreSQL version from which a setting exists."""

SCHEMAS = ("platform", "tenant")

LOCK = "SELECT pg_advisory_lock(hashtext('seshat provision'))"


class ProvisionError(Exception):
    """The database cannot be provisioned; the message is one line that says why."""


async def provision(admin_url: str, application_url: str) -> None:
    """Make or complete the database named in `application_url`. Repeating it changes nothing.

    `admin_url` signs in as a superuser, or as a role that may create roles and databases. A password in
    `application_url` becomes the serving role's. Raises `Refused`.
    """
    target = make_url(application_url)
    if target.username != APPLICATION:
        raise ProvisionError(
            f"DATABASE_URL signs in as {target.username or 'nobody'}, it must be {APPLICATION}"
        )
    try:
        await _provision(make_url(admin_url), target)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise ProvisionError(f"the database cannot be provisioned: {error}") from error


async def _provision(admin_url: URL, target: URL) -> None:
    database = target.database or ""
    server = await connect(admin_url)
    try:
        await server.execute(LOCK)
        await create_roles(server, str(target.password) if target.password is not None else None)
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
    """A connection by that address, or to `postgres` on the same server if its database is yet to be made."""
    try:
        return await asyncpg.connect(driverless_url(url.render_as_string(hide_password=False)))
    except asyncpg.InvalidCatalogNameError:
        maintenance = url.set(database="postgres")
        return await asyncpg.connect(driverless_url(maintenance.render_as_string(hide_password=False)))


async def create_roles(admin: asyncpg.Connection, password: str | None) -> None:
    """The three roles with their settings; those that exist converge to what they must be."""
    existing = {row["rolname"]: row for row in await admin.fetch("SELECT * FROM pg_roles")}
    me = existing[await admin.fetchval("SELECT current_user")]
    for role, attributes in ROLES.items():
        if role not in existing:
            await admin.execute(f"CREATE ROLE {role} {attributes}")
    await admin.execute(f"GRANT {OWNER} TO {MIGRATOR}")
    if not me["rolsuper"]:
        await admin.execute(f"GRANT {OWNER} TO CURRENT_USER")
    elif not (owner := existing.get(OWNER)) or not owner["rolbypassrls"]:
        # Lets a migration move every company's rows at once; a managed server may not grant it.
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
                # Only a superuser gives a role defaults for names of our own. Without them an unset scope is
                # an unknown setting instead of an empty one: an error all the same.
                if not name.startswith("app."):
                    raise


async def create_database(admin: asyncpg.Connection, name: str) -> None:
    """An empty database of the owner, UTF-8, that compares text byte by byte and folds case by Unicode."""
    quoted = await admin.fetchval("SELECT quote_ident($1)", name)
    builtin = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
    provider = builtin if admin.get_server_version().major >= 17 else ""
    await admin.execute(
        f"CREATE DATABASE {quoted} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8' {provider} LOCALE 'C'"
    )


async def create_schemas(admin: asyncpg.Connection, name: str) -> None:
    """Both schemas, owned by the owner and usable by the serving role; nothing for anybody else."""
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
            await admin.execute(f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC")
            await admin.execute(f"GRANT CONNECT ON DATABASE {quoted} TO {APPLICATION}, {MIGRATOR}")
        await admin.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        for schema in SCHEMAS:
            default = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT"
            await admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {APPLICATION}")
            await admin.execute(f"{default} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION}")
            await admin.execute(f"{default} USAGE ON SEQUENCES TO {APPLICATION}")
            await admin.execute(f"{default} EXECUTE ON FUNCTIONS TO {APPLICATION}")
