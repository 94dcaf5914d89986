"""CPU time and memory of large sheets."""

from collections.abc import Iterator
from math import cos, radians, sin
from pathlib import Path
from time import process_time

import cv2
import numpy as np

from benchmarks import pairs
from benchmarks.drawings.sections import Limit, alone, console, peak_megabytes
from pipelines.drawings import binarization, rendering
from pipelines.drawings.comparison import ComparisonResult, compare
from pipelines.drawings.rendering import RenderedPage
from server.demo import drawings


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
        hits = pairs.matches(
            [place for change in outcome.changes for place in change.places], pairs.pixels(sheet)
        )
        console.print(
            f"Sheets {name}: CPU seconds {stages} (the overlay is not comparison); "
            f"score {outcome.score:.3f}; {hits} of {len(sheet.changed)} changes, {len(outcome.changes)} found"
        )
        yield Limit(f"36 x 24 inches {name}: comparison", "<= 6 CPU s", f"{seconds:.2f}", seconds <= 6)
        yield Limit(f"36 x 24 inches {name}: peak memory", "<= 900 MB", f"{megabytes:.0f}", megabytes <= 900)


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
