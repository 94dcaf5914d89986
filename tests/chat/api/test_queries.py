"""What is read of conversations: by whom, in which order, with all that hangs on a message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import ConversationStatus, FeedbackRating, MessageRole, RoleName, RunStatus
from tests.conftest import People, Save
from tests.factories import Fixture, a_company, a_session, a_user
from tests.factories.chat import (
    a_citation,
    a_conversation,
    a_feedback,
    a_message,
    a_reply,
    a_run_log,
    a_token_usage,
    a_vote,
    an_agent_log,
    an_answer,
)
from tests.factories.knowledge import a_document
from tests.graphql_client import Client

LIST = """query ($order: ConversationOrder, $filter: ConversationFilter) {
  conversations(orderBy: $order, filter: $filter) { totalCount nodes { title } } }"""
THREAD = """query ($id: ID!) { message(id: $id) { content parentMessage { content }
  replies { totalCount nodes { content } } } }"""
ANSWER = """query ($id: ID!) { message(id: $id) { role model tokensUsed totalTokens
  tokenUsage { promptTokens completionTokens totalTokens } confidence lowConfidenceWarning messageMetadata
  sources { index name pageNumber snippet similarity document { title } }
  reasoningChain { agent action detail confidence } contextDocuments { title } contextDocumentIds
  citations { nodes { sourceIndex sourceName textStartIndex textEndIndex inlineNumber } }
  feedback { rating comment user { id } } agentLogs { nodes { agentType } } } }"""
HISTORY = """query ($id: ID!) { chatHistory(sessionId: $id) {
  title messages { nodes { content } } } }"""
VOTES = """query ($id: ID!) { councilVotes(messageId: $id) { agentType isCouncilVote
  voteData { agent temperature vote confidence reasoning } } }"""

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def hour(number: int) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=number)


async def titles(client: Client, order: str | None = None, **filter: object) -> list[str]:
    """The titles of a list, as many as it says there are."""
    variables: dict[str, Any] = {"filter": filter} | ({"order": order} if order else {})
    found = (await client(LIST, **variables))["conversations"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["title"] for node in found["nodes"]]


async def test_lists_hold_what_was_last_used_first(graphql: Client, save: Save, people: People) -> None:
    archived: dict[str, Any] = {"status": ConversationStatus.ARCHIVED, "archived_at": NOON}
    rows = [
        a_conversation(people.user, title="a", updated_at=hour(1)),
        a_conversation(people.user, title="b", updated_at=hour(3)),
        a_conversation(people.user, title="c", updated_at=hour(2), **archived),
        a_conversation(people.user, title="d", status=ConversationStatus.DELETED),
    ]
    await save(*rows, a_conversation(people.manager, title="e", updated_at=hour(4)))
    user, manager = graphql.of(people.user), graphql.of(people.manager)

    assert await titles(user) == ["b", "c", "a"]
    assert await titles(user, archived=False) == await titles(user, status="ACTIVE") == ["b", "a"]
    assert await titles(user, archived=True) == await titles(user, status="ARCHIVED") == ["c"]
    assert await titles(user, status="DELETED") == []
    assert await titles(user, "UPDATED_AT_ASC") == ["a", "c", "b"]
    assert await titles(user, "ID_DESC") == ["c", "b", "a"]
    assert await titles(manager) == ["e", "b", "c", "a"]
    assert await titles(manager, userId=people.user.gid) == ["b", "c", "a"]
    assert await titles(graphql.of(people.viewer)) == []
    assert await titles(graphql.of(people.stranger)) == []


async def test_who_sees_what_was_said(graphql: Client, save: Save, people: People) -> None:
    colleague = a_user(people.user.company, RoleName.USER)
    private = a_message(a_conversation(people.user))
    shared = a_message(a_conversation(people.user, a_session(people.user)))
    await save(colleague, private, shared)
    document = "query ($id: ID!) { message(id: $id) { content } }"
    missing = [("NOT_FOUND", ("id",))]

    for reader in (people.user, people.manager):
        assert (await graphql.of(reader)(document, id=private.gid))["message"]["content"] == private.content
    for reader in (colleague, people.viewer):
        assert await graphql.of(reader).refusals(document, id=private.gid) == missing
        assert (await graphql.of(reader)(document, id=shared.gid))["message"]["content"] == shared.content
    assert await graphql.of(people.stranger).refusals(document, id=shared.gid) == missing


async def test_messages_are_in_the_order_in_which_they_were_said(
    graphql: Client, save: Save, people: People
) -> None:
    conversation = a_conversation(people.user)
    said = [a_message(conversation, content=f"{n}", created_at=hour(n)) for n in (2, 0, 1)]
    await save(*said, a_message(a_conversation(people.user), content="elsewhere"))
    document = """query ($filter: MessageFilter) { messages(filter: $filter) { nodes { content } } }"""

    found = await graphql.of(people.user)(document, filter={"conversationId": conversation.gid})

    assert [node["content"] for node in found["messages"]["nodes"]] == ["0", "1", "2"]


async def test_replies_and_what_they_reply_to(graphql: Client, save: Save, people: People) -> None:
    first = a_message(a_conversation(people.user), content="first")
    replies = [a_reply(first, content=f"{n}", created_at=hour(n)) for n in (1, 0)]
    await save(*replies)
    user = graphql.of(people.user)

    top = (await user(THREAD, id=first.gid))["message"]
    reply = (await user(THREAD, id=replies[0].gid))["message"]

    below = {"totalCount": 2, "nodes": [{"content": "0"}, {"content": "1"}]}
    assert top == {"content": "first", "parentMessage": None, "replies": below}
    none: dict[str, Any] = {"totalCount": 0, "nodes": []}
    assert reply == {"content": "1", "parentMessage": {"content": "first"}, "replies": none}


async def test_an_answer_with_all_that_hangs_on_it(graphql: Client, save: Save, people: People) -> None:
    guide, hidden = a_document(people.user, title="Guide"), a_document(people.stranger)
    shown = [str(guide.id), str(hidden.id)]
    answer = an_answer(
        a_conversation(people.user),
        confidence=0.25,
        low_confidence_warning=True,
        message_metadata={"a": [1]},
        sources=[
            {"index": 1, "document_id": str(guide.id), "name": "Guide", "page_number": 3, "snippet": "So."},
            {"index": 2, "document_id": None, "name": "Gone", "similarity": 0.5},
        ],
        reasoning_chain=[{"agent": "grounding", "action": "verify", "confidence": 0.9}],
        context_document_ids=shown,
    )
    inline = {"text_start_index": 0, "text_end_index": 5, "inline_number": 1}
    await save(
        hidden,
        guide,
        a_citation(answer, 2),
        a_citation(answer, 1, **inline),
        a_feedback(answer, people.user, rating=FeedbackRating.THUMBS_DOWN, comment="No."),
        an_agent_log(people.user, answer),
    )

    found = (await graphql.of(people.user)(ANSWER, id=answer.gid))["message"]

    cited: dict[str, Any] = {"sourceName": "Guide"}
    plain = {"textStartIndex": None, "textEndIndex": None, "inlineNumber": None}
    source = {"index": 1, "name": "Guide", "pageNumber": 3, "snippet": "So.", "similarity": None}
    gone = {"index": 2, "name": "Gone", "pageNumber": None, "snippet": None, "similarity": 0.5}
    assert found == {
        "role": "ASSISTANT",
        "model": "model",
        "tokensUsed": 30,
        "totalTokens": 30,
        "tokenUsage": {"promptTokens": 20, "completionTokens": 10, "totalTokens": 30},
        "confidence": 0.25,
        "lowConfidenceWarning": True,
        "messageMetadata": {"a": [1]},
        "sources": [{**source, "document": {"title": "Guide"}}, {**gone, "document": None}],
        "reasoningChain": [{"agent": "grounding", "action": "verify", "detail": None, "confidence": 0.9}],
        "contextDocuments": [{"title": "Guide"}],
        "contextDocumentIds": [guide.gid, hidden.gid],
        "citations": {
            "nodes": [
                {**cited, "sourceIndex": 1, "textStartIndex": 0, "textEndIndex": 5, "inlineNumber": 1},
                {**cited, **plain, "sourceIndex": 2},
            ]
        },
        "feedback": {"rating": "THUMBS_DOWN", "comment": "No.", "user": {"id": people.user.gid}},
        "agentLogs": {"nodes": [{"agentType": "research"}]},
    }


async def test_peoples_own_words_have_nothing_of_that(graphql: Client, save: Save, people: People) -> None:
    message = a_message(a_conversation(people.user))
    await save(message)

    found = (await graphql.of(people.user)(ANSWER, id=message.gid))["message"]

    assert found["role"] == "USER"
    empty = ("tokenUsage", "sources", "reasoningChain", "contextDocuments", "contextDocumentIds", "feedback")
    assert {found[name] for name in empty} == {None}


async def test_the_history_of_a_session_is_its_first_conversation(
    graphql: Client, save: Save, people: People
) -> None:
    session, silent = a_session(people.user), a_session(people.user)
    later = a_conversation(people.user, session, title="later", created_at=hour(2))
    first = a_conversation(people.manager, session, title="first", created_at=hour(1))
    gone = a_conversation(people.user, session, status=ConversationStatus.DELETED, created_at=hour(0))
    said = [a_message(first, content=f"{n}", created_at=hour(n)) for n in (1, 0)]
    await save(silent, later, gone, *said)
    viewer = graphql.of(people.viewer)

    history = (await viewer(HISTORY, id=session.gid))["chatHistory"]

    assert history == {"title": "first", "messages": {"nodes": [{"content": "0"}, {"content": "1"}]}}
    assert (await viewer(HISTORY, id=silent.gid))["chatHistory"] is None
    missing = [("NOT_FOUND", ("sessionId",))]
    assert await graphql.of(people.stranger).refusals(HISTORY, id=session.gid) == missing
    listed = await viewer(
        "query ($id: ID!) { drawingSession(id: $id) { conversations { nodes { title } } } }", id=session.gid
    )
    assert listed["drawingSession"]["conversations"]["nodes"] == [{"title": "first"}, {"title": "later"}]


async def test_votes_are_distinguished_from_other_steps(graphql: Client, save: Save, people: People) -> None:
    answer = an_answer(a_conversation(people.user))
    other = an_answer(a_conversation(people.user))
    votes = [a_vote(people.user, answer, name, created_at=hour(n)) for n, name in enumerate(("a", "b"))]
    await save(*reversed(votes), an_agent_log(people.user, answer), a_vote(people.user, other, "c"))
    user = graphql.of(people.user)
    logs = """query ($filter: AgentLogFilter) { agentLogs(filter: $filter) { nodes { agentType } } }"""

    found = (await user(VOTES, id=answer.gid))["councilVotes"]

    data = {"temperature": 0.3, "vote": "yes", "confidence": 0.85, "reasoning": "Because."}
    assert found == [
        {"agentType": f"council_{name}", "isCouncilVote": True, "voteData": {"agent": name, **data}}
        for name in ("a", "b")
    ]
    assert await graphql.of(people.viewer).refusals(VOTES, id=answer.gid) == [("NOT_FOUND", ("messageId",))]
    listed = await user(logs, filter={"messageId": answer.gid})
    types = [node["agentType"] for node in listed["agentLogs"]["nodes"]]
    assert sorted(types) == ["council_a", "council_b", "research"]
    plain = await user(logs, filter={"isCouncilVote": False, "agentType": "research"})
    assert plain["agentLogs"]["nodes"] == [{"agentType": "research"}]


@pytest.mark.parametrize("kind", ["runLogs", "agentLogs", "tokenUsages"])
async def test_records_are_ones_own_or_everybodys_for_who_analyses(
    graphql: Client, save: Save, people: People, kind: str
) -> None:
    make = {"runLogs": a_run_log, "agentLogs": an_agent_log, "tokenUsages": a_token_usage}[kind]
    await save(make(people.user), make(people.viewer), make(people.stranger))
    document = f"{{ {kind} {{ totalCount nodes {{ user {{ id }} }} }} }}"

    async def seen_by(person: Fixture) -> int:
        found: int = (await graphql.of(person)(document))[kind]["totalCount"]
        return found

    assert [await seen_by(person) for person in people] == [2, 2, 1, 1, 1]


async def test_run_logs_are_filtered(graphql: Client, save: Save, people: People) -> None:
    answer = an_answer(a_conversation(people.user))
    failed: dict[str, Any] = {"status": RunStatus.ERROR, "error_code": "TIMEOUT"}
    await save(a_run_log(people.user, answer), a_run_log(people.viewer, **failed))
    document = """query ($filter: RunLogFilter) { runLogs(filter: $filter) {
      nodes { status errorCode message { id } } } }"""

    async def listed(**filter: Any) -> Any:
        return (await graphql.of(people.admin)(document, filter=filter))["runLogs"]["nodes"]

    error = {"status": "ERROR", "errorCode": "TIMEOUT", "message": None}
    success = {"status": "SUCCESS", "errorCode": None, "message": {"id": answer.gid}}
    assert await listed(status="ERROR") == await listed(userId=people.viewer.gid) == [error]
    assert await listed(status="SUCCESS") == [success]
    assert await listed(conversationId=answer.parents[0].gid) == [success]
    assert await listed(status="ERROR", userId=people.user.gid) == []


async def test_a_conversation_in_full_costs_the_same_for_one_and_many(graphql: Client, save: Save) -> None:
    user = a_user(a_company())
    document = """{ conversations { nodes { user { id } selectedDocuments { id } messages { totalCount nodes {
      content sources { document { id } } citations { nodes { snippet } } feedback { rating }
      replies { nodes { content } } agentLogs { nodes { voteData { vote } } } } } } } }"""

    def full() -> list[Fixture]:
        guide = a_document(user)
        conversation = a_conversation(user, selected_document_ids=[str(guide.id)])
        source = {"index": 1, "document_id": str(guide.id), "name": "Guide"}
        answer = an_answer(conversation, sources=[source])
        hung = [a_citation(answer), a_feedback(answer, user), a_reply(answer), a_vote(user, answer, "a")]
        return [guide, *hung]

    await save(*full())
    await graphql.of(user)(document)
    cost = len(graphql.statements)
    await save(*(row for _ in range(10) for row in full()))
    answer = await graphql.of(user)(document)

    assert len(answer["conversations"]["nodes"]) == 11
    assert len(graphql.statements) == cost


async def test_system_words_are_reported_as_such(graphql: Client, save: Save, people: People) -> None:
    message = a_message(a_conversation(people.user), MessageRole.SYSTEM)
    await save(message)

    assert (await graphql.of(people.user)(ANSWER, id=message.gid))["message"]["role"] == "SYSTEM"
