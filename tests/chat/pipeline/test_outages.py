"""Outages in the middle of jobs: each job waits, says for what, and completes with nothing lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from core.ports import ChatModel, StoreFull, StoreUnavailable, VectorsUnavailable
from db.models import RoleName
from db.queue import faults
from pipelines.chat.handlers import VECTORS_UNAVAILABLE
from providers.chat.openai_compatible import CompatibleModel
from schema.framework.context import Services
from server.worker import Worker
from tests.chat.pipeline import conftest as asking
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, somebody
from tests.chat.pipeline.test_documents import LOANS, vector_store
from tests.evaluation.pipeline.test_runs import create_run, manager, wait_for_run
from tests.graphql_client import Client
from tests.providers.fake_openai import endpoint, error_reply, stream_reply
from tests.waiting import until

QUESTION = "What is the minimum credit score?"
FAILURES = 7
"""More than the attempts of any job."""
QUEUES = ("documents", "chat", "evaluation", "upkeep")
WAITING = """{ processingJobs(first: 50) { nodes {
  id jobType status attempts waitingFor nextAttemptAt errorMessage } } }"""

CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { errors { code } job { status } } }"


class Outage:
    """A service whose methods, and those of the stores that it opens, fail so many times."""

    def __init__(self, target: Any, error: Exception, methods: tuple[str, ...], left: list[int]) -> None:
        self._target, self._error, self._methods, self._left = target, error, methods, left

    def of(self, *arguments: Any) -> "Outage":
        return Outage(self._target.of(*arguments), self._error, self._methods, self._left)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if name not in self._methods or not self._left[0]:
            return method

        async def failing(*arguments: Any, **named: Any) -> Any:
            if self._left[0]:
                self._left[0] -= 1
                raise self._error
            return await method(*arguments, **named)

        return failing


def outage(target: Any, error: Exception, *methods: str, failures: int = FAILURES) -> Any:
    """The service, which fails in these methods at first."""
    return Outage(target, error, methods, [failures])


def a_worker(services: Services, chat: ChatModel | None = None) -> Worker:
    return asking.a_worker(services, chat, queues=QUEUES)


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "MAX_BACKOFF", timedelta(milliseconds=50))


@pytest.fixture(autouse=True)
def vector_store_process(stored_vectors: Any) -> None:
    """The embedded vector store runs."""


@pytest_asyncio.fixture
async def person(graphql: Client) -> Person:
    """Somebody who sees the jobs of their own company."""
    return await somebody(graphql, role=RoleName.ADMIN)


async def jobs(person: Person, job_type: str) -> list[Any]:
    """The person's jobs of a type."""
    nodes = (await person(WAITING))["processingJobs"]["nodes"]
    return [node for node in nodes if node["jobType"] == job_type]


async def completed_attempts(person: Person, job_type: str) -> int:
    """The attempts of the only job of a type, which must have completed and wait for nothing."""
    (job,) = await jobs(person, job_type)
    state = job["status"], job["waitingFor"], job["nextAttemptAt"], job["errorMessage"]
    assert state == ("COMPLETED", None, None, None)
    return int(job["attempts"])


async def test_an_answer_outlives_an_outage_of_the_vector_store(services: Services, person: Person) -> None:
    async with a_worker(services):
        await person.added(LOANS)
    away = outage(services.vectors, VectorsUnavailable("nobody there"), "search")

    async with a_worker(replace(services, vectors=away)):
        answer = await person.ask(await person.conversation(), QUESTION)

    assert (answer["state"], answer["errorCode"]) == ("COMPLETED", None)
    assert "660" in answer["content"]
    assert await completed_attempts(person, "CHAT_ANSWER") == FAILURES + 1


async def test_an_answer_says_what_it_waits_for(
    services: Services, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "MAX_BACKOFF", timedelta(minutes=1))
    away = outage(services.vectors, VectorsUnavailable("nobody there"), "search")
    sent = await person.send(await person.conversation(), QUESTION)

    async with a_worker(replace(services, vectors=away)):

        async def look() -> Any:
            (job,) = await jobs(person, "CHAT_ANSWER")
            return job

        listener = person.graphql.services.events.listener
        job = await until(listener, look, lambda job: job["waitingFor"], asking.PATIENCE)

    assert (job["status"], job["errorMessage"]) == ("PENDING", None)
    assert job["waitingFor"] == VECTORS_UNAVAILABLE
    assert job["nextAttemptAt"] is not None
    message = await person(operations.MESSAGE, id=sent["answer"]["id"])
    assert [row["state"] for row in message.values()] == ["STREAMING"]
    await person(CANCEL, id=job["id"])


async def test_an_answer_outlives_an_outage_of_the_model(services: Services, person: Person) -> None:
    replies = *[error_reply(503)] * FAILURES, stream_reply("It is 660 [Source 1].")
    async with endpoint(*replies) as place:
        model = CompatibleModel(place.url, "tiny", retries=0)
        async with a_worker(services, model):
            await person.added(LOANS)
            answer = await person.ask(await person.conversation(), QUESTION)
        await model.close()

    assert (answer["state"], answer["errorCode"]) == ("COMPLETED", None)
    assert await completed_attempts(person, "CHAT_ANSWER") == FAILURES + 1


@pytest.mark.parametrize("error", [StoreUnavailable("nobody there"), StoreFull("os error 28")])
async def test_a_document_outlives_an_outage_of_the_object_store(
    services: Services, person: Person, error: Exception
) -> None:
    async with a_worker(replace(services, store=outage(services.store, error, "fetch"))):
        document = await person.added(LOANS)

    assert document["chunks"]["totalCount"] == 1
    assert await completed_attempts(person, "DOCUMENT_PROCESSING") == FAILURES + 1


async def test_a_document_outlives_an_outage_of_the_vector_store(services: Services, person: Person) -> None:
    away = outage(services.vectors, VectorsUnavailable("nobody there"), "upsert")

    async with a_worker(replace(services, vectors=away)):
        document = await person.added(LOANS)

    assert await vector_store(services).count(person.user.company.id, asking.key(document["id"])) == 1
    assert await completed_attempts(person, "DOCUMENT_PROCESSING") == FAILURES + 1


@pytest.mark.parametrize("method", ["count", "upsert", "search"])
async def test_an_evaluation_outlives_an_outage_of_the_vector_store(
    services: Services, graphql: Client, method: str
) -> None:
    person = await manager(graphql)
    away = outage(services.vectors, VectorsUnavailable("nobody there"), method)

    async with a_worker(replace(services, vectors=away)):
        run = await wait_for_run(person, await create_run(person, config={"testCases": 3}))

    assert (run["status"], run["errorMessage"], run["attempts"]) == ("COMPLETED", None, FAILURES + 1)
    assert run["metrics"]["failedCases"] == 0


async def test_vectors_of_a_deleted_document_are_deleted_after_an_outage(
    services: Services, person: Person
) -> None:
    async with a_worker(services):
        document = await person.added(LOANS)
    away = outage(services.vectors, VectorsUnavailable("nobody there"), "delete")

    async with a_worker(replace(services, vectors=away)):
        await person(operations.DELETE, id=document["id"])
        await until(
            person.graphql.services.events.listener,
            lambda: jobs(person, "UPKEEP"),
            lambda upkeep: upkeep and all(job["status"] == "COMPLETED" for job in upkeep),
            asking.PATIENCE,
        )

    assert await vector_store(services).count(person.user.company.id) == 0
