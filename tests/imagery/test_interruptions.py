"""Checks and exports that are interrupted, and stores that fail them."""

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterable, AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.ports import ObjectStore, StoredObject, StoreFull, StoreUnavailable
from resolvers.imagery.exports import PackImages
from schema.framework.context import Services
from tests.conftest import People
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.imagery import test_exports, test_validation
from tests.imagery.stored_crawls import (
    PATIENCE,
    a_done_crawl,
    at_work,
    download_client,
    picture,
    store_images,
    wait_for_end,
)


class FailingStore:
    """A store that fails at the reading, or the writing, that `at` counts down to; `times` in a row."""

    def __init__(self, store: ObjectStore, error: Exception, *, reads: int = -1, writes: int = -1) -> None:
        self._store, self._error = store, error
        self._reads, self._writes = reads, writes
        self.read_keys: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, key: str, *arguments: Any, **named: Any) -> AsyncIterator[bytes]:
        """Fails once, at the counted call."""
        self._reads -= 1
        if self._reads == -1:
            raise self._error
        self.read_keys.append(key)
        async for chunk in self._store.read(key, *arguments, **named):
            yield chunk

    async def fetch(self, key: str, path: Path) -> Path:
        """Likewise."""
        self._reads -= 1
        if self._reads == -1:
            raise self._error
        return await self._store.fetch(key, path)

    async def put(self, key: str, chunks: AsyncIterable[bytes] | bytes) -> StoredObject:
        """Fails at the end of the counted call, when all chunks were taken."""
        self._writes -= 1
        if self._writes != -1:
            return await self._store.put(key, chunks)

        async def taken() -> AsyncIterator[bytes]:
            if isinstance(chunks, bytes):
                yield chunks
            else:
                async for chunk in chunks:
                    yield chunk
            raise self._error

        return await self._store.put(key, taken())


async def create_job(graphql: Client, create: str, crawl: Fixture, **arguments: Any) -> str:
    """The id of a new job."""
    (payload,) = (await graphql(create, input={"crawlJobId": crawl.gid, "name": "Job", **arguments})).values()
    (job,) = (payload[name] for name in payload if name != "errors")
    return str(job["id"])


async def stored_keys(services: Services, crawl: Fixture) -> list[str]:
    """The names of what the exports of a crawl have stored."""
    folder = f"{crawl.company.id}/crawls/{crawl.id}/exports"
    return sorted([found.key.rpartition("/")[2] async for found in services.store.list(folder)])


