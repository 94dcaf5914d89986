"""Ranking measures against `ir-measures` as the oracle, where it has wheels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.evaluation.metrics import retrieval_scores, summarize

ir_measures = pytest.importorskip("ir_measures", reason="ir-measures has no wheel for this platform")

KEYS = [f"p{number}" for number in range(20)]
MEASURES = {
    "precision": "P@{depth}",
    "recall": "R@{depth}",
    "reciprocal_rank": "RR@{depth}",
    "hit": "Success@{depth}",
    "precision_at_1": "P@1",
    "ndcg": "nDCG@{depth}",
}
RELEVANT = st.lists(st.sampled_from(KEYS), min_size=1, max_size=8, unique=True)
RETRIEVED = st.lists(st.sampled_from(KEYS), min_size=1, max_size=len(KEYS), unique=True)
DEPTHS = st.integers(1, 25)


def oracle(questions: list[tuple[list[str], list[str]]], depth: int) -> dict[str, float]:
    """Means over questions, each with its relevant keys and the retrieved ones, best first."""
    measures = {name: ir_measures.parse_measure(text.format(depth=depth)) for name, text in MEASURES.items()}
    relevant = [
        ir_measures.Qrel(str(number), key, 1) for number, (keys, _) in enumerate(questions) for key in keys
    ]
    retrieved = [
        ir_measures.ScoredDoc(str(number), key, -float(rank))
        for number, (_, keys) in enumerate(questions)
        for rank, key in enumerate(keys)
    ]
    means = ir_measures.calc_aggregate(measures.values(), relevant, retrieved)
    return {name: means[measure] for name, measure in measures.items()}


@given(RELEVANT, RETRIEVED, DEPTHS)
def test_a_ranking_scores_as_ir_measures_does(relevant: list[str], retrieved: list[str], depth: int) -> None:
    assert retrieval_scores(relevant, retrieved, depth) == pytest.approx(
        oracle([(relevant, retrieved)], depth)
    )


@given(st.lists(st.tuples(RELEVANT, RETRIEVED), min_size=1, max_size=10), DEPTHS)
def test_means_over_questions_equal_those_of_ir_measures(
    questions: list[tuple[list[str], list[str]]], depth: int
) -> None:
    metrics = summarize(
        {
            "correct": True,
            "latency_ms": 1.0,
            "error_message": None,
            "scores": retrieval_scores(relevant, retrieved, depth),
        }
        for relevant, retrieved in questions
    )

    expected = oracle(questions, depth)
    assert [
        metrics[name] for name in ("precision", "recall", "mrr", "hit_rate", "precision_at_1", "ndcg")
    ] == pytest.approx([expected[name] for name in MEASURES])
