"""Images, their checks and exports: read, counted, thrown away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.models import ExportFormat, JobStatus, ProcessingJob
from db.queue import enqueue
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project, a_session
from tests.factories.imagery import a_crawl, a_validation, an_export, an_image
from tests.graphql_client import Client
from tests.jobs.sample_jobs import Check, Pack
from tests.onlooker import Onlooker

DELETES = {
    kind: f"mutation ($id: ID!) {{ {kind}Delete(id: $id) {{ errors {{ code path }} deletedId }} }}"
    for kind in ("image", "validationJob", "exportJob")
}
IMAGE = """query ($id: ID!) { image(id: $id) { originalUrl url filename fileUrl width height fileSize format
  isValid isDuplicate crawlJob { id } } }"""
EXPORT = "query ($id: ID!) { exportJob(id: $id) { downloadUrl expired fileSize format user { id } } }"
COUNTS = "SELECT total_images, downloaded_images, valid_images FROM tenant.crawl_jobs WHERE id = $1"
FORBIDDEN, MISSING = [("FORBIDDEN", ())], [("NOT_FOUND", ("id",))]


async def prefixes(services: Services, company: Fixture) -> list[list[str]]:
    """What is to be removed from the company's files, one list for each job."""
    async with services.database.tenant(company.id, read_only=True) as uow:
        jobs = await uow.all(select(ProcessingJob.arguments).where(ProcessingJob.task == "RemoveObjects"))
    return [job.arguments["prefixes"] for job in jobs]


async def test_an_image_says_where_it_was_found_and_where_it_is(
    graphql: Client, save: Save, services: Services, people: People
) -> None:
    image = an_image(a_crawl(a_project(people.user)), filename="cat.jpg")
    await save(image)

    found = (await graphql.of(people.viewer)(IMAGE, id=image.gid))["image"]

    link = services.links.verify_download(found.pop("fileUrl").rsplit("/", 1)[1])
    assert (link.key, link.filename, link.mime_type) == (image.storage_url, "cat.jpg", "image/jpeg")
    (crawl,) = image.parents
    assert found == {
        "originalUrl": image.original_url,
        "url": image.original_url,
        "filename": "cat.jpg",
        "width": 640,
        "height": 480,
        "fileSize": 1000,
        "format": "jpg",
        "isValid": None,
        "isDuplicate": False,
        "crawlJob": {"id": crawl.gid},
    }


@pytest.mark.parametrize(("format", "mime_type"), [("png", "image/png"), (None, "application/octet-stream")])
async def test_an_images_link_tells_its_type(
    graphql: Client, save: Save, services: Services, people: People, format: str | None, mime_type: str
) -> None:
    crawl = a_crawl(a_project(people.user))
    image, missing = an_image(crawl, format=format), an_image(crawl, storage_url=None)
    await save(image, missing)
    viewer = graphql.of(people.viewer)

    url = (await viewer(IMAGE, id=image.gid))["image"]["fileUrl"]

    assert services.links.verify_download(url.rsplit("/", 1)[1]).mime_type == mime_type
    assert (await viewer(IMAGE, id=missing.gid))["image"]["fileUrl"] is None


async def test_images_are_listed_by_crawl_and_validity(graphql: Client, save: Save, people: People) -> None:
    crawl, other = a_crawl(a_project(people.user)), a_crawl(a_project(people.user))
    good, bad, unseen = (an_image(crawl, is_valid=valid) for valid in (True, False, None))
    elsewhere = an_image(other, is_valid=True)
    await save(good, bad, unseen, elsewhere)
    document = "query ($filter: ImageFilter) { images(filter: $filter) { nodes { id } } }"

    async def found(**filter: Any) -> list[str]:
        answer = await graphql.of(people.viewer)(document, filter=filter)
        return [node["id"] for node in answer["images"]["nodes"]]

    assert await found() == [good.gid, bad.gid, unseen.gid, elsewhere.gid]
    assert await found(crawlJobId=crawl.gid) == [good.gid, bad.gid, unseen.gid]
    assert await found(isValid=True) == [good.gid, elsewhere.gid]
    assert await found(isValid=False, crawlJobId=crawl.gid) == [bad.gid]


