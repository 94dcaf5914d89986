"""A page that needs much computing, and a large set: resolution, memory and CPU per page."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from benchmarks.drawings.odd_pdfs import plain, strokes_source
from benchmarks.drawings.sections import Limit, console
from pipelines.drawings import page_drawing
from pipelines.drawings.page_drawing import draw_page, inspect_file
from pipelines.runtime.process_pool import Limits, ProcessPool
from server.demo import drawings

STROKES = 300_000
LARGE_SET_PAGES = int(os.environ.get("LARGE_SET_PAGES", "300"))
MAX_SET_BYTES = 1_500_000_000


@dataclass
class LocalRun:
    """What drawing needs of a run."""

    processes: ProcessPool
    services: Any = field(
        default_factory=lambda: SimpleNamespace(
            settings=SimpleNamespace(drawing_dpi=300.0, drawing_max_pages=500, drawing_max_pixels=150_000_000)
        )
    )

    async def cpu_within(self, limits: float | Limits, function: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.processes.run_within(limits, function, *args, **kwargs)


def slow_page(data: Path, folder: Path) -> Iterator[Limit]:
    """300,000 short strokes under soft masks end at a lower resolution, which the page's warnings tell."""
    path = folder / "slow.pdf"
    path.write_bytes(plain(strokes_source(STROKES)))
    page = asyncio.run(draw_first(path, folder))
    console.print(f"{STROKES:,} strokes: {page.dpi} dpi; {' '.join(page.warnings)}")
    is_reduced = page.reduced and page.dpi in page_drawing.LOWER_RESOLUTIONS and bool(page.warnings)
    yield Limit("a page that needs too much", "< 300 dpi, said", f"{page.dpi} dpi", is_reduced)


async def draw_first(path: Path, folder: Path) -> Any:
    processes = ProcessPool(1)
    try:
        run: Any = LocalRun(processes)
        document = await inspect_file(run, path, path.name)
        return await draw_page(run, document, 1, folder / "slow.png", 120.0)
    finally:
        await processes.close()


def large_set(data: Path, folder: Path) -> Iterator[Limit]:
    """A set of 300 sheets of 24 x 18 inches at 300 dpi: CPU seconds per page, and memory of all processes."""
    sheet = drawings.plan("A-101", "GROUND FLOOR PLAN", 3, size=(1728, 1296), changed=0.1)
    path = folder / "set.pdf"
    drawings.write([sheet] * LARGE_SET_PAGES, 0, path)
    cpu, peak = asyncio.run(draw_all(path, folder))
    console.print(
        f"{LARGE_SET_PAGES} pages: {cpu / LARGE_SET_PAGES:.2f} CPU s a page, {peak >> 20} MB at most"
    )
    yield Limit(
        f"{LARGE_SET_PAGES} pages: all processes",
        "<= 1.5 GB",
        f"{peak / 1e9:.2f} GB",
        peak <= MAX_SET_BYTES,
    )


async def draw_all(path: Path, folder: Path) -> tuple[float, int]:
    """CPU seconds of drawing all pages, two at a time, and the peak memory of all processes."""
    processes = ProcessPool(2)
    here, peak, turns = psutil.Process(), 0, asyncio.Semaphore(2)
    ended = asyncio.Event()

    async def watch() -> None:
        nonlocal peak
        while not ended.is_set():
            total = 0
            for process in (here, *here.children(recursive=True)):
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            peak = max(peak, total)
            await asyncio.sleep(0.1)

    async def draw(number: int) -> None:
        async with turns:
            page = await draw_page(run, document, number, folder / f"{number}.png", 120.0)
            for made in (page.image, page.thumbnail, page.words):
                made.unlink()

    watching = asyncio.create_task(watch())
    before = os.times()
    try:
        run: Any = LocalRun(processes)
        document = await inspect_file(run, path, path.name)
        await asyncio.gather(*(draw(number + 1) for number in range(document.page_count)))
    finally:
        ended.set()
        await watching
        await processes.close()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, peak
