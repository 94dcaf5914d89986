"""How Alembic runs one plane's migrations; `db.migrate` says which plane and which database."""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any, Literal

from alembic import context
from alembic.runtime.plugins import Plugin, _all_plugins
from sqlalchemy import Connection, pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from db import models, rls_operations
from db.dialect import connect_by_url
from db.errors import sqlstate
from db.provision import OWNER
from migrations.tables import LOCK_TIMEOUT

if "db.rls_operations" not in _all_plugins:
    Plugin.setup_plugin_from_module(rls_operations, "db.rls_operations")

PLANE = context.config.config_ini_section
MODEL = {"control": models.Company, "tenant": models.Tenant}[PLANE]
Name = Literal["schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"]


def ours(name: str | None, kind: Name, parents: MutableMapping[Any, Any]) -> bool:
    """Whether autogenerate compares it: this plane's schema, without Alembic's own tables and the queue's."""
    if kind == "schema":
        return name == MODEL.plane
    if kind == "table":
        return not str(name).startswith(("alembic_version", "pgqueuer"))
    return True


OPTIONS: dict[str, Any] = {
    "target_metadata": MODEL.metadata,
    "include_schemas": True,
    "include_name": ours,
    "version_table": f"alembic_version_{PLANE}",
    "version_table_schema": MODEL.plane,
    "compare_type": True,
    "compare_server_default": True,
    "transaction_per_migration": True,
    "autogenerate_plugins": [
        "alembic.autogenerate.*",
        "alembic.ext.checkconstraint_byname",
        "db.rls_operations",
    ],
}

SESSION = {
    "role": OWNER,
    "search_path": "public",  # neither plane's, so that reflection names every schema, as the models do
    "application_name": "seshat migrate",
    "app.company_id": "00000000-0000-0000-0000-000000000000",  # nobody's; autogenerate evaluates defaults
}
"""What a migration's connection starts with."""

LOCK_CONFLICTS = ("55P03", "40P01")
"""SQLSTATEs of a lock timeout and of a deadlock."""

MAX_LOCK_SECONDS, LOCK_RETRY_SECONDS = 120.0, 0.5
"""Time in which a migration must get its locks, and the pause between two attempts: others go on."""


def migrate(connection: Connection) -> None:
    """Run what the command asked for on an open connection."""
    context.configure(connection=connection, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


async def online() -> None:
    """One migrator per plane and database at a time; waiting for the other has no lock timeout."""
    engine = create_async_engine(
        context.config.attributes["url"],
        poolclass=pool.NullPool,
        hide_parameters=True,
        connect_args={"server_settings": SESSION},
    )
    connect_by_url(engine)
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"SELECT pg_advisory_lock(hashtext('seshat migrate {PLANE}'))"))
            await connection.commit()
            await migrate_between_transactions(connection)
    finally:
        await engine.dispose()


async def migrate_between_transactions(connection: AsyncConnection) -> None:
    """Migrates. A revision that does not get a lock in time is rolled back and tried again.

    Whoever uses the table waits behind a lock that is waited for.
    """
    deadline = time.monotonic() + MAX_LOCK_SECONDS
    while True:
        await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        await connection.commit()
        try:
            return await connection.run_sync(migrate)
        except DBAPIError as error:
            if sqlstate(error) not in LOCK_CONFLICTS or time.monotonic() > deadline:
                raise
        await connection.rollback()
        await asyncio.sleep(LOCK_RETRY_SECONDS)


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True, **OPTIONS)
    context.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    context.execute(f"SET ROLE {OWNER}")
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(online())
