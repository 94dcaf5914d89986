"""Benchmark of dataset exports: throughput and worker memory by format, and exports that are killed.

Run as `python -m benchmarks.exports [--images 10000] [--formats ZIP PARQUET]`: for each format, a worker
process of its own packs a data set version of so many images of about 40 kB, with labels and splits. Its
memory is the most that it ever had resident; what it has before it packs anything is what it imports. Then
another worker packs the same version and is killed halfway; a third one finishes it, and the package must be
the same, byte for byte.

Prints a table and exits with 1 if a format takes more memory than it may, or if a package differs.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from rich.table import Table
from sqlalchemy import insert
from strawberry import relay

from benchmarks.bounds import Limit, console, verdict
from core.settings import Settings
from db.models import ExportFormat, ImageLabel, LabelSource
from schema.contract import make_schema
from schema.framework.context import Services
from server.app import open_services
from server.installation import open_installation
from server.seed import seed
from tests import factories
from tests.factories import Fixture, a_company, a_user
from tests.factories.imagery import a_dataset, an_image
from tests.graphql_client import Client
from tests.imagery.stored_crawls import a_done_crawl, picture

MEGABYTE = 1024 * 1024
MAX_MEMORY_BYTES = 300 * MEGABYTE
DISTINCT_FILES = 100
"""Distinct image files, shared by the images."""
TIMEOUT_SECONDS = 600

STALE_SECONDS = 5
"""Seconds after which another worker takes over from a killed one."""

FREEZE = """mutation ($id: ID!) { datasetFreeze(id: $id) { errors { message } datasetVersion {
  id imageCount groupCount } } }"""
CREATE = """mutation ($id: ID!, $input: DatasetVersionExportInput!) {
  datasetVersionExport(id: $id, input: $input) { errors { message } exportJob { id } } }"""
LOOK = "query ($id: ID!) { exportJob(id: $id) { phase errorMessage exportedImages fileSize attempts } }"
DELETE = "mutation ($id: ID!) { exportJobDelete(id: $id) { errors { message } } }"


@asynccontextmanager
async def worker(folder: Path) -> AsyncIterator[Process]:
    """Runs a worker process for validations and exports."""
    order = [sys.executable, "-m", "server", "worker", "--data", str(folder), "--queues", "imagery"]
    environment = {**os.environ, "JOB_STALE": str(STALE_SECONDS)}
    process = await asyncio.create_subprocess_exec(*order, stdout=DEVNULL, stderr=DEVNULL, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def peak(process: Process) -> int:
    """Peak resident memory of a process in bytes: proc(5)."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


async def freeze_version(services: Services, client: Client, user: Fixture, count: int) -> str:
    """Freezes a data set of `count` images with labels; returns the ID of the version."""
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
    dataset = a_dataset(crawl.parents[0])
    for start in range(0, count, 1000):
        await factories.save(services.database, *images[start : start + 1000])
    await factories.save(services.database, dataset)
    labels = [
        {
            "image_id": image.id,
            "crawl_job_id": crawl.id,
            "name": f"class {number % 10}",
            "source": LabelSource.PERSON,
        }
        for number, image in enumerate(images)
    ]
    async with services.database.tenant(user.company.id) as uow:
        await uow.execute(insert(ImageLabel), labels)
    begin = perf_counter()
    version = (await client(FREEZE, id=dataset.gid))["datasetFreeze"]["datasetVersion"]
    console.print(f"{version['imageCount']:,} images frozen in {perf_counter() - begin:.1f} s")
    return str(version["id"])


async def create_export(client: Client, version: str, format: ExportFormat) -> str:
    """Creates an export; returns its ID."""
    values = {"name": "Measured", "format": format.name}
    made = (await client(CREATE, id=version, input=values))["datasetVersionExport"]
    return str(made["exportJob"]["id"])


