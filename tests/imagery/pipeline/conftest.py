"""People who crawl sites on this machine, with workers that may."""

import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image
from strawberry.relay import GlobalID

from db.models import RoleName
from schema.framework.context import Services
from server.provider_factory import open_sources, worker_services
from server.worker import Worker
from tests import factories
from tests.factories import Fixture, a_company, a_project, a_user
from tests.graphql_client import Client
from tests.imagery.pipeline import operations
from tests.onlooker import Onlooker
from tests.providers.web.fake_site import Site, picture
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 90
"""Seconds after which a test gives up waiting."""
ORIENTATION, QUARTER_TURN = 0x0112, 6
"""The EXIF tag that says how a picture is held, and one of its values."""
ENDED = ("COMPLETED", "FAILED", "CANCELLED")
LOCAL: dict[str, Any] = {
    "crawl_allow": ("127.0.0.0/8",),
    "crawl_host_interval": 0.0,
    "crawl_retries": 0,
    "crawl_retry_seconds": 0.0,
    "crawl_silence": 30.0,
    "crawl_timeout": 60.0,
    "job_heartbeat": 0.2,
    "job_stale": 1.0,
}
"""Settings of workers that may crawl this machine, and are soon missed."""


@asynccontextmanager
async def a_worker(services: Services, **changes: Any) -> AsyncIterator[Worker]:
    """A worker in this process that crawls and clears away."""
    settings = services.settings.model_copy(update=LOCAL | changes)
    async with AsyncExitStack() as stack:
        sources = open_sources(services.database, settings, stack)
        work = worker_services(
            services.database, settings, services.store, services.embedders, services.vectors, sources
        )
        yield await stack.enter_async_context(
            Worker(work, services.events.listener, queues=("crawl", "upkeep"))
        )


def start_worker(services: Services, **changes: str) -> subprocess.Popen[bytes]:
    """A worker in a process of its own; `changes` are environment variables."""
    environment = os.environ | {
        "DATABASE_URL": str(services.settings.database_url),
        "SECRET_KEY": services.settings.secret(),
        "CRAWL_ALLOW": "127.0.0.0/8",
        "CRAWL_HOST_INTERVAL": "0",
        "CRAWL_RETRIES": "0",
        "CRAWL_RETRY_SECONDS": "0",
        "JOB_HEARTBEAT": "0.2",
        "JOB_STALE": "1",
        **changes,
    }
    command = [sys.executable, "-m", "server", "worker", "--data", str(services.settings.data)]
    return subprocess.Popen([*command, "--queues", "crawl"], cwd=ROOT, env=environment)


@dataclass(frozen=True)
class Person:
    """Somebody with a project who crawls for it."""

    user: Fixture
    project: Fixture
    graphql: Client

    async def __call__(self, document: str, **variables: Any) -> Any:
        """The data; errors fail the test."""
        return await self.graphql(document, **variables)

    async def crawl(self, *sources: Any, **values: Any) -> str:
        """The id of a new crawl of these sources, that waits for a worker."""
        defaults = {"projectId": self.project.gid, "name": "Pictures", "keywords": ["pictures"]}
        made = await self(operations.CREATE, input=defaults | {"sources": list(sources)} | values)
        return str(made["crawlJobCreate"]["crawlJob"]["id"])

    async def until(self, id: str, condition: Callable[[Any], Any]) -> Any:
        """The crawl, once something holds for it."""

        async def look() -> Any:
            return (await self(operations.CRAWL, id=id))["crawlJob"]

        return await until(self.graphql.services.events.listener, look, condition, PATIENCE)

    async def ended(self, id: str, status: str = "COMPLETED") -> Any:
        """The crawl, once it has ended; it must have ended so, and its outcome must add up."""
        crawl = await self.until(id, lambda crawl: crawl["status"] in ENDED)
        assert crawl["status"] == status, crawl
        assert_adds_up(crawl)
        return crawl

    async def candidates(self, id: str, **filter: str) -> list[Any]:
        """All addresses that the crawl has seen."""
        found: list[Any] = []
        after = None
        while True:
            answer = await self(operations.CANDIDATES, filter={"crawlJobId": id, **filter}, after=after)
            found += answer["crawlCandidates"]["nodes"]
            if not answer["crawlCandidates"]["pageInfo"]["hasNextPage"]:
                return found
            after = answer["crawlCandidates"]["pageInfo"]["endCursor"]


