"""Alignments that go wrong without a sign of it: how many of the confident ones are right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from rich.table import Table

from benchmarks.drawings.alignment_cases import KINDS, Case, Truth
from benchmarks.drawings.sections import Limit, console, processes
from pipelines.drawings.alignment import Alignment, align, from_points

SEEDS = tuple(range(1, 16, 2))
"""Even seeds are for tuning."""

MAX_ERROR = 3.0
"""Pixels at 300 dpi."""

CLICK_ERROR = 6.0
"""Standard deviation in pixels of the points that a person gives."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a pair was aligned; `errors` are the mean errors of its parts, none for different sheets."""

    kind: str
    seed: int
    score: float
    errors: tuple[float, ...]
    note: str
    seconds: float
    by_points: float | None = None

    @property
    def is_right(self) -> bool:
        return bool(self.errors) and max(self.errors) < MAX_ERROR

    @property
    def is_confident(self) -> bool:
        return self.score >= 0.5


def measure(job: tuple[str, int]) -> Measurement:
    cv2.setNumThreads(1)
    name, seed = job
    case = KINDS[name](seed)
    start = process_time()
    found = align(case.old, case.new)
    seconds = process_time() - start
    by_points = point_error(case) if name == "moved_plan" else None
    return Measurement(
        case.kind,
        seed,
        found.score,
        tuple(part_error(found, truth) for truth in case.truths),
        found.doubt.value
        if found.doubt
        else ("in parts" if found.frame else "photo" if found.homography else ""),
        seconds,
        by_points,
    )


def part_error(found: Alignment, truth: Truth) -> float:
    """Mean distance of the truth's points from where the alignment puts them."""
    return float(np.linalg.norm(found.transform_points(truth.old) - truth.new, axis=1).mean())


def point_error(case: Case) -> float:
    """Error of the plan's place after a correction by two imprecise points."""
    rng = np.random.default_rng(case.seed)
    plan = case.truths[0]
    noise = rng.normal(0, CLICK_ERROR, (2, 2, 2))
    pairs = [
        (tuple(plan.old[corner] + noise[0, index]), tuple(plan.new[corner] + noise[1, index]))
        for index, corner in enumerate((0, 3))
    ]
    found = from_points(pairs, case.old, case.new)
    return part_error(found, plan)


def alignment(data: Path, folder: Path) -> Iterator[Limit]:
    """Look-alike floors, displaced fills, moved plans, photographs: confident only where it is right."""
    with processes() as pool:
        results = list(pool.map(measure, [(name, seed) for name in KINDS for seed in SEEDS]))
    show(results)
    confident = [result for result in results if result.is_confident]
    right = sum(result.is_right for result in confident)
    yield Limit(
        f"right among {len(confident)} confident alignments of {len(results)} pairs",
        "all",
        f"{right}",
        right == len(confident),
    )
    for kind, least in RECALL.items():
        share = [result.is_confident and result.is_right for result in results if result.kind == kind]
        count = sum(share)
        yield Limit(
            f"{kind}: confident and right, of {len(share)}",
            f">= {least:.0%}",
            f"{count}",
            count >= least * len(share),
        )
    errors = [result.by_points for result in results if result.by_points is not None]
    yield Limit("moved plan after two points: worst error", "< 3 px", f"{max(errors):.2f}", max(errors) < 3)


RECALL = {"moved plan, 30 % changed": 0.9, "photograph": 0.9, "scan": 0.95, "mirrored": 0.9}


def show(results: Sequence[Measurement]) -> None:
    table = Table("kind", "seed", "score", "errors px", "by points px", "note", "right", "CPU s")
    for result in results:
        table.add_row(
            result.kind,
            str(result.seed),
            f"{result.score:.3f}",
            " ".join(f"{error:.2f}" for error in result.errors),
            "" if result.by_points is None else f"{result.by_points:.2f}",
            result.note,
            "yes" if result.is_right else "no" if result.errors else "different sheets",
            f"{result.seconds:.1f}",
        )
    console.print(table)
