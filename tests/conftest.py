"""What every test may ask for: a real, migrated PostgreSQL, and settings that know it."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from core.settings import Settings
from db import migrate
from db.provision import provision
from server.postgres import EmbeddedPostgres, embedded_url, running

for name in Settings.model_fields:
    os.environ.pop(name.upper(), None)  # tests are not to depend on the developer's settings


class Postgres(NamedTuple):
    """Addresses of the test database (SQLAlchemy, asyncpg) by role, and the server's data folder."""

    admin: str
    migrator: str
    application: str
    data: Path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """One server for the whole session, provisioned, without a table."""
    data = tmp_path_factory.mktemp("postgres")
    async with running(EmbeddedPostgres(data, durable=False)):
        postgres = Postgres(
            admin=embedded_url(data, "postgres"),
            migrator=embedded_url(data, "app_migrator"),
            application=embedded_url(data, "app_rw"),
            data=data,
        )
        await provision(postgres.admin, postgres.application)
        yield postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(empty_postgres: Postgres) -> Postgres:
    """The server with both planes migrated to their latest revision."""
    await asyncio.to_thread(migrate.upgrade, empty_postgres.migrator)
    return empty_postgres


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Settings:
    """Settings of an installation that uses the test database, with a data folder of the test's own."""
    return Settings(
        data=tmp_path,
        database_url=postgres.application,
        database_admin_url=postgres.admin,
        secret_key="a secret that only the tests know of",
    )
