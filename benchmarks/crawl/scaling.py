"""Scaling of crawls: two workers against one, on ten local hosts with latency.

The same images are gathered with one worker process and with two, in turn, by crawls of as many chunks as
there are lists. Turns at hosts are taken as everywhere.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.table import Table

from benchmarks.bounds import Limit, console
from core.settings import Settings
from schema.contract import make_schema
from schema.framework.context import Services
from server.app import open_services
from server.installation import open_installation
from server.seed import seed
from tests import factories
from tests.factories import a_company, a_project, a_user
from tests.graphql_client import Client
from tests.providers.web.fake_site import Site, picture, sites

HOSTS, LATENCY = 10, 0.8
LISTS_EACH, IMAGES_EACH = 2, 16
"""URL lists (chunks) per host, and images per list."""
MIN_SPEEDUP = 1.8
TIMEOUT_SECONDS = 300

CREATE = """mutation ($input: CrawlJobCreateInput!) { crawlJobCreate(input: $input) {
  errors { message } crawlJob { id } } }"""
LOOK = "query ($id: ID!) { crawlJob(id: $id) { phase errorMessage downloadedImages } }"


@asynccontextmanager
async def workers(folder: Path, count: int, **settings: str) -> AsyncIterator[list[int]]:
    """Runs worker processes that crawl local hosts. Yields their process ids."""
    order = [sys.executable, "-m", "server", "worker", "--data", str(folder), "--queues", "crawl"]
    allowed = os.environ | {"CRAWL_ALLOW": "127.0.0.0/8"} | settings
    processes = [
        await asyncio.create_subprocess_exec(*order, stdout=DEVNULL, stderr=DEVNULL, env=allowed)
        for _ in range(count)
    ]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in processes))


async def run_crawl(client: Client, project: str, lists: Sequence[Sequence[str]]) -> float:
    """Crawls all images of the lists. Returns the seconds."""
    sources = [{"kind": "URLS", "urls": list(urls)} for urls in lists]
    values = {"projectId": project, "name": "Measured", "keywords": ["measured"], "sources": sources}
    begin = perf_counter()
    id = (await client(CREATE, input=values))["crawlJobCreate"]["crawlJob"]["id"]
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            crawl = (await client(LOOK, id=id))["crawlJob"]
            if crawl["phase"] not in ("QUEUED", "ACTIVE"):
                break
            await asyncio.sleep(0.05)
    if crawl["phase"] != "SUCCEEDED" or crawl["downloadedImages"] != sum(map(len, lists)):
        raise RuntimeError(str(crawl))
    return perf_counter() - begin


def serve(hosts: Sequence[Site]) -> list[list[str]]:
    """Lists of distinct image URLs, one host per list."""
    lists: list[list[str]] = []
    for part in range(LISTS_EACH):
        for host, site in enumerate(hosts):
            numbers = [(part * HOSTS + host) * IMAGES_EACH + number for number in range(IMAGES_EACH)]
            lists.append([site.put(f"/{number}.jpg", picture(number)) for number in numbers])
    return lists


async def measure(rounds: int, folder: Path) -> list[Limit]:
    """Alternates between one and two workers."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    async with open_installation(Settings(data=folder, worker=False)) as ready, AsyncExitStack() as stack:
        services = await open_services(ready.model_copy(update={"crawl_allow": ("127.0.0.0/8",)}), stack)
        await seed(services.database, services.settings)
        lists = serve(await stack.enter_async_context(sites(HOSTS, LATENCY)))
        for _ in range(rounds):
            for count in seconds:
                async with workers(folder, count):
                    client, project = await create_user(services)
                    await warm_up(client, project, lists)
                    seconds[count].append(await run_crawl(client, project, lists))
    images = sum(map(len, lists))
    table = Table("workers", "seconds", "images a second", title=f"{images} images of {HOSTS} hosts")
    for count, times in seconds.items():
        table.add_row(str(count), f"{median(times):.1f}", f"{images / median(times):.0f}")
    console.print(table)
    ratio = median(seconds[1]) / median(seconds[2])
    what = "how much faster two workers crawl than one"
    return [Limit(what, f">= {MIN_SPEEDUP}", f"{ratio:.2f}", ratio >= MIN_SPEEDUP)]


async def create_user(services: Services) -> tuple[Client, str]:
    """A user of a new company, with a project."""
    project = a_project(a_user(a_company()))
    await factories.save(services.database, project)
    return Client(services, make_schema(), user_id=project.user_id), project.gid


async def warm_up(client: Client, project: str, lists: Sequence[Sequence[str]]) -> None:
    """Runs a crawl so that all workers have imported their modules."""
    await run_crawl(client, project, [urls[:2] for urls in lists])
