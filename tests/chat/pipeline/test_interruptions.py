"""Workers that die, models that fail: one answer or none, and everything counted once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from db.models import AgentLog, Citation, RunLog, TokenUsage
from providers.chat.openai_compatible import CompatibleModel
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker, key
from tests.chat.pipeline.test_documents import LOANS
from tests.chat.pipeline.test_streaming import read, text_of
from tests.providers.fake_openai import Endpoint, Reply, chunk, endpoint, error_reply, stream_reply

ROOT = Path(__file__).resolve().parents[3]
QUESTION = "What is the minimum credit score?"
HALF = "The minimum credit score "


async def killed_once(
    services: Services, person: Person, conversation: str, model: Endpoint, far: Callable[[list[Any]], bool]
) -> list[Any]:
    """What a worker process told that asks `model`, until it had come so `far` and was killed."""
    environment = os.environ | {
        "DATABASE_URL": str(services.settings.database_url),
        "SECRET_KEY": services.settings.secret(),
        "CHAT_URL": model.url,
        "JOB_HEARTBEAT": "0.2",
        "JOB_STALE": "1",
    }
    command = [sys.executable, "-m", "server", "worker", "--data", str(services.settings.data)]
    process = await asyncio.to_thread(
        subprocess.Popen, [*command, "--queues", "chat"], cwd=ROOT, env=environment
    )
    events: list[Any] = []
    try:
        while not far(events):
            after = events[-1]["cursor"] if events else None
            events += await read(person, conversation, after, 1)
    finally:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
    return events


async def test_a_killed_workers_answer_is_set_by_another(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with a_worker(services):
        await person.added(LOANS, title="Guidelines")
    conversation = await person.conversation()
    answer = (await person.send(conversation, QUESTION))["answer"]
    async with endpoint(Reply(events=[chunk(HALF), chunk("of the ")], pause=PATIENCE)) as model:
        events = await killed_once(
            services, person, conversation, model, lambda events: HALF in text_of(events)
        )

    async with a_worker(services, job_heartbeat=0.2, job_stale=1.0):
        message = await person.answer(answer["id"])
    events += await read(person, conversation, events[-1]["cursor"], 10_000)

    assert message["state"] == "COMPLETED"
    assert "660" in message["content"]
    assert text_of(events) == message["content"]
    kinds = [event["__typename"] for event in events]
    assert (kinds.count("MessageReset"), kinds.count("MessageCompleted")) == (1, 1)
    state = (await person(operations.CONVERSATION, id=conversation))["conversation"]
    assert (state["messageCount"], len(state["messages"]["nodes"])) == (2, 2)
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        runs = await uow.scalar(select(func.count()).select_from(RunLog))
        spent = TokenUsage.operation_type == "chat"
        usages = await uow.scalar(select(func.count()).select_from(TokenUsage).where(spent))
        cited = Citation.message_id == key(answer["id"])
        citations = await uow.scalar(select(func.count()).select_from(Citation).where(cited))
    assert (runs, usages) == (1, 1)
    assert citations == len(message["citations"]["nodes"])


async def test_a_killed_workers_council_goes_on_with_the_votes_there_are(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with a_worker(services):
        await person.added(LOANS, title="Guidelines")
    conversation = await person.conversation()
    answer = (await person.send(conversation, QUESTION, mode="COUNCIL"))["answer"]
    waiting = Reply(events=[chunk("It is ")], pause=PATIENCE)
    async with endpoint(stream_reply("It is 660 [Source 1]."), waiting) as hanging:
        events = await killed_once(
            services, person, conversation, hanging, lambda events: len(cast_in(events)) == 1
        )

    async with endpoint(stream_reply("It is 660 then [Source 1].")) as place:
        model = CompatibleModel(place.url, "tiny")
        async with a_worker(services, model, job_heartbeat=0.2, job_stale=1.0):
            message = await person.answer(answer["id"])
        await model.close()
    events += await read(person, conversation, events[-1]["cursor"], 10_000)

    votes = (await person(operations.COUNCIL, id=answer["id"]))["councilVotes"]
    assert (message["state"], len(place.requests)) == ("COMPLETED", 2)
    assert sorted(cast_in(events)) == sorted(each["agentType"] for each in votes)
    assert [each["voteData"]["agent"] for each in votes] == ["analytical", "creative", "critical"]
    said = sorted(each["voteData"]["vote"] for each in votes)
    assert said == ["It is 660 [Source 1].", *["It is 660 then [Source 1]."] * 2]
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        logs = await uow.scalar(select(func.count()).select_from(AgentLog).where(AgentLog.is_council_vote))
        spent = await uow.all(
            select(TokenUsage.total_tokens).where(TokenUsage.operation_type == "council_voting")
        )
        runs = await uow.scalar(select(func.count()).select_from(RunLog))
    assert (logs, runs, [row.total_tokens for row in spent]) == (3, 1, [45])
    state = (await person(operations.CONVERSATION, id=conversation))["conversation"]
    assert (state["messageCount"], state["totalTokensUsed"]) == (2, 45)


def cast_in(events: list[Any]) -> list[str]:
    """Whose votes were told, in order."""
    steps = [event for event in events if event["__typename"] == "RunStep" and event["action"] == "vote"]
    return [step["agent"] for step in steps if step["state"] == "COMPLETED"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error_reply(401), "CHAT_FAILED"),
        (error_reply(404, "model_not_found"), "MODEL_NOT_FOUND"),
        (error_reply(429, "insufficient_quota"), "QUOTA_EXCEEDED"),
    ],
)
async def test_a_failure_is_reported_by_its_code_alone(
    services: Services, stored_vectors: EmbeddedVectors, person: Person, reply: Reply, code: str
) -> None:
    conversation = await person.conversation()
    async with endpoint(reply) as place:
        model = CompatibleModel(place.url, "tiny", retries=0)
        sent = await person.send(conversation, QUESTION)
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
