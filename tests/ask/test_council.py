"""Councils: several voices that read the same passages, what they vote, and what comes of it."""

from typing import Any

import pytest

from server.worker import Worker
from tests.ask import questions
from tests.ask.conftest import Person
from tests.ask.test_streaming import read, text_of

HANDBOOK = """The fire doors of the north hall are rated for 90 minutes. They are inspected every March.

The rent of the north hall is 4,200 euros a month.

The lease of the office ends on 31 May 2031, when its doors are handed over."""
QUESTION = "When are the doors of the hall inspected and how long are they rated?"
VOICES = ["analytical", "creative", "critical"]


async def deliberated(person: Person, **given: Any) -> Any:
    """What a council answered, and its votes."""
    await person.added(HANDBOOK, title="Handbook")
    conversation = await person.conversation()
    answer = (await person.send(conversation, QUESTION, mode="COUNCIL", **given))["answer"]
    await person.answer(answer["id"])
    found = await person(questions.COUNCIL, id=answer["id"])
    return {**found, "conversation": conversation, "id": answer["id"]}


async def test_three_voices_vote_and_the_answer_is_cited(worker: Worker, person: Person) -> None:
    found = await deliberated(person)
    print(found)
    assert 0
