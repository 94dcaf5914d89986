"""Where nothing more is said, and how much is shown of how an answer came about."""

from typing import Any

import pytest

from db.models import ConversationStatus, ExplainabilityLevel, MessageRole
from server.worker import Worker
from tests import factories
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person
from tests.chat.pipeline.test_documents import LOANS
from tests.conftest import Unchanged
from tests.factories import a_company, a_user
from tests.factories.chat import a_conversation, a_message, a_reply
from tests.graphql_client import Client


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"status": ConversationStatus.ARCHIVED}, ("CONFLICT", ("id",))),
        ({"status": ConversationStatus.DELETED}, ("NOT_FOUND", ("id",))),
        ({"message_count": 200}, ("EXHAUSTED", ("id",))),
    ],
)
async def test_nothing_is_answered_once_more_where_nothing_may_be_said(
    person: Person, assert_unchanged: Unchanged, values: dict[str, Any], refusal: Any
) -> None:
    said = a_message(a_conversation(person.user, **values))
    answer = a_reply(said, role=MessageRole.ASSISTANT)
    await factories.save(person.graphql.services.database, answer)

    async with assert_unchanged():
        assert await person.graphql.refusals(operations.REGENERATE, id=answer.gid) == [refusal]


@pytest.mark.parametrize("level", list(ExplainabilityLevel))
async def test_as_much_is_shown_as_its_asker_wants(
    worker: Worker, graphql: Client, level: ExplainabilityLevel
) -> None:
    user = a_user(a_company(), explainability_level=level)
    await factories.save(graphql.services.database, user)
    person = Person(user, graphql.of(user))
    await person.added(LOANS, title="Guidelines")

    answer = await person.ask(await person.conversation(), "What is the minimum credit score?")

    chain = {step["agent"]: step for step in answer["reasoningChain"]}
    retrieval, weighed = chain["retrieval"], chain["confidence"]
    assert len(answer["agentLogs"]["nodes"]) == len(chain) == 5
    if level is ExplainabilityLevel.BASIC:
        assert {(step["detail"], step["confidence"]) for step in chain.values()} == {(None, None)}
        return
    assert weighed["confidence"] == answer["confidence"]
    received = retrieval["detail"], weighed["detail"]
    if level is ExplainabilityLevel.DETAILED:
        assert received == ("1 passages of 1 documents", "Above the warning threshold.")
    else:
        assert received[0].startswith('1 passages of 1 documents: {"chunks": ["')
        assert '"similarity": ' in received[1]
