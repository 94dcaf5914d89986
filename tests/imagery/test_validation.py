"""Checks: asked for, refused, carried out, and what they say of images."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image as Pixels
from PIL import ImageFilter

from pipelines.imagery.image_inspection import perceptual_hash
from schema.framework.context import Services
from server.worker import Worker
from tests.conftest import People, Save
from tests.factories import Fixture
from tests.factories.imagery import an_image
from tests.graphql_client import Client
from tests.imagery.stored_crawls import a_done_crawl, at_work, encode, picture, store_images, wait_for_end

RULES = """preset minWidth minHeight formats maxSizeMb minBytes duplicates duplicateDistance refuseBlank
  minSharpness quarantineInvalid"""
CREATE = f"""mutation ($input: ValidationJobCreateInput!) {{ validationJobCreate(input: $input) {{
  errors {{ code path }} validationJob {{ id name status validationRules {{ {RULES} }} }} }} }}"""
JOB = """query ($id: ID!) { validationJob(id: $id) {
  phase progress totalImages validatedImages invalidImages errorMessage attempts
  crawlJob { totalImages downloadedImages validImages
    images(first: 100) { nodes { id isValid isDuplicate quarantined issues } }
    away: images(first: 100, filter: {state: QUARANTINED}) {
      nodes { id isValid isDuplicate quarantined quarantineReason issues } } } } }"""
START = "mutation ($id: ID!) { jobStart(id: $id) { errors { code path } job { status } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services) -> AsyncIterator[Worker]:
    """A worker for the module."""
    async with at_work(services) as worker:
        yield worker


async def run_validation(graphql: Client, crawl: Fixture, rules: dict[str, Any] | None = None) -> Any:
    """A check of the crawl, once it has ended."""
    arguments = {"crawlJobId": crawl.gid, "name": "Check", "rules": rules}
    made = (await graphql(CREATE, input=arguments))["validationJobCreate"]["validationJob"]
    return await wait_for_end(graphql, JOB, made["id"])


def issues(job: Any) -> list[list[str]]:
    """What the check says of each image, in their order."""
    return [image["issues"] for image in job["crawlJob"]["images"]["nodes"]]


def rotate(content: bytes) -> bytes:
    """The same pixels, to be shown turned by a quarter."""
    exif = Pixels.Exif()
    exif[0x0112] = 6
    return encode(Pixels.open(io.BytesIO(content)), "JPEG", exif=exif, quality=95)


async def test_each_image_gets_a_verdict_with_its_reasons(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl = a_done_crawl(people.user)
    good = picture(1)
    blurred = Pixels.open(io.BytesIO(picture(2))).filter(ImageFilter.GaussianBlur(4))
    contents = [
        good,
        picture(3, (99, 240)),
        picture(4, (240, 99)),
        rotate(picture(5, (99, 240))),
        picture(6, format="GIF"),
        good[: len(good) // 2],
        b"<html>not found</html>",
        encode(Pixels.new("RGB", (320, 240), "navy"), "PNG"),
        encode(blurred, "PNG"),
        encode(Pixels.new("RGB", (20, 20), "navy"), "PNG"),
    ]
    images = await store_images(services, crawl, contents)
    await services.store.delete([images[-1].storage_url])
    rules = {
        "minWidth": 100,
        "minHeight": 100,
        "formats": ["JPEG", "png"],
        "minBytes": 100,
        "maxSizeMb": 0.5,
        "refuseBlank": True,
        "minSharpness": 100,
    }

    job = await run_validation(graphql.of(people.user), crawl, rules)

    assert (job["phase"], job["progress"], job["errorMessage"]) == ("SUCCEEDED", 100, None)
    assert issues(job) == [
        [],
        ["narrow"],
        ["low"],
        ["low"],
        ["format"],
        ["unreadable"],
        ["small", "unreadable"],
        ["blank", "blurred"],
        ["blurred"],
        ["not_stored"],
    ]
    assert [image["isValid"] for image in job["crawlJob"]["images"]["nodes"]] == [True] + [False] * 9
    assert (job["totalImages"], job["validatedImages"], job["invalidImages"]) == (10, 10, 9)
    assert job["crawlJob"]["validImages"] == 1


async def test_a_second_check_says_the_same_and_forgets_the_first(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await store_images(services, crawl, [picture(1), picture(2, (50, 50))])

    strict = await run_validation(user, crawl, {"minWidth": 100, "duplicates": "QUARANTINE"})
    again = await run_validation(user, crawl, {"minWidth": 100, "duplicates": "QUARANTINE"})
    lenient = await run_validation(user, crawl)

    assert strict == again
    assert issues(strict) == [[], ["narrow"]]
    assert issues(lenient) == [[], []]
    assert [each["crawlJob"]["validImages"] for each in (strict, lenient)] == [1, 2]


@pytest.mark.parametrize("action", ["REPORT", "QUARANTINE", "REMOVE"])
async def test_duplicates_are_dealt_with_as_the_rules_say(
    graphql: Client, services: Services, worker: Worker, people: People, action: str
) -> None:
    crawl = a_done_crawl(people.user)
    large = Pixels.open(io.BytesIO(picture(1, (640, 480))))
    small = large.resize((320, 240))
    contents = [encode(small, "JPEG", quality=60), picture(2), encode(large, "PNG")]
    for content in contents:
        look = perceptual_hash(Pixels.open(io.BytesIO(content)))
        await store_images(services, crawl, [content], perceptual_hash=look)
    await store_images(services, crawl, [contents[1]], hash=None, perceptual_hash=None)

    job = await run_validation(graphql.of(people.user), crawl, {"duplicates": action})

    kept = {"isValid": True, "isDuplicate": False, "quarantined": False, "issues": []}
    alike = {"isDuplicate": True, "issues": ["near_duplicate"]}
    out = {"isValid": False, "quarantined": True}
    said = [{name: image[name] for name in kept} for image in job["crawlJob"]["images"]["nodes"]]
    away = [{name: image[name] for name in kept} for image in job["crawlJob"]["away"]["nodes"]]
    assert said == ([kept | alike] if action == "REPORT" else []) + [kept] * 3
    assert away == ([] if action == "REPORT" else [alike | out])
    assert (job["validatedImages"], job["invalidImages"]) == (4, 0 if action == "REPORT" else 1)
    counts = job["crawlJob"]
    assert counts["validImages"] == (4 if action == "REPORT" else 3)
    assert counts["downloadedImages"] == 1000


async def test_presets_are_rules_that_others_are_added_to(
    graphql: Client, save: Save, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await save(an_image(crawl))
    arguments = {"crawlJobId": crawl.gid, "name": " Strict ", "start": False}

    answer = await user(CREATE, input={**arguments, "rules": {"preset": "STRICT", "minWidth": 640}})
    plain = await user(CREATE, input=arguments)

    job = answer["validationJobCreate"]["validationJob"]
    assert (job["name"], job["status"]) == ("Strict", "PENDING")
    assert job["validationRules"] == {
        "preset": "STRICT",
        "minWidth": 640,
        "minHeight": 100,
        "formats": ["jpg", "png", "gif", "webp", "bmp", "tiff", "avif", "heic", "jp2"],
        "maxSizeMb": 10,
        "minBytes": 2048,
        "duplicates": "QUARANTINE",
        "duplicateDistance": None,
        "refuseBlank": None,
        "minSharpness": None,
        "quarantineInvalid": None,
    }
    assert set(plain["validationJobCreate"]["validationJob"]["validationRules"].values()) == {None}


async def test_a_check_that_waits_is_begun_by_hand(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await store_images(services, crawl, [picture(1)])
    arguments = {"crawlJobId": crawl.gid, "name": "Later", "start": False}
    id = (await user(CREATE, input=arguments))["validationJobCreate"]["validationJob"]["id"]

    await user(START, id=id)

    assert (await wait_for_end(user, JOB, id))["validatedImages"] == 1


async def test_one_key_makes_one_check(graphql: Client, save: Save, people: People) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await save(an_image(crawl))
    arguments = {"crawlJobId": crawl.gid, "name": "Check", "idempotencyKey": "1", "rules": {"minWidth": 5}}

    first = await user(CREATE, input={**arguments, "start": False})
    second = await user(CREATE, input={**arguments, "start": False})

    assert first == second
    assert await user.refusals(CREATE, input=arguments) == [("CONFLICT", ("input", "idempotencyKey"))]
