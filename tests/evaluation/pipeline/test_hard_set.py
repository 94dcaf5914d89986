"""The harder bundled set, measured with the embedded defaults and recomputed by `ir-measures`."""

from collections import defaultdict
from typing import Any

import pytest

from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.evaluation.pipeline.test_runs import a_worker, create_run, manager, wait_for_run
from tests.graphql_client import Client

ir_measures = pytest.importorskip("ir_measures", reason="ir-measures has no wheel for this platform")

MEASURES = {
    "precision": "P@10",
    "recall": "R@10",
    "mrr": "RR@10",
    "hitRate": "Success@10",
    "precisionAt1": "P@1",
    "ndcg": "nDCG@10",
}


def recompute(cases: list[Any]) -> dict[str, tuple[float, int]]:
    """Mean and number of questions of each measure, from the scores of `ir-measures` per question."""
    relevant = [
        ir_measures.Qrel(case["key"], passage, 1) for case in cases for passage in case["expectedPassages"]
    ]
    ranked = [
        ir_measures.ScoredDoc(case["key"], passage, -float(rank))
        for case in cases
        for rank, passage in enumerate(case["retrieved"])
    ]
    measures = {name: ir_measures.parse_measure(text) for name, text in MEASURES.items()}
    scores = defaultdict(list)
    for score in ir_measures.iter_calc(measures.values(), relevant, ranked):
        scores[score.measure].append(score.value)
    return {name: (sum(scores[m]) / len(scores[m]), len(scores[m])) for name, m in measures.items()}


async def test_the_defaults_are_not_perfect_on_the_hard_set_and_rank_as_ir_measures_says(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    async with a_worker(services):
        run = await wait_for_run(person, await create_run(person, datasetName="municipality"))

    metrics, cases = run["metrics"], run["cases"]["nodes"]
    expected = recompute(cases)
    assert {name: metrics[name] for name in MEASURES} == pytest.approx(
        {name: mean for name, (mean, _) in expected.items()}, abs=1e-6
    )
    assert {count for _, count in expected.values()} == {48}
    assert (metrics["cases"], metrics["failedCases"]) == (56, 0)
    imperfect = ("accuracy", "mrr", "precisionAt1", "ndcg", "tokenF1", "citationRecall", "citationPrecision")
    assert [name for name in imperfect if metrics[name] > 0.97] == []