async def test_a_person_is_read_with_their_projects_crawls_and_images(
    graphql: Client, save: Save, people: People
) -> None:
    first, second = a_project(people.user), a_project(people.user)
    crawls = [a_crawl(first), a_crawl(first), a_crawl(second)]
    await save(a_project(people.admin), *(an_image(crawl) for crawl in crawls for _ in range(2)))
    document = """{ me { projects(orderBy: CREATED_AT_ASC) { nodes { id
      crawlJobs { nodes { images { totalCount nodes { id } } } } } } } }"""

    answer = await graphql.of(people.user)(document)

    projects = {
        project["id"]: [len(crawl["images"]["nodes"]) for crawl in project["crawlJobs"]["nodes"]]
        for project in answer["me"]["projects"]["nodes"]
    }
    assert projects == {first.gid: [2, 2], second.gid: [2]}
    assert len(graphql.statements) == 5  # person, projects, crawls, images, their total


async def test_a_projects_totals_are_exact_and_cost_the_same_for_many(
    graphql: Client, save: Save, people: People
) -> None:
    full, half, empty = (a_project(people.user, name=name) for name in ("a", "b", "c"))
    crawls = [a_crawl(full), a_crawl(full), a_crawl(half)]
    images = [an_image(crawl) for crawl, count in zip(crawls, (3, 2, 0), strict=True) for _ in range(count)]
    await save(empty, a_session(people.user, full), a_session(people.user, half), *crawls, *images)
    document = "{ projects(orderBy: NAME_ASC) { nodes { sessionCount crawlJobCount imageCount } } }"

    answer = await graphql.of(people.viewer)(document)

    totals = [tuple(project.values()) for project in answer["projects"]["nodes"]]
    assert totals == [(1, 2, 5), (1, 1, 0), (0, 0, 0)]
    assert len(graphql.statements) == 4


async def test_a_thrown_away_image_is_not_counted(
    graphql: Client, save: Save, services: Services, people: People, onlooker: Onlooker
) -> None:
    counts = {"total_images": 9, "downloaded_images": 4, "valid_images": 2}
    crawl = a_crawl(a_project(people.user), status=JobStatus.COMPLETED, **counts)
    good, bad, missing = (
        an_image(crawl, is_valid=True),
        an_image(crawl, is_valid=False),
        an_image(crawl, storage_url=None),
    )
    await save(good, bad, missing)
    manager = graphql.of(people.manager)
    after = []

    for image in (good, bad, missing):
        assert (await manager(DELETES["image"], id=image.gid))["imageDelete"]["deletedId"] == image.gid
        after.append(tuple(await onlooker.fetchrow(COUNTS, crawl.id) or ()))

    assert after == [(9, 3, 1), (9, 2, 1), (9, 2, 1)]
    assert sorted(await prefixes(services, crawl.company)) == sorted([[good.storage_url], [bad.storage_url]])


