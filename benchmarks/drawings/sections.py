"""What the sections of the benchmark share: limits, processes, and rendered and compared pages."""

import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import cv2
from rich.console import Console

from benchmarks import pairs
from pipelines.drawings import rendering
from pipelines.drawings.comparison import ComparisonResult, compare
from pipelines.drawings.rendering import RenderedPage

T = TypeVar("T")
R = TypeVar("R")

PROCESSES = 2

console = Console(width=130, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """What was measured, and whether it is as good as it must be."""

    what: str
    required: str
    measured: str
    met: bool


def processes(count: int = PROCESSES) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def alone(work: Callable[[T], R], argument: T) -> R:
    """Runs a function in a new process, so that its peak memory can be measured."""
    with processes(1) as pool:
        return pool.submit(work, argument).result()


def render_page(job: tuple[Path, int, Path]) -> RenderedPage:
    path, number, folder = job
    return rendering.render(path, number, folder / f"{path.stem}-{number:02d}.png", use_ocr=False)


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


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
