"""Comparison of two evaluation runs on the same questions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from uuid import UUID

from core.errors import Conflict, Invalid
from db.models import EvaluationCase, EvaluationRun, JobStatus
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer
from resolvers.evaluation import runs

QuestionKey = tuple[str, str, str | None, tuple[str, ...]]

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


@dataclass(frozen=True)
class RunScores:
    """What a run measured: its settings, and the scores of each question, with the expectations of it."""

    depth: int | None
    dataset_name: str | None
    dataset: object
    """Equal for runs on the same passages."""
    scores: Mapping[QuestionKey, Mapping[str, float]]


async def run_scores(uow: UnitOfWork, viewer: Viewer, id: UUID, path: str) -> RunScores:
    """The scores of a run's cases. Raises `Conflict` if the run is not completed."""
    run = await access.find(uow, viewer, EvaluationRun, id, path)
    if run.status is not JobStatus.COMPLETED:
        raise Conflict("This run is not completed.", path)
    metrics = run.metrics or {}
    return RunScores(
        metrics.get("depth"),
        run.dataset_name,
        metrics.get("passages_digest") or (run.dataset_name, run.upload_id),
        {question_key(case): case_scores(case) for case in await runs.list_cases(uow, id)},
    )


def question_key(case: EvaluationCase) -> QuestionKey:
    """What makes questions of two runs the same."""
    return case.key, case.question, case.expected_answer, tuple(sorted(case.expected_passages))


def case_scores(case: EvaluationCase) -> dict[str, float]:
    """All scores of a case."""
    return {**case.scores, CORRECT: float(case.correct)}


def require_same_settings(baseline: RunScores, candidate: RunScores) -> None:
    """Raises `Conflict`, which names each difference, unless the runs measured the same questions alike."""
    differences = []
    if baseline.depth != candidate.depth:
        differences.append(f"the depth ({baseline.depth} and {candidate.depth})")
    if baseline.dataset != candidate.dataset:
        names = baseline.dataset_name, candidate.dataset_name
        detail = "other passages" if names[0] == names[1] else f"{names[0]} and {names[1]}"
        differences.append(f"the data set ({detail})")
    if baseline.scores.keys() != candidate.scores.keys():
        shared = len(baseline.scores.keys() & candidate.scores.keys())
        counts = f"{len(baseline.scores)} and {len(candidate.scores)}, of which {shared} are the same"
        differences.append(f"the questions ({counts})")
    if differences:
        raise Conflict(
            f"These runs differ in {', '.join(differences)}. Set acrossSettings to compare them anyway.",
            "candidate",
        )


async def compare(
    baseline: Mapping[QuestionKey, Mapping[str, float]], candidate: Mapping[QuestionKey, Mapping[str, float]]
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
        find_differences, {measure: found for measure, found in pairs.items() if found}
    )


def find_differences(pairs: Mapping[str, Sequence[tuple[float, float]]]) -> list[Difference]:
    """The difference of each measure, tested for significance."""
    from resolvers.evaluation.significance import significance  # with SciPy, in this thread

    differences = []
    for measure, scores in pairs.items():
        baseline, candidate = map(fmean, zip(*scores, strict=True))
        differences.append(Difference(measure, baseline, candidate, len(scores), significance(scores)))
    return differences
