"""Workers that die, models that fail: one answer or none, and everything counted once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from db.models import Citation, RunLog, TokenUsage
from providers.chat import CompatibleModel
from schema.context import Services
from server.vectors import EmbeddedVectors
from tests.answering.endpoint import Reply, chunk, endpoint, refused
from tests.ask import questions
from tests.ask.conftest import PATIENCE, Person, a_worker, key
from tests.ask.test_documents import LOANS
from tests.ask.test_streaming import read, text_of

ROOT = Path(__file__).resolve().parents[2]
HALF = "The minimum credit score "


@pytest_asyncio.fixture
async def dying(services: Services, stored_vectors: EmbeddedVectors) -> AsyncIterator[list[str]]:
    """What a worker needs in its environment whose language model stops halfway."""
    async with endpoint(Reply(events=[chunk(HALF), chunk("of the ")], pause=PATIENCE)) as model:
        yield [
            f"DATABASE_URL={services.settings.database_url}",
            f"SECRET_KEY={services.settings.secret()}",
            f"CHAT_URL={model.url}",
            "JOB_HEARTBEAT=0.2",
            "JOB_STALE=1",
        ]


async def test_a_killed_workers_answer_is_given_by_another(
    services: Services, stored_vectors: EmbeddedVectors, dying: list[str], person: Person
) -> None:
    async with a_worker(services):
        await person.added(LOANS, title="Guidelines")
    conversation = await person.conversation()
    answer = (await person.send(conversation, "What is the minimum credit score?"))["answer"]
    command = [sys.executable, "-m", "server", "worker", "--data", str(services.settings.data)]
    environment = os.environ | dict(each.split("=", 1) for each in dying)
    process = await asyncio.to_thread(
        subprocess.Popen, [*command, "--queues", "chat"], cwd=ROOT, env=environment
    )
    try:
        events: list[Any] = []
        while HALF not in text_of(events):
            after = events[-1]["cursor"] if events else None
            events += await read(person, conversation, after, 1)
    finally:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)

    async with a_worker(services, job_heartbeat=0.2, job_stale=1.0):
        message = await person.answer(answer["id"])
    events += await read(person, conversation, events[-1]["cursor"], 10_000)

    assert message["state"] == "COMPLETED"
    assert "660" in message["content"]
    assert text_of(events) == message["content"]
    kinds = [event["__typename"] for event in events]
    assert (kinds.count("MessageReset"), kinds.count("MessageCompleted")) == (1, 1)
    state = (await person(questions.CONVERSATION, id=conversation))["conversation"]
    assert (state["messageCount"], len(state["messages"]["nodes"])) == (2, 2)
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        runs = await uow.scalar(select(func.count()).select_from(RunLog))
        spent = TokenUsage.operation_type == "chat"
        usages = await uow.scalar(select(func.count()).select_from(TokenUsage).where(spent))
        cited = Citation.message_id == key(answer["id"])
        citations = await uow.scalar(select(func.count()).select_from(Citation).where(cited))
    assert (runs, usages) == (1, 1)
    assert citations == len(message["citations"]["nodes"])


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refused(401), "CHAT_FAILED"),
        (refused(404, "model_not_found"), "MODEL_NOT_FOUND"),
        (refused(429, "insufficient_quota"), "QUOTA_EXCEEDED"),
    ],
)
async def test_a_failure_is_told_by_its_code_alone(
    services: Services, stored_vectors: EmbeddedVectors, person: Person, reply: Reply, code: str
) -> None:
    conversation = await person.conversation()
    async with endpoint(reply) as place:
        model = CompatibleModel(place.url, "tiny", retries=0)
        sent = await person.send(conversation, "What is the minimum credit score?")
        watching = asyncio.create_task(read(person, conversation, None, 10_000, "MessageFailed"))
        async with a_worker(services, model):
            failed = (await watching)[-1]
        await model.close()

    answer = await person.answer(sent["answer"]["id"])
    assert (answer["state"], answer["content"], answer["errorCode"]) == ("FAILED", "", code)
    assert (failed["code"], "sk-" in failed["reason"]) == (code, False)
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        (run,) = await uow.all(select(RunLog))
    assert (run.status.value, run.error_code, run.message_id) == ("error", code, key(answer["id"]))
