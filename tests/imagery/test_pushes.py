"""Pushes of exports to buckets and hubs: what arrives, and what is refused."""

import json
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from db.models import ExportFormat, JobStatus
from schema.framework.context import Services
from server.worker import Worker
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture
from tests.factories.imagery import an_export
from tests.graphql_client import Client
from tests.imagery.fake_hub import FakeHub, fake_hub
from tests.imagery.stored_crawls import a_done_crawl, at_work, wait_for_end
from tests.planted_secrets import PASSWORDS

PUSH = """mutation ($input: DatasetPushInput!) { datasetPush(input: $input) {
  errors { code path message } job { id } } }"""
JOB = "query ($id: ID!) { processingJob(id: $id) { phase jobType subject errorMessage jobMetadata } }"
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TOKEN = PASSWORDS[2]
REPOSITORY = "birds/wrens"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub(TOKEN) as hub:
        yield hub


class Pusher:
    """Somebody who pushes, with a worker whose settings allow a bucket and a hub."""

    def __init__(self, client: Client, settings: dict[str, Any]) -> None:
        services = client.services
        known = services.settings.model_copy(update=settings)
        self.settings, self._services = settings, services
        self.client = Client(replace(services, settings=known), client.schema, user_id=client.user_id)

    def worker(self) -> AbstractAsyncContextManager[Worker]:
        return at_work(self._services, **self.settings)

    async def push(self, export: Fixture, **input: Any) -> dict[str, Any]:
        """The job of a push, once it has ended."""
        made = (await self.client(PUSH, input={"exportJobId": export.gid, **input}))["datasetPush"]
        job: dict[str, Any] = await wait_for_end(self.client, JOB, made["job"]["id"])
        return job


def pusher(graphql: Client, user: Fixture, folder: Path, hub: FakeHub | None = None) -> Pusher:
    settings: dict[str, Any] = {"push_buckets": (folder.as_uri(),)}
    if hub is not None:
        namespaces = {"hf_namespaces": ("birds",), "hf_token": SecretStr(TOKEN)}
        settings |= {"hf_endpoint": hub.url, **namespaces}
    return Pusher(graphql.of(user), settings)


async def a_packed_export(services: Services, save: Save, user: Fixture, files: dict[str, bytes]) -> Fixture:
    """A complete export with these files."""
    crawl = a_done_crawl(user)
    export = an_export(crawl, format=ExportFormat.PARQUET, status=JobStatus.COMPLETED)
    prefix = f"{crawl.company.id}/crawls/{crawl.id}/exports/{export.id}/1"
    for name, content in files.items():
        await services.store.put(f"{prefix}/{name}", content)
    shards = [{"key": f"{prefix}/{n}", "size": len(content), "images": 1} for n, content in files.items()]
    values = {
        "shards": shards,
        "download_url": shards[0]["key"],
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }
    export.values.update(values)
    await save(export)
    return export


FILES = {"train-00000.parquet": b"first" * 9, "test-00000.parquet": b"second", "README.md": b"# Wrens"}


async def test_a_bucket_gets_the_files_in_the_folder_of_the_company(
    graphql: Client, services: Services, save: Save, people: People, tmp_path: Path
) -> None:
    user = pusher(graphql, people.user, tmp_path)
    export = await a_packed_export(services, save, people.user, FILES)
    smaller = await a_packed_export(services, save, people.user, {"train-00000.parquet": b"new"})
    bucket = {"url": tmp_path.as_uri(), "folder": "wrens"}

    async with user.worker():
        first = await user.push(export, bucket=bucket)
        again = await user.push(export, bucket=bucket)
        folder = tmp_path / str(people.user.company.id) / "wrens"
        pushed = {file.name: file.read_bytes() for file in folder.iterdir()}
        await user.push(smaller, bucket=bucket)

    url = f"{tmp_path.as_uri()}/{people.user.company.id}/wrens/"
    assert first == again
    assert (first["phase"], first["jobMetadata"]) == ("SUCCEEDED", {"url": url, "files": 3})
    assert pushed == FILES
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {"train-00000.parquet": b"new"}


