"""What votes are made of, and which are still asked for."""

import json
from collections.abc import AsyncGenerator

import pytest

from core.ports import AnswerEnd, ChatEvent, ChatRequest, Quotation, TextDelta
from pipelines.chat.council import Voice
from pipelines.chat.council_rounds import (
    Ballot,
    ballots_of_round,
    run_rounds,
    stated_confidence,
    strip_ballot_lines,
)
from pipelines.chat.generation import Reply
from tests.chat.sample_passages import lease, passage

REQUEST = ChatRequest("What is the rent?", (lease(), passage()))
SAID = "It is 4,200 euros [Source 1]."


def reply(text: str, *scores: float, found: bool | None = None) -> Reply:
    quotations = tuple(
        Quotation(0, len(text), number, 0, len(text), score) for number, score in enumerate(scores, 1)
    )
    return Reply(text, quotations, AnswerEnd("says/1", 10, 5, found))


@pytest.mark.parametrize(
    ("text", "level", "why"),
    [
        (f"{SAID}\nConfidence: high\nReasoning: Stated outright.", "high", "Stated outright."),
        (f"{SAID}\n\n**Confidence**: Medium - mostly\n", "Medium", ""),
        (f"{SAID}\n- reasoning: Two sources agree.\n- confidence: `low`", "low", "Two sources agree."),
        (SAID, None, ""),
        (f"{SAID}\nConfidence: utter", None, ""),
    ],
)
def test_a_models_own_words_say_how_sure_it_is(text: str, level: str | None, why: str) -> None:
    assert stated_confidence(reply(text)) == (level, why)
    assert strip_ballot_lines(reply(text)).text.startswith(SAID)
    assert (level is None) == (strip_ballot_lines(reply(text)).text == text)


@pytest.mark.parametrize(("score", "level"), [(0.9, "high"), (0.7, "high"), (0.69, "medium"), (0.49, "low")])
def test_who_quotes_is_as_sure_as_its_best_quotation(score: float, level: str) -> None:
    quoting = reply("Confidence: high", 0.1, score)

    assert stated_confidence(quoting) == (
        level,
        f"It quotes source 1 and source 2; the best quotation scores {score:.2f}.",
    )
    assert strip_ballot_lines(quoting).text == "Confidence: high"


def test_finding_nothing_is_unsure() -> None:
    assert stated_confidence(reply("Nothing.", found=False))[0] == "low"


def test_nothing_but_a_confidence_stays_an_answer() -> None:
    assert strip_ballot_lines(reply("Confidence: high")).text == "Confidence: high"


class CountingModel:
    """A model that numbers its answers."""

    model = "counting/1"

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.requests.append(request)
        yield TextDelta(f"Answer {len(self.requests)}.")
        yield AnswerEnd(self.model, 10, 5)


async def test_only_missing_votes_are_requested() -> None:
    model, received = CountingModel(), []
    earlier = [Ballot(1, "critical", 0.5, reply("No.", 0.8)), Ballot(1, "analytical", 0.5, reply("Yes."))]
    ballots = [Ballot.deserialize(json.loads(json.dumps(each.serialize()))) for each in earlier]
    assert ballots == earlier

    async def tell(voice: Voice, number: int, ballot: Ballot | None) -> None:
        received.append((voice.name, number, ballot is not None))

    await run_rounds(model, REQUEST, 2, tell, ballots)

    assert [
        (each.round, each.voice) for each in [*ballots_of_round(ballots, 1), *ballots_of_round(ballots, 2)]
    ] == [(number, voice) for number in (1, 2) for voice in ("analytical", "creative", "critical")]
    assert [request.stance and request.stance.value for request in model.requests[:1]] == ["creative"]
    assert {request.proposals for request in model.requests[1:]} == {
        ("Answer 1.", "No."),
        ("Yes.", "No."),
        ("Yes.", "Answer 1."),
    }
    assert received[:2] == [("creative", 1, False), ("creative", 1, True)]
    assert sorted(received[2:]) == sorted(
        (voice, 2, cast) for voice in ("analytical", "creative", "critical") for cast in (False, True)
    )
