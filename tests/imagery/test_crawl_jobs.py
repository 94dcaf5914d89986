"""Crawls: planned, changed, deleted, listed."""

from typing import Any

import pytest
from sqlalchemy import select

from db.models import JobStatus, ProcessingJob, ProjectStatus
from db.queue import enqueue
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories import a_project
from tests.factories.imagery import a_crawl, a_validation, an_export, an_image
from tests.graphql_client import Client, Refusal
from tests.jobs.sample_jobs import Check, Crawl
from tests.onlooker import Onlooker

FIELDS = "id name keywords maxImages status phase progress totalImages taskIds project { id }"
CREATE = f"""mutation ($input: CrawlJobCreateInput!) {{ crawlJobCreate(input: $input) {{
  errors {{ code path }} crawlJob {{ {FIELDS} requestedBy {{ id }} }} }} }}"""
UPDATE = f"""mutation ($id: ID!, $input: CrawlJobUpdateInput!) {{ crawlJobUpdate(id: $id, input: $input) {{
  errors {{ code path }} crawlJob {{ {FIELDS} }} }} }}"""
DELETE = "mutation ($id: ID!) { crawlJobDelete(id: $id) { errors { code path } deletedId } }"
LIST = "query ($filter: CrawlJobFilter) { crawlJobs(filter: $filter) { totalCount nodes { name } } }"
FORBIDDEN, MISSING = [("FORBIDDEN", ())], [("NOT_FOUND", ("id",))]

WRONG: list[tuple[dict[str, Any], Refusal]] = [
    ({"name": " "}, ("INVALID", ("input", "name"))),
    ({"name": "a" * 101}, ("INVALID", ("input", "name"))),
    ({"name": "cats & dogs"}, ("INVALID", ("input", "name"))),
    ({"name": "a\ud800"}, ("INVALID", ("input", "name"))),
    ({"keywords": []}, ("INVALID", ("input", "keywords"))),
    ({"keywords": [f"word {number}" for number in range(51)]}, ("INVALID", ("input", "keywords"))),
    ({"keywords": ["cat", " "]}, ("INVALID", ("input", "keywords", "1"))),
    ({"keywords": ["cat", "dog", " CAT "]}, ("INVALID", ("input", "keywords", "2"))),
    ({"keywords": ["x" * 201]}, ("INVALID", ("input", "keywords", "0"))),
    ({"keywords": ["a\u0000"]}, ("INVALID", ("input", "keywords", "0"))),
    ({"maxImages": 0}, ("INVALID", ("input", "maxImages"))),
    ({"maxImages": 100_001}, ("INVALID", ("input", "maxImages"))),
    ({"maxImages": None}, ("BAD_USER_INPUT", ("input", "maxImages"))),
]


