"""What a model is told of what was said before: the branch that a question follows, and nothing else."""

from collections.abc import AsyncGenerator

from core.ports import AnswerEnd, ChatEvent, ChatRequest, TextDelta
from db.models import MessageRole
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests import factories
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, a_worker
from tests.factories.chat import a_conversation, a_message, a_reply


class Remembers:
    """A model that repeats what it is asked, and what was said before."""

    model = "remembers/1"

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        said = [f"{turn.role}: {turn.content}" for turn in request.history]
        yield TextDelta(" | ".join([*said, request.question]))
        yield AnswerEnd(self.model, 1, 1)


async def test_what_was_said_before_is_what_the_branch_follows(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with a_worker(services, Remembers()):
        conversation = await person.conversation()
        first = await person.ask(conversation, "First question")
        second = await person.ask(conversation, "Second question")
        edited = await person.ask(conversation, "Another second question", parentMessageId=first["id"])
        new_branch = await person.ask(conversation, "A wholly new question", parentMessageId=None)
        after = await person.ask(conversation, "What follows the new one", parentMessageId=new_branch["id"])

    opening = "user: First question | assistant: First question"
    assert first["content"] == "First question"
    assert second["content"] == f"{opening} | Second question"
    assert edited["content"] == f"{opening} | Another second question"
    assert new_branch["content"] == "A wholly new question"
    received = "user: A wholly new question | assistant: A wholly new question"
    assert after["content"] == f"{received} | What follows the new one"
    state = (await person(operations.CONVERSATION, id=conversation))["conversation"]
    assert (state["messageCount"], state["totalTokensUsed"]) == (10, 10)


async def test_ten_messages_before_a_question_are_remembered(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    conversation = a_conversation(person.user, message_count=14)
    turns = [a_message(conversation, content="Turn 0")]
    for number in range(1, 14):
        role = MessageRole.ASSISTANT if number % 2 else MessageRole.USER
        turns.append(a_reply(turns[-1], role=role, content=f"Turn {number}"))
    await factories.save(person.graphql.services.database, *turns)

    async with a_worker(services, Remembers()):
        answer = await person.ask(conversation.gid, "What now?")

    remembered = [f"{'assistant' if number % 2 else 'user'}: Turn {number}" for number in range(4, 14)]
    assert answer["content"] == " | ".join([*remembered, "What now?"])
