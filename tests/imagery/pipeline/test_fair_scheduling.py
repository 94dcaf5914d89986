"""Whose chunks come when: of one company, of many, at one host."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from db.crawl_rate_limits import reserve_slot
from resolvers.imagery import crawl_chunks
from schema.framework.context import Services
from tests.graphql_client import Client
from tests.imagery.pipeline import operations
from tests.imagery.pipeline.conftest import Person, a_worker, key, somebody, url_source
from tests.onlooker import Onlooker
from tests.providers.web.fake_site import Site, picture, slow

Stored = Callable[[str, str], Any]
AT_ONCE = 8

MANY = """
INSERT INTO tenant.crawl_chunks (company_id, id, crawl_job_id, number, share, wanted, task, arguments)
SELECT $1, id, $2, number, 500, '{}', 'GatherChunk',
       jsonb_build_object('chunk_id', id, 'crawl_job_id', $2::uuid, 'at_once', 8)
FROM (SELECT gen_random_uuid() AS id, number FROM generate_series(1, $3) AS number) AS made"""
EMPTY = "tenant.crawl_chunks WHERE wanted = '{}'"
RUNNING = "UPDATE tenant.crawl_jobs SET status = 'running' WHERE id = $1"
QUEUE = """
SELECT company_id FROM platform.pgqueuer entry JOIN platform.leases lease ON lease.entry_id = entry.id
WHERE entrypoint = 'crawl' AND company_id = ANY($1) ORDER BY priority DESC, entry.id"""


@pytest_asyncio.fixture(autouse=True)
async def forgotten(onlooker: Onlooker) -> AsyncIterator[None]:
    """Chunks that ask nobody for anything are not left to the workers of other tests."""
    yield
    await onlooker.execute(f"DELETE FROM tenant.crawl_jobs WHERE id IN (SELECT crawl_job_id FROM {EMPTY})")
    await onlooker.execute("DELETE FROM platform.leases WHERE queue = 'crawl'")
    await onlooker.execute("DELETE FROM platform.pgqueuer WHERE entrypoint = 'crawl'")


async def plan_chunks(person: Person, onlooker: Onlooker, count: int) -> UUID:
    """A crawl of so many chunks that nobody has begun."""
    crawl = key(await person.crawl(url_source("https://pictures.example/a.jpg"), start=False))
    await onlooker.execute(RUNNING, crawl)
    await onlooker.execute(MANY, person.user.company.id, crawl, count)
    return crawl


async def admit(services: Services, person: Person) -> None:
    """Let the company's chunks into the queue."""
    async with services.database.tenant(person.user.company.id) as uow:
        await crawl_chunks.enqueue_pending(uow, AT_ONCE)


async def test_ten_thousand_chunks_of_one_company_do_not_delay_anothers_first(
    services: Services, graphql: Client, onlooker: Onlooker
) -> None:
    large, small = await somebody(graphql), await somebody(graphql)
    companies = [person.user.company.id for person in (large, small)]
    await plan_chunks(large, onlooker, 10_000)
    await plan_chunks(small, onlooker, 1)

    await admit(services, large)
    await admit(services, small)
    order = [row["company_id"] for row in await onlooker.fetch(QUEUE, companies)]

    assert order.count(companies[0]) == AT_ONCE
    assert order.index(companies[1]) == 1


async def test_no_more_chunks_of_a_company_are_queued_than_it_may_have(
    services: Services, person: Person, onlooker: Onlooker
) -> None:
    await plan_chunks(person, onlooker, 30)

    await asyncio.gather(*(admit(services, person) for _ in range(5)))

    leased = await onlooker.fetch(QUEUE, [person.user.company.id])
    assert len(leased) == AT_ONCE


async def test_a_companys_chunks_are_worked_on_a_few_at_a_time(
    services: Services, person: Person, stored_objects: Stored
) -> None:
    most = 0
    async with Site().serving() as site:
        urls = [
            site.put(f"/{number}.jpg", slow(picture(number), 0.2, type="image/jpeg")) for number in range(12)
        ]
        id = await person.crawl(*(url_source(url) for url in urls))
        async with a_worker(services, crawl_company_chunks=2, queue_slots={"crawl": 6}):
            async with person.graphql.watch(operations.WATCH, id=id) as results:
                async for result in results:
                    most = max(most, result.data["jobProgress"]["activeChunks"])
            crawl = await person.ended(id)

    assert (crawl["totalChunks"], crawl["completedChunks"], crawl["downloadedImages"]) == (12, 12, 12)
    assert most <= 2
    assert site.busiest <= 2


async def test_turns_at_a_host_are_apart_whoever_takes_them(services: Services) -> None:
    async with services.database.platform() as uow:
        await uow.execute(text("DELETE FROM platform.host_turns"))

    waits = await asyncio.gather(*(reserve_slot(services.database, "a.example:443", 10) for _ in range(4)))
    elsewhere = await reserve_slot(services.database, "b.example:443", 10)

    assert [round(wait / 10) for wait in sorted(waits)] == [0, 1, 2, 3]
    assert elsewhere == 0


async def test_what_a_fault_left_standing_goes_on(
    services: Services, person: Person, onlooker: Onlooker
) -> None:
    idle, done = await plan_chunks(person, onlooker, 3), await plan_chunks(person, onlooker, 1)
    await onlooker.execute(
        "UPDATE tenant.crawl_chunks SET status = 'completed' WHERE crawl_job_id = $1", done
    )

    async with services.database.tenant(person.user.company.id) as uow:
        await crawl_chunks.recover(uow, AT_ONCE)
    waiting = await onlooker.fetch(
        """SELECT coalesce(chunk.crawl_job_id, lease.id) AS crawl, count(*)
        FROM platform.leases lease LEFT JOIN tenant.crawl_chunks chunk ON chunk.id = lease.id
        WHERE lease.company_id = $1 GROUP BY 1""",
        person.user.company.id,
    )

    assert {row["crawl"]: row["count"] for row in waiting} == {idle: 3, done: 1}
