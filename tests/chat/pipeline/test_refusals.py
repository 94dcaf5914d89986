"""Questions and documents that are refused, and change nothing. No worker runs beside."""

from dataclasses import replace
from typing import Any

import pytest

from db.models import AnswerMode, ConversationStatus, MessageRole, RoleName
from tests import factories
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, somebody
from tests.conftest import Unchanged
from tests.factories import Fixture
from tests.factories.chat import a_conversation, a_message, a_reply
from tests.factories.knowledge import a_document

QUESTION = "What is the minimum credit score?"


@pytest.mark.parametrize(
    ("values", "content", "refusal"),
    [
        ({}, "  ", ("INVALID", ("input", "content"))),
        ({}, "a" * 100_001, ("INVALID", ("input", "content"))),
        ({"status": ConversationStatus.ARCHIVED}, QUESTION, ("CONFLICT", ("input", "content"))),
        ({"message_count": 199}, QUESTION, ("EXHAUSTED", ("input", "conversationId"))),
        ({"message_count": 200}, QUESTION, ("EXHAUSTED", ("input", "content"))),
        ({"status": ConversationStatus.DELETED}, QUESTION, ("NOT_FOUND", ("input", "conversationId"))),
    ],
)
async def test_what_cannot_be_said_changes_nothing(
    person: Person, assert_unchanged: Unchanged, values: dict[str, Any], content: str, refusal: Any
) -> None:
    conversation = a_conversation(person.user, **values)
    await factories.save(person.graphql.services.database, conversation)

    async with assert_unchanged():
        arguments = {"conversationId": conversation.gid, "content": content}
        assert await person.graphql.refusals(operations.SEND, input=arguments) == [refusal]


async def test_others_say_nothing_in_ones_conversation(person: Person, assert_unchanged: Unchanged) -> None:
    message: Fixture = a_message(a_conversation(person.user))
    await factories.save(person.graphql.services.database, message)
    conversation = message.parents[0]
    colleague = await somebody(person.graphql, person.user.company)
    arguments = {"conversationId": conversation.gid, "content": QUESTION}
    missing = [("NOT_FOUND", ("input", "conversationId"))]

    async with assert_unchanged():
        assert await colleague.graphql.refusals(operations.SEND, input=arguments) == missing
        assert await colleague.graphql.refusals(operations.CANCEL, id=message.gid) == [("NOT_FOUND", ("id",))]
        assert await person.graphql.refusals(operations.CANCEL, id=message.gid) == [("CONFLICT", ("id",))]
        assert await person.graphql.refusals(operations.REGENERATE, id=message.gid) == [("CONFLICT", ("id",))]


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


@pytest.mark.parametrize("rounds", [0, 6, -1])
async def test_a_council_has_one_to_five_rounds(
    person: Person, assert_unchanged: Unchanged, rounds: int
) -> None:
    conversation = a_conversation(person.user)
    await factories.save(person.graphql.services.database, conversation)
    refused = [("INVALID", ("input", "councilRounds"))]
    values = {"councilRounds": rounds}

    async with assert_unchanged():
        sent = {"conversationId": conversation.gid, "content": QUESTION, "mode": "COUNCIL", **values}
        assert await person.graphql.refusals(operations.SEND, input=sent) == refused
        assert await person.graphql.refusals(operations.CONVERSE, input=values) == refused
        changed = {"id": conversation.gid, "input": values}
        assert await person.graphql.refusals(operations.ADJUST, **changed) == refused


async def test_refusals_add_nothing(person: Person, assert_unchanged: Unchanged) -> None:
    upload = await person.upload(b"text")
    viewer = await somebody(person.graphql, person.user.company, RoleName.VIEWER)
    admin = await somebody(person.graphql, person.user.company, RoleName.ADMIN)
    document = a_document(person.user)
    await factories.save(person.graphql.services.database, document)
    values = {"uploadId": upload.gid}

    async with assert_unchanged():
        refused = viewer.graphql.refusals, person.graphql.refusals, admin.graphql.refusals
        assert await refused[0](operations.CREATE, input=values) == [("FORBIDDEN", ())]
        assert await refused[1](operations.CREATE, input={**values, "scope": "GLOBAL"}) == [("FORBIDDEN", ())]
        assert await refused[2](operations.CREATE, input=values) == [("NOT_FOUND", ("input", "uploadId"))]
        assert await refused[1](operations.REPROCESS, id=document.gid) == [("CONFLICT", ("id",))]
        assert await refused[0](operations.REPROCESS, id=document.gid) == [("FORBIDDEN", ())]


async def test_a_council_without_a_language_model_is_refused_with_the_reason(
    person: Person, assert_unchanged: Unchanged
) -> None:
    services = person.graphql.services
    offline = services.settings.model_copy(update={"offline_councils": False})
    client = replace(person.graphql, services=replace(services, settings=offline))
    single = a_conversation(person.user, mode=AnswerMode.ANSWER)
    council = a_conversation(person.user, mode=AnswerMode.COUNCIL)
    answer = a_reply(a_message(single), role=MessageRole.ASSISTANT, mode=AnswerMode.COUNCIL)
    await factories.save(services.database, council, answer)
    refused, mode = ("INVALID", ("input", "mode")), {"mode": "COUNCIL"}
    question = {"conversationId": single.gid, "content": QUESTION}

    async with assert_unchanged():
        assert await client.refusals(operations.SEND, input={**question, **mode}) == [refused]
        assert await client.refusals(operations.SEND, input={**question, "conversationId": council.gid}) == [
            refused
        ]
        assert await client.refusals(operations.CONVERSE, input=mode) == [refused]
        assert await client.refusals(operations.CONVERSE, input={**mode, "firstMessage": QUESTION}) == [
            refused
        ]
        assert await client.refusals(operations.ADJUST, id=single.gid, input=mode) == [refused]
        assert await client.refusals(operations.REGENERATE, id=answer.gid) == [("INVALID", ("id",))]

    data = (await client.send(operations.CONVERSE, input=mode)).data
    assert data is not None
    assert "90.3 %" in data["conversationCreate"]["errors"][0]["message"]


@pytest.mark.parametrize(
    ("settings", "provider"),
    [({"chat_url": "http://127.0.0.1:9/v1"}, "CUSTOM"), ({"offline_councils": False}, "OLLAMA")],
)
async def test_a_council_of_a_language_model_is_allowed(
    person: Person, settings: dict[str, Any], provider: str
) -> None:
    services = person.graphql.services
    remote = services.settings.model_copy(update={"offline_councils": False, **settings})
    client = replace(person.graphql, services=replace(services, settings=remote))

    made = await client(operations.CONVERSE, input={"mode": "COUNCIL", "llmProvider": provider})

    assert made["conversationCreate"]["errors"] == []
