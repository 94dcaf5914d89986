"""Councils of language models: their votes by each strategy, failing members, what they are told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from sqlalchemy import func, select

from core.ports import AnswerEnd, ChatEvent, ChatRequest, ModelFailure, RunErrorCode, Stance, TextDelta
from db.models import TokenUsage
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker
from tests.chat.pipeline.test_council import QUESTION, VOICES, council_answer
from tests.chat.pipeline.test_streaming import read


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
            raise ModelFailure(RunErrorCode.CONTENT_BLOCKED, "The language model refused to answer.")
        yield TextDelta(self.answers[voice])
        yield AnswerEnd(self.model, 10, 5)


SAYING = {
    "analytical": "It is 90 minutes [Source 1].\nConfidence: high\nReasoning: The handbook says so.",
    "creative": "It is 30 minutes.\nConfidence: low",
    "critical": "It is 90 minutes for the doors [Source 1].\n\n**Confidence:** medium",
    "synthesis": "The doors are rated for 90 minutes, say most [Source 1].",
}


ALL = (0.85 + 0.40 + 0.65) / 3
"""The mean of the levels stated, which count by 0.7 beside the similarity of the passage."""
SURE, SHOWN = "It is 90 minutes [Source 1].", "It is 90 minutes [1]."
STRATEGIES = [
    ("WEIGHTED_CONFIDENCE", SHOWN, "ALL", VOICES, ALL),
    ("HIGHEST_CONFIDENCE", SHOWN, "BEST", ["analytical"], 0.85),
    ("MAJORITY", SHOWN, "MAJORITY", ["analytical", "critical"], 0.75),
    ("SYNTHESIS", SAYING["synthesis"].replace("Source ", ""), "SYNTHESIS", VOICES, ALL),
]


async def test_each_strategy_decides_in_its_way_and_every_token_is_counted(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    model = Members(SAYING)
    async with a_worker(services, model):
        await person.added("The fire doors are rated for 90 minutes.", title="Handbook")
        for strategy, content, basis, voices, level in STRATEGIES:
            model.requests.clear()
            found = await council_answer(person, councilStrategy=strategy, councilRounds=2)
            message, votes = found["message"], found["councilVotes"]

            similarity = (await person.answer(found["id"]))["sources"][0]["similarity"]
            expected = pytest.approx(0.7 * level + 0.3 * similarity, abs=0.001)
            assert (message["content"], message["council"]["basis"]) == (content, basis)
            assert (message["council"]["voices"], message["council"]["confidence"]) == (voices, expected)
            assert [(vote["voteData"]["agent"], vote["voteData"]["round"]) for vote in votes] == [
                (voice, number) for number in (1, 2) for voice in VOICES
            ]
            query = 7 if strategy == "SYNTHESIS" else 6
            assert (len(model.requests), message["totalTokens"]) == (query, 15 * query)
            assert len({request.passages for request in model.requests}) == 1

    assert votes[0]["voteData"]["reasoning"] == "The handbook says so."
    assert [vote["voteData"]["vote"] for vote in votes[:3]] == [
        SURE,
        "It is 30 minutes.",
        "It is 90 minutes for the doors [Source 1].",
    ]
    again = next(request for request in model.requests[3:6] if request.stance is Stance.CREATIVE)
    assert again.proposals == (SURE, "It is 90 minutes for the doors [Source 1].")
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        voted = TokenUsage.operation_type == "council_voting"
        spent = await uow.all(select(TokenUsage.total_tokens).where(voted))
    assert sorted(row.total_tokens for row in spent) == [90, 90, 90, 105]


async def test_who_fails_is_named_and_the_others_decide(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with a_worker(services, Members(SAYING, failing=("creative",))):
        await person.added("The fire doors are rated for 90 minutes.", title="Handbook")
        found = await council_answer(person)

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


class WaitingMembers(Members):
    """A council whose creative voice never comes to an end."""

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        if request.stance is Stance.CREATIVE:
            await asyncio.sleep(PATIENCE)
        async with aclosing(super().answer(request)) as events:
            async for event in events:
                yield event


async def test_a_stopped_council_leaves_no_votes(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    conversation = await person.conversation()
    async with a_worker(services, WaitingMembers(SAYING)):
        sent = await person.send(conversation, QUESTION, mode="COUNCIL")
        events = await read(person, conversation, None, 1)
        while sum(event.get("state") == "COMPLETED" for event in events) < 3:  # retrieval, two votes
            events += await read(person, conversation, events[-1]["cursor"], 1)
        await person(operations.CANCEL, id=sent["answer"]["id"])
        answer = await person.answer(sent["answer"]["id"])

    assert (answer["state"], answer["content"], answer["errorCode"]) == ("STOPPED", "", None)
    assert answer["agentLogs"]["nodes"] == []
    assert (await person(operations.CONVERSATION, id=conversation))["conversation"]["messageCount"] == 2
