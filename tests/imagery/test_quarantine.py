"""Quarantine: previews, what rules and people set aside, restored and at last deleted."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image as Pixels
from sqlalchemy import select, update

from db.models import Image, ReviewState
from pipelines.imagery.image_inspection import perceptual_hash
from schema.framework.context import Services
from server.worker import Worker
from tests.conftest import People
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.imagery.stored_crawls import a_done_crawl, at_work, encode, picture, store_images, wait_for_end
from tests.waiting import until

CASES = Path(__file__).parents[3] / "shared" / "cases" / "imagery"
CREATE = """mutation ($input: ValidationJobCreateInput!) { validationJobCreate(input: $input) {
  errors { code path } validationJob { id } } }"""
JOB = """query ($id: ID!) { validationJob(id: $id) { phase preview invalidImages
  summary { quarantinedImages quarantinedBytes rules { rule images bytes quarantined } }
  findings(first: 100) { totalCount nodes { rule quarantines fileSize image { id } bestImage { id } } }
  going: findings(filter: {quarantines: true}) { totalCount }
  crawlJob { downloadedImages validImages } } }"""
LIST = """query ($filter: ImageFilter) { images(filter: $filter) {
  nodes { id quarantined quarantineReason restored isValid } } }"""
RESTORE_ONE = """mutation ($id: ID!) { imageRestore(id: $id) { errors { code path }
  image { quarantined restored } } }"""
EMPTY = """mutation ($id: ID!) { quarantineEmpty(crawlJobId: $id) {
  errors { code path } deletedCount deletedBytes remainingCount } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services) -> AsyncIterator[Worker]:
    """A worker for the module."""
    async with at_work(services) as worker:
        yield worker


async def run_validation(graphql: Client, crawl: Fixture, rules: dict[str, Any], **values: Any) -> Any:
    """A check of the crawl, once it has ended."""
    arguments = {"crawlJobId": crawl.gid, "name": "Check", "rules": rules, **values}
    made = (await graphql(CREATE, input=arguments))["validationJobCreate"]["validationJob"]
    return await wait_for_end(graphql, JOB, made["id"])


async def list_images(graphql: Client, crawl: Fixture, **filter: Any) -> list[str]:
    """The listed images of the crawl."""
    answer = await graphql(LIST, filter={"crawlJobId": crawl.gid, **filter})
    return [node["id"] for node in answer["images"]["nodes"]]


async def similar_images(services: Services, crawl: Fixture, **values: Any) -> list[Fixture]:
    """A small copy of a picture, something else, and the picture."""
    large = Pixels.open(io.BytesIO(picture(1, (640, 480))))
    small = encode(large.resize((320, 240)), "JPEG", quality=60)
    images = []
    for content in (small, picture(2), encode(large, "PNG")):
        look = perceptual_hash(Pixels.open(io.BytesIO(content)))
        images += await store_images(services, crawl, [content], perceptual_hash=look, **values)
    return images


