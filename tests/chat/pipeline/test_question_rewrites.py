"""Follow-up questions that a language model rewrites."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import select

from core.ports import AnswerEnd, ChatEvent, ChatRequest, ModelFailure, RunErrorCode, TextDelta
from db.models import TokenUsage
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline.conftest import Person, a_worker
from tests.chat.pipeline.test_follow_ups import FIRST, OAK


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
    assert [row.total_tokens for row in spent] == [15] * (2 if rewrite is None else 3)
