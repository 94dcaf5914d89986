"""Answers as they come: each piece once and in order, whoever is cut off, whoever else asks."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from core.ports import AnswerEnd, ChatEvent, ChatRequest, TextDelta
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.worker import Worker
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker

PIECES = [f"piece {number} \U0001f600 \u05e9\u05dc\u05d5\u05dd, " for number in range(40)]
TEXT = "".join(PIECES)


class SlowModel:
    """A model that says its pieces one by one; told to wait, it stays halfway for ever."""

    model = "slowly/1"

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        for number, piece in enumerate(PIECES):
            if number == 20 and "wait" in request.question:
                await asyncio.sleep(PATIENCE)
            await asyncio.sleep(0.02)
            yield TextDelta(piece)
        yield AnswerEnd(self.model, 7, 5)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def slow_worker(services: Services, stored_vectors: EmbeddedVectors) -> AsyncIterator[Worker]:
    async with a_worker(services, SlowModel()) as worker:
        yield worker


async def read(
    person: Person, conversation: str, after: str | None, most: int, last: str = "MessageCompleted"
) -> list[Any]:
    """At most so many events, up to the answer's last one; then the subscriber is cut off."""
    found: list[Any] = []
    async with (
        asyncio.timeout(PATIENCE),
        person.graphql.watch(operations.EVENTS, id=conversation, after=after) as results,
    ):
        async for result in results:
            assert result.errors is None, result.errors
            found.append(result.data["conversationEvents"])
            if len(found) == most or found[-1]["__typename"] == last:
                break
    return found


def text_of(events: list[Any]) -> str:
    """The pieces, joined; each must begin where the one before it ended."""
    text = ""
    for event in events:
        if event["__typename"] == "MessageReset":
            text = ""
        if event["__typename"] == "MessageDelta":
            assert event["offset"] == len(text)
            text += event["text"]
    return text


async def test_a_subscriber_cut_a_hundred_times_misses_nothing(slow_worker: Worker, person: Person) -> None:
    chance = random.Random(4)
    conversation = await person.conversation()
    whole = asyncio.create_task(read(person, conversation, None, 10_000))
    await asyncio.sleep(0.2)  # it watches before anything is said
    sent = await person.send(conversation, "Tell me everything slowly.")

    cuts = 0
    passes: list[list[Any]] = []
    while cuts < 100:
        events: list[Any] = []
        while not events or events[-1]["__typename"] != "MessageCompleted":
            after = events[-1]["cursor"] if events else None
            events += await read(person, conversation, after or begin(passes), chance.randint(1, 4))
            cuts += 1
        passes.append(events)

    seen = await whole
    message = await person.answer(sent["answer"]["id"])
    assert message["content"] == TEXT
    assert seen[0]["message"]["id"] == sent["message"]["id"]
    assert [event["cursor"] for event in passes[0]] == [event["cursor"] for event in seen][1:]
    for events in passes:
        assert len({event["cursor"] for event in events}) == len(events)
        assert text_of(events) == TEXT
    assert text_of(seen) == TEXT


def begin(passes: list[list[Any]]) -> str | None:
    """Where a further pass begins: after the first event of the first one."""
    return passes[0][0]["cursor"] if passes else None


async def test_two_watchers_see_the_same(slow_worker: Worker, person: Person) -> None:
    conversation = await person.conversation()
    sent = await person.send(conversation, "Tell me everything slowly.")

    one, other = await asyncio.gather(*(read(person, conversation, None, 10_000) for _ in range(2)))

    assert one == other
    assert [one[0]["__typename"], one[0]["message"]["id"]] == ["MessageCreated", sent["answer"]["id"]]


async def test_a_stopped_answer_keeps_what_has_come(slow_worker: Worker, person: Person) -> None:
    conversation = await person.conversation()
    answer = (await person.send(conversation, "Please wait halfway."))["answer"]
    events = await read(person, conversation, None, 8)
    await person(operations.CANCEL, id=answer["id"])

    stopped = await person.answer(answer["id"])
    events += await read(person, conversation, events[-1]["cursor"], 10_000)

    assert stopped["state"] == "STOPPED"
    assert stopped["content"] == text_of(events)
    assert TEXT.startswith(stopped["content"])
    assert 0 < len(stopped["content"]) < len(TEXT)
    assert (await person(operations.CANCEL, id=answer["id"]))["messageCancel"]["message"] == {
        "id": answer["id"],
        "state": "STOPPED",
    }


async def test_nothing_follows_an_answer_that_is_being_written(slow_worker: Worker, person: Person) -> None:
    conversation = await person.conversation()
    first = await person.send(conversation, "Please wait halfway.")
    again = {"conversationId": conversation, "content": "And now?"}

    refusals = await person.graphql.refusals(operations.SEND, input=again)
    also = await person.graphql.refusals(operations.REGENERATE, id=first["answer"]["id"])
    await person(operations.CANCEL, id=first["answer"]["id"])

    assert refusals == [("CONFLICT", ("input", "parentMessageId"))]
    assert also == [("CONFLICT", ("id",))]
    assert (await person.answer(first["answer"]["id"]))["state"] == "STOPPED"
    assert (await person(operations.CONVERSATION, id=conversation))["conversation"]["messageCount"] == 2


async def test_of_two_sends_at_once_one_is_refused(slow_worker: Worker, person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Tell me everything slowly.")
    again = {"conversationId": conversation, "content": "Tell me more."}

    refusals = await asyncio.gather(
        *(person.graphql.refusals(operations.SEND, input=again) for _ in range(2))
    )

    assert sorted(refusals) == [[], [("CONFLICT", ("input", "parentMessageId"))]]
    assert (await person(operations.CONVERSATION, id=conversation))["conversation"]["messageCount"] == 4


async def test_a_storm_of_reconnects_leaves_nobody_without_a_piece(
    slow_worker: Worker, person: Person
) -> None:
    conversation = await person.conversation()
    sent = await person.send(conversation, "Tell me everything slowly.")

    first = await read(person, conversation, None, 1)

    async def through_the_storm(seed: int) -> list[Any]:
        chance, events = random.Random(seed), list(first)
        while events[-1]["__typename"] != "MessageCompleted":
            events += await read(person, conversation, events[-1]["cursor"], chance.randint(1, 5))
        return events

    seen = await asyncio.gather(*(through_the_storm(seed) for seed in range(12)))

    assert (await person.answer(sent["answer"]["id"]))["content"] == TEXT
    assert all(events == seen[0] for events in seen)
    assert text_of(seen[0]) == TEXT


@pytest.mark.parametrize("cursor", ["foreign", "nonsense", "future"])
async def test_a_cursor_that_is_not_of_the_conversation_is_refused(
    slow_worker: Worker, person: Person, cursor: str
) -> None:
    conversation, other = await person.conversation(), await person.conversation()
    await person.ask(other, "Tell me everything slowly.")
    values = {"foreign": await some_cursor(person, other), "nonsense": "abc", "future": "W10"}[cursor]

    async with person.graphql.watch(operations.EVENTS, id=conversation, after=values) as results:
        result = await anext(results)

    assert [(error.extensions or {})["code"] for error in result.errors or ()] == ["INVALID"]


async def some_cursor(person: Person, conversation: str) -> str:
    """The cursor of an answer's beginning."""
    sent = await person.send(conversation, "Tell me everything slowly.")
    events = await read(person, conversation, None, 1)
    await person.answer(sent["answer"]["id"])
    return str(events[0]["cursor"])
