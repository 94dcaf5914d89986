"""Statements of an answer, and whether it was found and is whole, as they are stored."""

from tests.conftest import People, Save
from tests.factories.chat import a_conversation, a_message, an_answer
from tests.graphql_client import Client

MESSAGE = """query ($id: ID!) { message(id: $id) {
  content found truncated statements { textStartIndex textEndIndex support supported } } }"""


async def test_an_answer_shows_its_statements(graphql: Client, save: Save, people: People) -> None:
    conversation = a_conversation(people.user)
    statements = [
        {"text_start_index": 0, "text_end_index": 5, "support": 0.5, "supported": True},
        {"text_start_index": 6, "text_end_index": 11, "support": 0.25, "supported": False},
    ]
    metadata = {"found": False, "truncated": True, "statements": statements}
    answer = an_answer(conversation, content="So 1. Or 2.", message_metadata=metadata)
    request = a_message(conversation)
    await save(conversation, answer, request)
    user = graphql.of(people.user)

    assert (await user(MESSAGE, id=answer.gid))["message"] == {
        "content": "So 1. Or 2.",
        "found": False,
        "truncated": True,
        "statements": [
            {"textStartIndex": 0, "textEndIndex": 5, "support": 0.5, "supported": True},
            {"textStartIndex": 6, "textEndIndex": 11, "support": 0.25, "supported": False},
        ],
    }
    question = (await user(MESSAGE, id=request.gid))["message"]
    assert (question["found"], question["truncated"], question["statements"]) == (None, False, None)