async def test_an_interrupted_check_counts_each_image_once(
    graphql: Client, services: Services, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await store_images(services, crawl, [picture(seed, (40, 30)) for seed in range(70)])
    id = await create_job(user, test_validation.CREATE, crawl, rules={"minWidth": 41})

    async with at_work(services, store=FailingStore(services.store, ConnectionError(), reads=50)):
        job = await wait_for_end(user, test_validation.JOB, id)

    assert (job["phase"], job["attempts"]) == ("SUCCEEDED", 2)
    assert (job["totalImages"], job["validatedImages"], job["invalidImages"]) == (70, 70, 70)
    assert test_validation.issues(job) == [["narrow"]] * 70


async def test_an_interrupted_export_keeps_the_shards_that_were_done(
    graphql: Client, services: Services, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    images = await store_images(services, crawl, [picture(seed, (40, 30)) for seed in range(7)])
    id = await create_job(user, test_exports.CREATE, crawl, format="WEBDATASET", options={"shardSize": 2})
    failing = FailingStore(services.store, StoreUnavailable("no answer"), writes=2)

    async with at_work(services, store=failing):
        job = await wait_for_end(user, test_exports.JOB, id)

    assert (job["phase"], job["exportedImages"]) == ("SUCCEEDED", 7)
    assert [file["imageCount"] for file in job["files"]] == [2, 2, 2, 1, 0]
    first = [image.storage_url for image in images[:4]]
    assert [key for key in failing.read_keys if key in first] == first
    async with download_client(services) as api:
        shards = [(await api.get(file["downloadUrl"])).content for file in job["files"][:-1]]
    packed = [sample["id"] for shard in shards for sample in samples(shard)]
    assert packed == [str(image.id) for image in images]


def samples(shard: bytes) -> list[Any]:
    """The JSON documents of a TAR file."""
    with tarfile.open(fileobj=io.BytesIO(shard)) as opened:
        named = [name for name in opened.getnames() if name.endswith(".json")]
        return [json.load(opened.extractfile(name)) for name in named]  # type: ignore[arg-type]


async def test_an_interrupted_archive_restarts(graphql: Client, services: Services, people: People) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await store_images(services, crawl, [picture(seed, (40, 30)) for seed in range(5)])
    id = await create_job(user, test_exports.CREATE, crawl, format="TAR")

    async with at_work(services, store=FailingStore(services.store, ConnectionError(), reads=3)):
        job = await wait_for_end(user, test_exports.JOB, id)

    assert (job["phase"], job["exportedImages"], job["totalImages"]) == ("SUCCEEDED", 5, 5)
    assert await stored_keys(services, crawl) == ["images.tar"]


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports do not wait for what time may cure."""
    monkeypatch.setattr(PackImages, "retry_deadline", timedelta(0))


async def test_an_export_waits_for_space(graphql: Client, services: Services, people: People) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await store_images(services, crawl, [picture(seed, (40, 30)) for seed in range(5)])
    id = await create_job(user, test_exports.CREATE, crawl, format="PARQUET", options={"shardSize": 2})

    async with at_work(services, store=FailingStore(services.store, StoreFull("os error 28"), writes=1)):
        job = await wait_for_end(user, test_exports.JOB, id)

    assert (job["phase"], job["exportedImages"], job["errorMessage"]) == ("SUCCEEDED", 5, None)
    assert [file["imageCount"] for file in job["files"]] == [2, 2, 1, 0]


@pytest.mark.usefixtures("no_patience")
async def test_a_full_store_fails_the_export_and_nothing_half_stays(
    graphql: Client, services: Services, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await store_images(services, crawl, [picture(seed, (40, 30)) for seed in range(5)])
    id = await create_job(user, test_exports.CREATE, crawl, format="PARQUET", options={"shardSize": 2})

    async with at_work(services, store=FailingStore(services.store, StoreFull("os error 28"), writes=1)):
        job = await wait_for_end(user, test_exports.JOB, id)
        async with asyncio.timeout(PATIENCE):
            while await stored_keys(services, crawl):  # noqa: ASYNC110 - removed by another job
                await asyncio.sleep(0.02)
    async with at_work(services):
        retry = "mutation ($id: ID!) { jobRetry(id: $id) { errors { code } job { id } } }"
        await user(retry, id=id)
        again = await wait_for_end(user, test_exports.JOB, id)

    assert (job["phase"], job["exportedImages"], job["downloadUrl"]) == ("FAILED", 0, None)
    assert job["errorMessage"] == "The object store is full."
    assert job["files"] == []
    assert (again["phase"], again["exportedImages"]) == ("SUCCEEDED", 5)
    assert [file["imageCount"] for file in again["files"]] == [2, 2, 1, 0]


@pytest.mark.usefixtures("no_patience")
async def test_a_full_disk_of_the_worker_fails_the_export(
    graphql: Client, services: Services, people: People
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    await store_images(services, crawl, [picture(1, (40, 30))])
    id = await create_job(user, test_exports.CREATE, crawl, format="ZIP")

    async with at_work(services, store=FailingStore(services.store, OSError(28, "No space left"), writes=0)):
        job = await wait_for_end(user, test_exports.JOB, id)

    assert (job["phase"], job["errorMessage"]) == ("FAILED", "The worker's disk is full.")
    assert await stored_keys(services, crawl) == []
