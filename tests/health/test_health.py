"""How the database is, told to who administers."""

import json

import pytest

from db.placement import Placement
from db.uow import Scope, UnitOfWork
from resolvers import health
from resolvers.access import Viewer
from resolvers.identity import accounts
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project
from tests.factories.imagery import a_crawl, an_image
from tests.graphql_client import Client
from tests.onlooker import Onlooker

HEALTH = "{ databaseHealth { status error tables { name size estimatedRows } } }"
PURGE = "mutation { orphanPurge { errors { code path } projectsWithoutUser jobsWithoutProject } }"
ORPHANS = "{ orphanCheck { projectsWithoutUser jobsWithoutProject } }"


async def administrator(services: Services, person: Fixture) -> Viewer:
    """The person, as resolvers see them."""
    return await accounts.load_viewer(services.database, person.id, None)


async def test_the_platforms_people_see_how_large_tables_are(
    graphql: Client, platform: Fixture, onlooker: Onlooker
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


async def test_damaged_vectors_are_reported(
    graphql: Client, people: People, services: Services, stored_vectors: EmbeddedVectors
) -> None:
    document = "{ databaseHealth { vectorStore } }"

    async def status() -> str:
        found: str = (await graphql.of(people.admin)(document))["databaseHealth"]["vectorStore"]
        return found

    assert await status() == "AVAILABLE"
    (stored_vectors.data / "vectors" / ".incomplete-seshat-test").touch()
    assert await status() == "REBUILDING"
    await services.vectors.mark_complete("seshat-test")
    assert await status() == "AVAILABLE"


async def test_a_database_that_does_not_answer_is_unwell(services: Services, people: People) -> None:
    viewer = await administrator(services, people.admin)
    nowhere = Placement(services.settings, "postgresql+asyncpg://nobody@127.0.0.1:1/nothing").primary
    uow = UnitOfWork(nowhere, Scope(people.admin.company.id), read_only=True)

    assert await health.table_sizes(uow, viewer) is None


@pytest.mark.parametrize("document", [HEALTH, ORPHANS])
async def test_only_who_administers_is_reported(graphql: Client, people: People, document: str) -> None:
    assert await graphql.of(people.manager).refusals(document) == [("FORBIDDEN", ())]
    assert await graphql.refusals(document) == [("UNAUTHENTICATED", ())]


async def test_foreign_keys_leave_no_orphans(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    mine, theirs = a_crawl(a_project(people.user)), a_crawl(a_project(people.admin))
    await save(mine, theirs)
    await onlooker.execute("DELETE FROM tenant.members WHERE id = $1", people.user.id)

    found = (await graphql.of(people.admin)(ORPHANS))["orphanCheck"]

    assert found == {"projectsWithoutUser": 0, "jobsWithoutProject": 0}
    left = "SELECT array_agg(id) FROM tenant.crawl_jobs WHERE company_id = $1"
    assert await onlooker.fetchval(left, people.admin.company.id) == [theirs.id]


async def test_what_lost_its_owner_is_counted_and_purged(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    kept, foreign = a_crawl(a_project(people.manager)), a_crawl(a_project(people.stranger))
    await save(an_image(a_crawl(a_project(people.user))), a_crawl(a_project(people.admin)), kept, foreign)
    async with onlooker.transaction():
        await onlooker.execute("SET LOCAL session_replication_role = replica")  # no foreign keys
        await onlooker.execute("DELETE FROM tenant.members WHERE id = $1", people.user.id)
        await onlooker.execute("DELETE FROM tenant.projects WHERE user_id = $1", people.admin.id)
    admin = graphql.of(people.admin)

    elsewhere = (await graphql.of(people.stranger)(PURGE))["orphanPurge"]
    before = (await admin(ORPHANS))["orphanCheck"]
    purged = (await admin(PURGE))["orphanPurge"]
    after = (await admin(ORPHANS))["orphanCheck"]
    again = (await admin(PURGE))["orphanPurge"]

    one, none = ({"projectsWithoutUser": number, "jobsWithoutProject": number} for number in (1, 0))
    assert (before, after) == (one, none)
    assert (elsewhere, purged, again) == tuple({"errors": [], **counts} for counts in (none, one, none))
    left = "SELECT id FROM tenant.crawl_jobs WHERE company_id = ANY ($1)"
    companies = [people.admin.company.id, people.stranger.company.id]
    assert sorted(row["id"] for row in await onlooker.fetch(left, companies)) == [kept.id, foreign.id]
    images = "SELECT count(*) FROM tenant.images WHERE company_id = $1"
    assert await onlooker.fetchval(images, people.admin.company.id) == 0
    clearing = (
        "SELECT count(*) FROM tenant.processing_jobs WHERE subject = 'stored files' AND company_id = $1"
    )
    assert await onlooker.fetchval(clearing, people.admin.company.id) == 2
    done = "SELECT metadata FROM tenant.activity_logs WHERE action = 'ORPHAN_PURGE' AND company_id = $1"
    received = [json.loads(row["metadata"]) for row in await onlooker.fetch(done, people.admin.company.id)]
    assert received == [{"projects": 1, "jobs": 1}, {"projects": 0, "jobs": 0}]


async def test_only_who_administers_purges(
    graphql: Client, people: People, assert_unchanged: Unchanged
) -> None:
    async with assert_unchanged():
        assert await graphql.of(people.manager).refusals(PURGE) == [("FORBIDDEN", ())]
        assert await graphql.refusals(PURGE) == [("UNAUTHENTICATED", ())]