def assert_adds_up(crawl: Any) -> None:
    """What a crawl has seen is what it stored, left out, refused and still has to do, exactly."""
    outcome = crawl["outcome"]
    ends = ("stored", "duplicates", "refused", "bounded", "waiting")
    assert outcome["seen"] == sum(outcome[end] for end in ends) == crawl["totalImages"], crawl
    assert outcome["stored"] == crawl["downloadedImages"], crawl
    pages = outcome["refusedPages"] + outcome["boundedPages"]
    assert crawl["candidates"]["totalCount"] == outcome["seen"] + pages, crawl
    refused = outcome["refused"] + outcome["refusedPages"]
    assert sum(problem["count"] for problem in crawl["problems"]) == refused, crawl
    assert crawl["status"] == "CANCELLED" or outcome["waiting"] == 0, crawl


def key(id: str) -> UUID:
    """The key inside a global id."""
    return UUID(GlobalID.from_id(id).node_id)


def walk(url: str, **bounds: int) -> dict[str, Any]:
    """A source: this site."""
    return {"kind": "SITE", "startUrls": [url], **bounds}


def url_source(*urls: str) -> dict[str, Any]:
    """A source: these addresses."""
    return {"kind": "URLS", "urls": list(urls)}


async def somebody(graphql: Client, role: RoleName = RoleName.USER) -> Person:
    """Somebody new, in a company of their own."""
    user = a_user(a_company(), role)
    project = a_project(user)
    await factories.save(graphql.services.database, project)
    return Person(user, project, graphql.of(user))


@pytest_asyncio.fixture
async def person(graphql: Client) -> Person:
    """Somebody in a company of their own."""
    return await somebody(graphql)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    """A site that has nothing yet."""
    async with Site().serving() as site:
        yield site


@pytest.fixture
def stored_objects(onlooker: Onlooker) -> Callable[[str, str], Any]:
    """Runs a query with the key of a crawl as `$1`, past every fence."""

    async def fetch(query: str, crawl: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await onlooker.fetch(query, key(crawl))]

    return fetch


@pytest.fixture(scope="session")
def bad() -> dict[str, bytes]:
    """Files that are no pictures to take, all served as JPEG."""
    whole = picture(1)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.txt", "hidden")
    return {
        "truncated": whole[: len(whole) // 2],
        "archive": whole + archive.getvalue(),
        "page-behind": whole + b"<script>alert(1)</script>",
        "dot": draw_image("RGB", (1, 1), "PNG"),
        "huge": draw_image("1", (30_000, 30_000), "PNG"),
        "drawing": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "page": b"<!doctype html><title>Not found</title>",
        "noise": bytes(range(256)) * 8,
        "empty": b"",
    }


@pytest.fixture(scope="session")
def unusual() -> dict[str, bytes]:
    """Pictures of less common kinds."""
    shade = Image.linear_gradient("L").resize((64, 48))
    turned, animated, deep = BytesIO(), BytesIO(), BytesIO()
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    shade.save(turned, "JPEG", exif=exif)
    frames = [shade.rotate(angle) for angle in (45, 90, 180)]
    shade.save(animated, "GIF", save_all=True, append_images=frames)
    Image.fromarray(np.asarray(shade, dtype=np.uint16) * 257).save(deep, "PNG")
    return {
        "turned.jpg": turned.getvalue(),
        "animated.gif": animated.getvalue(),
        "deep.png": deep.getvalue(),
        "cmyk.jpg": draw_image("CMYK", (64, 48), "JPEG"),
        "see-through.png": draw_image("RGBA", (64, 48), "PNG"),
    }


def draw_image(mode: str, size: tuple[int, int], format: str) -> bytes:
    """A picture of one colour, as a file."""
    file = BytesIO()
    Image.new(mode, size).save(file, format)
    return file.getvalue()
