"""Preparation of an installation: start, provision, migrate, verify and seed its database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url

from core.settings import Settings, SettingsError
from db import migrate
from db.engines import Placement
from db.provision import provision
from db.uow import Database
from server.embedded.postgres import database_of
from server.seed import seed, seed_embedding_model


@asynccontextmanager
async def open_installation(settings: Settings, *, share: bool = False) -> AsyncIterator[Settings]:
    """Yields the settings of an installation whose database is ready.

    An embedded database is started, provisioned and migrated; an external one is only verified. With `share`,
    a running embedded server of another process is used. Raises `DatabaseUnavailable`, `ProvisionError`,
    `MigrationError` or `UnsafeRole`.
    """
    async with open_database(settings, share=share) as ready:
        application, admin = database_urls(ready)
        if settings.is_embedded and admin is not None:
            await asyncio.to_thread(migrate.upgrade, admin)
        else:
            await migrate.require_latest(application)
        database = Database(Placement(ready, application))
        try:
            await database.verify_isolation()
            await seed(database)
            await seed_embedding_model(database, ready)
        finally:
            await database.close()
        yield ready


@asynccontextmanager
async def open_database(settings: Settings, *, share: bool = True) -> AsyncIterator[Settings]:
    """Yields settings with a running database, provisioned if embedded. Raises `MigrationError`."""
    async with database_of(settings, share=share) as ready:
        application, admin = database_urls(ready)
        if settings.is_embedded and admin is not None:
            await migrate.refuse_unknown(admin_url(ready))
            await provision(admin, application)
        yield ready


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
