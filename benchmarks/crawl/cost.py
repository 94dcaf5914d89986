"""What a crawl of 1,000 images of one host costs beside a plain loop that does the same to each image.

CPU seconds of the worker with its child processes and of PostgreSQL are counted; the plain loop and
img2dataset (if `IMG2DATASET` names it) count their own processes. All download over 16 connections, in turn,
from a server in a process of its own.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE
from time import perf_counter
from typing import NamedTuple

import psutil
from rich.table import Table

from benchmarks.bounds import Limit, console
from benchmarks.crawl.scaling import create_user, run_crawl, workers
from benchmarks.processes import cpu_seconds
from core.settings import Settings
from server.app import open_services
from server.installation import open_installation
from server.seed import seed
from tests.graphql_client import Client

IMAGES, URLS_PER_LIST = 1000, 100
WIDTHS = (320, 1024)
"""Widths in pixels of the images of each measurement."""
CONNECTIONS = "16"
MAX_CPU_RATIO, MAX_WALL_RATIO = 1.5, 1.3
CRAWL = {
    "CRAWL_HOST_INTERVAL": "0",
    "CRAWL_HOST_CONCURRENCY": CONNECTIONS,
    "CRAWL_CONCURRENCY": CONNECTIONS,
}


class Cost(NamedTuple):
    """Seconds of CPU time, and seconds that passed."""

    cpu: float
    wall: float


async def measure(rounds: int, folder: Path) -> list[Limit]:
    """Crawls and plain loops in turn, for each size of the images."""
    limits: list[Limit] = []
    async with open_installation(Settings(data=folder, worker=False)) as ready, AsyncExitStack() as stack:
        services = await open_services(ready.model_copy(update={"crawl_allow": ("127.0.0.0/8",)}), stack)
        await seed(services.database, services.settings)
        (worker,) = await stack.enter_async_context(workers(folder, 1, **CRAWL))
        processes = [psutil.Process(worker), postgres_process(folder)]
        for width in WIDTHS:
            async with site(width) as urls:
                client, project = await create_user(services)
                await crawl(client, project, urls[:URLS_PER_LIST], processes)
                costs: dict[str, list[Cost]] = {}
                for number in range(rounds):
                    client, project = await create_user(services)
                    costs.setdefault("Seshat", []).append(await crawl(client, project, urls, processes))
                    for name, command in competitors(folder / f"{width}-{number}", urls).items():
                        costs.setdefault(name, []).append(await run(command))
            limits += compare(width, costs)
    return limits


def compare(width: int, costs: dict[str, list[Cost]]) -> list[Limit]:
    """Prints the costs, and compares the crawl's with those of the plain loop."""
    title = f"{IMAGES} images, {width} pixels wide"
    table = Table("", "CPU seconds", "seconds", title=title)
    medians = {name: Cost(*map(median, zip(*values, strict=True))) for name, values in costs.items()}
    for name, cost in medians.items():
        table.add_row(name, f"{cost.cpu:.2f}", f"{cost.wall:.2f}")
    console.print(table)
    ours, plain = medians["Seshat"], medians["aiohttp and Pillow"]
    cpu, wall = ours.cpu / plain.cpu, ours.wall / plain.wall
    return [
        Limit(f"CPU beside a plain loop, {title}", f"<= {MAX_CPU_RATIO}", f"{cpu:.2f}", cpu <= MAX_CPU_RATIO),
        Limit(f"time beside it, {title}", f"<= {MAX_WALL_RATIO}", f"{wall:.2f}", wall <= MAX_WALL_RATIO),
    ]


async def crawl(
    client: Client, project: str, urls: Sequence[str], processes: Sequence[psutil.Process]
) -> Cost:
    """The cost of a crawl of these addresses."""
    before = sum(map(cpu_seconds, processes))
    lists = [urls[start : start + URLS_PER_LIST] for start in range(0, len(urls), URLS_PER_LIST)]
    wall = await run_crawl(client, project, lists)
    return Cost(sum(map(cpu_seconds, processes)) - before, wall)


def competitors(folder: Path, urls: Sequence[str]) -> dict[str, list[str]]:
    """Commands that download the same addresses."""
    folder.mkdir(parents=True)
    addresses = folder / "urls.txt"
    addresses.write_text("\n".join(urls))
    images = folder / "images"
    images.mkdir()
    commands = {
        "aiohttp and Pillow": [
            sys.executable,
            "-m",
            "benchmarks.crawl.plain_loop",
            str(images),
            str(addresses),
        ]
    }
    if program := os.environ.get("IMG2DATASET"):
        commands["img2dataset"] = [
            *(program, f"--url_list={addresses}", f"--output_folder={folder / 'img2dataset'}"),
            *(f"--thread_count={CONNECTIONS}", "--processes_count=1", "--output_format=files"),
            *("--resize_mode=no", "--compute_hash=sha256", "--retries=0"),
        ]
    return commands


async def run(command: Sequence[str]) -> Cost:
    """The cost of a command, with the start of its process."""
    before, began = os.times(), perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(errors.decode()[-2000:])
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(cpu, perf_counter() - began)


@asynccontextmanager
async def site(width: int) -> AsyncIterator[list[str]]:
    """A server with images of this width. Yields their addresses."""
    command = ["-m", "tests.providers.web.fake_site", "--images", str(IMAGES), "--width", str(width)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip().rstrip("/")
        yield [f"{url}/images/{number}.jpg" for number in range(IMAGES)]
    finally:
        process.terminate()
        await process.wait()


def postgres_process(folder: Path) -> psutil.Process:
    """The server of an installation's database."""
    (pid_file,) = folder.rglob("postmaster.pid")
    return psutil.Process(int(pid_file.read_text().split()[0]))
