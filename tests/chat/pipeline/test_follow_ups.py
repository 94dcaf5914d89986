"""Follow-up questions: completed from the turns before, never answered from the cache of other questions."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import select

from core.ports import AnswerEnd, ChatEvent, ChatRequest, ModelFailure, RunErrorCode, TextDelta
from db.models import TokenUsage
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.worker import Worker
from tests.chat.pipeline.conftest import Person, a_worker

OAK = (
    "Lease of the apartment in Oak Street. The monthly rent is 1,150 euros. The deposit is 2,300 euros. "
    "The landlord is Agnes Holm. She lives in Bergen."
)
MILL = (
    "Lease of the workshop in Mill Lane. The monthly rent is 640 euros. The deposit is 900 euros. "
    "The landlord is Peter Lund. He lives in Odense."
)
FIRST = "What is the monthly rent in Oak Street?"


class Rewriter:
    """A language model that rewrites questions as instructed, or fails at it, and says nothing else."""

    model = "rewriter/1"

    def __init__(self, rewrite: str | None) -> None:
        self.rewrite = rewrite
        self.requests: list[ChatRequest] = []

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.requests.append(request)
        if request.requires_sources:
            yield TextDelta("The monthly rent is 1,150 euros [Source 1].")
        elif self.rewrite is None:
            raise ModelFailure(RunErrorCode.TIMEOUT, "The language model does not answer.")
        else:
            yield TextDelta(self.rewrite)
        yield AnswerEnd(self.model, 10, 5)


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


@pytest.mark.parametrize("rewrite", ["What is the deposit in Oak Street?", None, "", "a\nb"])
async def test_a_language_model_rewrites_and_its_failures_do_not_count(
    services: Services, stored_vectors: EmbeddedVectors, person: Person, rewrite: str | None
) -> None:
    model = Rewriter(rewrite)
    async with a_worker(services, model):
        await person.added(OAK)
        conversation = await person.conversation()
        await person.ask(conversation, FIRST)
        answer = await person.ask(conversation, "And the deposit?")

    first, rewriting, second = model.requests
    assert [request.requires_sources for request in model.requests] == [True, False, True]
    assert (first.question, rewriting.question, second.question) == (
        FIRST,
        "And the deposit?",
        "And the deposit?",
    )
    step = next(step for step in answer["reasoningChain"] if step["agent"] == "follow_up")
    is_rewritten = bool(rewrite) and "\n" not in str(rewrite)
    assert step["action"] == ("rewrite" if is_rewritten else "complete")
    async with services.database.tenant(person.user.company.id, read_only=True) as uow:
        chats = TokenUsage.operation_type == "chat"
        spent = await uow.all(select(TokenUsage.total_tokens).where(chats))
    assert [row.total_tokens for row in spent] == [15] * (3 if rewrite else 2)