async def test_counts_never_fall_below_nothing(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    image = an_image(a_crawl(a_project(people.user)), is_valid=True)
    await save(image)
    (crawl,) = image.parents

    await graphql.of(people.manager)(DELETES["image"], id=image.gid)

    assert tuple(await onlooker.fetchrow(COUNTS, crawl.id) or ()) == (0, 0, 0)


async def test_no_image_is_taken_from_a_crawl_under_way(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    image = an_image(a_crawl(a_project(people.user), status=JobStatus.RUNNING))
    await save(image)

    async with assert_unchanged():
        refused = await graphql.of(people.manager).refusals(DELETES["image"], id=image.gid)

    assert refused == [("CONFLICT", ("id",))]


async def test_checks_and_exports_are_deleted_and_their_packages_afterwards(
    graphql: Client, save: Save, services: Services, people: People, onlooker: Onlooker
) -> None:
    crawl = a_crawl(a_project(people.user))
    check, export = a_validation(crawl), an_export(crawl, download_url="somewhere/1.zip")
    await save(check, export, an_image(crawl))
    manager = graphql.of(people.manager)

    await manager(DELETES["validationJob"], id=check.gid)
    await manager(DELETES["exportJob"], id=export.gid)

    left = await onlooker.fetchval(
        "SELECT (SELECT count(*) FROM tenant.validation_jobs WHERE company_id = $1) "
        "+ (SELECT count(*) FROM tenant.export_jobs WHERE company_id = $1)",
        crawl.company.id,
    )
    assert left == 0
    assert await prefixes(services, crawl.company) == [["somewhere/1.zip"]]


async def test_checks_and_exports_that_are_queued_are_not_deleted(
    graphql: Client, save: Save, services: Services, assert_unchanged: Unchanged, people: People
) -> None:
    crawl = a_crawl(a_project(people.user))
    check, export = a_validation(crawl), an_export(crawl)
    await save(check, export)
    async with services.database.tenant(crawl.company.id) as uow:
        await enqueue(uow, Check(), check.id)
        await enqueue(uow, Pack(), export.id)

    async with assert_unchanged():
        refused = [
            await graphql.of(people.manager).refusals(DELETES[kind], id=row.gid)
            for kind, row in (("validationJob", check), ("exportJob", export))
        ]

    assert refused == [[("CONFLICT", ("id",))]] * 2


@pytest.mark.parametrize("kind", DELETES)
async def test_only_who_may_throws_away_and_strangers_find_nothing(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, kind: str
) -> None:
    crawl = a_crawl(a_project(people.user))
    row = {"image": an_image, "validationJob": a_validation, "exportJob": an_export}[kind](crawl)
    await save(row)

    async with assert_unchanged():
        forbidden = await graphql.of(people.user).refusals(DELETES[kind], id=row.gid)
        missing = await graphql.of(people.stranger).refusals(DELETES[kind], id=row.gid)

    assert (forbidden, missing) == (FORBIDDEN, MISSING)


async def test_rules_and_options_are_types(graphql: Client, save: Save, people: People) -> None:
    crawl = a_crawl(a_project(people.user))
    rules = {"min_width": 100, "formats": ["png"], "max_size_mb": 2.5}
    check = a_validation(crawl, validation_rules=rules)
    export = an_export(crawl, export_options={"include_metadata": True, "delimiter": ";"})
    await save(check, export)
    document = """{ validationJobs { nodes { validationRules { minWidth minHeight formats maxSizeMb } } }
      exportJobs { nodes { exportOptions { includeMetadata compress delimiter includeUrls } } } }"""

    answer = await graphql.of(people.viewer)(document)

    assert answer["validationJobs"]["nodes"] == [
        {"validationRules": {"minWidth": 100, "minHeight": None, "formats": ["png"], "maxSizeMb": 2.5}}
    ]
    options = {"includeMetadata": True, "compress": None, "delimiter": ";", "includeUrls": None}
    assert answer["exportJobs"]["nodes"] == [{"exportOptions": options}]


async def test_exports_are_listed_by_user_status_and_crawl(
    graphql: Client, save: Save, people: People
) -> None:
    crawl, other = a_crawl(a_project(people.user)), a_crawl(a_project(people.manager))
    await save(
        an_export(crawl, name="mine"),
        an_export(crawl, name="done", status=JobStatus.COMPLETED),
        an_export(other, name="theirs", status=JobStatus.COMPLETED),
    )
    document = "query ($filter: ExportJobFilter) { exportJobs(filter: $filter) { nodes { name } } }"

    async def names(**filter: Any) -> list[str]:
        answer = await graphql.of(people.viewer)(document, filter=filter)
        return sorted(node["name"] for node in answer["exportJobs"]["nodes"])

    assert await names(userId=people.user.gid) == ["done", "mine"]
    assert await names(status="COMPLETED") == ["done", "theirs"]
    assert await names(crawlJobId=crawl.gid) == ["done", "mine"]
    assert await names(userId=people.user.gid, status="COMPLETED") == ["done"]


async def test_a_package_can_be_downloaded_until_it_expires(
    graphql: Client, save: Save, services: Services, people: People
) -> None:
    crawl, now = a_crawl(a_project(people.user)), datetime.now(UTC)
    packed: dict[str, Any] = {
        "name": "Cats",
        "format": ExportFormat.TAR_GZ,
        "download_url": "somewhere/1",
        "file_size": 5_000_000_000,
    }
    good = an_export(crawl, **packed, expires_at=now + timedelta(days=1))
    old = an_export(crawl, **packed, expires_at=now - timedelta(seconds=1))
    waiting = an_export(crawl)
    await save(good, old, waiting)
    user = graphql.of(people.user)

    found, expired, early = [(await user(EXPORT, id=each.gid))["exportJob"] for each in (good, old, waiting)]

    link = services.links.verify_download(found.pop("downloadUrl").rsplit("/", 1)[1])
    assert (link.key, link.filename, link.mime_type) == ("somewhere/1", "Cats.tar.gz", "application/gzip")
    assert found == {
        "expired": False,
        "fileSize": 5_000_000_000,
        "format": "TAR_GZ",
        "user": {"id": people.user.gid},
    }
    assert (expired["downloadUrl"], expired["expired"]) == (None, True)
    assert (early["downloadUrl"], early["expired"]) == (None, False)
