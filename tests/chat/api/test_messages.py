"""Appending: counters are exact, whoever says how much at once."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import Conflict, DomainError, Invalid, LimitExceeded, NotFound
from db.ids import new_id
from db.models import ConversationStatus, MessageRole
from resolvers import chat
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories.chat import a_conversation
from tests.graphql_client import Client
from tests.onlooker import Onlooker

HISTORY = """query ($id: ID!, $first: Int, $after: String) { conversation(id: $id) {
  messageCount totalTokensUsed updatedAt messages(first: $first, after: $after) {
  totalCount nodes { content createdAt timestamp } pageInfo { hasNextPage endCursor } } } }"""

CONVERSATIONS, APPENDS = 5, 200


async def test_200_appends_at_once_leave_exact_counters_and_no_gap(
    graphql: Client, services: Services, save: Save, people: People, onlooker: Onlooker
) -> None:
    company = people.user.company
    conversations = [a_conversation(people.user) for _ in range(CONVERSATIONS)]
    await save(*conversations)

    async def say(number: int) -> None:
        conversation, position = conversations[number % CONVERSATIONS], number // CONVERSATIONS
        async with services.database.tenant(company.id, people.user.id) as uow:
            said: dict[str, Any] = {
                "role": MessageRole.ASSISTANT,
                "content": f"{position}",
                "total_tokens": position,
            }
            await chat.append(uow, conversation.id, **said)

    await asyncio.gather(*(say(number) for number in range(APPENDS)))

    each = APPENDS // CONVERSATIONS
    for conversation in conversations:
        pages: list[Any] = []
        cursor, more = None, True
        while more:
            variables = {"id": conversation.gid, "first": 7, "after": cursor}
            found = (await graphql.of(people.user)(HISTORY, **variables))["conversation"]
            page = found["messages"]
            pages += page["nodes"]
            cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert sorted(int(message["content"]) for message in pages) == list(range(each))
        instants = [message["createdAt"] for message in pages]
        assert instants == sorted(set(instants)) == [message["timestamp"] for message in pages]
        assert (found["messageCount"], page["totalCount"]) == (each, each)
        assert found["totalTokensUsed"] == sum(range(each))
        assert found["updatedAt"] <= instants[-1]
    counted = "SELECT sum(message_count) FROM tenant.conversations WHERE company_id = $1"
    assert await onlooker.fetchval(counted, company.id) == APPENDS


async def test_of_appends_at_once_to_an_almost_full_conversation_one_fits(
    services: Services, save: Save, people: People, onlooker: Onlooker
) -> None:
    conversation = a_conversation(people.user, message_count=199)
    await save(conversation)

    async def say() -> type[DomainError] | None:
        try:
            async with services.database.tenant(people.user.company.id, people.user.id) as uow:
                await chat.append(uow, conversation.id, role=MessageRole.USER, content="More.")
        except LimitExceeded as refusal:
            return type(refusal)
        return None

    outcomes = await asyncio.gather(*(say() for _ in range(6)))

    assert sorted(outcomes, key=str).count(None) == 1
    assert outcomes.count(LimitExceeded) == 5
    stored = "SELECT count(*) FROM tenant.messages WHERE conversation_id = $1"
    assert await onlooker.fetchval(stored, conversation.id) == 1


@pytest.mark.parametrize(
    ("values", "content", "refusal"),
    [
        ({"status": ConversationStatus.ARCHIVED, "archived_at": datetime.now(UTC)}, "More.", Conflict),
        ({"status": ConversationStatus.DELETED}, "More.", NotFound),
        ({"message_count": 200}, "More.", LimitExceeded),
        ({}, "x" * 100_001, Invalid),
    ],
)
async def test_a_refused_append_changes_nothing(
    services: Services,
    save: Save,
    people: People,
    assert_unchanged: Unchanged,
    values: dict[str, Any],
    content: str,
    refusal: type[DomainError],
) -> None:
    conversation = a_conversation(people.user, **values)
    await save(conversation)

    said: Any = {"content": content, "path": ("input", "content")}

    async with assert_unchanged():
        with pytest.raises(refusal) as refused:
            async with services.database.tenant(people.user.company.id) as uow:
                await chat.append(uow, conversation.id, role=MessageRole.USER, **said)

    assert refused.value.path == ("input", "content")


async def test_no_company_appends_to_anothers_conversation(
    services: Services, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    conversation = a_conversation(people.user)
    await save(conversation, people.stranger)

    async with assert_unchanged():
        for id in (conversation.id, new_id()):
            with pytest.raises(NotFound):
                async with services.database.tenant(people.stranger.company.id) as uow:
                    await chat.append(uow, id, role=MessageRole.USER, content="Mine.")
