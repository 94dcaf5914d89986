"""A database of its own with twenty companies, each with hundreds of rows of every kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from db import migrate
from db.base import TenantModel
from db.ids import new_id
from db.models import (
    CompanyProfile,
    Drawing,
    Message,
    RoleName,
)
from db.provision import provision
from resolvers.identity import roles
from schema.framework.context import Services
from server.app import open_services
from server.demo import scale
from server.demo.draft import Counts, Draft
from tests import factories
from tests.conftest import Postgres
from tests.factories import Fixture, a_company, a_user
from tests.schema.graph.sample_company import SampleCompany, fixed_rows

DATABASE = "crowd"
COMPANIES = 20
ROWS = 500
"""Of each kind in each company."""

COUNTS: Counts = dict.fromkeys(scale.UNIT, ROWS) | {Drawing: 2 * ROWS, Message: 2 * ROWS, CompanyProfile: 1}
"""Sheets come in pairs, and every other message is an answer that something hangs on."""


CANDIDATES = (
    """INSERT INTO tenant.crawl_chunks (id, crawl_job_id, number, share, wanted)
    SELECT id, id, 1, 10, '{}' FROM tenant.crawl_jobs""",
    """INSERT INTO tenant.crawl_candidates (id, crawl_job_id, chunk_id, url, url_key, state, image_id)
    SELECT id, crawl_job_id, crawl_job_id, original_url, id, 'stored', id FROM tenant.images""",
)
"""An address for each image, which the demo has none of."""

LARGE = "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= $1"
"""The tables that may be read through an index only."""


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def company(services: Services) -> SampleCompany:
    """A small company whose rows are known."""
    company = fixed_rows()
    await factories.save(services.database, *company.rows.values())
    return company


@dataclass(frozen=True)
class Crowd:
    """Twenty companies: two people of the one that is asked, its rows, and which tables are large.

    The others hold the same rows again.
    """

    services: Services
    admin: Fixture
    analyst: Fixture
    draft: Draft
    large: set[str]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def crowd(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowd]:
    """The crowded database, dropped afterwards."""
    application, migrator, admin = (
        make_url(url).set(database=DATABASE).render_as_string(hide_password=False)
        for url in (postgres.application, postgres.migrator, postgres.admin)
    )
    await provision(postgres.admin, application)
    try:
        await asyncio.to_thread(migrate.upgrade, migrator)
        async with AsyncExitStack() as stack:
            folder = tmp_path_factory.mktemp("crowd")
            yield await fill_companies(await open_services(settings_of(folder, application), stack), admin)
    finally:
        server = await asyncpg.connect(driverless_url(postgres.admin))
        await server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        await server.close()


def settings_of(folder: Path, application: str) -> Settings:
    secret: Any = "a secret that only the tests know of"
    return Settings(data=folder, database_url=application, secret_key=secret, worker=False)


async def fill_companies(services: Services, admin_url: str) -> Crowd:
    """One company of drawn-up rows, copied for the others."""
    async with services.database.platform() as uow:
        await roles.seed(uow)
        await scale.embedding_models(uow)
    company = a_company()
    admin, analyst = a_user(company, RoleName.ADMIN), a_user(company, RoleName.ANALYST)
    people = [admin, analyst, *(a_user(company, RoleName.USER) for _ in range(8))]
    await factories.save(services.database, *people)
    draft = Draft("crowd", company.id, [each.id for each in people], datetime.now(UTC), COUNTS)
    scale.fill(draft)
    async with services.database.tenant(company.id, kind="platform") as uow:
        await scale.store(uow, draft)
        for statement in CANDIDATES:
            await uow.execute(text(statement))
    return Crowd(services, admin, analyst, draft, await copy_company(admin_url, company.id))


async def copy_company(admin_url: str, company_id: UUID) -> set[str]:
    """Give other companies the rows of this one, and the planner its statistics; which tables are large."""
    connection = await asyncpg.connect(driverless_url(admin_url))
    others = [new_id() for _ in range(COMPANIES - 1)]
    try:
        await connection.execute("SET session_replication_role = replica")  # what is copied is consistent
        for table in TenantModel.metadata.sorted_tables:
            names = ", ".join(f'"{column.name}"' for column in table.c if column.name != "company_id")
            await connection.execute(
                f"INSERT INTO {table} (company_id, {names}) SELECT other, {names} "
                f"FROM {table}, unnest($1::uuid[]) other WHERE company_id = $2",
                others,
                company_id,
            )
        await connection.execute("VACUUM ANALYZE")
        found = await connection.fetch(LARGE, COMPANIES * ROWS)
        return {row["relname"] for row in found}
    finally:
        await connection.close()
