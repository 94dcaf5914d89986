"""The review of a crawl, walked through the API: groups, verdicts, labels, quarantine, a frozen version."""

import io
from collections.abc import AsyncIterator

import pytest_asyncio
from PIL import Image as Pixels

from pipelines.imagery.image_inspection import perceptual_hash
from schema.framework.context import Services
from server.worker import Worker
from tests.conftest import People
from tests.graphql_client import Client
from tests.imagery.stored_crawls import a_done_crawl, at_work, encode, picture, store_images, wait_for_end

VALIDATE = """mutation ($input: ValidationJobCreateInput!) { validationJobCreate(input: $input) {
  errors { code } validationJob { id } } }"""
JOB = "query ($id: ID!) { validationJob(id: $id) { phase summary { quarantinedImages } } }"
GROUPS = """query ($id: ID!) { images(filter: {crawlJobId: $id, best: true}) {
  nodes { id duplicates { nodes { id width } } } } }"""
ACCEPT = """mutation ($id: ID!) { imageUpdate(id: $id, input: {accepted: true, labels: ["tabby"]}) {
  errors { code } image { accepted labels { name source } } } }"""
REJECT = "mutation ($id: ID!) { imageUpdate(id: $id, input: {accepted: false}) { errors { code } } }"
LABEL = """mutation ($id: ID!) { imagesUpdate(filter: {crawlJobId: $id}, input: {addLabels: ["cat"]}) {
  errors { code } updatedCount } }"""
EXCLUDE = """mutation ($id: ID!) { imagesQuarantine(filter: {crawlJobId: $id, review: REJECTED}) {
  errors { code } quarantinedCount } }"""
RESTORE = "mutation ($id: ID!) { imageRestore(id: $id) { errors { code } image { quarantined } } }"
LIST = """query ($id: ID!, $state: ImageState, $label: String) {
  images(filter: {crawlJobId: $id, state: $state, label: $label}) { nodes { id } } }"""
CREATE = """mutation ($input: DatasetCreateInput!) { datasetCreate(input: $input) {
  errors { code } dataset { id } } }"""
FREEZE = """mutation ($id: ID!) { datasetFreeze(id: $id) { errors { code }
  datasetVersion { id images(first: 10) { nodes { labels image { id } } } } } }"""
EXPORT = """mutation ($id: ID!) { datasetVersionExport(id: $id, input: {name: "Cats", format: IMAGEFOLDER}) {
  errors { code } exportJob { id } } }"""
EXPORTED = "query ($id: ID!) { exportJob(id: $id) { phase exportedImages } }"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services) -> AsyncIterator[Worker]:
    """A worker for the module."""
    async with at_work(services) as worker:
        yield worker


async def test_a_crawl_is_reviewed_frozen_and_exported(
    graphql: Client, services: Services, worker: Worker, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    large = Pixels.open(io.BytesIO(picture(1, (640, 480))))
    contents = [
        encode(large.resize((320, 240)), "JPEG", quality=60),
        encode(large, "PNG"),
        picture(2),
        picture(3),
    ]
    images = []
    for content in contents:
        look = perceptual_hash(Pixels.open(io.BytesIO(content)))
        images += await store_images(services, crawl, [content], perceptual_hash=look)
    small, best, dull, other = images

    async def list_images(state: str = "ACTIVE", label: str | None = None) -> list[str]:
        answer = await user(LIST, id=crawl.gid, state=state, label=label)
        return [node["id"] for node in answer["images"]["nodes"]]

    async def validate(preset: str) -> int:
        rules = {"crawlJobId": crawl.gid, "name": "Check", "rules": {"preset": preset}}
        made = (await user(VALIDATE, input=rules))["validationJobCreate"]["validationJob"]
        removed: int = (await wait_for_end(user, JOB, made["id"]))["summary"]["quarantinedImages"]
        return removed

    assert await validate("STANDARD") == 0
    (group,) = (await user(GROUPS, id=crawl.gid))["images"]["nodes"]
    assert (group["id"], [image["width"] for image in group["duplicates"]["nodes"]]) == (best.gid, [320, 640])

    accepted = (await user(ACCEPT, id=best.gid))["imageUpdate"]["image"]
    assert accepted == {"accepted": True, "labels": [{"name": "tabby", "source": "PERSON"}]}
    assert (await user(REJECT, id=dull.gid))["imageUpdate"]["errors"] == []
    assert (await user(LABEL, id=crawl.gid))["imagesUpdate"] == {"errors": [], "updatedCount": 4}
    assert (await user(EXCLUDE, id=crawl.gid))["imagesQuarantine"]["quarantinedCount"] == 1
    assert await validate("STRICT") == 1
    assert await list_images() == [best.gid, other.gid]
    assert await list_images("QUARANTINED") == [small.gid, dull.gid]

    restored = (await user(RESTORE, id=dull.gid))["imageRestore"]
    assert restored == {"errors": [], "image": {"quarantined": False}}
    assert await list_images(label="cat") == [best.gid, dull.gid, other.gid]
    assert await list_images(label="tabby") == [best.gid]

    (project,) = crawl.parents
    values = {"projectId": project.gid, "name": "Cats", "selection": {"crawlJobIds": [crawl.gid]}}
    dataset = (await user(CREATE, input=values))["datasetCreate"]["dataset"]
    version = (await user(FREEZE, id=dataset["id"]))["datasetFreeze"]["datasetVersion"]
    frozen = {item["image"]["id"]: item["labels"] for item in version["images"]["nodes"]}
    assert frozen == {best.gid: ["cat", "tabby"], other.gid: ["cat"]}  # a rejected image is not frozen

    made = (await user(EXPORT, id=version["id"]))["datasetVersionExport"]["exportJob"]
    ended = await wait_for_end(user, EXPORTED, made["id"])
    assert ended == {"phase": "SUCCEEDED", "exportedImages": 2}
