"""Runs whose questions fail, and what their headline says of that."""

from typing import Any

from providers.chat.openai_compatible import CompatibleModel
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline.conftest import Person
from tests.evaluation.pipeline.test_runs import a_worker, create_run, manager, wait_for_run
from tests.graphql_client import Client
from tests.providers.fake_openai import Reply, endpoint, error_reply, stream_reply

VALUES = "query ($id: ID!) { evaluationRun(id: $id) { metrics { values { name value cases } } } }"


async def run_against(
    services: Services, person: Person, *replies: Reply, **values: Any
) -> tuple[Any, dict[str, Any]]:
    """A run against an endpoint with these replies, and its metrics by name."""
    async with endpoint(*replies) as place:
        model = CompatibleModel(place.url, "tiny", retries=0)
        async with a_worker(services, model):
            id = await create_run(person, **values)
            run = await wait_for_run(person, id)
        await model.close()
    metrics = (await person(VALUES, id=id))["evaluationRun"]["metrics"]
    return run, {metric["name"]: metric for metric in metrics["values"]} if metrics else {}


async def test_an_endpoint_that_refuses_30_of_36_questions_shows_30_failures(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    replies = [*[error_reply(400, "content_filter")] * 30, stream_reply("I do not know.")]

    run, values = await run_against(services, await manager(graphql), *replies)

    metrics, failed = run["metrics"], [case for case in run["cases"]["nodes"] if case["errorMessage"]]
    assert (run["status"], metrics["cases"], metrics["failedCases"], len(failed)) == ("COMPLETED", 36, 30, 30)
    assert not any(case["correct"] for case in failed)
    assert metrics["accuracy"] <= 6 / 36
    assert (metrics["exactMatch"], metrics["tokenF1"], metrics["citationRecall"]) == (0.0, 0.0, 0.0)
    assert (metrics["mrr"], metrics["recall"], metrics["hitRate"]) == (1.0, 1.0, 1.0)
    assert all(len(case["retrieved"]) == 10 for case in failed)
    assert metrics["avgQualityScore"] <= 100 * 6 / 36
    counted = {name: metric["cases"] for name, metric in values.items()}
    assert {counted[name] for name in ("accuracy", "avgQualityScore")} == {36}
    assert {counted[name] for name in ("mrr", "recall", "exactMatch", "tokenF1", "citationRecall")} == {32}
    assert (counted["citationPrecision"], counted["avgLatencyMs"]) == (30, 6)
    assert {name: metric["value"] for name, metric in values.items()} == {
        name: metrics[name] for name in values
    }


async def test_an_endpoint_that_refuses_everything_fails_the_run_with_its_reason(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    table = b"question,passage\n" + b"".join(b"Which door is number %d?,One.\n" % n for n in range(6))
    upload = await person.upload(table, "doors.csv", "text/csv")
    refusal = error_reply(400, "content_filter")

    run, values = await run_against(services, person, refusal, datasetName=None, datasetUploadId=upload.gid)

    assert (run["status"], run["cases"]["totalCount"], values) == ("FAILED", 6, {})
    assert run["errorMessage"] == run["cases"]["nodes"][0]["errorMessage"]
