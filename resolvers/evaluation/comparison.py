"""Comparison of two evaluation runs on the same questions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.errors import Conflict, Invalid
from db.models import EvaluationCase, EvaluationRun, JobStatus
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer
from resolvers.evaluation import runs

RESAMPLES = 9_999
SEED = 20_250_101
"""Seed of the resampling, so that comparisons are reproducible."""

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
"""The compared measures: correctness, and the scores of cases."""


@dataclass(frozen=True)
class Difference:
    """Means of a measure over the `pairs` of cases that both runs have it for.

    `p_value` is that of Fisher's randomisation test (paired, two-sided; exact for few pairs, otherwise 9,999
    resamples).
    """

    measure: str
    baseline: float
    candidate: float
    pairs: int
    p_value: float

    @property
    def difference(self) -> float:
        """Improvement of the candidate over the baseline."""
        return self.candidate - self.baseline


async def run_scores(
    uow: UnitOfWork, viewer: Viewer, id: UUID, path: str
) -> Mapping[str, Mapping[str, float]]:
    """The scores of a run's cases by question key. Raises `Conflict` if the run is not completed."""
    run = await access.find(uow, viewer, EvaluationRun, id, path)
    if run.status is not JobStatus.COMPLETED:
        raise Conflict("This run is not completed.", path)
    return {case.key: case_scores(case) for case in await runs.list_cases(uow, id)}


def case_scores(case: EvaluationCase) -> dict[str, float]:
    """All scores of a case."""
    return {**case.scores, CORRECT: float(case.correct)}


async def compare(
    baseline: Mapping[str, Mapping[str, float]], candidate: Mapping[str, Mapping[str, float]]
) -> list[Difference]:
    """Compare two runs on their common questions. Raises `Invalid` if there are none.

    Hold no unit of work while it computes.
    """
    shared = sorted(baseline.keys() & candidate.keys())
    if not shared:
        raise Invalid("These runs have no questions in common.", "candidate")
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
    """The difference of each measure, tested for significance."""
    differences = []
    for measure, scores in pairs.items():
        first, second = np.array(scores, dtype=float).T
        p_value = significance(first, second)
        differences.append(
            Difference(measure, float(first.mean()), float(second.mean()), len(scores), p_value)
        )
    return differences


def significance(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The p-value of a paired, two-sided randomisation test of the means; 1 if at most one pair differs."""
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
