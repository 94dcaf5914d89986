"""A set of 300 sheets and its revision, in the whole application: memory, CPU per page, and two kills."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.drawings.application import Application, MemoryWatch, application, worker_cpu
from benchmarks.drawings.sections import Limit, console
from pipelines.drawings.rendering import POINTS_PER_INCH
from server.demo import drawings

PAGES = int(os.environ.get("LARGE_SET_PAGES", "300"))
DPI = os.environ.get("LARGE_SET_DPI", "150")
INCHES = os.environ.get("LARGE_SET_INCHES", "11x8.5")
MAX_BYTES = 1_500_000_000
DISTINCT_PLANS = 12
KILL_PERCENT = 40
"""Progress of a stage in percent at which its worker is killed."""


def large_set(data: Path, folder: Path) -> Iterator[Limit]:
    """The same set twice: undisturbed, and with a worker killed while it draws and one while it compares."""
    files = write_sets(folder)
    with application(folder / "data", DRAWING_DPI=DPI) as app, MemoryWatch(app) as memory:
        undisturbed, disturbed = app.session(*files), app.session(*files)
        yield from measure(app, undisturbed)
        disturb(app, disturbed)
        rows, files_of = compare_sessions(app, undisturbed, disturbed)
    console.print(
        f"At most {memory.everything >> 20:,} MB in all processes with PostgreSQL, "
        f"{memory.workers >> 20:,} MB of it in workers and their children"
    )
    yield Limit(
        "all processes", "<= 1.5 GB", f"{memory.everything / 1e9:.2f} GB", memory.everything <= MAX_BYTES
    )
    yield Limit("rows that differ after the kills", "0", str(rows), rows == 0)
    yield Limit("stored files that differ after the kills", "0", str(files_of), files_of == 0)


def write_sets(folder: Path) -> tuple[Path, Path]:
    """Sheets in two revisions; the plans recur under other numbers, and a third of the sheets changes."""
    width, height = (float(side) * POINTS_PER_INCH for side in INCHES.split("x"))
    sheets = [
        drawings.plan(
            f"A-{number + 101}",
            f"PLAN {number + 1}",
            number % DISTINCT_PLANS,
            size=(width, height),
            changed=0.06 if number % 3 == 0 else 0,
        )
        for number in range(PAGES)
    ]
    old, new = folder / "old.pdf", folder / "new.pdf"
    for revision, path in enumerate((old, new)):
        drawings.write(sheets, revision, path)
    return old, new


def measure(app: Application, session: str) -> Iterator[Limit]:
    """Runs a session with one worker."""
    worker = app.start_worker()
    app.begin(session)
    app.until(session, lambda state: is_at(state, 0, 1))
    start = worker_cpu(worker)
    app.until(session, lambda state: job(state, 0)["status"] == "COMPLETED")
    drawn = worker_cpu(worker)
    state = app.complete(session)
    ended = worker_cpu(worker)
    worker.terminate()
    worker.wait()
    pages = app.rows(session)
    named = sum(page["state"] == "COMPLETED" for page in pages["drawings"])
    console.print(
        f"{PAGES} sheets of {INCHES} inches and their revision at {DPI} dpi: "
        f"{(drawn - start) / (2 * PAGES):.2f} CPU s a page to draw, "
        f"{(ended - drawn) / PAGES:.2f} CPU s a pair to compare and describe (the worker and its children)"
    )
    attempts = [one["attempts"] for one in state["jobs"]["nodes"]]
    console.print(f"Undisturbed: attempts {attempts}, {len(pages['comparisons'])} pairs")
    yield Limit("pages drawn", str(2 * PAGES), str(named), named == 2 * PAGES)


def disturb(app: Application, session: str) -> None:
    """Runs a session whose workers are killed in the middle of drawing and of comparing."""
    app.begin(session)
    for stage, what in ((0, "drawn"), (1, "compared")):
        worker = app.start_worker()
        app.until(session, lambda state, stage=stage: is_at(state, stage, KILL_PERCENT))  # type: ignore[misc]
        worker.kill()
        worker.wait()
        rows = app.rows(session)["drawings" if stage == 0 else "comparisons"]
        done = sum(row["state"] == "COMPLETED" for row in rows)
        console.print(f"Killed a worker (SIGKILL) after {done} of {len(rows)} were {what}")
    app.start_worker()
    state = app.complete(session)
    console.print(f"Disturbed: attempts {[one['attempts'] for one in state['jobs']['nodes']]}")


def compare_sessions(app: Application, one: str, other: str) -> tuple[int, int]:
    """How many rows and how many stored files of two sessions differ, and prints what was compared."""
    before, after = app.rows(one), app.rows(other)
    rows = sum(count_differences(before[name], after[name]) for name in before)
    old, new = app.files(one), app.files(other)
    files = sum(old.get(name) != new.get(name) for name in old.keys() | new.keys())
    counts = ", ".join(f"{len(found)} {name}" for name, found in before.items())
    console.print(
        f"Compared: {counts}, {len(old)} stored files by SHA-256; {rows} rows and {files} files differ"
    )
    return rows, files


def count_differences(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many rows of two sorted lists differ."""
    differ = sum(bool(a != b) for a, b in zip(one, other, strict=False))
    return differ + abs(len(one) - len(other))


def job(state: Any, stage: int) -> Any:
    """The job of a stage, or one that has not begun."""
    jobs = state["jobs"]["nodes"]
    return jobs[stage] if stage < len(jobs) else {"status": "PENDING", "progress": 0}


def is_at(state: Any, stage: int, percent: int) -> bool:
    """Whether a stage has come so far. Raises `RuntimeError` if it has ended already."""
    if job(state, stage)["status"] == "COMPLETED" and percent > 1:
        raise RuntimeError("The stage has ended before it could be disturbed.")
    return bool(job(state, stage)["progress"] >= percent)
