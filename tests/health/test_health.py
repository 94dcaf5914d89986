"""How the database is, told to who administers."""

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from db.uow import Scope, UnitOfWork
from resolvers import health
from resolvers.access import Viewer
from resolvers.identity import accounts
from schema.context import Services
from tests.client import Client
from tests.conftest import People, Save
from tests.factories import Made, a_project
from tests.factories.imagery import a_crawl

HEALTH = "{ databaseHealth { status error tables { name size estimatedRows } } }"
ORPHANS = "{ orphanCheck { projectsWithoutUser jobsWithoutProject } }"


async def administrator(services: Services, person: Made) -> Viewer:
    """The person, as resolvers see them."""
    return await accounts.viewer_of(services.database, person.id, None)


async def test_the_platforms_people_see_how_large_tables_are(
    graphql: Client, platform: Made, onlooker: asyncpg.Connection
) -> None:
    found = (await graphql.of(platform)(HEALTH))["databaseHealth"]

    assert (found["status"], found["error"]) == ("HEALTHY", None)
    names = [table["name"] for table in found["tables"]]
    assert names == sorted(names)
    assert {"platform.users", "tenant.projects", "tenant.images"} <= set(names)
    sizes = {table["name"]: table["size"] for table in found["tables"]}
    measured = "SELECT pg_total_relation_size('platform.permissions')"
    assert sizes["platform.permissions"] == await onlooker.fetchval(measured)


async def test_a_companys_administrator_sees_that_it_is_well_and_not_what_others_have(
    graphql: Client, people: People
) -> None:
    found = (await graphql.of(people.admin)(HEALTH))["databaseHealth"]

    assert found == {"status": "HEALTHY", "error": None, "tables": []}


async def test_a_database_that_does_not_answer_is_unwell(services: Services, people: People) -> None:
    viewer = await administrator(services, people.admin)
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    uow = UnitOfWork(engine, Scope(people.admin.company.id), read_only=True)

    assert await health.table_sizes(uow, viewer) is None


@pytest.mark.parametrize("document", [HEALTH, ORPHANS])
async def test_only_who_administers_is_told(graphql: Client, people: People, document: str) -> None:
    assert await graphql.of(people.manager).refusals(document) == [("FORBIDDEN", ())]
    assert await graphql.refusals(document) == [("UNAUTHENTICATED", ())]


async def test_foreign_keys_leave_no_orphans(
    graphql: Client, save: Save, people: People, onlooker: asyncpg.Connection
) -> None:
    mine, theirs = a_crawl(a_project(people.user)), a_crawl(a_project(people.admin))
    await save(mine, theirs)
    await onlooker.execute("DELETE FROM tenant.members WHERE id = $1", people.user.id)

    found = (await graphql.of(people.admin)(ORPHANS))["orphanCheck"]

    assert found == {"projectsWithoutUser": 0, "jobsWithoutProject": 0}
    left = "SELECT array_agg(id) FROM tenant.crawl_jobs WHERE company_id = $1"
    assert await onlooker.fetchval(left, people.admin.company.id) == [theirs.id]


async def test_what_lost_its_owner_is_counted(
    graphql: Client, save: Save, people: People, onlooker: asyncpg.Connection
) -> None:
    await save(a_crawl(a_project(people.user)), a_crawl(a_project(people.admin)))
    async with onlooker.transaction():
        await onlooker.execute("SET LOCAL session_replication_role = replica")  # no foreign keys
        await onlooker.execute("DELETE FROM tenant.members WHERE id = $1", people.user.id)
        await onlooker.execute("DELETE FROM tenant.projects WHERE user_id = $1", people.admin.id)
    try:
        found = (await graphql.of(people.admin)(ORPHANS))["orphanCheck"]
    finally:
        await onlooker.execute("DELETE FROM tenant.tenants WHERE company_id = $1", people.admin.company.id)

    assert found == {"projectsWithoutUser": 1, "jobsWithoutProject": 1}
