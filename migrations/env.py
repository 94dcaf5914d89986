"""How Alembic runs one plane's migrations; `db.migrate` says which plane and which database."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, Literal

from alembic import context
from alembic.runtime.plugins import Plugin, _all_plugins
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from db import models, rls
from db.provision import OWNER

if "db.rls" not in _all_plugins:
    Plugin.setup_plugin_from_module(rls, "db.rls")

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
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname", "db.rls"],
}

SESSION = {
    "role": OWNER,
    "search_path": "public",  # neither plane's, so that reflection names every schema, as the models do
    "application_name": "seshat migrate",
    "app.company_id": "00000000-0000-0000-0000-000000000000",  # nobody's; autogenerate evaluates defaults
}
"""What a migration's connection starts with."""


def migrate(connection: Connection) -> None:
    """Run what the command asked for on an open connection."""
    context.configure(connection=connection, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


async def online() -> None:
    """One migrator per plane and database at a time; waiting for the other has no lock timeout."""
    engine = create_async_engine(
        context.config.attributes["url"], poolclass=pool.NullPool, connect_args={"server_settings": SESSION}
    )
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"SELECT pg_advisory_lock(hashtext('seshat migrate {PLANE}'))"))
            await connection.execute(text("SET lock_timeout = '5s'"))
            await connection.commit()
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(online())
