"""Exports: asked for, refused, packed, downloaded, expired."""

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image as Pixels
from strawberry import relay

from db.models import ExportFormat, JobStatus
from pipelines.imagery.exporting.cleanup import purge_expired_exports
from schema.framework.context import Services
from server.provider_factory import worker_services
from server.worker import Worker
from tests.conftest import People, Save
from tests.factories import Fixture
from tests.factories.imagery import a_validation, an_export, an_image
from tests.graphql_client import Client
from tests.imagery.stored_crawls import (
    a_done_crawl,
    at_work,
    download_client,
    picture,
    store_images,
    wait_for_end,
)
from tests.onlooker import Onlooker

OPTIONS = "includeMetadata compress delimiter includeUrls onlyValid shardSize"
CREATE = f"""mutation ($input: ExportJobCreateInput!) {{ exportJobCreate(input: $input) {{
  errors {{ code path }} exportJob {{ id name status format exportOptions {{ {OPTIONS} }} }} }} }}"""
JOB = """query ($id: ID!) { exportJob(id: $id) {
  phase progress totalImages exportedImages fileSize downloadUrl expiresAt expired errorMessage
  files { name fileSize imageCount downloadUrl } } }"""
DELETE = "mutation ($id: ID!) { exportJobDelete(id: $id) { errors { code path } deletedId } }"
EXPORTS = "query ($id: ID!) { crawlJob(id: $id) { exportJobs { nodes { expired downloadUrl } } } }"
EXPIRE = """UPDATE tenant.export_jobs SET expires_at = now() - $3::interval
  WHERE crawl_job_id = $1 AND format = $2"""
LEFT = """SELECT format, download_url IS NOT NULL FROM tenant.export_jobs
  WHERE crawl_job_id = $1 ORDER BY format"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services) -> AsyncIterator[Worker]:
    """A worker for the module."""
    async with at_work(services) as worker:
        yield worker


@pytest_asyncio.fixture
async def api(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever follows links to files."""
    async with download_client(services) as client:
        yield client


@pytest.fixture
def crawl(people: People) -> Fixture:
    """A crawl that has ended, and found birds."""
    return a_done_crawl(people.user, name="Birds", keywords=["wren", "owl"])


async def export(graphql: Client, crawl: Fixture, format: str, **options: Any) -> Any:
    """An export of the crawl, once it has ended."""
    arguments = {"crawlJobId": crawl.gid, "name": "My birds", "format": format, "options": options}
    made = (await graphql(CREATE, input=arguments))["exportJobCreate"]["exportJob"]
    return await wait_for_end(graphql, JOB, made["id"])


async def fetch(api: httpx.AsyncClient, url: str) -> bytes:
    """What a link leads to."""
    answer = await api.get(url)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    return answer.content


async def run_export(
    graphql: Client, api: httpx.AsyncClient, crawl: Fixture, format: str, **options: Any
) -> bytes:
    """The package of an export that went well."""
    job = await export(graphql, crawl, format, **options)
    assert (job["phase"], job["progress"], job["errorMessage"]) == ("SUCCEEDED", 100, None)
    content = await fetch(api, job["downloadUrl"])
    assert job["fileSize"] == len(content)
    return content


async def three(services: Services, crawl: Fixture) -> list[bytes]:
    """Three images of the crawl, the last of them nobody's and named like a formula."""
    contents = [picture(1, (64, 48)), picture(2, (32, 32), "PNG"), picture(3, (48, 48), "WEBP")]
    await store_images(services, crawl, contents[:2], licence="CC BY 4.0", attribution="Ada", is_valid=True)
    await store_images(services, crawl, contents[2:], caption="=1+1, or not", page_url="https://a.example/b")
    return contents


def members(archive: bytes, format: str) -> dict[str, bytes]:
    """What an archive holds, by name."""
    if format in ("TAR", "TAR_GZ"):
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.mark.parametrize("format", ["ZIP", "TAR", "TAR_GZ"])
async def test_an_archive_has_the_images_what_is_known_of_them_and_a_data_card(
    graphql: Client,
    services: Services,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
    format: str,
) -> None:
    contents = await three(services, crawl)

    archive = members(await run_export(graphql.of(people.user), api, crawl, format), format)

    names = ["images/000001.jpg", "images/000002.png", "images/000003.webp"]
    assert list(archive) == [*names, "images.json", "metadata.json", "README.md"]
    assert [archive[name] for name in names] == contents
    listed = json.loads(archive["images.json"])
    assert [image["file_name"] for image in listed] == names
    assert [image["licence"] for image in listed] == ["CC BY 4.0", "CC BY 4.0", ""]
    assert [image["verdict"] for image in listed] == ["valid", "valid", "unchecked"]
    whole = json.loads(archive["metadata.json"])
    assert (whole["image_count"], whole["content_bytes"]) == (3, sum(map(len, contents)))
    assert whole["licences"] == {"CC BY 4.0": 2, "unknown": 1}
    card = archive["README.md"].decode()
    assert 'pretty_name: "My birds"' in card
    assert "| CC BY 4.0 | 2 |\n| unknown | 1 |" in card
    assert "- wren\n- owl" in card


