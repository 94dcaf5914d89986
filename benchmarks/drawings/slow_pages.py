"""A page that needs much computing: at which resolution it ends, and what another session notices of it."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.drawings.application import Application, application
from benchmarks.drawings.odd_pdfs import plain, strokes_source
from benchmarks.drawings.sections import Limit, console
from pipelines.drawings.page_drawing import LOWER_RESOLUTIONS
from server.demo import drawings

STROKES = 300_000
IDLE_RUNS, RUNS_BESIDE = 3, 3
MAX_RATIO = 2.0


def slow_page(data: Path, folder: Path) -> Iterator[Limit]:
    """300,000 short strokes under soft masks in both revisions, beside sessions of one page by one worker."""
    slow = folder / "slow.pdf"
    slow.write_bytes(plain(strokes_source(STROKES)))
    sheet = drawings.plan("A-101", "GROUND FLOOR PLAN", 3, changed=0.06)
    quick = (folder / "old.pdf", folder / "new.pdf")
    for revision, path in enumerate(quick):
        drawings.write([sheet], revision, path)
    with application(folder / "data") as app:
        app.start_worker()
        timed_session(app, quick)
        idle = [timed_session(app, quick) for _ in range(IDLE_RUNS)]
        beside: list[float] = []
        session = app.session(slow, slow)
        app.begin(session)
        app.until(session, lambda state: state["jobs"]["nodes"][0]["status"] == "RUNNING")
        while len(beside) < RUNS_BESIDE:
            seconds = timed_session(app, quick)
            if app.stages(session)["jobs"]["nodes"][0]["status"] != "RUNNING":
                break
            beside.append(seconds)
        ratio = median(beside) / median(idle) if beside else float("inf")
        console.print(
            f"A session of one page: {seconds_of(idle)} s idle; beside two slow pages, "
            f"the first from their beginning: {seconds_of(beside)} s; ratio of the medians {ratio:.2f}"
        )
        app.complete(session)
        pages = app.rows(session)["drawings"]
    for page in pages:
        console.print(
            f"{STROKES:,} strokes: {page['drawingMetadata']['dpi']} dpi; {' '.join(page['warnings'])}"
        )
    resolutions = [page["drawingMetadata"]["dpi"] for page in pages]
    is_reduced = all(
        dpi in LOWER_RESOLUTIONS and page["warnings"] for dpi, page in zip(resolutions, pages, strict=True)
    )
    yield Limit("a page that needs too much", "< 300 dpi, said", f"{resolutions} dpi", is_reduced)
    yield Limit(
        "a session beside it, times its idle time", f"<= {MAX_RATIO}", f"{ratio:.2f}", ratio <= MAX_RATIO
    )


def timed_session(app: Application, files: tuple[Path, Path]) -> float:
    """Seconds from the beginning of a session to its end."""
    session = app.session(*files)
    start = time.monotonic()
    app.begin(session)
    app.complete(session)
    return time.monotonic() - start


def seconds_of(values: Sequence[float]) -> str:
    return " ".join(f"{value:.1f}" for value in values)
