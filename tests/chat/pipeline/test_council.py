"""Councils: several voices that read the same passages, what they vote, and what comes of it."""

from statistics import fmean
from typing import Any

from server.worker import Worker
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person
from tests.chat.pipeline.test_streaming import read, text_of

HANDBOOK = """The fire doors of the north hall are rated for 90 minutes. They are inspected every March.

The rent of the north hall is 4,200 euros a month.

The lease of the office ends on 31 May 2031, when its doors are handed over."""
QUESTION = "When are the doors of the hall inspected and how long are they rated?"
VOICES = ["analytical", "creative", "critical"]


async def council_answer(person: Person, **values: Any) -> Any:
    """What a council answered, its votes, and where."""
    conversation = await person.conversation()
    answer = (await person.send(conversation, QUESTION, mode="COUNCIL", **values))["answer"]
    await person.answer(answer["id"])
    found = await person(operations.COUNCIL, id=answer["id"])
    return {**found, "conversation": conversation, "id": answer["id"]}


async def test_voices_differ_and_the_answer_is_cited(worker: Worker, person: Person) -> None:
    await person.added(HANDBOOK, title="Handbook")
    found = await council_answer(person)

    message, votes = found["message"], [each["voteData"] for each in found["councilVotes"]]
    made = message["state"], message["mode"], message["councilStrategy"], message["councilRounds"]
    assert made == ("COMPLETED", "COUNCIL", "WEIGHTED_CONFIDENCE", 1)
    assert [(vote["agent"], vote["round"], vote["temperature"]) for vote in votes] == [
        ("analytical", 1, 0.3),
        ("creative", 1, 0.9),
        ("critical", 1, 0.5),
    ]
    doors, march = (
        "The fire doors of the north hall are rated for 90 minutes.",
        "They are inspected every March.",
    )
    assert [(vote["vote"], vote["reasoning"].partition(";")[0]) for vote in votes] == [
        (f"{doors}\n\n{march}", "It quotes source 1"),
        (doors, "It quotes source 1"),
        (doors, "It quotes source 1"),
    ]
    assert message["content"] == next(
        vote["vote"] for vote in votes if vote["agent"] == message["council"]["speaker"]
    )
    cited_sentences = [cited["snippet"] for cited in message["citations"]["nodes"]]
    assert sorted(cited_sentences) == message["content"].split("\n\n")
    for cited in message["citations"]["nodes"]:
        span = slice(cited["textStartIndex"], cited["textEndIndex"])
        assert message["content"][span] == cited["snippet"]
        assert cited["snippet"] in HANDBOOK
    council, parts = message["council"], message["confidenceParts"]
    assert (council["basis"], council["voices"], council["failed"]) == ("ALL", VOICES, [])
    assert council["confidence"] == round(fmean(vote["confidence"] for vote in votes), 3) == parts["votes"]
    assert message["confidence"] == round(0.7 * parts["votes"] + 0.3 * parts["grounding"], 4)
    assert message["lowConfidenceWarning"] == (message["confidence"] < 0.5)
    shown = [(step["agent"], step["action"]) for step in message["reasoningChain"]]
    assert shown == [(log["agentType"], log["operation"]) for log in message["agentLogs"]["nodes"]]
    assert shown[2:6] == [*((f"council_{voice}", "vote") for voice in VOICES), ("council", "decide")]


async def test_each_vote_is_reported_as_it_begins_and_as_it_is_cast(worker: Worker, person: Person) -> None:
    conversation = await person.conversation()
    first = await person.send(conversation, QUESTION, mode="COUNCIL", councilRounds=2)

    events = await read(person, conversation, None, 10_000)

    message = await person.answer(first["answer"]["id"])
    steps = [event for event in events if event["__typename"] == "RunStep"]
    for voice in VOICES:
        received = [
            (step["state"], step["detail"][:7]) for step in steps if step["agent"] == f"council_{voice}"
        ]
        rounds = ["Round 1", "Round 1", "Round 2", "Round 2"]
        assert received == list(zip(["STARTED", "COMPLETED"] * 2, rounds, strict=True))
    assert text_of(events) == message["content"]


async def test_gibberish_calls_no_council(worker: Worker, person: Person) -> None:
    conversation = await person.conversation(mode="COUNCIL")
    sent = await person.send(conversation, "xxxxxxxxxx qwrtpsdfg")
    await person.answer(sent["answer"]["id"])

    found = await person(operations.COUNCIL, id=sent["answer"]["id"])

    assert (found["message"]["mode"], found["message"]["council"], found["councilVotes"]) == (
        "COUNCIL",
        None,
        [],
    )


async def test_a_conversation_says_how_it_is_answered_and_a_message_may_differ(
    worker: Worker, person: Person
) -> None:
    settings = {"mode": "COUNCIL", "councilStrategy": "MAJORITY", "councilRounds": 2}
    conversation = await person.conversation(**settings)

    defaults = await person.ask(conversation, QUESTION)
    single = await person.ask(conversation, QUESTION, mode="ANSWER")
    longer = await person.ask(conversation, QUESTION, councilRounds=3)
    again = (await person(operations.REGENERATE, id=longer["id"]))["messageRegenerate"]["answer"]
    await person.answer(again["id"])

    made = []
    for id in (defaults["id"], single["id"], longer["id"], again["id"]):
        message = (await person(operations.COUNCIL, id=id))["message"]
        made.append((message["mode"], message["councilStrategy"], message["councilRounds"]))
    three = ("COUNCIL", "MAJORITY", 3)
    assert made == [("COUNCIL", "MAJORITY", 2), ("ANSWER", None, None), three, three]
