"""Councils of language models: their votes by each strategy, failing members, what they are told."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import func, select

from core.ports import AnswerEnd, ChatEvent, ChatRequest, ModelFailure, RunErrorCode, TextDelta
from db.models import TokenUsage
from schema.context import Services
from server.vectors import EmbeddedVectors
from tests.ask.conftest import Person, a_worker
from tests.ask.test_council import QUESTION, VOICES, deliberated


class Members:
    """A model that answers each voice in its own way, as a council of language models would."""

    model = "members/1"

    def __init__(self, answers: dict[str, str], failing: tuple[str, ...] = ()) -> None:
        self.answers, self.failing = answers, failing
        self.requests: list[ChatRequest] = []

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.requests.append(request)
        voice = request.stance.value if request.stance else "synthesis"
        if voice in self.failing:
            raise ModelFailure(RunErrorCode.CONTENT_BLOCKED, "The language model refused to answer this.")
        yield TextDelta(self.answers[voice])
        yield AnswerEnd(self.model, 10, 5)


SAYING = {
    "analytical": "It is 90 minutes [Source 1].\nConfidence: high\nReasoning: The handbook says so.",
    "creative": "It is 30 minutes.\nConfidence: low",
    "critical": "It is 90 minutes for the doors [Source 1].\n\n**Confidence:** medium",
    "synthesis": "Most say that it is 90 minutes [Source 1].",
}


@pytest.mark.parametrize(
    ("strategy", "content", "basis", "voices", "confidence"),
    [
        # similarity is that of the passage cited: the levels .85, .40, .65 count by .7 each
        ("WEIGHTED_CONFIDENCE", "It is 90 minutes [Source 1].", "ALL", VOICES, (0.85 + 0.40 + 0.65) / 3),
        ("HIGHEST_CONFIDENCE", "It is 90 minutes [Source 1].", "BEST", ["analytical"], 0.85),
        ("MAJORITY", "It is 90 minutes [Source 1].", "MAJORITY", ["analytical", "critical"], 0.75),
        ("SYNTHESIS", SAYING["synthesis"], "SYNTHESIS", VOICES, (0.85 + 0.40 + 0.65) / 3),
    ],
)
async def test_a_strategy_decides(
    services: Services,
    stored_vectors: EmbeddedVectors,
    person: Person,
    strategy: str,
    content: str,
    basis: str,
    voices: list[str],
    confidence: float,
) -> None:
    model = Members(SAYING)
    async with a_worker(services, model):
        await person.added("The fire doors are rated for 90 minutes.", title="Handbook")
        found = await deliberated(person, councilStrategy=strategy, councilRounds=2)
    message, votes = found["message"], found["councilVotes"]

    similarity = (await person.answer(found["id"]))["sources"][0]["similarity"]
    assert (message["content"], message["council"]["basis"]) == (content, basis)
    assert message["council"]["voices"] == voices
    assert message["council"]["confidence"] == pytest.approx(0.7 * confidence + 0.3 * similarity, abs=0.001)
    assert [(vote["voteData"]["agent"], vote["voteData"]["round"]) for vote in votes] == [
        (voice, number) for number in (1, 2) for voice in VOICES
    ]
    assert votes[0]["voteData"]["reasoning"] == "The handbook says so."
    assert [vote["voteData"]["vote"] for vote in votes[:3]] == [
        "It is 90 minutes [Source 1].",
        "It is 30 minutes.",
        "It is 90 minutes for the doors [Source 1].",
    ]
    asked = 7 if strategy == "SYNTHESIS" else 6
    assert (len(model.requests), message["totalTokens"]) == (asked, 15 * asked)
    assert len({request.passages for request in model.requests}) == 1
    again = next(each for each in model.requests[3:6] if each.stance and each.stance.value == "creative")
    assert again.proposals == ("It is 90 minutes [Source 1].", "It is 90 minutes for the doors [Source 1].")
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        voted = TokenUsage.operation_type == "council_voting"
        spent = await uow.all(select(TokenUsage.total_tokens).where(voted))
    assert [row.total_tokens for row in spent] == [15 * asked]


async def test_who_fails_is_named_and_the_others_decide(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with a_worker(services, Members(SAYING, failing=("creative",))):
        await person.added("The fire doors are rated for 90 minutes.", title="Handbook")
        found = await deliberated(person)

    council = found["message"]["council"]
    assert (council["failed"], council["voices"]) == (["creative"], ["analytical", "critical"])
    assert len(found["councilVotes"]) == 2
    logs = found["message"]["agentLogs"]["nodes"]
    assert {log["agentType"]: log["isCouncilVote"] for log in logs if "council_" in log["agentType"]} == {
        "council_analytical": True,
        "council_creative": False,
        "council_critical": True,
    }


async def test_where_all_fail_there_is_no_answer(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    conversation = await person.conversation()
    async with a_worker(services, Members(SAYING, failing=tuple(VOICES))):
        sent = await person.send(conversation, QUESTION, mode="COUNCIL")
        answer = await person.answer(sent["answer"]["id"])

    assert (answer["state"], answer["errorCode"], answer["content"]) == ("FAILED", "CONTENT_BLOCKED", "")
    assert answer["agentLogs"]["nodes"] == []
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        assert await uow.scalar(select(func.count()).select_from(TokenUsage)) == 0
