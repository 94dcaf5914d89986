"""Benchmark of text extraction at its limits, in time and memory: `make bench of=documents`.

Each is read as a worker reads it, in child processes.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

from benchmarks.bounds import Limit, console, verdict
from benchmarks.edges import CASES, MEGABYTE, Case
from benchmarks.measuring import measure
from core.errors import DomainError
from pipelines.knowledge.extraction import ExtractedText, extract_pages
from pipelines.knowledge.handlers import CHUNKING_TIMEOUT_SECONDS
from pipelines.knowledge.text_analysis import chunk_and_describe
from pipelines.runtime.process_pool import ProcessPool

MAX_MEMORY_BYTES = 1_500 * MEGABYTE
"""Maximum peak memory of a child process."""
MAX_SECONDS = 300.0
"""Maximum seconds per file."""


async def read_document(case: Case, folder: Path) -> tuple[str, float, int, int]:
    """Outcome ("read" or the error message), seconds, peak memory in bytes, and chunks of a file."""
    path = folder / "file"
    await asyncio.to_thread(case.make, path)
    processes, peak = ProcessPool(1), 0

    async def compute(seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal peak
        result, used = await processes.run_within(seconds, measure, function, *arguments)
        peak = max(peak, used)
        if isinstance(result, DomainError):
            raise result
        return result

    began, count, ended = time.monotonic(), 0, "read"
    try:
        extracted: ExtractedText = await extract_pages(compute, path, case.kind, "file")
        cut, _ = await compute(CHUNKING_TIMEOUT_SECONDS, chunk_and_describe, extracted.pages, 512, 50)
        count = len(cut)
    except DomainError as refused:
        ended = refused.message
    except TimeoutError:
        ended = "timed out"
    took = time.monotonic() - began
    await processes.close()
    path.unlink()
    return ended, took, peak, count


async def main() -> int:
    """Returns exit code 1 if a file has another outcome than expected, or exceeds a limit."""
    rows = Table("file", "seconds", "peak memory", "chunks", "ended", title="Files at the edge")
    bounds = []
    for case in CASES:
        with TemporaryDirectory(prefix="seshat-") as name:
            ended, took, peak, count = await read_document(case, Path(name))
        memory = f"{peak / MEGABYTE:.0f} MB"
        console.print(f"{case.what}: {took:.1f} s, {memory}")
        rows.add_row(case.what, f"{took:.1f}", memory, f"{count:,}", ended)
        right = ended.startswith(case.error or "read")
        met = right and peak <= MAX_MEMORY_BYTES and took <= MAX_SECONDS
        limit = f"{case.error or 'read'}, {MAX_SECONDS:.0f} s, {MAX_MEMORY_BYTES // MEGABYTE} MB"
        bounds.append(Limit(case.what, limit, f"{took:.1f} s, {memory}", met))
    console.print(rows)
    return verdict(bounds)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
