"""Preparation of an installation: start, provision, migrate, verify and seed its database."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url

from core.settings import Settings, SettingsError
from db.database import Database
from db.databases.servers import servers_of
from db.databases.targets import company_targets
from db.placement import Placement
from db.provision import provision
from db.revisions import (
    SCHEMA,
    MigrationError,
    are_latest,
    latest_urls,
    refuse_unknown,
    require_latest,
)
from server.embedded.postgres import EmbeddedPostgres, database_of, running_postmaster, wait_until
from server.embedded.process import FolderUse
from server.seed import seed, seed_embedding_model

log = structlog.get_logger(__name__)

MIGRATION_SECONDS, MIGRATION_POLL_SECONDS = 600.0, 0.5
"""Time that a worker waits for a migration by the server."""

DETECTION_SECONDS = 1.0
"""Time after which a failure is known not to come from a killed server, which takes a moment to end."""


@asynccontextmanager
async def open_installation(settings: Settings, use: FolderUse = "own") -> AsyncIterator[Settings]:
    """Yields the settings of an installation whose database is ready.

    An embedded database is provisioned and migrated by the process that runs it, or shares it; one that joins
    waits until that is done. An external database is only verified. Raises `DatabaseUnavailable`,
    `ProvisionError`, `MigrationError` or `UnsafeRole`.
    """
    async with database_of(settings, use) as ready:
        while True:
            server = running_postmaster(settings.data / "postgres")
            try:
                await prepare(ready, use, embedded=settings.is_embedded)
                break
            except Exception as error:
                if not settings.is_embedded or use == "share" or not await is_replaced(server, settings.data):
                    raise
                log.warning("preparation_interrupted", reason=error)  # the database was killed: once more
            await EmbeddedPostgres(settings.data).join()
        yield ready


async def is_replaced(server: list[str], data: Path) -> bool:
    """Whether the embedded server has ended since `running_postmaster` returned `server`."""
    return await asyncio.to_thread(
        wait_until, lambda: running_postmaster(data / "postgres") != server, DETECTION_SECONDS
    )


async def prepare(settings: Settings, use: FolderUse, *, embedded: bool) -> None:
    """Provisions, migrates, verifies and seeds the database, or waits until its owner has. Idempotent."""
    application, admin = database_urls(settings)
    if not embedded or admin is None:
        await require_latest(application)
    elif use == "join":
        await wait_until_latest(application)
    else:
        await refuse_unknown(admin_url(settings))
        await provision(admin, application)
        await upgrade(admin)
        await upgrade_companies(settings)
    database = Database(Placement(settings, application))
    try:
        await database.verify_isolation()
        if not embedded or use != "join":
            await seed(database, settings)
            await seed_embedding_model(database, settings)
    finally:
        await database.close()


async def upgrade(admin: str) -> None:
    """Upgrades the database unless it is at the latest revision. Raises `MigrationError`."""
    if not await are_latest(admin):
        from db.migrate import upgrade  # with Alembic, which only an upgrade needs

        await asyncio.to_thread(upgrade, admin)


async def upgrade_companies(settings: Settings) -> None:
    """Upgrades the databases that companies have of their own, unless they are at the latest revision."""
    targets = await company_targets(servers_of(settings), list(SCHEMA))
    latest = await latest_urls(targets)
    if outdated := [target for target in targets if target.url not in latest]:
        from db.migrate import upgrade_companies

        await asyncio.to_thread(upgrade_companies, outdated, jobs=os.cpu_count() or 1)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Settings]:
    """Yields settings with a running database, provisioned if embedded. Raises `MigrationError`."""
    async with database_of(settings, "share") as ready:
        application, admin = database_urls(ready)
        if settings.is_embedded and admin is not None:
            await refuse_unknown(admin_url(ready))
            await provision(admin, application)
        yield ready


async def wait_until_latest(application_url: str) -> None:
    """Waits until the process that runs the database has migrated it. Raises `MigrationError`."""
    deadline, logged = time.monotonic() + MIGRATION_SECONDS, False
    while True:
        try:
            return await require_latest(application_url)
        except MigrationError as error:
            if time.monotonic() > deadline:
                raise
            if not logged:
                log.info("waiting_for_migration", reason=error)
                logged = True
        await asyncio.sleep(MIGRATION_POLL_SECONDS)


def database_urls(settings: Settings) -> tuple[str, str | None]:
    """URLs of the application and of the administrator. Raises `SettingsError` without the former."""
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL: is required")
    return settings.database_url, settings.database_admin_url


def admin_url(settings: Settings) -> str:
    """URL of the application's database for the administrator. Raises `SettingsError` without one."""
    application, admin = database_urls(settings)
    if admin is None:
        raise SettingsError("DATABASE_ADMIN_URL: is required to create or migrate a database")
    return make_url(admin).set(database=make_url(application).database).render_as_string(hide_password=False)
