"""Crawls whose images are really stored, and a worker that checks and packs them."""

import hashlib
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
from PIL import Image as Pixels
from starlette.applications import Starlette

from core.ports import ObjectStore
from db.ids import new_id
from db.models import JobStatus
from schema.framework.context import Services
from server.http.files import FileServices, routes
from server.provider_factory import worker_services
from server.worker import Worker
from tests import factories
from tests.factories import Fixture, a_project
from tests.factories.imagery import a_crawl, an_image
from tests.graphql_client import Client
from tests.waiting import until

PATIENCE = 60
QUEUES = ("imagery", "upkeep")


@asynccontextmanager
async def at_work(
    services: Services, *, store: ObjectStore | None = None, **changes: Any
) -> AsyncIterator[Worker]:
    """A worker for checks and exports, in this process."""
    settings = services.settings.model_copy(update=changes)
    work = worker_services(
        services.database,
        settings,
        store or services.store,
        services.embedders,
        services.vectors,
        services.sources,
    )
    async with Worker(work, services.events.listener, queues=QUEUES) as worker:
        yield worker


@asynccontextmanager
async def download_client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever follows links to files, in this process."""
    wiring = FileServices(services.database, services.store, services.links)
    transport = httpx.ASGITransport(Starlette(routes=routes(lambda: wiring)))
    async with httpx.AsyncClient(transport=transport, base_url="http://seshat.test") as client:
        yield client


def picture(seed: int, size: tuple[int, int] = (320, 240), format: str = "JPEG", **options: Any) -> bytes:
    """A picture with edges, unlike that of any other seed."""
    random = np.random.default_rng(seed)
    patches = Pixels.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    soft = np.asarray(patches.resize(size, Pixels.Resampling.BICUBIC), np.int16)
    grain = random.integers(-20, 20, soft.shape, dtype=np.int16)
    drawn = Pixels.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))
    return encode(drawn, format, **options)


def encode(drawn: Pixels.Image, format: str, **options: Any) -> bytes:
    """The picture's file."""
    file = io.BytesIO()
    drawn.save(file, format, **options)
    return file.getvalue()


def a_done_crawl(user: Fixture, **values: Any) -> Fixture:
    """A crawl that has ended."""
    defaults = {
        "status": JobStatus.COMPLETED,
        "progress": 100,
        "total_images": 1000,
        "downloaded_images": 1000,
    }
    return a_crawl(a_project(user), **{**defaults, **values})


async def store_images(
    services: Services, crawl: Fixture, contents: Sequence[bytes], **values: Any
) -> list[Fixture]:
    """Images of the crawl with these contents, in this order."""
    images = []
    for content in contents:
        key = f"{crawl.company.id}/crawls/{crawl.id}/{new_id()}"
        await services.store.put(key, content)
        known = {"storage_url": key, "file_size": len(content), "hash": hashlib.sha256(content).hexdigest()}
        images.append(an_image(crawl, **{**known, **describe(content), **values}))
    await factories.save(services.database, *images)
    return images


def describe(content: bytes) -> dict[str, Any]:
    """What a crawl would have found out of a picture; nothing of what does not open."""
    try:
        with Pixels.open(io.BytesIO(content)) as opened:
            format = (opened.format or "").lower().replace("jpeg", "jpg")
            return {"width": opened.width, "height": opened.height, "format": format}
    except OSError:
        return {}


async def wait_for_end(graphql: Client, document: str, id: str) -> Any:
    """The job, once it has ended."""

    async def look() -> Any:
        (job,) = (await graphql(document, id=id)).values()
        return job

    def over(job: Any) -> bool:
        return job["phase"] not in ("QUEUED", "ACTIVE")

    return await until(graphql.services.events.listener, look, over, PATIENCE)
