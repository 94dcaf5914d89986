"""Benchmark of the drawing comparison.

Run as `python -m benchmarks.drawings [real] [synthetic] [large] [--data FOLDER]`.

Prints one table per section and exits with 1 if a limit is missed.
"""

import argparse
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import process_time
from typing import TypeVar

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import pairs
from benchmarks.data import shared_folder
from pipelines.drawings import binarization, rendering, sheet_matching
from pipelines.drawings.comparison import ComparisonResult, compare
from pipelines.drawings.rendering import RenderedPage
from server.demo import drawings

T = TypeVar("T")
R = TypeVar("R")

PROCESSES = 2
PAIRS = 40
CHAIN = ("beaglebone_sch_A6.pdf", "beaglebone_sch_A6A_rot90.pdf", "beaglebone_sch_B.pdf")
"""Three revisions of a set of eleven sheets."""

console = Console(width=130, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """What was measured, and whether it is as good as it must be."""

    what: str
    required: str
    measured: str
    met: bool


def real(data: Path, folder: Path) -> Iterator[Limit]:
    """Published revisions: all true pairs align, and no pairs of different sheets do."""
    missing = [name for name in CHAIN if not (data / name).exists()]
    if missing:
        console.print(f"Skipped the real drawings: {data} has no {', '.join(missing)}.")
        return
    with processes() as pool:
        jobs = [(data / name, number, folder) for name in CHAIN for number in range(1, 12)]
        drawn = list(pool.map(render_page, jobs))
        revisions = [drawn[start : start + 11] for start in (0, 11, 22)]
        for old, new in pairwise(revisions):
            name = f"{old[0].image.stem[:-3]} to {new[0].image.stem[:-3]}"
            pairing = sheet_matching.match_sheets(keys(old), keys(new))
            matched = sum(one.page == other.page for one, other in pairing.pairs)
            yield Limit(f"{name}: sheets matched by name", "11 of 11", f"{matched}", matched == 11)
            every = [(one, other, folder) for one in old for other in new]
            outcomes = list(pool.map(compare_pages, every, chunksize=4))
            true = [o for (a, b, _), o in zip(every, outcomes, strict=True) if a.number == b.number]
            false = [o.score for (a, b, _), o in zip(every, outcomes, strict=True) if a.number != b.number]
            show_pairs(name, true)
            least, most = min(o.score for o in true), max(false)
            yield Limit(
                f"{name}: lowest score of {len(true)} true pairs", ">= 0.8", f"{least:.3f}", least >= 0.8
            )
            yield Limit(
                f"{name}: highest score of {len(false)} other pairs", "< 0.5", f"{most:.3f}", most < 0.5
            )


def synthetic(data: Path, folder: Path) -> Iterator[Limit]:
    """Generated pairs with simulated scans: corner error below 3 pixels, and changes matched one to one."""
    with processes() as pool:
        made = list(pool.map(make_pair, [(index, folder) for index in range(PAIRS)]))
        outcomes = list(pool.map(compare_pair, [(pair, folder) for pair in made]))
    table = Table("pair", "turn", "scale", "changed", "corner error px", "true", "found", "matched", "CPU s")
    errors, true, found, matched = [], 0, 0, 0
    for index, (pair, outcome) in enumerate(zip(made, outcomes, strict=True)):
        error = pairs.corner_error(pair, outcome.transform)
        hits = pairs.matches([change.box for change in outcome.changes], pair.changed)
        errors.append(error)
        true, found, matched = true + len(pair.changed), found + len(outcome.changes), matched + hits
        numbers = (error, len(pair.changed), len(outcome.changes), hits, sum(outcome.seconds.values()))
        cells = (index, outcome.rotation, outcome.scale, f"{pair.share:.0%}", *numbers)
        table.add_row(*(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells))
    console.print(table)
    share = mean(error < 3 for error in errors)
    recall, precision = matched / true, matched / max(found, 1)
    yield Limit(
        f"{PAIRS} pairs with a mean corner error below 3 px", ">= 95 %", f"{share:.0%}", share >= 0.95
    )
    yield Limit(f"changed regions found, of {true}", ">= 0.9", f"{recall:.3f}", recall >= 0.9)
    yield Limit(f"found regions that are true, of {found}", ">= 0.8", f"{precision:.3f}", precision >= 0.8)


def large(data: Path, folder: Path) -> Iterator[Limit]:
    """Sheets of 36 x 24 inches at 300 dpi, vector and scanned, each pair in its own process."""
    sheet = drawings.plan("A-101", "GROUND FLOOR PLAN", 3, size=drawings.ARCH_D, changed=0.1)
    drawn = []
    for revision in (0, 1):
        document = folder / f"large-{revision}.pdf"
        drawings.write([sheet], revision, document)
        page, seconds, megabytes = alone(timed_render, (document, folder / f"large-{revision}.png"))
        drawn.append(page)
        console.print(
            f"Rendering and encoding {page.width} x {page.height}: {seconds:.2f} CPU s, {megabytes:.0f} MB"
        )
    scan = alone(scan_sheet, (drawn[0].image, folder / "large-scan.png"))
    for name, old in (("as drawn", drawn[0].image), ("as scanned", scan)):
        outcome, megabytes = alone(measured_compare, (old, drawn[1].image, folder))
        seconds = sum(value for stage, value in outcome.seconds.items() if stage != "overlay")
        stages = ", ".join(f"{stage} {value:.2f}" for stage, value in outcome.seconds.items())
        hits = pairs.matches([change.box for change in outcome.changes], pairs.pixels(sheet))
        console.print(
            f"Sheets {name}: CPU seconds {stages} (the overlay is not comparison); "
            f"score {outcome.score:.3f}; {hits} of {len(sheet.changed)} changes, {len(outcome.changes)} found"
        )
        yield Limit(f"36 x 24 inches {name}: comparison", "<= 6 CPU s", f"{seconds:.2f}", seconds <= 6)
        yield Limit(f"36 x 24 inches {name}: peak memory", "<= 900 MB", f"{megabytes:.0f}", megabytes <= 900)


def processes(count: int = PROCESSES) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def alone(work: Callable[[T], R], argument: T) -> R:
    """Runs a function in a new process, so that its peak memory can be measured."""
    with processes(1) as pool:
        return pool.submit(work, argument).result()


def render_page(job: tuple[Path, int, Path]) -> RenderedPage:
    path, number, folder = job
    return rendering.render(path, number, folder / f"{path.stem}-{number:02d}.png", use_ocr=False)


def keys(drawn: Sequence[RenderedPage]) -> list[sheet_matching.SheetKey]:
    return [
        sheet_matching.SheetKey(page.number, page.sheet.name, page.sheet.source != "fallback")
        for page in drawn
    ]


def compare_pages(job: tuple[RenderedPage, RenderedPage, Path]) -> ComparisonResult:
    old, new, folder = job
    with TemporaryDirectory(dir=folder) as place:
        return compare(old.image, new.image, old.words, new.words, Path(place))


def make_pair(job: tuple[int, Path]) -> pairs.Pair:
    cv2.setNumThreads(1)
    return pairs.make(*job)


def compare_pair(job: tuple[pairs.Pair, Path]) -> ComparisonResult:
    pair, folder = job
    with TemporaryDirectory(dir=folder) as place:
        return compare(pair.old, pair.new, pair.no_words, pair.no_words, Path(place))


def timed_render(job: tuple[Path, Path]) -> tuple[RenderedPage, float, float]:
    """The page, CPU seconds of rendering and encoding, and peak memory in megabytes."""
    cv2.setNumThreads(1)
    start = process_time()
    page = rendering.render(job[0], 1, job[1])
    return page, process_time() - start, peak_megabytes()


def scan_sheet(job: tuple[Path, Path]) -> Path:
    """A simulated scan of a sheet: slightly rotated, scaled, blurred and noisy."""
    random = np.random.default_rng(7)
    drawn = binarization.read_greyscale(job[0])
    height, width = drawn.shape
    a, b = 0.99 * cos(radians(-0.7)), 0.99 * sin(radians(-0.7))
    placed = binarization.warp(drawn, (a, -b, 40.0, b, a, 160.0), width, height)
    rendering.write_png(job[1], pairs.simulate_scan(placed, random, blur=0.9, noise=6.0))
    return job[1]


def measured_compare(job: tuple[Path, Path, Path]) -> tuple[ComparisonResult, float]:
    """The comparison without text, and peak memory in megabytes."""
    old, new, folder = job
    no_words = folder / "no-words.json"
    no_words.write_text("[]")
    return compare(old, new, no_words, no_words, folder), peak_megabytes()


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show_pairs(name: str, outcomes: Sequence[ComparisonResult]) -> None:
    """Prints score, change ratio and first changed words of each true pair."""
    table = Table("sheet", "score", "ink changed", "regions", "words gone", "words come", title=name)
    for number, outcome in enumerate(outcomes, 1):
        gone, came = (" ".join(said[:8]) for said in (outcome.words_removed, outcome.words_added))
        ratio = f"{outcome.change_ratio:.2%}"
        table.add_row(str(number), f"{outcome.score:.3f}", ratio, str(len(outcome.changes)), gone, came)
    console.print(table)


SECTIONS: dict[str, Callable[[Path, Path], Iterator[Limit]]] = {
    "real": real,
    "synthetic": synthetic,
    "large": large,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--data", type=Path, default=shared_folder("DRAWINGS", "drawings"))
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"unknown section {', '.join(sorted(unknown))}: must be one of {', '.join(SECTIONS)}")
    bounds: list[Limit] = []
    for section in options.sections or SECTIONS:
        console.rule(section)
        with TemporaryDirectory(prefix="drawings-") as folder:
            bounds += SECTIONS[section](options.data, Path(folder))
    table = Table("measurement", "required", "result", "", title="Limits")
    for limit in bounds:
        table.add_row(limit.what, limit.required, limit.measured, "met" if limit.met else "MISSED")
    console.print(table)
    return 0 if all(limit.met for limit in bounds) else 1


if __name__ == "__main__":
    sys.exit(main())
