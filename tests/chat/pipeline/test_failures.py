"""Requests that fail: each of the codes under which that is logged, reached by a question."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.ports import Hit, RunErrorCode, VectorsUnavailable
from db.models import RunLog
from providers.chat.openai_compatible import CompatibleModel
from resolvers.chat.questions import AnswerMessage
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline.conftest import Person, a_worker, key
from tests.chat.pipeline.test_documents import LOANS
from tests.providers.fake_openai import SECRET, Reply, chunk, endpoint, error_reply, stream_reply

QUESTION = "What is the minimum credit score?"

REPLIES: Sequence[tuple[Reply, str]] = (
    (error_reply(404, "model_not_found"), "MODEL_NOT_FOUND"),
    (error_reply(429), "RATE_LIMIT_EXCEEDED"),
    (error_reply(429, "insufficient_quota"), "QUOTA_EXCEEDED"),
    (error_reply(503), "SERVICE_UNAVAILABLE"),
    (Reply(events=[chunk("Half of it")], cut=True), "CONNECTION_ERROR"),
    (Reply(events=["[DONE]"]), "NO_RESPONSE"),
    (Reply(events=[chunk("Half"), '{"choices": [']), "INVALID_RESPONSE"),
    (Reply(events=[chunk(reason="content_filter")]), "CONTENT_BLOCKED"),
    (error_reply(401), "CHAT_FAILED"),
    (Reply(events=[chunk("Slow")], pause=2), "TIMEOUT"),
    (stream_reply("It is 660, I suppose."), "NO_CITATIONS"),
)
"""What an endpoint does, and what is logged of it. An answer that cites nothing is given all the same."""


async def logged_errors(person: Person, answer: Any) -> list[tuple[str, str | None]]:
    """How the requests for an answer went."""
    async with person.graphql.services.database.tenant(person.user.company.id, read_only=True) as uow:
        runs = await uow.all(select(RunLog).where(RunLog.message_id == key(answer["id"])))
    return [(run.status.value, run.error_code) for run in runs]


async def latency(person: Person, answer: Any) -> int:
    """How long the request for an answer took, in milliseconds."""
    async with person.graphql.services.database.tenant(person.user.company.id, read_only=True) as uow:
        run = await uow.one(select(RunLog).where(RunLog.message_id == key(answer["id"])))
    assert isinstance(run.latency_ms, int)
    return run.latency_ms


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What time may cure is not tried again."""
    monkeypatch.setattr(AnswerMessage, "retry_deadline", timedelta(0))


@pytest.mark.usefixtures("at_once")
async def test_what_goes_wrong_is_logged_by_its_code(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with endpoint(*(reply for reply, _ in REPLIES)) as place:
        model = CompatibleModel(place.url, "tiny", retries=0, silence=0.5)
        async with a_worker(services, model):
            await person.added(LOANS)
            answers = [await person.ask(await person.conversation(), QUESTION) for _ in REPLIES]
        await model.close()

    assert [await logged_errors(person, answer) for answer in answers] == [
        [("error", code)] for _, code in REPLIES
    ]
    *failed, uncited = answers
    assert [answer["errorCode"] for answer in failed] == [code for _, code in REPLIES[:-1]]
    assert {answer["state"] for answer in failed} == {"FAILED"}
    assert (uncited["state"], uncited["errorCode"]) == ("COMPLETED", None)
    assert uncited["content"] == "It is 660, I suppose."
    assert SECRET not in str(answers)
    latencies = [await latency(person, answer) for answer in answers]
    slowest = [code for _, code in REPLIES].index("TIMEOUT")
    assert latencies[slowest] >= 500


class DroppedConnection:
    """A vector store that does not answer."""

    def of(self, model: str, dimension: int) -> "DroppedConnection":
        return self

    async def search(self, reach: Any, **wanted: Any) -> list[Hit]:
        raise VectorsUnavailable("nobody there")

    async def forget(self, company_id: UUID, document_id: UUID | None = None) -> None: ...


@pytest.mark.usefixtures("at_once")
async def test_without_a_vector_store_nothing_is_answered(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    gone: Any = DroppedConnection()
    async with a_worker(replace(services, vectors=gone)):
        answer = await person.ask(await person.conversation(), QUESTION)

    assert (answer["state"], answer["errorCode"]) == ("FAILED", "NO_FILE_SEARCH_STORE")
    assert await logged_errors(person, answer) == [("error", "NO_FILE_SEARCH_STORE")]


def test_these_are_all_the_codes() -> None:
    codes = {code for _, code in REPLIES} | {"NO_FILE_SEARCH_STORE"}

    assert codes == {code.value for code in RunErrorCode}
