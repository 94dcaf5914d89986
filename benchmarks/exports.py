"""Benchmark of dataset exports: throughput and worker memory by format.

Run as `python -m benchmarks.exports [--images 10000] [--formats ZIP PARQUET]`: for each format, a worker
process of its own packs so many images of about 40 kB. Its memory is the most that it ever had
resident; what it has before it packs anything is what it imports.

Prints a table and exits with 1 if a format takes more memory than it may.
"""

import argparse
import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from rich.table import Table

from benchmarks.bounds import Limit, console, verdict
from core.settings import Settings
from db.models import ExportFormat
from schema.contract import make_schema
from schema.framework.context import Services
from server.app import open_services
from server.installation import open_installation
from server.seed import seed
from tests import factories
from tests.factories import Fixture, a_company, a_user
from tests.factories.imagery import an_image
from tests.graphql_client import Client
from tests.imagery.stored_crawls import a_done_crawl, picture

MEGABYTE = 1024 * 1024
MAX_MEMORY_BYTES = 300 * MEGABYTE
DISTINCT_FILES = 100
"""Distinct image files, shared by the images."""
TIMEOUT_SECONDS = 600

CREATE = """mutation ($input: ExportJobCreateInput!) { exportJobCreate(input: $input) {
  errors { message } exportJob { id } } }"""
LOOK = "query ($id: ID!) { exportJob(id: $id) { phase errorMessage exportedImages fileSize } }"
DELETE = "mutation ($id: ID!) { exportJobDelete(id: $id) { errors { message } } }"


@asynccontextmanager
async def worker(folder: Path) -> AsyncIterator[Process]:
    """Runs a worker process for validations and exports."""
    order = [sys.executable, "-m", "server", "worker", "--data", str(folder), "--queues", "imagery"]
    process = await asyncio.create_subprocess_exec(*order, stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


def peak(process: Process) -> int:
    """Peak resident memory of a process in bytes: proc(5)."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


async def store_images(services: Services, user: Fixture, count: int) -> Fixture:
    """Creates a crawl with `count` images."""
    crawl = a_done_crawl(user, total_images=count, downloaded_images=count, max_images=count)
    contents = [picture(seed, (480, 360), quality=80) for seed in range(DISTINCT_FILES)]
    keys = [f"{user.company.id}/pictures/{seed}" for seed in range(DISTINCT_FILES)]
    for key, content in zip(keys, contents, strict=True):
        await services.store.put(key, content)
    images = [
        an_image(
            crawl,
            storage_url=keys[number % DISTINCT_FILES],
            file_size=len(contents[number % DISTINCT_FILES]),
            hash=f"{number:064x}",
            width=480,
            height=360,
            licence="CC BY 4.0",
            attribution=f"Photographer {number % 500}",
        )
        for number in range(count)
    ]
    for start in range(0, count, 1000):
        await factories.save(services.database, *images[start : start + 1000])
    return crawl


async def run_export(client: Client, crawl: Fixture, format: ExportFormat) -> dict[str, Any]:
    """Creates an export, and waits for it."""
    values = {"crawlJobId": crawl.gid, "name": "Measured", "format": format.name}
    id = (await client(CREATE, input=values))["exportJobCreate"]["exportJob"]["id"]
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            job = (await client(LOOK, id=id))["exportJob"]
            if job["phase"] not in ("QUEUED", "ACTIVE"):
                await client(DELETE, id=id)
                return dict(job)
            await asyncio.sleep(0.05)


async def measure(count: int, formats: Sequence[ExportFormat], folder: Path) -> list[Limit]:
    """Exports the same images in each format."""
    table = Table(
        "format", "images a second", "MB written", "MB before", "MB at the peak", title=f"{count:,} images"
    )
    bounds = []
    async with open_installation(Settings(data=folder, worker=False)) as ready, AsyncExitStack() as stack:
        services = await open_services(ready, stack)
        await seed(services.database, services.settings)
        user = a_user(a_company())
        crawl = await store_images(services, user, count)
        client = Client(services, make_schema(), user_id=user.id)
        for format in formats:
            async with worker(folder) as process:
                await run_export(
                    client, crawl, ExportFormat.CSV
                )  # it has started, and imported what it needs
                before, begin = peak(process), perf_counter()
                job = await run_export(client, crawl, format)
                seconds, after = perf_counter() - begin, peak(process)
            if job["phase"] != "SUCCEEDED" or job["exportedImages"] != count:
                raise RuntimeError(f"{format.name}: {job}")
            stored = [found.key async for found in services.store.list(f"{user.company.id}/crawls")]
            await services.store.delete(stored)
            figures = [job["fileSize"] / MEGABYTE, before / MEGABYTE, after / MEGABYTE]
            table.add_row(format.name, f"{count / seconds:,.0f}", *(f"{figure:,.0f}" for figure in figures))
            taken = after - before
            what = f"worker memory of exporting {count:,} images as {format.name}"
            got = f"{taken / MEGABYTE:.0f} MB"
            bounds.append(Limit(what, f"< {MAX_MEMORY_BYTES // MEGABYTE} MB", got, taken < MAX_MEMORY_BYTES))
    console.print(table)
    return bounds


def main() -> int:
    """Returns exit code 1 if a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    names = [format.name for format in ExportFormat]
    parser.add_argument("--formats", nargs="+", choices=names, default=names, metavar="FORMAT")
    values = parser.parse_args()
    formats = [ExportFormat[name] for name in values.formats]
    with TemporaryDirectory(prefix="seshat-bench-") as folder:
        return verdict(asyncio.run(measure(values.images, formats, Path(folder))))


if __name__ == "__main__":
    sys.exit(main())
