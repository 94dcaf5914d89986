"""Two runs over the same questions, compared."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sqlalchemy import Row

from core.errors import Conflict, Invalid
from db.models import EvaluationRun, JobStatus
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer
from resolvers.evaluation import runs

RESAMPLES = 9_999
SEED = 20_250_101
"""Comparing again gives the same."""

CORRECT = "correct"
MEASURES = (
    CORRECT,
    "precision",
    "recall",
    "reciprocal_rank",
    "ndcg",
    "exact_match",
    "token_f1",
    "citation_precision",
    "citation_recall",
    "quality",
)
"""What is compared: whether the answer is right, and scores of cases."""


@dataclass(frozen=True)
class Difference:
    """The means of a measure over the `pairs` of cases that both runs have it for, and how they differ.

    `p_value` is how often a difference at least so large comes about when the runs of each pair change places
    by chance (Fisher's randomisation test, two-sided; exact for few pairs, else 9,999 draws).
    """

    measure: str
    baseline: float
    candidate: float
    pairs: int
    p_value: float

    @property
    def difference(self) -> float:
        """What the candidate is better by."""
        return self.candidate - self.baseline


async def run_scores(
    uow: UnitOfWork, viewer: Viewer, id: UUID, path: str
) -> Mapping[str, Mapping[str, float]]:
    """The scores of a run's cases, by the questions' keys. Raises `Conflict` for a run that is not done."""
    run = await access.find(uow, viewer, EvaluationRun, id, path)
    if run.status is not JobStatus.COMPLETED:
        raise Conflict("This run has not been completed.", path)
    return {case.key: case_scores(case) for case in await runs.list_cases(uow, id)}


def case_scores(case: Row[Any]) -> dict[str, float]:
    """All that was measured of a case."""
    return {**case.scores, CORRECT: float(case.correct)}


async def compare(
    baseline: Mapping[str, Mapping[str, float]], candidate: Mapping[str, Mapping[str, float]]
) -> list[Difference]:
    """How two runs differ on the questions that both have. Raises `Invalid` where they have none in common.

    Hold no unit of work while it computes.
    """
    shared = sorted(baseline.keys() & candidate.keys())
    if not shared:
        raise Invalid("These runs have no question in common.", "candidate")
    pairs = {
        measure: [
            (baseline[key][measure], candidate[key][measure])
            for key in shared
            if measure in baseline[key] and measure in candidate[key]
        ]
        for measure in MEASURES
    }
    return await asyncio.to_thread(
        test_differences, {measure: found for measure, found in pairs.items() if found}
    )


def test_differences(pairs: Mapping[str, Sequence[tuple[float, float]]]) -> list[Difference]:
    """The difference of each measure."""
    differences = []
    for measure, found in pairs.items():
        first, second = np.array(found, dtype=float).T
        p_value = significance(first, second)
        differences.append(
            Difference(measure, float(first.mean()), float(second.mean()), len(found), p_value)
        )
    return differences


def significance(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The p-value of a paired, two-sided randomisation test of the means; 1 where at most one differs."""
    changed = first != second
    if np.count_nonzero(changed) < 2:
        return 1.0
    result = stats.permutation_test(
        (first[changed], second[changed]),
        mean_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=256,
        rng=SEED,
    )
    return float(result.pvalue)


def mean_difference(first: NDArray[Any], second: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    difference: NDArray[Any] = np.mean(second, axis=axis) - np.mean(first, axis=axis)
    return difference
