"""Significance of the difference between paired scores, by SciPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

RESAMPLES = 9_999
SEED = 20_250_101
"""Seed of the resampling, so that comparisons are reproducible."""


def significance(pairs: Sequence[tuple[float, float]]) -> float:
    """The p-value of a paired, two-sided randomisation test of the means; 1 if at most one pair differs."""
    first, second = np.array(pairs, dtype=float).T
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