async def test_without_metadata_an_archive_has_images_and_the_data_card_only(
    graphql: Client,
    services: Services,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
) -> None:
    contents = await three(services, crawl)
    options = {"includeMetadata": False, "compress": True}

    content = await run_export(graphql.of(people.user), api, crawl, "ZIP", **options)

    archive = members(content, "ZIP")
    assert list(archive)[3:] == ["README.md"]
    assert list(archive.values())[:3] == contents
    kinds = {member.compress_type for member in zipfile.ZipFile(io.BytesIO(content)).infolist()}
    assert kinds == {zipfile.ZIP_DEFLATED}


async def test_tables_and_documents_list_the_images(
    graphql: Client,
    services: Services,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
) -> None:
    await three(services, crawl)
    user = graphql.of(people.user)

    table = await export(user, crawl, "CSV", delimiter=";", includeUrls=False)
    document = json.loads(await run_export(user, api, crawl, "JSON"))

    assert [(file["name"], file["imageCount"]) for file in table["files"]] == [
        ("images.csv", 3),
        ("README.md", 0),
    ]
    text = (await fetch(api, table["downloadUrl"])).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    assert [row["width"] for row in rows] == ["64", "32", "48"]
    assert rows[2]["caption"] == "'=1+1, or not"
    assert "page_url" not in rows[0]
    assert [image["page_url"] for image in document["images"]] == ["", "", "https://a.example/b"]
    assert document["dataset"]["image_count"] == 3
    assert "My birds" in document["dataset"]["readme"]


async def test_what_failed_its_check_or_is_quarantined_is_left_out(
    graphql: Client,
    services: Services,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
) -> None:
    user = graphql.of(people.user)
    await store_images(services, crawl, [picture(1)], is_valid=False, issues=["blurred"])
    await store_images(services, crawl, [picture(2)], is_valid=False, quarantined=True)
    await store_images(services, crawl, [picture(3)], is_valid=True)

    valid = json.loads(await run_export(user, api, crawl, "JSON"))["images"]
    every = json.loads(await run_export(user, api, crawl, "JSON", onlyValid=False))["images"]

    assert [image["verdict"] for image in valid] == ["valid"]
    assert [(image["verdict"], image["issues"]) for image in every] == [("invalid", "blurred"), ("valid", "")]


async def test_an_image_whose_file_is_gone_is_missed_and_reported(
    graphql: Client,
    services: Services,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
) -> None:
    images = await store_images(services, crawl, [picture(1), picture(2), picture(3)])
    await services.store.delete([images[1].storage_url])

    job = await export(graphql.of(people.user), crawl, "ZIP")

    assert (job["totalImages"], job["exportedImages"]) == (3, 2)
    archive = members(await fetch(api, job["downloadUrl"]), "ZIP")
    assert list(archive)[:2] == ["images/000001.jpg", "images/000002.jpg"]
    assert "1 further images are missing" in archive["README.md"].decode()


async def test_several_shards_come_one_by_one_and_together(
    graphql: Client,
    services: Services,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
) -> None:
    await three(services, crawl)

    job = await export(graphql.of(people.user), crawl, "WEBDATASET", shardSize=2)

    files = [(file["name"], file["imageCount"]) for file in job["files"]]
    assert files == [("train-00000.tar", 2), ("train-00001.tar", 1), ("README.md", 0)]
    alone = [await fetch(api, file["downloadUrl"]) for file in job["files"]]
    bundle = await fetch(api, job["downloadUrl"])
    assert job["fileSize"] == len(bundle)
    together = members(bundle, "TAR")
    assert together == {file["name"]: content for file, content in zip(job["files"], alone, strict=True)}
    samples = members(alone[0], "TAR")
    assert list(samples) == ["000001.jpg", "000001.json", "000002.jpg", "000002.json"]
    assert Pixels.open(io.BytesIO(samples["000002.jpg"])).format == "PNG"
    assert json.loads(samples["000002.json"])["format"] == "png"