async def test_a_preview_says_what_would_go_and_changes_nothing(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    small, other, large = await similar_images(services, crawl)
    rules = {"preset": "STRICT", "minWidth": 400, "quarantineInvalid": True}
    before = await user(LIST, filter={"crawlJobId": crawl.gid})

    preview = await run_validation(user, crawl, rules, preview=True)

    assert (preview["phase"], preview["preview"]) == ("SUCCEEDED", True)
    assert await user(LIST, filter={"crawlJobId": crawl.gid}) == before
    sizes = small.file_size, other.file_size
    assert preview["summary"] == {
        "quarantinedImages": 2,
        "quarantinedBytes": sum(sizes),
        "rules": [
            {"rule": "narrow", "images": 2, "bytes": sum(sizes), "quarantined": 2},
            {"rule": "near_duplicate", "images": 1, "bytes": sizes[0], "quarantined": 1},
        ],
    }
    order = [small.gid, other.gid, large.gid]
    nodes = sorted(
        preview["findings"]["nodes"], key=lambda node: (order.index(node["image"]["id"]), node["rule"])
    )
    assert [(node["image"]["id"], node["rule"], node["bestImage"]) for node in nodes] == [
        (small.gid, "narrow", None),
        (small.gid, "near_duplicate", {"id": large.gid}),
        (other.gid, "narrow", None),
    ]
    assert (preview["findings"]["totalCount"], preview["going"]["totalCount"]) == (3, 3)

    done = await run_validation(user, crawl, rules)

    assert done["summary"] == preview["summary"]
    assert done["invalidImages"] == preview["invalidImages"] == 2
    assert await list_images(user, crawl) == [large.gid]
    assert await list_images(user, crawl, state="QUARANTINED") == [small.gid, other.gid]
    assert done["crawlJob"] == {"downloadedImages": 1000, "validImages": 1}


async def test_what_rules_have_set_aside_is_restored_and_stays(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    small, other, large = await similar_images(services, crawl)
    await run_validation(user, crawl, {"preset": "STRICT"})
    away = (await user(LIST, filter={"crawlJobId": crawl.gid, "state": "QUARANTINED"}))["images"]["nodes"]
    assert [(image["id"], image["quarantineReason"]) for image in away] == [(small.gid, "near_duplicate")]

    restored = (await user(RESTORE_ONE, id=small.gid))["imageRestore"]

    assert restored == {"errors": [], "image": {"quarantined": False, "restored": True}}
    assert await user.refusals(RESTORE_ONE, id=small.gid) == [("CONFLICT", ("id",))]
    again = await run_validation(user, crawl, {"preset": "STRICT"})
    assert again["summary"]["quarantinedImages"] == 0
    assert [(node["rule"], node["quarantines"]) for node in again["findings"]["nodes"]] == [
        ("near_duplicate", False)
    ]
    assert await list_images(user, crawl) == [small.gid, other.gid, large.gid]


async def test_accepted_images_are_the_best_and_never_set_aside(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    small, other, large = await similar_images(services, crawl)
    async with services.database.tenant(crawl.company.id) as uow:
        accepted = update(Image).where(Image.id == small.id)
        await uow.execute(accepted.values(review=ReviewState.ACCEPTED))

    await run_validation(user, crawl, {"preset": "STRICT", "minWidth": 400, "quarantineInvalid": True})

    assert await list_images(user, crawl) == [small.gid]
    assert await list_images(user, crawl, state="QUARANTINED") == [other.gid, large.gid]


async def test_a_group_is_shown_side_by_side(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    small, other, large = await similar_images(services, crawl)
    await run_validation(user, crawl, {"duplicates": "REPORT"})
    document = """query ($filter: ImageFilter) { images(filter: $filter) { nodes {
      id duplicates { nodes { id } } } } }"""

    answer = await user(document, filter={"crawlJobId": crawl.gid, "best": True})

    assert answer["images"]["nodes"] == [
        {"id": large.gid, "duplicates": {"nodes": [{"id": small.gid}, {"id": large.gid}]}}
    ]
    assert await list_images(user, crawl, best=False) == [small.gid, other.gid]
    assert await list_images(user, crawl, duplicateGroup=large.gid) == [small.gid, large.gid]


async def test_an_emptied_quarantine_deletes_rows_and_files(
    graphql: Client,
    services: Services,
    worker: Worker,
    people: People,
) -> None:
    crawl, admin = a_done_crawl(people.user), graphql.of(people.admin)
    kept, gone = await store_images(services, crawl, [picture(1), picture(2)])
    async with services.database.tenant(crawl.company.id) as uow:
        aside = update(Image).where(Image.id == gone.id)
        await uow.execute(aside.values(quarantined=True))
    assert await graphql.of(people.user).refusals(EMPTY, id=crawl.gid) == [("FORBIDDEN", ())]

    emptied = (await admin(EMPTY, id=crawl.gid))["quarantineEmpty"]

    assert emptied == {
        "errors": [],
        "deletedCount": 1,
        "deletedBytes": gone.file_size,
        "remainingCount": 0,
    }
    assert (await admin(EMPTY, id=crawl.gid))["quarantineEmpty"]["deletedCount"] == 0
    async with services.database.tenant(crawl.company.id, read_only=True) as uow:
        rows = await uow.all(select(Image.id).where(Image.crawl_job_id == crawl.id))
    assert [row.id for row in rows] == [kept.id]

    async def is_gone() -> bool:
        try:
            await services.store.head(gone.storage_url)
        except FileNotFoundError:
            return True
        return False

    assert await until(services.events.listener, is_gone, bool, 30)
    await services.store.head(kept.storage_url)


@pytest.mark.skipif(not CASES.exists(), reason="the collection of cases is not here")
async def test_the_strict_rules_keep_the_sharp_picture_and_the_blurred_one_can_be_restored(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    images = []
    for name in ("a_blurred.jpg", "b_sharp.jpg", "flat_0.png", "flat_1.png", "flat_2.png"):
        content = (CASES / name).read_bytes()
        look = perceptual_hash(Pixels.open(io.BytesIO(content)))
        images += await store_images(services, crawl, [content], perceptual_hash=look)

    await run_validation(user, crawl, {"preset": "STRICT"})

    blurred, *others = images
    assert await list_images(user, crawl) == [image.gid for image in others]
    assert await list_images(user, crawl, state="QUARANTINED") == [blurred.gid]
    assert (await user(RESTORE_ONE, id=blurred.gid))["imageRestore"]["errors"] == []
    assert len(await list_images(user, crawl)) == 5
