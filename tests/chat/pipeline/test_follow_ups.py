"""Follow-up questions: completed from the turns before, never answered from the cache of other questions."""

from server.worker import Worker
from tests.chat.pipeline.conftest import Person

OAK = (
    "Lease of the apartment in Oak Street. The monthly rent is 1,150 euros. The deposit is 2,300 euros. "
    "The landlord is Agnes Holm. She lives in Bergen."
)
MILL = (
    "Lease of the workshop in Mill Lane. The monthly rent is 640 euros. The deposit is 900 euros. "
    "The landlord is Peter Lund. He lives in Odense."
)
FIRST = "What is the monthly rent in Oak Street?"


async def test_a_follow_up_is_completed_and_another_subject_is_not(worker: Worker, person: Person) -> None:
    await person.added(OAK, title="Oak Street")
    await person.added(MILL, title="Mill Lane")
    conversation = await person.conversation()

    rent = await person.ask(conversation, FIRST)
    deposit = await person.ask(conversation, "And the deposit?")
    other = await person.ask(conversation, "Who is the landlord in Mill Lane?")
    home = await person.ask(conversation, "Where does he live?")

    assert "1,150" in rent["content"]
    assert "2,300" in deposit["content"]
    (completion,) = [step for step in deposit["reasoningChain"] if step["agent"] == "follow_up"]
    assert completion["action"] == "complete"
    assert "Peter Lund" in other["content"]
    assert [step["agent"] for step in other["reasoningChain"]].count("follow_up") == 0
    assert "Odense" in home["content"]


async def test_a_follow_up_is_not_cached_for_the_question_alone(worker: Worker, person: Person) -> None:
    await person.added(OAK)
    await person.added(MILL)
    answers = []
    for first in (FIRST, "What is the monthly rent in Mill Lane?"):
        conversation = await person.conversation()
        await person.ask(conversation, first)
        answers.append(await person.ask(conversation, "And the deposit?"))
    alone = await person.ask(await person.conversation(), "And the deposit?")

    assert ["2,300" in answers[0]["content"], "900" in answers[1]["content"]] == [True, True]
    for answer in (*answers, alone):
        assert "cache" not in [step["agent"] for step in answer["reasoningChain"]]