async def test_a_planned_crawl_waits_to_be_started(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    project = a_project(people.manager)
    await save(project)
    planned = {"projectId": project.gid, "name": "Cats_1 - große", "keywords": [" cat ", "Dog"]}

    answer = await graphql.of(people.user)(CREATE, input=planned)

    crawl = answer["crawlJobCreate"]["crawlJob"]
    assert crawl == {
        "id": crawl["id"],
        "name": "Cats_1 - große",
        "keywords": ["cat", "Dog"],
        "maxImages": 1000,
        "status": "PENDING",
        "phase": "QUEUED",
        "progress": 0,
        "totalImages": 0,
        "taskIds": [],
        "project": {"id": project.gid},
        "requestedBy": {"id": people.user.gid},
    }
    logged = await onlooker.fetch(
        "SELECT action, resource_type FROM tenant.activity_logs WHERE user_id = $1", people.user.id
    )
    assert [tuple(row) for row in logged] == [("CRAWL_JOB_CREATE", "CrawlJob")]


async def test_asking_again_under_one_key_plans_one_crawl(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    project = a_project(people.manager)
    await save(project)
    planned = {"projectId": project.gid, "name": "Cats", "keywords": ["cat"], "idempotencyKey": "1"}
    first = await graphql.of(people.user)(CREATE, input=planned)

    async with assert_unchanged():
        second = await graphql.of(people.user)(CREATE, input=planned)
        other = await graphql.of(people.user).refusals(CREATE, input={**planned, "name": "Dogs"})

    assert second == first
    assert other == [("CONFLICT", ("input", "idempotencyKey"))]


@pytest.mark.parametrize(("wrong", "refusal"), WRONG)
async def test_a_wrong_crawl_is_neither_planned_nor_becomes_one(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, wrong: Any, refusal: Refusal
) -> None:
    crawl, user = a_crawl(a_project(people.user)), graphql.of(people.user)
    await save(crawl)
    (project,) = crawl.parents
    right = {"projectId": project.gid, "name": "Cats", "keywords": ["cat"]}

    async with assert_unchanged():
        made = await user.refusals(CREATE, input={**right, **wrong})
        changed = await user.refusals(UPDATE, id=crawl.gid, input=wrong)

    assert made == changed == [refusal]


async def test_what_is_left_out_stays(graphql: Client, save: Save, people: People) -> None:
    crawl, user = a_crawl(a_project(people.user), max_images=7), graphql.of(people.user)
    await save(crawl)

    renamed = (await user(UPDATE, id=crawl.gid, input={"name": "Cats"}))["crawlJobUpdate"]["crawlJob"]
    changes = {"keywords": ["owl"], "maxImages": 9}
    changed = (await user(UPDATE, id=crawl.gid, input=changes))["crawlJobUpdate"]["crawlJob"]

    assert (renamed["name"], renamed["keywords"], renamed["maxImages"]) == ("Cats", ["cat", "dog"], 7)
    assert (changed["name"], changed["keywords"], changed["maxImages"]) == ("Cats", ["owl"], 9)


async def test_saying_nothing_changes_nothing(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    crawl = a_crawl(a_project(people.user))
    await save(crawl)

    async with assert_unchanged():
        await graphql.of(people.user)(UPDATE, id=crawl.gid, input={})


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.CANCELLED])
async def test_a_crawl_that_was_begun_takes_another_name_and_more_images_only(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, status: JobStatus
) -> None:
    crawl, user = a_crawl(a_project(people.user), status=status), graphql.of(people.user)
    await save(crawl)

    async with assert_unchanged():
        fewer = await user.refusals(UPDATE, id=crawl.gid, input={"name": "x", "maxImages": 5})
        other = await user.refusals(UPDATE, id=crawl.gid, input={"keywords": ["owl"]})
    renamed = await user(UPDATE, id=crawl.gid, input={"name": "Cats", "maxImages": 2000})

    assert (fewer, other) == ([("CONFLICT", ("input", "maxImages"))], [("CONFLICT", ("id",))])
    assert renamed["crawlJobUpdate"]["crawlJob"]["name"] == "Cats"


async def test_an_archived_project_takes_no_crawls(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    crawl = a_crawl(a_project(people.user, status=ProjectStatus.ARCHIVED))
    await save(crawl)
    (project,) = crawl.parents
    planned = {"projectId": project.gid, "name": "Cats", "keywords": ["cat"]}

    async with assert_unchanged():
        made = await graphql.of(people.user).refusals(CREATE, input=planned)
        changed = await graphql.of(people.user).refusals(UPDATE, id=crawl.gid, input={"name": "x"})

    assert made == [("CONFLICT", ("input", "projectId"))]
    assert changed == [("CONFLICT", ("id",))]


async def test_who_may_not_is_refused_and_strangers_find_nothing(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    crawl = a_crawl(a_project(people.user))
    await save(crawl)
    (project,) = crawl.parents
    planned = {"projectId": project.gid, "name": "Cats", "keywords": ["cat"]}
    viewer, user, stranger = (graphql.of(each) for each in (people.viewer, people.user, people.stranger))

    async with assert_unchanged():
        assert await viewer.refusals(CREATE, input=planned) == FORBIDDEN
        assert await viewer.refusals(UPDATE, id=crawl.gid, input={"name": "x"}) == FORBIDDEN
        assert await user.refusals(DELETE, id=crawl.gid) == FORBIDDEN
        assert await stranger.refusals(CREATE, input=planned) == [("NOT_FOUND", ("input", "projectId"))]
        assert await stranger.refusals(UPDATE, id=crawl.gid, input={"name": "x"}) == MISSING
        assert await stranger.refusals(DELETE, id=crawl.gid) == MISSING


async def test_deleting_a_crawl_deletes_all_it_has_and_its_files_afterwards(
    graphql: Client, save: Save, services: Services, people: People, onlooker: Onlooker
) -> None:
    project = a_project(people.user)
    crawl, other = a_crawl(project), a_crawl(project)
    await save(an_image(crawl), a_validation(crawl), an_export(crawl), an_image(other))

    answer = await graphql.of(people.manager)(DELETE, id=crawl.gid)

    assert answer["crawlJobDelete"]["deletedId"] == crawl.gid
    left = "SELECT count(*) FROM tenant.{} WHERE company_id = $1"
    counts = {
        table: await onlooker.fetchval(left.format(table), crawl.company.id)
        for table in ("crawl_jobs", "images", "validation_jobs", "export_jobs")
    }
    assert counts == {"crawl_jobs": 1, "images": 1, "validation_jobs": 0, "export_jobs": 0}
    async with services.database.tenant(crawl.company.id, read_only=True) as uow:
        removal = await uow.one(select(ProcessingJob.task, ProcessingJob.arguments))
    assert (removal.task, removal.arguments) == (
        "RemoveObjects",
        {"prefixes": [f"{crawl.company.id}/crawls/{crawl.id}/"]},
    )


async def test_what_is_worked_on_is_not_deleted(
    graphql: Client, save: Save, services: Services, assert_unchanged: Unchanged, people: People
) -> None:
    crawl, checked = a_crawl(a_project(people.user)), a_crawl(a_project(people.user))
    check = a_validation(checked)
    await save(crawl, check)
    async with services.database.tenant(crawl.company.id) as uow:
        await enqueue(uow, Crawl(), crawl.id)
        await enqueue(uow, Check(), check.id)
    delete_project = "mutation ($id: ID!) { projectDelete(id: $id) { errors { code path } } }"

    async with assert_unchanged():
        for each in (crawl, checked):
            (project,) = each.parents
            assert await graphql.of(people.admin).refusals(DELETE, id=each.gid) == [("CONFLICT", ("id",))]
            refused = await graphql.of(people.admin).refusals(delete_project, id=project.gid)
            assert refused == [("CONFLICT", ("id",))]


async def test_crawls_are_listed_by_project_and_status(graphql: Client, save: Save, people: People) -> None:
    project, other = a_project(people.user), a_project(people.user)
    await save(
        a_crawl(project, name="waits"),
        a_crawl(project, name="ran", status=JobStatus.COMPLETED),
        a_crawl(other, name="elsewhere", status=JobStatus.COMPLETED),
    )
    viewer = graphql.of(people.viewer)

    async def names(**filter: Any) -> list[str]:
        found = (await viewer(LIST, filter=filter))["crawlJobs"]
        assert found["totalCount"] == len(found["nodes"])
        return sorted(node["name"] for node in found["nodes"])

    assert await names() == ["elsewhere", "ran", "waits"]
    assert await names(projectId=project.gid) == ["ran", "waits"]
    assert await names(status="COMPLETED") == ["elsewhere", "ran"]
    assert await names(projectId=project.gid, status="COMPLETED") == ["ran"]
    assert (await graphql.of(people.stranger)(LIST))["crawlJobs"] == {"totalCount": 0, "nodes": []}
