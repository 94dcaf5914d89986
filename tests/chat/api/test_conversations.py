"""Conversations: begun, changed, archived, restored, deleted."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from db.models import ConversationStatus, RoleName
from tests.conftest import People, Save, Unchanged
from tests.factories import a_session, a_user
from tests.factories.chat import a_conversation, a_message
from tests.factories.knowledge import a_document
from tests.graphql_client import Client, Refusal
from tests.onlooker import Onlooker

FIELDS = """id title status archived archivedAt llmProvider modelName temperature mode councilStrategy
  councilRounds messageCount totalTokensUsed
  user { id } session { id } selectedDocuments { id } selectedDocumentIds
  messages { nodes { role content } }"""
CREATE = f"""mutation ($input: ConversationCreateInput!) {{ conversationCreate(input: $input) {{
  errors {{ code path message }} conversation {{ {FIELDS} }} }} }}"""
UPDATE = f"""mutation ($id: ID!, $input: ConversationUpdateInput!) {{
  conversationUpdate(id: $id, input: $input) {{
  errors {{ code path message }} conversation {{ {FIELDS} }} }} }}"""
ARCHIVE = """mutation ($id: ID!) { conversationArchive(id: $id) {
  errors { code path } conversation { status archived archivedAt } } }"""
RESTORE = """mutation ($id: ID!) { conversationRestore(id: $id) {
  errors { code path } conversation { status archived archivedAt } } }"""
DELETE = "mutation ($id: ID!) { conversationDelete(id: $id) { errors { code path } deletedId } }"
ONE = f"query ($id: ID!) {{ conversation(id: $id) {{ {FIELDS} }} }}"

MISSING = [("NOT_FOUND", ("id",))]
ARCHIVED: dict[str, Any] = {
    "status": ConversationStatus.ARCHIVED,
    "archived_at": datetime(2026, 3, 1, tzinfo=UTC),
}


async def activity_of(onlooker: Onlooker, id: Any) -> list[tuple[Any, str]]:
    """Who did what to the object, the first first."""
    rows = await onlooker.fetch(
        "SELECT user_id, action FROM tenant.activity_logs WHERE resource_id = $1 ORDER BY id", str(id)
    )
    return [(row["user_id"], row["action"]) for row in rows]


async def create_conversation(client: Client, **values: Any) -> Any:
    """A new conversation."""
    return (await client(CREATE, input=values))["conversationCreate"]["conversation"]


async def test_a_conversation_begins_with_its_first_message_counted(
    graphql: Client, people: People, save: Save
) -> None:
    session, document = a_session(people.user), a_document(people.user)
    await save(session, document)
    words = "What is the\nleast width of a door, and where is that written down?"

    conversation = await create_conversation(
        graphql.of(people.user),
        firstMessage=words,
        sessionId=session.gid,
        temperature=0.25,
        llmProvider="OLLAMA",
        modelName="small",
        mode="COUNCIL",
        councilStrategy="SYNTHESIS",
        councilRounds=3,
        selectedDocumentIds=[document.gid, document.gid],
    )

    assert conversation == {
        "id": conversation["id"],
        "title": "What is the least width of a door, and where is th",
        "status": "ACTIVE",
        "archived": False,
        "archivedAt": None,
        "llmProvider": "OLLAMA",
        "modelName": "small",
        "temperature": 0.25,
        "mode": "COUNCIL",
        "councilStrategy": "SYNTHESIS",
        "councilRounds": 3,
        "messageCount": 2,
        "totalTokensUsed": 0,
        "user": {"id": people.user.gid},
        "session": {"id": session.gid},
        "selectedDocuments": [{"id": document.gid}],
        "selectedDocumentIds": [document.gid],
        "messages": {
            "nodes": [{"role": "USER", "content": words}, {"role": "ASSISTANT", "content": ""}],
        },
    }


async def test_a_conversation_may_begin_empty(graphql: Client, people: People) -> None:
    conversation = await create_conversation(graphql.of(people.user))

    assert conversation["title"] is None
    assert conversation["messageCount"] == 0
    assert conversation["messages"]["nodes"] == []
    assert conversation["selectedDocuments"] is conversation["selectedDocumentIds"] is None
    assert (conversation["modelName"], conversation["temperature"]) == ("gpt-4", 0.7)
    council = conversation["councilStrategy"], conversation["councilRounds"]
    assert (conversation["mode"], *council) == ("ANSWER", "WEIGHTED_CONFIDENCE", 1)


async def test_a_key_makes_one_conversation(
    graphql: Client, people: People, assert_unchanged: Unchanged
) -> None:
    user = graphql.of(people.user)
    first = await create_conversation(user, firstMessage="Hello.", idempotencyKey="once")

    async with assert_unchanged():
        assert await create_conversation(user, firstMessage="Hello.", idempotencyKey="once") == first
        other = {"firstMessage": "Bye.", "idempotencyKey": "once"}
        assert await user.refusals(CREATE, input=other) == [("CONFLICT", ("input", "idempotencyKey"))]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"title": "x" * 501}, ("INVALID", ("input", "title"))),
        ({"title": "a\nb"}, ("INVALID", ("input", "title"))),
        ({"title": "a\ud800"}, ("INVALID", ("input", "title"))),
        ({"modelName": " "}, ("INVALID", ("input", "modelName"))),
        ({"modelName": "x" * 101}, ("INVALID", ("input", "modelName"))),
        ({"temperature": 2.1}, ("INVALID", ("input", "temperature"))),
        ({"temperature": -0.1}, ("INVALID", ("input", "temperature"))),
        ({"llmProvider": "ORACLE"}, ("BAD_USER_INPUT", ("input", "llmProvider"))),
        ({"llmProvider": "OPENAI"}, ("INVALID", ("input", "llmProvider"))),
        ({"mode": "PARLIAMENT"}, ("BAD_USER_INPUT", ("input", "mode"))),
        ({"councilRounds": 6}, ("INVALID", ("input", "councilRounds"))),
        ({"selectedDocumentIds": ["nonsense"]}, ("BAD_USER_INPUT", ("input", "selectedDocumentIds", "0"))),
    ],
)
async def test_wrong_values_are_refused(
    graphql: Client,
    save: Save,
    people: People,
    assert_unchanged: Unchanged,
    changes: dict[str, Any],
    refusal: Refusal,
) -> None:
    conversation, user = a_conversation(people.user), graphql.of(people.user)
    await save(conversation)

    async with assert_unchanged():
        assert await user.refusals(CREATE, input=changes) == [refusal]
        assert await user.refusals(UPDATE, id=conversation.gid, input=changes) == [refusal]


async def test_a_blank_or_endless_first_message_begins_nothing(
    graphql: Client, people: People, assert_unchanged: Unchanged
) -> None:
    async with assert_unchanged():
        for words in (" \n", "x" * 100_001, "\u0000"):
            refused = await graphql.of(people.user).refusals(CREATE, input={"firstMessage": words})
            assert refused == [("INVALID", ("input", "firstMessage"))]


async def test_only_what_the_viewer_sees_can_be_chosen(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    own, foreign = a_document(people.user), a_document(people.stranger)
    session, conversation = a_session(people.stranger), a_conversation(people.user)
    await save(own, foreign, session, conversation)
    user, path = graphql.of(people.user), ("input", "selectedDocumentIds", "1")

    async with assert_unchanged():
        chosen = {"selectedDocumentIds": [own.gid, foreign.gid]}
        assert await user.refusals(CREATE, input=chosen) == [("NOT_FOUND", path)]
        assert await user.refusals(UPDATE, id=conversation.gid, input=chosen) == [("NOT_FOUND", path)]
        chosen = {"selectedDocumentIds": [own.gid, session.gid]}
        assert await user.refusals(CREATE, input=chosen) == [("INVALID", path)]
        about = {"sessionId": session.gid}
        assert await user.refusals(CREATE, input=about) == [("NOT_FOUND", ("input", "sessionId"))]
        many = {"selectedDocumentIds": [own.gid] * 101}
        assert await user.refusals(CREATE, input=many) == [("INVALID", ("input", "selectedDocumentIds"))]


async def test_what_is_left_out_stays_and_null_clears(graphql: Client, save: Save, people: People) -> None:
    document = a_document(people.user)
    await save(document)
    user = graphql.of(people.user)
    made = await create_conversation(user, title="First", selectedDocumentIds=[document.gid])

    async def change(**values: Any) -> Any:
        answer = await user(UPDATE, id=made["id"], input=values)
        return answer["conversationUpdate"]["conversation"]

    renamed = await change(title="Second", temperature=0, mode="COUNCIL", councilRounds=5)
    cleared = await change(title=None, selectedDocumentIds=None)

    council: dict[str, Any] = {"mode": "COUNCIL", "councilRounds": 5}
    assert renamed == {**made, "title": "Second", "temperature": 0.0, **council}
    none: dict[str, Any] = {"title": None, "selectedDocuments": None, "selectedDocumentIds": None}
    assert cleared == {**renamed, **none}
    for name in ("modelName", "temperature", "llmProvider", "mode", "councilStrategy", "councilRounds"):
        refused = await user.refusals(UPDATE, id=made["id"], input={name: None})
        assert refused == [("BAD_USER_INPUT", ("input", name))]


async def test_a_document_that_is_gone_is_reported_by_its_id_only(
    graphql: Client, save: Save, people: People
) -> None:
    kept, gone = a_document(people.user), a_document(people.user)
    chosen = [str(gone.id), str(kept.id)]
    conversation = a_conversation(people.user, selected_document_ids=chosen)
    await save(kept, conversation)

    found = (await graphql.of(people.user)(ONE, id=conversation.gid))["conversation"]

    assert found["selectedDocuments"] == [{"id": kept.gid}]
    assert found["selectedDocumentIds"] == [gone.gid, kept.gid]


async def test_an_archived_conversation_is_read_only_until_restored(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged, onlooker: Onlooker
) -> None:
    conversation, user = a_conversation(people.user), graphql.of(people.user)
    await save(conversation)

    first = (await user(ARCHIVE, id=conversation.gid))["conversationArchive"]["conversation"]
    async with assert_unchanged():
        again = (await user(ARCHIVE, id=conversation.gid))["conversationArchive"]["conversation"]
        refused = await user.refusals(UPDATE, id=conversation.gid, input={"title": "Other"})
    restored = (await user(RESTORE, id=conversation.gid))["conversationRestore"]["conversation"]
    async with assert_unchanged():
        same = (await user(RESTORE, id=conversation.gid))["conversationRestore"]["conversation"]

    assert (first["status"], first["archived"]) == ("ARCHIVED", True)
    assert first["archivedAt"] is not None
    assert again == first
    assert refused == [("CONFLICT", ("id",))]
    assert restored == same == {"status": "ACTIVE", "archived": False, "archivedAt": None}
    actions = ["CONVERSATION_ARCHIVE", "CONVERSATION_RESTORE"]
    assert await activity_of(onlooker, conversation.id) == [(people.user.id, each) for each in actions]


async def test_a_deleted_conversation_is_hidden_and_kept(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    conversation = a_conversation(people.user)
    message = a_message(conversation)
    await save(message)
    user = graphql.of(people.user)

    answer = await user(DELETE, id=conversation.gid)

    assert answer["conversationDelete"]["deletedId"] == conversation.gid
    for document in (ONE, UPDATE, ARCHIVE, RESTORE, DELETE):
        variables: dict[str, Any] = {"input": {}} if document is UPDATE else {}
        assert await user.refusals(document, id=conversation.gid, **variables) == MISSING
    for reader in (user, graphql.of(people.manager)):
        said = "query ($id: ID!) { message(id: $id) { id } }"
        assert await reader.refusals(said, id=message.gid) == MISSING
        assert (await reader("{ messages { totalCount } }"))["messages"]["totalCount"] == 0
    assert (await user("{ conversations { totalCount } }"))["conversations"]["totalCount"] == 0
    kept = "SELECT content FROM tenant.messages WHERE id = $1"
    assert await onlooker.fetchval(kept, message.id) == message.content


async def test_nobody_has_more_than_a_hundred_active_conversations(
    graphql: Client, save: Save, people: People, onlooker: Onlooker, assert_unchanged: Unchanged
) -> None:
    archived = a_conversation(people.user, **ARCHIVED)
    await save(archived, *(a_conversation(people.user) for _ in range(97)))
    user = graphql.of(people.user)

    outcomes = await asyncio.gather(*(user.refusals(CREATE, input={"title": f"{n}"}) for n in range(6)))

    assert sorted(outcomes) == [[]] * 3 + [[("EXHAUSTED", ())]] * 3
    active = "SELECT count(*) FROM tenant.conversations WHERE user_id = $1 AND status = 'active'"
    assert await onlooker.fetchval(active, people.user.id) == 100
    async with assert_unchanged():
        assert await user.refusals(RESTORE, id=archived.gid) == [("EXHAUSTED", ("id",))]
    await graphql.of(people.manager)(CREATE, input={"title": "Another's."})


async def test_whose_conversation_who_may_change(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    colleague = a_user(people.user.company, RoleName.USER)
    private = a_conversation(people.user)
    shared = a_conversation(people.user, a_session(people.user))
    await save(colleague, private, shared)
    forbidden = [("FORBIDDEN", ("id",))]

    async with assert_unchanged():
        for document in (UPDATE, ARCHIVE, RESTORE, DELETE):
            more = {"input": {"title": "x"}} if document is UPDATE else {}
            assert await graphql.of(colleague).refusals(document, id=private.gid, **more) == MISSING
            assert await graphql.of(colleague).refusals(document, id=shared.gid, **more) == forbidden
            assert await graphql.of(people.stranger).refusals(document, id=shared.gid, **more) == MISSING
            refused = await graphql.of(people.viewer).refusals(document, id=shared.gid, **more)
            assert refused == [("FORBIDDEN", ())]
        assert await graphql.of(people.viewer).refusals(CREATE, input={}) == [("FORBIDDEN", ())]
        assert await graphql.refusals(CREATE, input={}) == [("UNAUTHENTICATED", ())]
    renamed = await graphql.of(people.manager)(UPDATE, id=private.gid, input={"title": "Seen"})
    assert renamed["conversationUpdate"]["conversation"]["title"] == "Seen"
