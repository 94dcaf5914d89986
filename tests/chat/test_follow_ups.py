"""Completion of follow-up questions from the turns before."""

import pytest

from core.ports import ChatRequest, Passage, Turn
from pipelines.chat.follow_ups import QuestionVersion, is_dependent, retrieve_completed, versions
from tests.chat.sample_passages import lease

HISTORY = [
    Turn("user", "What is the rent in Oak Street?"),
    Turn("assistant", "The rent is 1,150 euros."),
]


@pytest.mark.parametrize(
    ("question", "dependent"),
    [
        ("When was he born?", True),
        ("And in 2015?", True),
        ("What about the second one?", True),
        ("Why?", True),
        ("Wann starb er?", True),
        ("¿Y el segundo?", True),
        ("Et le préavis ?", True),
        ("Where does Agnes Holm live?", False),
        ("When did Tesla say that he would move?", False),
        ("What is the deposit in Mill Lane?", False),
    ],
)
def test_questions_that_refer_to_others_are_dependent(question: str, dependent: bool) -> None:
    assert is_dependent(question) == dependent


def test_without_turns_before_there_is_one_version() -> None:
    assert versions("And the deposit?", []) == [QuestionVersion("And the deposit?")]


def test_a_fragment_takes_the_question_and_the_topic_of_the_last_question() -> None:
    found = {version.completed_question for version in versions("And the deposit?", HISTORY)}

    assert {"What is deposit? (rent Oak Street)", "And the deposit? (Oak Street)"} <= found


def test_a_name_takes_the_place_of_the_name_in_the_last_question() -> None:
    found = [version.text for version in versions("And Mill Lane?", HISTORY)]

    assert "What is the rent in Mill Lane?" in found


async def test_a_question_that_stands_alone_and_is_answered_is_not_completed() -> None:
    searched: list[str] = []

    async def retrieve(text: str) -> list[Passage]:
        searched.append(text)
        return [lease()]

    async def probability(request: ChatRequest) -> float:
        return 0.9 if request.topic else 0.6

    alone = await retrieve_completed("Who signs the lease of the office?", HISTORY, retrieve, probability)
    assert (alone.version.topic, searched) == ("", ["Who signs the lease of the office?"])

    referring = await retrieve_completed("When does it end?", HISTORY, retrieve, probability)
    assert referring.version.topic == "rent Oak Street"
