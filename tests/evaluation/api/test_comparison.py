"""Comparisons of runs: refused if the runs measured different things, unless the settings may differ."""

from typing import Any

import pytest

from db.models import JobStatus
from tests.conftest import People, Save
from tests.factories import Fixture
from tests.factories.evaluation import a_case, a_run
from tests.graphql_client import Client

COMPARE = """query ($a: ID!, $b: ID!, $across: Boolean! = false) {
  evaluationComparison(baseline: $a, candidate: $b, acrossSettings: $across) { measure pairs } }"""


def a_measured_run(
    user: Fixture,
    *,
    depth: int = 10,
    digest: str | None = "one",
    name: str = "handbook",
    questions: tuple[str, ...] = ("Which door?", "Which gate?"),
) -> list[Fixture]:
    """A completed run and its cases."""
    metrics = {"depth": depth, **({"passages_digest": digest} if digest else {})}
    run = a_run(user, status=JobStatus.COMPLETED, metrics=metrics, dataset_name=name)
    cases = [
        a_case(run, number=number, key=f"q{number}", question=question)
        for number, question in enumerate(questions, 1)
    ]
    return [run, *cases]


@pytest.mark.parametrize(
    ("changes", "named", "pairs"),
    [
        ({"depth": 5}, ["the depth (10 and 5)"], 2),
        ({"digest": "two", "name": "towers"}, ["the data set (handbook and towers)"], 2),
        ({"digest": "two"}, ["the data set (other passages)"], 2),
        ({"questions": ("Which door?",)}, ["the questions (2 and 1, of which 1 are the same)"], 1),
        (
            {"questions": ("Which door?", "Which lift?")},
            ["the questions (2 and 2, of which 1 are the same)"],
            1,
        ),
        (
            {"depth": 5, "digest": "two", "questions": ("Which door?",)},
            ["the depth (10 and 5)", "the data set (", "the questions (2 and 1"],
            1,
        ),
    ],
)
async def test_runs_that_measured_different_things_are_compared_only_across_settings(
    graphql: Client, save: Save, people: People, changes: dict[str, Any], named: list[str], pairs: int
) -> None:
    first, second = a_measured_run(people.manager), a_measured_run(people.manager, **changes)
    await save(*first, *second)
    manager, ids = graphql.of(people.manager), {"a": first[0].gid, "b": second[0].gid}

    refused = await manager.send(COMPARE, **ids)
    compared = (await manager(COMPARE, **ids, across=True))["evaluationComparison"]

    errors = refused.errors
    assert errors is not None
    (error,) = errors
    assert (error.extensions or {})["code"] == "CONFLICT"
    assert [text for text in named if text not in error.message] == []
    assert compared == [{"measure": "correct", "pairs": pairs}]


async def test_runs_that_measured_the_same_are_compared(graphql: Client, save: Save, people: People) -> None:
    first, second = a_measured_run(people.manager), a_measured_run(people.manager, name="renamed")
    old, older = (a_measured_run(people.manager, digest=None) for _ in range(2))
    await save(*first, *second, *old, *older)
    manager = graphql.of(people.manager)

    for one, other in ((first, second), (old, older)):
        compared = (await manager(COMPARE, a=one[0].gid, b=other[0].gid))["evaluationComparison"]
        assert compared == [{"measure": "correct", "pairs": 2}]
