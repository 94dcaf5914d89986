"""Documents of a company: seen, changed, deleted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import DocumentScope, ProcessingStatus, RoleName
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_company, a_session, a_user, an_upload
from tests.factories.knowledge import a_chunk, a_document
from tests.graphql_client import Client, Refusal
from tests.onlooker import Onlooker

LIST = "query ($filter: DocumentFilter) { documents(filter: $filter) { totalCount nodes { title } } }"
PENDING = "query ($limit: Int!) { pendingDocuments(limit: $limit) { title } }"
FULL = """query ($id: ID!) { document(id: $id) {
  title originalFilename fileSize isProcessed uploadedAt createdAt chunkCount fileUrl
  uploadedBy { id } user { id } company { id } chunks { nodes { chunkIndex vectorId embeddingId } } } }"""
TEXT = "query ($id: ID!) { documentText(id: $id) }"
UPDATE = """mutation ($id: ID!, $input: DocumentUpdateInput!) { documentUpdate(id: $id, input: $input) {
  errors { code path } document { title scope } } }"""
DELETE = "mutation ($id: ID!) { documentDelete(id: $id) { errors { code path } deletedId } }"

MISSING = [("NOT_FOUND", ("id",))]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def activity_of(onlooker: Onlooker, id: Any) -> list[tuple[Any, str]]:
    """Who did what to the object, the first first."""
    rows = await onlooker.fetch(
        "SELECT user_id, action FROM tenant.activity_logs WHERE resource_id = $1 ORDER BY id", str(id)
    )
    return [(row["user_id"], row["action"]) for row in rows]


async def titles(client: Client, **filter: object) -> list[str]:
    """The titles of a list."""
    return [node["title"] for node in (await client(LIST, filter=filter))["documents"]["nodes"]]


async def test_a_document_tells_everything_but_where_it_is_kept(
    graphql: Client, save: Save, people: People
) -> None:
    document = a_document(people.user, title="Guide", file_size=2**40, chunk_count=2, created_at=NOON)
    chunks = [a_chunk(document, 1, vector_id="v1"), a_chunk(document, 0)]
    await save(*chunks)

    found = (await graphql.of(people.admin)(FULL, id=document.gid))["document"]

    link = found.pop("fileUrl")
    assert link.startswith("/files/")
    assert document.file_path not in json.dumps(found)
    assert found == {
        "title": "Guide",
        "originalFilename": document.original_filename,
        "fileSize": 2**40,
        "isProcessed": True,
        "uploadedAt": "2026-03-01T12:00:00+00:00",
        "createdAt": "2026-03-01T12:00:00+00:00",
        "chunkCount": 2,
        "uploadedBy": {"id": people.user.gid},
        "user": {"id": people.user.gid},
        "company": {"id": people.user.company.gid},
        "chunks": {
            "nodes": [
                {"chunkIndex": 0, "vectorId": None, "embeddingId": None},
                {"chunkIndex": 1, "vectorId": "v1", "embeddingId": "v1"},
            ]
        },
    }


async def test_who_sees_which_documents(graphql: Client, save: Save, people: People) -> None:
    private = a_document(people.user, title="private", scope=DocumentScope.USER)
    await save(private, a_document(people.user, title="shared"))

    assert sorted(await titles(graphql.of(people.user))) == ["private", "shared"]
    assert sorted(await titles(graphql.of(people.manager))) == ["private", "shared"]
    assert await titles(graphql.of(people.viewer)) == ["shared"]
    assert await titles(graphql.of(people.stranger)) == []
    for other in (people.viewer, people.stranger):
        assert await graphql.of(other).refusals(FULL, id=private.gid) == MISSING
        assert await graphql.of(other).refusals(TEXT, id=private.gid) == MISSING


async def test_lists_are_filtered_and_newest_first(graphql: Client, save: Save, people: People) -> None:
    states = ProcessingStatus.COMPLETED, ProcessingStatus.PENDING, ProcessingStatus.COMPLETED
    rows = [
        a_document(people.user, title=f"{n}", processing_status=state, created_at=NOON + timedelta(hours=n))
        for n, state in enumerate(states)
    ]
    await save(*rows, a_document(people.manager, title="other", created_at=NOON - timedelta(days=1)))
    viewer = graphql.of(people.manager)

    assert await titles(viewer) == ["2", "1", "0", "other"]
    assert await titles(viewer, status="COMPLETED") == ["2", "0", "other"]
    assert await titles(viewer, isProcessed=True) == ["2", "0", "other"]
    assert await titles(viewer, isProcessed=False) == ["1"]
    assert await titles(viewer, userId=people.manager.gid) == ["other"]
    assert await titles(viewer, userId=people.stranger.gid) == []
    foreign = await viewer.refusals(LIST, filter={"userId": rows[0].gid})
    assert foreign == [("INVALID", ("filter", "userId"))]


async def test_pending_documents_are_the_oldest_first(graphql: Client, save: Save, people: People) -> None:
    waiting = [
        a_document(
            people.user,
            title=f"{n}",
            processing_status=ProcessingStatus.PENDING,
            created_at=NOON + timedelta(hours=n),
        )
        for n in (2, 0, 1)
    ]
    await save(*waiting, a_document(people.user))
    viewer = graphql.of(people.viewer)

    assert (await viewer(PENDING, limit=2))["pendingDocuments"] == [{"title": "0"}, {"title": "1"}]
    assert (await viewer(PENDING, limit=0))["pendingDocuments"] == []
    assert len((await viewer(PENDING, limit=100))["pendingDocuments"]) == 3
    for limit in (-1, 101):
        assert await viewer.refusals(PENDING, limit=limit) == [("INVALID", ("limit",))]


async def test_the_text_is_the_chunks_in_order(graphql: Client, save: Save, people: People) -> None:
    document, empty = a_document(people.user), a_document(people.user)
    words = {2: "three", 0: "one", 1: "two", 10: "eleven"}
    await save(empty, *(a_chunk(document, index, content=word) for index, word in words.items()))
    viewer = graphql.of(people.viewer)

    assert (await viewer(TEXT, id=document.gid))["documentText"] == "one\n\ntwo\n\nthree\n\neleven"
    assert (await viewer(TEXT, id=empty.gid))["documentText"] == ""


async def test_a_document_is_renamed_and_shared_by_its_owner(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    document, user = a_document(people.user, title="old", scope=DocumentScope.USER), graphql.of(people.user)
    await save(document)

    renamed = (await user(UPDATE, id=document.gid, input={"title": " new "}))["documentUpdate"]["document"]
    shared = (await user(UPDATE, id=document.gid, input={"scope": "COMPANY"}))["documentUpdate"]["document"]

    assert renamed == {"title": "new", "scope": "USER"}
    assert shared == {"title": "new", "scope": "COMPANY"}
    assert await activity_of(onlooker, document.id) == [(people.user.id, "DOCUMENT_UPDATE")] * 2


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"title": ""}, ("INVALID", ("input", "title"))),
        ({"title": "x" * 501}, ("INVALID", ("input", "title"))),
        ({"title": "a\u0000b"}, ("INVALID", ("input", "title"))),
        ({"title": None}, ("BAD_USER_INPUT", ("input", "title"))),
        ({"scope": None}, ("BAD_USER_INPUT", ("input", "scope"))),
        ({"scope": "PLANET"}, ("BAD_USER_INPUT", ("input", "scope"))),
        ({"scope": "GLOBAL"}, ("FORBIDDEN", ())),
    ],
)
async def test_wrong_changes_change_nothing(
    graphql: Client,
    save: Save,
    people: People,
    assert_unchanged: Unchanged,
    changes: dict[str, Any],
    refusal: Refusal,
) -> None:
    document = a_document(people.admin)
    await save(document)

    async with assert_unchanged():
        assert await graphql.of(people.admin).refusals(UPDATE, id=document.gid, input=changes) == [refusal]


async def test_only_owners_and_overseers_change_and_delete(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    document, colleague = a_document(people.manager), a_user(people.user.company, RoleName.USER)
    await save(document, colleague)

    async with assert_unchanged():
        for person, refusal in (
            (people.viewer, ("FORBIDDEN", ())),
            (people.user, ("FORBIDDEN", ("id",))),
            (colleague, ("FORBIDDEN", ("id",))),
            (people.stranger, ("NOT_FOUND", ("id",))),
        ):
            client = graphql.of(person)
            assert await client.refusals(UPDATE, id=document.gid, input={"title": "x"}) == [refusal]
            assert await client.refusals(DELETE, id=document.gid) == [refusal]
        assert await graphql.refusals(DELETE, id=document.gid) == [("UNAUTHENTICATED", ())]
    await graphql.of(people.admin)(DELETE, id=document.gid)


async def prefixes(onlooker: Onlooker, company: Fixture) -> list[str]:
    """What is queued for removal from the company's store."""
    rows = await onlooker.fetch(
        "SELECT arguments FROM tenant.processing_jobs WHERE company_id = $1 AND job_type = 'upkeep'",
        company.id,
    )
    return [prefix for row in rows for prefix in json.loads(row["arguments"]).get("prefixes", ())]