async def wait(client: Client, id: str, packed: int | None = None) -> dict[str, Any]:
    """Waits until the export has ended or, with `packed`, until it has packed so many images."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            job = (await client(LOOK, id=id))["exportJob"]
            if job["phase"] not in ("QUEUED", "ACTIVE") or (packed and job["exportedImages"] >= packed):
                return dict(job)
            await asyncio.sleep(0.05)


async def package_digest(services: Services, company: Fixture, id: str) -> str:
    """Digest of all files of an export by name, without the list of files, which has their keys.

    Finished files of a killed attempt are in its own folder; if a later one wrote one again, that counts.
    """
    key = relay.GlobalID.from_id(id).node_id
    listed = [found.key async for found in services.store.list(f"{company.id}/datasets") if key in found.key]
    latest = {stored.rpartition("/")[2]: stored for stored in sorted(listed)}
    digest = hashlib.sha256()
    for name in sorted(latest.keys() - {"index.json"}):
        digest.update(name.encode())
        async for chunk in services.store.read(latest[name]):
            digest.update(chunk)
    return digest.hexdigest()


async def run_export(client: Client, version: str, format: ExportFormat) -> tuple[str, dict[str, Any]]:
    """Creates an export, and waits for it."""
    id = await create_export(client, version, format)
    return id, await wait(client, id)


async def run_killed(
    client: Client, version: str, format: ExportFormat, folder: Path, count: int
) -> tuple[str, dict[str, Any], int]:
    """Kills the worker of an export halfway; returns the finished export, and the other worker's peak."""
    async with worker(folder) as process:
        id = await create_export(client, version, format)
        await wait(client, id, count // 2)
        process.kill()
        await process.wait()
    async with worker(folder) as process:
        job = await wait(client, id)
        return id, job, peak(process)


async def measure(count: int, formats: Sequence[ExportFormat], folder: Path) -> list[Limit]:
    """Exports the same version in each format, undisturbed and killed."""
    table = Table(
        "format",
        "images a second",
        "MB of the download",
        "MB before",
        "MB at the peak",
        "MB after a kill",
        title=f"{count:,} images",
    )
    bounds = []
    async with open_installation(Settings(data=folder, worker=False)) as ready, AsyncExitStack() as stack:
        services = await open_services(ready, stack)
        await seed(services.database, services.settings)
        user = a_user(a_company())
        client = Client(services, make_schema(), user_id=user.id)
        await factories.save(services.database, user)
        version = await freeze_version(services, client, user, count)
        for format in formats:
            async with worker(folder) as process:
                await run_export(client, version, ExportFormat.CSV)  # it has imported what it needs
                before, begin = peak(process), perf_counter()
                id, job = await run_export(client, version, format)
                seconds, after = perf_counter() - begin, peak(process)
            killed_id, killed, later = await run_killed(client, version, format, folder, count)
            for ended in (job, killed):
                if ended["phase"] != "SUCCEEDED" or ended["exportedImages"] != count:
                    raise RuntimeError(f"{format.name}: {ended}")
            digests = [await package_digest(services, user.company, each) for each in (id, killed_id)]
            await client(DELETE, id=id)
            await client(DELETE, id=killed_id)
            stored = [found.key async for found in services.store.list(f"{user.company.id}/datasets")]
            await services.store.delete(stored)
            figures = [job["fileSize"], before, after, later]
            megabytes = (f"{figure / MEGABYTE:,.0f}" for figure in figures)
            table.add_row(format.name, f"{count / seconds:,.0f}", *megabytes)
            taken = max(after, later) - before
            what = f"worker memory of exporting {count:,} images as {format.name}"
            got = f"{taken / MEGABYTE:.0f} MB"
            bounds.append(Limit(what, f"< {MAX_MEMORY_BYTES // MEGABYTE} MB", got, taken < MAX_MEMORY_BYTES))
            same, attempts = digests[0] == digests[1], killed["attempts"]
            got = f"{'the same' if same else 'different'} bytes after {attempts} attempts"
            what = f"{format.name} whose worker was killed halfway"
            bounds.append(Limit(what, "the same bytes after 2 attempts", got, same and attempts >= 2))
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