async def test_one_key_makes_one_export(graphql: Client, save: Save, people: People, crawl: Fixture) -> None:
    user = graphql.of(people.user)
    await save(an_image(crawl))
    arguments = {"crawlJobId": crawl.gid, "name": "Birds", "idempotencyKey": "1", "start": False}

    first, second = await user(CREATE, input=arguments), await user(CREATE, input=arguments)

    assert first == second
    job = first["exportJobCreate"]["exportJob"]
    assert (job["format"], job["status"]) == ("ZIP", "PENDING")
    assert set(job["exportOptions"].values()) == {None}
    other = await user.refusals(CREATE, input={**arguments, "format": "TAR"})
    assert other == [("CONFLICT", ("input", "idempotencyKey"))]


async def test_an_export_whose_images_went_meanwhile_fails_and_says_so(
    graphql: Client, services: Services, worker: Worker, people: People, crawl: Fixture
) -> None:
    (image,) = await store_images(services, crawl, [picture(1)])
    await services.store.delete([image.storage_url])

    job = await export(graphql.of(people.user), crawl, "ZIP")

    assert (job["phase"], job["downloadUrl"], job["files"]) == ("FAILED", None, [])
    assert job["errorMessage"] == "The export has no images: their files no longer exist."


async def test_the_data_card_tells_the_rules_of_the_last_check(
    graphql: Client,
    services: Services,
    save: Save,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
) -> None:
    await store_images(services, crawl, [picture(1)])
    done = {"status": JobStatus.COMPLETED, "completed_at": datetime.now(UTC)}
    await save(a_validation(crawl, validation_rules={"min_width": 7}, **done))

    archive = members(await run_export(graphql.of(people.user), api, crawl, "ZIP"), "ZIP")

    assert "- min width: 7" in archive["README.md"].decode()


async def test_an_expired_export_has_no_link_and_its_files_go(
    graphql: Client,
    services: Services,
    api: httpx.AsyncClient,
    worker: Worker,
    people: People,
    crawl: Fixture,
    onlooker: Onlooker,
) -> None:
    await three(services, crawl)
    user = graphql.of(people.user)
    job = await export(user, crawl, "ZIP")
    other = await export(user, crawl, "TAR")
    folder = f"{crawl.company.id}/crawls/{crawl.id}/exports"
    for format, ago in (("zip", timedelta(hours=2)), ("tar", timedelta(minutes=1))):
        await onlooker.execute(EXPIRE, crawl.id, format, ago)

    (gone,) = (await user(EXPORTS, id=crawl.gid)).values()
    work = worker_services(
        services.database,
        services.settings,
        services.store,
        services.embedders,
        services.vectors,
        services.sources,
    )
    await purge_expired_exports(work, crawl.company.id)

    nodes = gone["exportJobs"]["nodes"]
    assert [(node["expired"], node["downloadUrl"]) for node in nodes] == [(True, None)] * 2
    assert job["expired"] is other["expired"] is False
    assert [tuple(row) for row in await onlooker.fetch(LEFT, crawl.id)] == [("tar", True), ("zip", False)]
    (removal,) = await onlooker.fetch(
        "SELECT id FROM tenant.processing_jobs WHERE company_id = $1 AND task = 'RemoveObjects'",
        crawl.company.id,
    )
    await wait_for_end(
        graphql.of(people.admin),
        "query ($id: ID!) { processingJob(id: $id) { phase } }",
        relay.to_base64("ProcessingJob", str(removal["id"])),
    )
    assert [found.key.rpartition("/")[2] async for found in services.store.list(folder)] == ["images.tar"]


async def test_deleting_an_export_deletes_its_files_afterwards(
    graphql: Client, save: Save, people: People, onlooker: Onlooker, crawl: Fixture
) -> None:
    folder = f"{crawl.company.id}/crawls/{crawl.id}/exports"
    old = an_export(crawl, download_url="somewhere/old.zip")
    file = {"key": f"{folder}/x/1/images.zip", "size": 1, "images": 1}
    new = an_export(crawl, download_url=file["key"], shards=[file], format=ExportFormat.ZIP)
    await save(old, new)

    for made in (old, new):
        await graphql.of(people.manager)(DELETE, id=made.gid)

    removals = await onlooker.fetch(
        "SELECT arguments -> 'prefixes' ->> 0 AS prefix FROM tenant.processing_jobs WHERE company_id = $1 "
        "ORDER BY id",
        crawl.company.id,
    )
    assert [row["prefix"] for row in removals] == ["somewhere/old.zip", f"{folder}/{new.id}/"]
