"""Workers that are killed in mid-answer and before a commit: exact transcripts, documents that stay found.

`ANSWER_CUTS=100` cuts the tabs off a hundred times, and kills a worker for every answer.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker, key
from tests.chat.pipeline.test_documents import vector_store
from tests.chat.pipeline.test_searchability import find_documents, rules, search_again_and_again
from tests.chat.pipeline.test_streaming import PIECES, TEXT, SlowModel, read, text_of
from tests.providers.fake_openai import Reply, chunk, endpoint

ROOT = Path(__file__).resolve().parents[3]
CUTS = int(os.environ.get("ANSWER_CUTS", "12"))


@asynccontextmanager
async def worker_process(
    services: Services, module: str, queue: str, **changes: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, which is killed at the end."""
    environment = os.environ | {
        "DATABASE_URL": str(services.settings.database_url),
        "SECRET_KEY": services.settings.secret(),
        "JOB_HEARTBEAT": "0.2",
        "JOB_STALE": "1",
        **changes,
    }
    command = [sys.executable, "-m", module, "worker", "--data", str(services.settings.data)]
    process = await asyncio.to_thread(
        subprocess.Popen, [*command, "--queues", queue], cwd=ROOT, env=environment
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)


async def watch_in_cuts(
    person: Person, conversation: str, start: str, chance: random.Random, cuts: Counter[str]
) -> list[Any]:
    """The events of an answer in a tab that is cut off after every few of them."""
    events: list[Any] = []
    while not events or events[-1]["__typename"] != "MessageCompleted":
        after = events[-1]["cursor"] if events else start
        events += await read(person, conversation, after, chance.randint(1, 6))
        cuts["all"] += 1
    return events


async def test_tabs_that_are_cut_off_see_an_exact_transcript_although_the_worker_is_killed(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    chance, cuts, answers = random.Random(13), Counter[str](), 0
    while cuts["all"] < CUTS:
        conversation = await person.conversation()
        answer = (await person.send(conversation, "Tell me everything slowly."))["answer"]
        (first,) = await read(person, conversation, None, 1)
        tabs = [
            asyncio.create_task(
                watch_in_cuts(person, conversation, first["cursor"], random.Random(chance.random()), cuts)
            )
            for _ in range(2)
        ]
        said = PIECES[: chance.randint(1, 20)]
        half = Reply(events=[chunk(piece) for piece in said], pause=PATIENCE)
        async with (
            endpoint(half) as model,
            worker_process(services, "server", "chat", CHAT_URL=model.url),
        ):
            begun: list[Any] = [first]
            while len(text_of(begun)) < len(said[0]):
                begun += await read(person, conversation, begun[-1]["cursor"], 1)
        async with a_worker(services, SlowModel(), job_heartbeat=0.2, job_stale=1.0):
            seen = await asyncio.gather(*tabs)

        message = await person.answer(answer["id"])
        whole = await read(person, conversation, first["cursor"], 10_000)
        assert (message["state"], message["content"]) == ("COMPLETED", TEXT)
        assert seen == [whole, whole]
        assert text_of(whole) == TEXT
        kinds = Counter(event["__typename"] for event in whole)
        assert (kinds["MessageReset"], kinds["MessageCompleted"]) == (1, 1)
        assert len({event["cursor"] for event in whole}) == len(whole)
        state = (await person(operations.CONVERSATION, id=conversation))["conversation"]
        assert (state["messageCount"], len(state["messages"]["nodes"])) == (2, 2)
        answers += 1
    print(f"{cuts['all']} cuts of two tabs, {answers} answers whose worker was killed")


@pytest.mark.usefixtures("stored_vectors")
async def test_a_worker_killed_between_vectors_and_commit_hides_no_document(
    services: Services, person: Person
) -> None:
    company, store = person.user.company.id, vector_store(services)
    async with a_worker(services, queues=("documents",)):
        documents = [await person.added(rules(f"Aalmouth {number}", 4)) for number in range(2)]
    ids = [document["id"] for document in documents]
    before, stored = await find_documents(person), await store.count(company)

    await person(operations.REPROCESS, id=ids[0])
    async with (
        asyncio.timeout(3 * PATIENCE),
        worker_process(
            services, "tests.chat.pipeline.killed_worker", "documents", CHUNK_TOKENS="64", CHUNK_OVERLAP="0"
        ) as process,
    ):
        assert await asyncio.to_thread(process.wait) == -signal.SIGKILL
    assert await store.count(company) > stored
    assert await find_documents(person) == before
    async with (
        search_again_and_again(person, set(ids)) as counts,
        a_worker(services, job_heartbeat=0.2, job_stale=1.0),
    ):
        again = await person.document(ids[0])
        async with asyncio.timeout(PATIENCE):
            while await store.count(company, key(ids[0])) != again["chunkCount"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    assert min(counts) == len(before)
    assert again["chunks"]["totalCount"] == again["chunkCount"]
    assert set(await find_documents(person)) == set(ids)
