"""Crawls that people steer, and workers that die in the middle."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from strawberry.relay import GlobalID

from db.models import RoleName
from schema.framework.context import Services
from tests.graphql_client import Client
from tests.imagery.pipeline import operations
from tests.imagery.pipeline.conftest import Person, a_worker, key, somebody, start_worker, url_source, walk
from tests.onlooker import Onlooker
from tests.providers.web.fake_site import Site, gallery, picture, slow

WATCH_JOB = "subscription ($id: ID!) { jobProgress(id: $id) { status } }"
Stored = Callable[[str, str], Any]


def slow_pictures(site: Site, count: int, seconds: float) -> list[str]:
    """So many pictures, each of which takes a while."""
    return [
        site.put(f"/{number}.jpg", slow(picture(number), seconds, type="image/jpeg"))
        for number in range(count)
    ]


async def test_a_cancelled_crawl_stops_within_a_second(
    services: Services, person: Person, site: Site, stored_objects: Stored
) -> None:
    urls = slow_pictures(site, 300, 0.3)
    id = await person.crawl(*(url_source(*urls[start : start + 20]) for start in range(0, 300, 20)))
    async with a_worker(services):
        await person.until(id, lambda crawl: crawl["downloadedImages"] > 0)
        answer = await person(operations.CANCEL, id=id)
        before = len(site.requests)
        crawl = await person.until(id, lambda crawl: crawl["activeChunks"] == 0)
        request = len(site.requests)
        again = await person(operations.CANCEL, id=id)

    assert answer["jobCancel"]["job"]["status"] == again["jobCancel"]["job"]["status"] == "CANCELLED"
    # A request takes 0.3 seconds: in one second, each slot begins at most four.
    assert request - before <= 4 * services.settings.crawl_host_concurrency
    assert len(site.requests) == request
    assert (crawl["totalChunks"], crawl["activeChunks"], crawl["failedChunks"]) == (15, 0, 0)
    rows = await stored_objects("SELECT count(*) FROM tenant.images WHERE crawl_job_id = $1", id)
    assert rows == [((await person(operations.CRAWL, id=id))["crawlJob"]["downloadedImages"],)]
    live = (
        """SELECT count(*) FROM platform.leases JOIN tenant.crawl_chunks USING (id) WHERE crawl_job_id = $1"""
    )
    assert await stored_objects(live, id) == [(0,)]


async def test_a_crawl_that_is_restarted_counts_from_zero(
    services: Services, person: Person, site: Site, stored_objects: Stored
) -> None:
    urls = [site.put(f"/{number}.jpg", picture(number)) for number in range(20)]
    slow_one = site.put("/slow.jpg", slow(picture(99), 3, type="image/jpeg"))
    id = await person.crawl(url_source(*urls, slow_one))
    async with a_worker(services):
        await person.until(id, lambda crawl: crawl["downloadedImages"] > 0)
        await person(operations.CANCEL, id=id)
    begun = await person(operations.RETRY, id=id)
    waiting = (await person(operations.CRAWL, id=id))["crawlJob"]
    site.put("/slow.jpg", picture(99))
    async with a_worker(services):
        crawl = await person.ended(id)

    assert begun["jobRetry"]["job"]["status"] == "PENDING"
    counters = [name for name in waiting if name.endswith(("Images", "Chunks"))]
    assert [waiting[name] for name in counters] == [0] * len(counters)
    assert (crawl["totalImages"], crawl["downloadedImages"], crawl["totalChunks"]) == (21, 21, 1)
    assert await stored_objects("SELECT count(*) FROM tenant.images WHERE crawl_job_id = $1", id) == [(21,)]


async def test_starting_twice_is_starting_once(services: Services, person: Person, site: Site) -> None:
    id = await person.crawl(url_source(site.put("/a.jpg", picture(1))), start=False)
    first = await person(operations.START, id=id)
    second = await person(operations.START, id=id)
    async with a_worker(services):
        crawl = await person.ended(id)

    assert first["jobStart"]["job"]["status"] == second["jobStart"]["job"]["status"] == "PENDING"
    assert (crawl["totalChunks"], crawl["downloadedImages"]) == (1, 1)


async def killed_at(process: subprocess.Popen[bytes], person: Person, id: str, images: int) -> None:
    """Kill the worker once the crawl has so many images."""
    try:
        await person.until(id, lambda crawl: crawl["downloadedImages"] >= images)
    finally:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)


async def test_workers_that_are_killed_lose_nothing_and_double_nothing(
    services: Services, person: Person, stored_objects: Stored
) -> None:
    async with Site(latency=0.1).serving() as site:
        start = gallery(site, {f"{number}.jpg": picture(number) for number in range(80)}, per_page=10)
        urls = [f"{site.url}/images/{number}.jpg" for number in range(30, 80)]
        id = await person.crawl(walk(start), url_source(*urls))

        await killed_at(start_worker(services), person, id, 5)
        await killed_at(start_worker(services), person, id, 30)
        async with a_worker(services):
            crawl = await person.ended(id)

    assert (crawl["totalImages"], crawl["downloadedImages"], crawl["problems"]) == (80, 80, [])
    chunks = [crawl[f"{each}Chunks"] for each in ("total", "active", "completed", "failed")]
    assert chunks == [chunks[0], 0, chunks[0], 0]
    images = "SELECT original_url, hash, sequence FROM tenant.images WHERE crawl_job_id = $1"
    rows = await stored_objects(images, id)
    assert [len(set(column)) for column in zip(*rows, strict=True)] == [80, 80, 80]
    states = "SELECT DISTINCT state FROM tenant.crawl_candidates WHERE crawl_job_id = $1"
    assert await stored_objects(states, id) == [("stored",)]


async def test_everybody_sees_images_as_they_come(services: Services, person: Person, site: Site) -> None:
    urls = [site.put(f"/{number}.jpg", picture(number)) for number in range(40)]
    id = await person.crawl(url_source(*urls[:20]), url_source(*urls[20:]))
    events: list[Any] = []

    async def watch(after: str | None, most: int) -> None:
        async with person.graphql.watch(operations.GALLERY, id=id, after=after) as results:
            async for result in results:
                assert result.errors is None
                events.append(result.data["imagesAdded"])
                if len(events) == most:
                    return

    async with a_worker(services):
        await watch(None, 1)
        await watch(events[0]["cursor"], 10_000)

    names = [image["filename"] for event in events for image in event["images"]]
    assert sorted(names) == sorted(f"{number}.jpg" for number in range(40))
    other = await person.crawl(url_source(urls[0]), start=False)
    async with person.graphql.watch(operations.GALLERY, id=other, after=events[0]["cursor"]) as results:
        refused = await anext(results)
    assert [(error.extensions["code"], error.extensions["path"]) for error in refused.errors] == [
        ("INVALID", ["after"])
    ]


async def test_a_crawls_progress_is_that_of_its_images(
    services: Services, person: Person, site: Site
) -> None:
    urls = [
        site.put(f"/{number}.jpg", slow(picture(number), 0.05, type="image/jpeg")) for number in range(60)
    ]
    id = await person.crawl(url_source(*urls), maxImages=60)
    seen: list[Any] = []
    async with person.graphql.watch(operations.WATCH, id=id) as results:
        seen.append((await anext(results)).data["jobProgress"])
        async with a_worker(services):
            seen += [result.data["jobProgress"] async for result in results]

    assert (seen[0]["status"], seen[-1]["status"], seen[-1]["progress"]) == ("PENDING", "COMPLETED", 100)
    downloaded = [event["downloadedImages"] for event in seen]
    assert downloaded == sorted(downloaded)
    assert len(set(downloaded)) > 2
    assert all(
        event["progress"] == min(99, event["downloadedImages"] * 100 // 60)
        for event in seen
        if event["status"] == "RUNNING"
    )
    assert all(
        0 <= event["activeChunks"] + event["completedChunks"] + event["failedChunks"] <= event["totalChunks"]
        for event in seen
    )


@pytest.mark.parametrize("removal", ["crawl", "image"])
async def test_a_picture_is_kept_as_long_as_an_image_has_it(
    services: Services, graphql: Client, site: Site, onlooker: Onlooker, removal: str
) -> None:
    person = await somebody(graphql, RoleName.MANAGER)
    urls = [site.put(f"/{number}.jpg", picture(number)) for number in range(3)]
    one, two = await person.crawl(url_source(*urls[:2])), await person.crawl(url_source(*urls[1:]))
    async with a_worker(services):
        await person.ended(one)
        await person.ended(two)
        before = await pictures(services, person)
        if removal == "crawl":
            await person(operations.DELETE, id=one)
        else:
            for image in (await person(operations.IMAGES, id=one))["crawlJob"]["images"]["nodes"]:
                await person(operations.DELETE_IMAGE, id=image["id"])
        removals = "SELECT id FROM tenant.processing_jobs WHERE company_id = $1 AND task LIKE 'RemoveUnused%'"
        for row in await onlooker.fetch(removals, person.user.company.id):
            job = str(GlobalID("ProcessingJob", str(row["id"])))
            async with person.graphql.watch(WATCH_JOB, id=job) as results:
                *_, last = [result.data["jobProgress"] async for result in results]
            assert last["status"] == "COMPLETED"
        after = await pictures(services, person)

    kept = await onlooker.fetch(
        "SELECT storage_url, thumbnail_key FROM tenant.images WHERE crawl_job_id = $1", key(two)
    )
    assert len(before) == 6
    assert after == {each for row in kept for each in row}
    assert len(after) == 4


async def pictures(services: Services, person: Person) -> set[str]:
    """The keys of all that a company's images store."""
    company = person.user.company.id
    folders = f"{company}/images/", f"{company}/thumbnails/"
    return {stored_objects.key for folder in folders async for stored_objects in services.store.list(folder)}
