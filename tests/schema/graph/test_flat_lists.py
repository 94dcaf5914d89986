"""Lists cost as much in a large company as in a small one, which is served on the same connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url

from core.settings import driverless_url
from db import migrate
from db.provision import provision
from resolvers.identity import roles
from schema.contract import make_schema
from server.app import open_services
from tests.conftest import Postgres
from tests.schema.graph.conftest import settings_of
from tests.schema.graph.generated_rows import LARGE, GeneratedCompany, generate
from tests.schema.graph.list_costs import ListCosts, employ, viewers_of
from tests.schema.graph.list_requests import PARENTS, ListField, list_fields, requests

DATABASE = "flat"
CONTRACT = make_schema()
LARGE_COMPANY, SMALL_COMPANY = GeneratedCompany(1, 50_000, 2_000), GeneratedCompany(2, 1_000, 1_000)
PEOPLE = {"overseer", "newcomer"}
LIST_FIELDS = [list_field for list_field in list_fields(CONTRACT._schema) if list_field.model in LARGE]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def costs(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[GeneratedCompany, ListCosts]]:
    """What lists of both companies cost, on a pool of one connection."""
    application, migrator, admin_url = (
        make_url(url).set(database=DATABASE).render_as_string(hide_password=False)
        for url in (postgres.application, postgres.migrator, postgres.admin)
    )
    await provision(postgres.admin, application)
    try:
        await asyncio.to_thread(migrate.upgrade, migrator)
        settings = settings_of(tmp_path_factory.mktemp("flat"), application)
        one = settings.model_copy(update={"db_pool_size": 1, "db_max_overflow": 0})
        async with AsyncExitStack() as stack:
            services = await open_services(one, stack)
            async with services.database.platform() as uow:
                await roles.seed(uow)
            admin = await asyncpg.connect(driverless_url(admin_url))
            stack.push_async_callback(admin.close)
            await generate(admin, LARGE_COMPANY, SMALL_COMPANY)
            for company in (LARGE_COMPANY, SMALL_COMPANY):
                await employ(admin, company)
            yield {
                company: ListCosts(services, CONTRACT, admin, company)
                for company in (LARGE_COMPANY, SMALL_COMPANY)
            }
    finally:
        server = await asyncpg.connect(driverless_url(postgres.admin))
        await server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        await server.close()


@pytest.mark.parametrize("list_field", LIST_FIELDS, ids=str)
async def test_a_page_touches_no_more_in_a_large_company(
    costs: dict[GeneratedCompany, ListCosts], list_field: ListField
) -> None:
    over = []
    for request in requests(CONTRACT._schema, LARGE_COMPANY, list_field):
        for person in PEOPLE & set(viewers_of(request)):
            await costs[SMALL_COMPANY].measure(person, request, "first")
            for page in {"first", "after", PARENTS} & set(request.pages):
                cost = await costs[LARGE_COMPANY].measure(person, request, page)
                if cost.exceeds(page):
                    over.append((person, str(request), page, cost))

    assert over == []


def test_every_large_table_has_a_list() -> None:
    tables = {model.__tablename__ for model in LARGE}
    assert {list_field.model.__tablename__ for list_field in LIST_FIELDS} == tables