async def test_a_hub_gets_the_files_in_one_commit_and_the_same_file_once(
    graphql: Client, services: Services, save: Save, people: People, tmp_path: Path, hub: FakeHub
) -> None:
    user = pusher(graphql, people.user, tmp_path, hub)
    export = await a_packed_export(services, save, people.user, FILES)
    smaller = await a_packed_export(services, save, people.user, {"train-00000.parquet": b"new"})

    async with user.worker():
        job = await user.push(export, hub={"repository": REPOSITORY})
        first, commits = dict(hub.repositories[REPOSITORY]), hub.commits
        await user.push(export, hub={"repository": REPOSITORY})
        uploads = list(hub.uploads)
        await user.push(smaller, hub={"repository": REPOSITORY})

    assert (job["phase"], job["errorMessage"]) == ("SUCCEEDED", None)
    assert job["jobMetadata"] == {"url": f"{hub.url}/datasets/{REPOSITORY}", "files": 3}
    assert commits == 1
    assert {name: first[name] for name in FILES} == FILES
    assert json.loads(first["seshat.json"])["owner"] == str(people.user.company.id)
    assert len(uploads) == 2
    left = hub.repositories[REPOSITORY]
    assert left.keys() == {".gitattributes", "seshat.json", "train-00000.parquet"}
    assert left["train-00000.parquet"] == b"new"


async def test_a_repository_of_somebody_else_is_not_replaced(
    graphql: Client, services: Services, save: Save, people: People, tmp_path: Path, hub: FakeHub
) -> None:
    user = pusher(graphql, people.user, tmp_path, hub)
    export = await a_packed_export(services, save, people.user, FILES)
    owned = {"seshat.json": json.dumps({"owner": "another", "files": ["a"]}).encode(), "a": b"theirs"}
    hub.repositories |= {"birds/owls": dict(owned), "birds/hand": {"README.md": b"made by hand"}}

    async with user.worker():
        jobs = [
            await user.push(export, hub={"repository": repository})
            for repository in ("birds/owls", "birds/hand")
        ]

    reason = "The repository exists and was not pushed by your company. Choose another name."
    assert [(job["phase"], job["errorMessage"]) for job in jobs] == [("FAILED", reason)] * 2
    assert hub.repositories["birds/owls"] == owned
    assert hub.repositories["birds/hand"] == {"README.md": b"made by hand"}


async def test_a_wrong_token_is_named_and_not_shown(
    graphql: Client, services: Services, save: Save, people: People, tmp_path: Path, hub: FakeHub
) -> None:
    hub.token = "another"
    user = pusher(graphql, people.user, tmp_path, hub)
    export = await a_packed_export(services, save, people.user, FILES)

    async with user.worker():
        job = await user.push(export, hub={"repository": REPOSITORY})

    assert (job["phase"], job["errorMessage"]) == ("FAILED", "The hub does not accept the token of HF_TOKEN.")
    assert TOKEN not in json.dumps(job)


@pytest.mark.parametrize(
    ("input", "refusal"),
    [
        ({}, ("INVALID", ("input",))),
        ({"bucket": {"url": "s3://elsewhere", "folder": "a"}}, ("INVALID", ("input", "bucket", "url"))),
        ({"bucket": {"url": "ALLOWED", "folder": "../other"}}, ("INVALID", ("input", "bucket", "folder"))),
        ({"hub": {"repository": "wrens"}}, ("INVALID", ("input", "hub", "repository"))),
        ({"hub": {"repository": "birds/../x"}}, ("INVALID", ("input", "hub", "repository"))),
        ({"hub": {"repository": "others/wrens"}}, ("INVALID", ("input", "hub", "repository"))),
    ],
)
async def test_destinations_that_are_not_allowed_are_refused(
    graphql: Client,
    services: Services,
    save: Save,
    people: People,
    tmp_path: Path,
    hub: FakeHub,
    assert_unchanged: Unchanged,
    input: dict[str, Any],
    refusal: tuple[str, tuple[str, ...]],
) -> None:
    user = pusher(graphql, people.user, tmp_path, hub)
    export = await a_packed_export(services, save, people.user, FILES)
    if "bucket" in input and input["bucket"]["url"] == "ALLOWED":
        input = {"bucket": {**input["bucket"], "url": tmp_path.as_uri()}}

    async with assert_unchanged():
        refused = await user.client.refusals(PUSH, input={"exportJobId": export.gid, **input})

    assert refused == [refusal]


async def test_an_export_that_is_not_complete_or_has_expired_is_not_pushed(
    graphql: Client, services: Services, save: Save, people: People, tmp_path: Path
) -> None:
    user = pusher(graphql, people.user, tmp_path)
    waiting = an_export(a_done_crawl(people.user))
    await save(waiting)
    bucket = {"url": tmp_path.as_uri(), "folder": "wrens"}

    refused = await user.client.refusals(PUSH, input={"exportJobId": waiting.gid, "bucket": bucket})

    assert refused == [("CONFLICT", ("input", "exportJobId"))]
