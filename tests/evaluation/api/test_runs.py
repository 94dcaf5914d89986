"""Evaluation runs: listed, renamed, deleted."""

from typing import Any

import pytest

from db.models import JobStatus
from db.queue import enqueue
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories.evaluation import a_run
from tests.graphql_client import Client, Refusal
from tests.jobs.sample_jobs import Evaluate

FIELDS = """id name description modelName datasetName config status phase createdBy { id }
  metrics { accuracy precision recall f1Score avgQualityScore avgLatencyMs }"""
LIST = (
    f"query ($filter: EvaluationRunFilter) {{ evaluationRuns(filter: $filter) {{ nodes {{ {FIELDS} }} }} }}"
)
UPDATE = f"""mutation ($id: ID!, $input: EvaluationRunUpdateInput!) {{
  evaluationRunUpdate(id: $id, input: $input) {{ errors {{ code path }} evaluationRun {{ {FIELDS} }} }} }}"""
DELETE = "mutation ($id: ID!) { evaluationRunDelete(id: $id) { errors { code path } deletedId } }"
FORBIDDEN, MISSING = [("FORBIDDEN", ())], [("NOT_FOUND", ("id",))]


async def test_runs_are_listed_by_status_and_model_with_what_they_measured(
    graphql: Client, save: Save, people: People
) -> None:
    metrics = {"accuracy": 0.9, "f1_score": 0.8, "avg_latency_ms": 1200}
    done = a_run(people.manager, status=JobStatus.COMPLETED, metrics=metrics, config={"temperature": 0})
    waiting = a_run(people.manager, model_name="other")
    await save(done, waiting)
    admin = graphql.of(people.admin)

    async def found(**filter: Any) -> list[dict[str, Any]]:
        return list((await admin(LIST, filter=filter))["evaluationRuns"]["nodes"])

    assert [run["id"] for run in await found()] == [waiting.gid, done.gid]
    assert [run["id"] for run in await found(status="COMPLETED")] == [done.gid]
    assert [run["id"] for run in await found(modelName="other")] == [waiting.gid]
    assert await found(status="COMPLETED", modelName="model") == [
        {
            "id": done.gid,
            "name": done.name,
            "description": None,
            "modelName": "model",
            "datasetName": None,
            "config": {"temperature": 0},
            "status": "COMPLETED",
            "phase": "SUCCEEDED",
            "createdBy": {"id": people.manager.gid},
            "metrics": {
                "accuracy": 0.9,
                "precision": None,
                "recall": None,
                "f1Score": 0.8,
                "avgQualityScore": None,
                "avgLatencyMs": 1200.0,
            },
        }
    ]
    assert (await found(status="PENDING"))[0]["metrics"] is None
    assert (await graphql.of(people.stranger)(LIST))["evaluationRuns"]["nodes"] == []


async def test_a_run_is_renamed_described_and_cleared(graphql: Client, save: Save, people: People) -> None:
    run, manager = a_run(people.manager, description="old"), graphql.of(people.manager)
    await save(run)

    renamed = (await manager(UPDATE, id=run.gid, input={"name": " New "}))["evaluationRunUpdate"]
    cleared = (await manager(UPDATE, id=run.gid, input={"description": None}))["evaluationRunUpdate"]

    received = [
        (answer["evaluationRun"]["name"], answer["evaluationRun"]["description"])
        for answer in (renamed, cleared)
    ]
    assert received == [("New", "old"), ("New", None)]


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"name": ""}, ("INVALID", ("input", "name"))),
        ({"name": "x" * 201}, ("INVALID", ("input", "name"))),
        ({"name": None}, ("BAD_USER_INPUT", ("input", "name"))),
        ({"description": "x" * 20_001}, ("INVALID", ("input", "description"))),
        ({"status": "COMPLETED"}, ("BAD_USER_INPUT", ("input",))),
    ],
)
async def test_a_wrong_run_is_refused(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, wrong: Any, refusal: Refusal
) -> None:
    run = a_run(people.manager)
    await save(run)

    async with assert_unchanged():
        assert await graphql.of(people.manager).refusals(UPDATE, id=run.gid, input=wrong) == [refusal]


async def test_a_run_that_is_not_under_way_is_deleted(
    graphql: Client, save: Save, services: Services, assert_unchanged: Unchanged, people: People
) -> None:
    run, busy = a_run(people.manager), a_run(people.manager)
    await save(run, busy)
    async with services.database.tenant(busy.company.id) as uow:
        await enqueue(uow, Evaluate(), busy.id)

    answer = await graphql.of(people.manager)(DELETE, id=run.gid)
    async with assert_unchanged():
        refused = await graphql.of(people.manager).refusals(DELETE, id=busy.gid)

    assert answer["evaluationRunDelete"]["deletedId"] == run.gid
    assert refused == [("CONFLICT", ("id",))]
    left = (await graphql.of(people.manager)(LIST))["evaluationRuns"]["nodes"]
    assert [each["id"] for each in left] == [busy.gid]


async def test_who_may_not_is_refused_and_strangers_find_nothing(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    run = a_run(people.manager)
    await save(run)
    user, stranger, name = graphql.of(people.user), graphql.of(people.stranger), {"name": "x"}

    async with assert_unchanged():
        assert await user.refusals(UPDATE, id=run.gid, input=name) == FORBIDDEN
        assert await user.refusals(DELETE, id=run.gid) == FORBIDDEN
        assert await stranger.refusals(UPDATE, id=run.gid, input=name) == MISSING
        assert await stranger.refusals(DELETE, id=run.gid) == MISSING
