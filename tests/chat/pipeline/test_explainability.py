"""Where nothing more is said, and how much is shown of how an answer came about."""

import pytest

from db.models import ExplainabilityLevel
from server.worker import Worker
from tests import factories
from tests.chat.pipeline.conftest import Person
from tests.chat.pipeline.test_documents import LOANS
from tests.factories import a_company, a_user
from tests.graphql_client import Client


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