async def test_a_deleted_document_takes_its_chunks_and_its_file(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    upload = an_upload(people.user)
    document = a_document(people.user, upload)
    await save(a_chunk(document), a_chunk(document, 1), a_document(people.user))

    answer = await graphql.of(people.user)(DELETE, id=document.gid)

    assert answer["documentDelete"]["deletedId"] == document.gid
    left = "SELECT count(*) FROM tenant.{} WHERE company_id = $1"
    company = people.user.company
    assert await onlooker.fetchval(left.format("documents"), company.id) == 1
    assert await onlooker.fetchval(left.format("document_chunks"), company.id) == 0
    assert await onlooker.fetchval(left.format("uploads"), company.id) == 0
    assert await prefixes(onlooker, company) == [f"{company.id}/uploads/{upload.id}/"]
    assert await activity_of(onlooker, document.id) == [(people.user.id, "DOCUMENT_DELETE")]
    assert await graphql.of(people.user).refusals(DELETE, id=document.gid) == MISSING


@pytest.mark.parametrize("user_of_the_file", ["document", "session"])
async def test_a_file_that_something_else_needs_stays(
    graphql: Client, save: Save, people: People, onlooker: Onlooker, user_of_the_file: str
) -> None:
    upload = an_upload(people.user)
    document = a_document(people.user, upload)
    other = a_document if user_of_the_file == "document" else None
    await save(document, other(people.user, upload) if other else a_session(people.user, new=upload))

    await graphql.of(people.user)(DELETE, id=document.gid)

    assert await onlooker.fetchval("SELECT count(*) FROM tenant.uploads WHERE id = $1", upload.id) == 1
    assert await prefixes(onlooker, people.user.company) == []


async def test_a_document_that_is_worked_on_stays(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    document = a_document(people.user, processing_status=ProcessingStatus.PROCESSING)
    await save(document)

    async with assert_unchanged():
        assert await graphql.of(people.user).refusals(DELETE, id=document.gid) == [("CONFLICT", ("id",))]


async def test_chunks_of_many_documents_cost_as_much_as_of_one(graphql: Client, save: Save) -> None:
    user = a_user(a_company())
    document = """{ documents { nodes { chunkCount uploadedBy { id }
      chunks { totalCount nodes { content document { title } } } } } }"""
    await save(a_chunk(a_document(user)))
    await graphql.of(user)(document)
    cost = len(graphql.statements)

    await save(*(a_chunk(a_document(user), index) for index in range(10)))
    await graphql.of(user)(document)

    assert len(graphql.statements) == cost
