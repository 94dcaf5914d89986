"""Runs, from the data set to what was measured."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from statistics import fmean
from typing import Any

import pytest

from core.ports import ChatEvent, ChatModel, ChatRequest, ModelFailure, RunErrorCode
from db.models import RoleName
from pipelines.evaluation.metrics import retrieval_scores
from providers.chat import ExtractiveAnswerer
from resolvers.evaluation.datasets import BUNDLED, parse
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.worker import Worker
from tests.chat.pipeline import conftest as asking
from tests.chat.pipeline.conftest import PATIENCE, Person, somebody
from tests.conftest import Unchanged
from tests.factories import Fixture
from tests.graphql_client import Client

CREATE = """mutation ($input: EvaluationRunCreateInput!) { evaluationRunCreate(input: $input) {
  evaluationRun { id modelName datasetName status config } errors { code message path } } }"""
MEASURED = """accuracy precision recall f1Score mrr hitRate precisionAt1 ndcg exactMatch tokenF1
  citationPrecision citationRecall avgQualityScore avgLatencyMs depth cases failedCases"""
RUN = f"""query ($id: ID!) {{ evaluationRun(id: $id) {{ status progress attempts errorMessage modelName
  metrics {{ {MEASURED} }} cases(first: 100) {{ totalCount nodes {{
  number key question expectedAnswer expectedPassages retrieved answer cited correct errorMessage
  scores {{ reciprocalRank exactMatch citationRecall }} }} }} }} }}"""
WRONG = """query ($id: ID!) { evaluationRun(id: $id) { cases(filter: {correct: false}, orderBy: NUMBER_DESC) {
  nodes { number correct } } } }"""
COMPARE = """query ($a: ID!, $b: ID!, $across: Boolean) {
  evaluationComparison(baseline: $a, candidate: $b, acrossSettings: $across) {
  measure baseline candidate difference pairs pValue } }"""
RETRY = "mutation ($id: ID!) { jobRetry(id: $id) { errors { code } job { status } } }"
CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { errors { code } job { status } } }"
DELETE = "mutation ($id: ID!) { evaluationRunDelete(id: $id) { errors { code path } deletedId } }"
DOCUMENTS = (
    """{ documents { totalCount } documentSearch(query: "When does the main gate open?") { score } }"""
)
ENDED = ("COMPLETED", "FAILED", "CANCELLED")


def a_worker(services: Services, chat: ChatModel | None = None, **changes: Any) -> Worker:
    """A worker for runs; `chat` answers in place of the embedded model."""
    return asking.a_worker(services, chat, queues=("evaluation", "documents", "upkeep"), **changes)


class FlakyModel:
    """The embedded answerer, which at some questions fails, or never ends, the first time it is asked."""

    model = ExtractiveAnswerer.model

    def __init__(self, services: Services, fails: Sequence[str] = (), stops: Sequence[str] = ()) -> None:
        self._answerer = ExtractiveAnswerer(services.embedders.default.embed)
        self._fails, self._stops = set(fails), set(stops)
        self.requests: list[str] = []
        self.stopped = asyncio.Event()

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.requests.append(request.question)
        if request.question in self._fails:
            self._fails.remove(request.question)
            raise ModelFailure(RunErrorCode.SERVICE_UNAVAILABLE, "It is busy.", is_transient=True)
        if request.question in self._stops:
            self._stops.remove(request.question)
            self.stopped.set()
            await asyncio.Event().wait()
        async with aclosing(self._answerer.answer(request)) as events:
            async for event in events:
                yield event


async def manager(graphql: Client, company: Fixture | None = None) -> Person:
    return await somebody(graphql, company, RoleName.MANAGER)


async def create_run(person: Person, **values: Any) -> str:
    """The id of a new run of the bundled set."""
    sent = {"name": "A run", "datasetName": "handbook", **values}
    answer = (await person(CREATE, input=sent))["evaluationRunCreate"]
    return str(answer["evaluationRun"]["id"])


async def wait_for_run(person: Person, id: str) -> Any:
    return await person.until(RUN, id, lambda run: run["status"] in ENDED)


def stable_fields(run: Any) -> Any:
    """All of a run but its times, and the order of passages, which is open where their scores are equal."""
    metrics = {name: value for name, value in run["metrics"].items() if name != "avgLatencyMs"}
    return metrics, [case | {"retrieved": len(case["retrieved"])} for case in run["cases"]["nodes"]]


async def test_the_bundled_set_measures_the_same_twice(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    async with a_worker(services):
        first, second = [await wait_for_run(person, await create_run(person)) for _ in range(2)]

    assert (first["status"], first["progress"], first["modelName"]) == (
        "COMPLETED",
        100,
        "seshat-extractive/1",
    )
    assert stable_fields(first) == stable_fields(second)
    data, metrics, cases = parse(BUNDLED["handbook"].read_bytes()), first["metrics"], first["cases"]["nodes"]
    assert [case["key"] for case in cases] == [question.key for question in data.questions]
    scores = [
        retrieval_scores(question.passages, case["retrieved"], 10)
        for question, case in zip(data.questions, cases, strict=True)
        if question.passages
    ]
    for name, score in {"precision": "precision", "mrr": "reciprocal_rank", "ndcg": "ndcg"}.items():
        assert metrics[name] == pytest.approx(fmean(case[score] for case in scores))
    assert metrics["accuracy"] == pytest.approx(sum(case["correct"] for case in cases) / 36)
    assert (metrics["depth"], metrics["cases"], metrics["failedCases"]) == (10, 36, 0)
    assert (metrics["accuracy"], metrics["mrr"]) == (1.0, 1.0)


async def test_passages_of_a_run_are_nobody_elses(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    published = await person(DOCUMENTS)
    async with a_worker(services):
        await wait_for_run(person, await create_run(person, config={"testCases": 2}))

    found = await person(DOCUMENTS)

    assert found == {"documents": published["documents"], "documentSearch": []}


async def test_a_run_that_is_interrupted_ends_the_same(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person, chance = await manager(graphql), random.Random(3)
    questions = [question.text for question in parse(BUNDLED["handbook"].read_bytes()).questions[:14]]
    fails, stops = chance.sample(questions[:7], 2), chance.sample(questions[7:], 1)
    async with a_worker(services):
        whole = await wait_for_run(person, await create_run(person, config={"testCases": 14}))

    faltering = FlakyModel(services, fails, stops)
    id = await create_run(person, config={"testCases": 14})
    async with asyncio.timeout(PATIENCE):
        async with a_worker(services, faltering, job_grace=0.05):
            await faltering.stopped.wait()
        async with a_worker(services, faltering):
            interrupted = await wait_for_run(person, id)

    assert stable_fields(interrupted) == stable_fields(whole)
    assert len(faltering.requests) == 14 + 3


async def test_a_cancelled_run_keeps_its_cases_and_restarts(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    questions = [question.text for question in parse(BUNDLED["handbook"].read_bytes()).questions]
    stopping = FlakyModel(services, stops=[questions[2]])
    id = await create_run(person, config={"testCases": 4})

    async with a_worker(services, stopping):
        async with asyncio.timeout(PATIENCE):
            await stopping.stopped.wait()
        refused = await person.graphql.refusals(DELETE, id=id)
        await person(CANCEL, id=id)
        cancelled = await wait_for_run(person, id)
        await person(RETRY, id=id)
        again = await wait_for_run(person, id)

    assert refused == [("CONFLICT", ("id",))]
    assert (cancelled["status"], cancelled["cases"]["totalCount"], cancelled["metrics"]) == (
        "CANCELLED",
        2,
        None,
    )
    assert (again["status"], again["cases"]["totalCount"]) == ("COMPLETED", 4)


async def test_an_uploaded_set_is_measured_and_compared(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    table = b"""question,answer,passage
How tall is the tower?,42 metres,The tower is 42 metres tall.
Who sang?,,
"""
    upload = await person.upload(table, "towers.csv", "text/csv")
    values = {"datasetName": None, "datasetUploadId": upload.gid}
    async with a_worker(services):
        one, other = (
            await create_run(person, **values),
            await create_run(person, **values, config={"topK": 1, "passages": 1}),
        )
        run = await wait_for_run(person, one)
        await wait_for_run(person, other)
    compared = (await person(COMPARE, a=one, b=other, across=True))["evaluationComparison"]

    (tower, sang) = run["cases"]["nodes"]
    assert (tower["retrieved"], tower["cited"], tower["correct"]) == (["p1"], ["p1"], True)
    assert tower["scores"] == {"reciprocalRank": 1.0, "exactMatch": 0.0, "citationRecall": 1.0}
    assert (sang["expectedAnswer"], sang["expectedPassages"], sang["correct"]) == (None, [], True)
    assert (await person(WRONG, id=one))["evaluationRun"]["cases"]["nodes"] == []
    correct = compared[0]
    assert correct == {
        "measure": "correct",
        "baseline": 1.0,
        "candidate": 1.0,
        "difference": 0.0,
        "pairs": 2,
        "pValue": 1.0,
    }


async def test_a_faulty_set_fails_with_its_line(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    faulty = b'{"id": "p1", "text": "x"}\n{"question": "why?", "passages": ["p2"]}\n'
    upload = await person.upload(faulty, "faulty.jsonl", "application/jsonl")
    async with a_worker(services):
        run = await wait_for_run(
            person, await create_run(person, datasetName="faulty", datasetUploadId=upload.gid)
        )

    assert (run["status"], run["errorMessage"]) == (
        "FAILED",
        "Line 2 of the data set: unknown passage id p2.",
    )
    assert run["cases"]["totalCount"] == 0


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"name": " "}, ["input", "name"]),
        ({"datasetName": None}, ["input", "datasetName"]),
        ({"datasetName": "unknown"}, ["input", "datasetName"]),
        ({"modelName": "gpt-9"}, ["input", "modelName"]),
        ({"config": {"temperature": 3}}, ["input", "config", "temperature"]),
        ({"config": {"topK": 0}}, ["input", "config", "topK"]),
        ({"config": {"topK": 2, "passages": 3}}, ["input", "config", "passages"]),
        ({"config": {"passages": 11}}, ["input", "config", "passages"]),
        ({"config": {"topK": 2}}, ["input", "config", "topK"]),
        ({"config": {"provider": "OPENAI"}}, ["input", "config", "provider"]),
        ({"config": {"testCases": 0}}, ["input", "config", "testCases"]),
        ({"config": {"maxTokens": 0}}, ["input", "config", "maxTokens"]),
    ],
)
async def test_a_wrong_run_is_not_made(
    graphql: Client, assert_unchanged: Unchanged, wrong: dict[str, Any], path: list[str]
) -> None:
    person = await manager(graphql)

    async with assert_unchanged():
        refused = await person.graphql.refusals(
            CREATE, input={"name": "A run", "datasetName": "handbook", **wrong}
        )

    assert refused == [("INVALID", tuple(path))]


async def test_runs_that_are_not_done_are_not_compared(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await manager(graphql)
    waiting, other = await create_run(person, start=False), await create_run(person, start=False)

    not_done = await person.graphql.refusals(COMPARE, a=waiting, b=other)
    same = await person.graphql.refusals(COMPARE, a=waiting, b=waiting)

    assert (not_done, same) == ([("CONFLICT", ("baseline",))], [("INVALID", ("candidate",))])
