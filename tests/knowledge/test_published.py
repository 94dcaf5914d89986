"""Documents that the platform publishes are read by every company, and changed by none."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import delete

from db.models import Document, DocumentScope, RoleName
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_user
from tests.factories.knowledge import a_chunk, a_document
from tests.graphql_client import Client

LIST = """query ($first: Int, $after: String, $last: Int, $before: String, $order: DocumentOrder,
  $filter: DocumentFilter) {
  documents(first: $first, after: $after, last: $last, before: $before, orderBy: $order, filter: $filter) {
  totalCount nodes { title } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
ONE = """query ($id: ID!) { document(id: $id) { title scope company { id } uploadedBy { id }
  chunks { totalCount nodes { content document { title } } } } }"""
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
TEXT = "query ($id: ID!) { documentText(id: $id) }"
CHUNKS = """query ($id: ID!) { documentChunks(filter: {documentId: $id}) {
  totalCount nodes { chunkIndex content } } }"""
UPDATE = """mutation ($id: ID!, $input: DocumentUpdateInput!) { documentUpdate(id: $id, input: $input) {
  errors { code path } document { title scope } } }"""
DELETE = "mutation ($id: ID!) { documentDelete(id: $id) { errors { code path } deletedId } }"

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Library:
    """Six documents, an hour apart: those of odd number are the platform's for all."""

    def __init__(self, user: Fixture, librarian: Fixture) -> None:
        self.own = [self.document(user, number, DocumentScope.COMPANY) for number in (0, 2, 4)]
        self.published = [self.document(librarian, number, DocumentScope.GLOBAL) for number in (1, 3, 5)]
        self.internal = a_document(librarian, title="internal", scope=DocumentScope.COMPANY)
        self.chunks = [a_chunk(self.published[0], index, content=f"part {index}") for index in (1, 0)]

    def document(self, user: Fixture, number: int, scope: DocumentScope) -> Fixture:
        return a_document(user, title=f"{number}", scope=scope, created_at=NOON + timedelta(hours=number))


@pytest_asyncio.fixture
async def library(
    services: Services, save: Save, people: People, platform: Fixture
) -> AsyncIterator[Library]:
    """The documents; the platform's are gone after the test."""
    librarian = a_user(platform.company, RoleName.SUPER_ADMIN)
    made = Library(people.user, librarian)
    await save(*made.own, *made.published, made.internal, *made.chunks)
    yield made
    async with services.database.tenant(platform.company.id) as uow:
        await uow.execute(delete(Document).where(Document.uploaded_by_id == librarian.id))


async def titles(client: Client, **arguments: object) -> list[str]:
    """The titles of one page."""
    return [node["title"] for node in (await client(LIST, **arguments))["documents"]["nodes"]]


async def test_both_are_one_list_in_two_statements(graphql: Client, people: People, library: Library) -> None:
    viewer = graphql.of(people.viewer)

    newest = (await viewer(LIST))["documents"]
    statements = len([each for each in viewer.statements if "ORDER BY" in each])

    assert [node["title"] for node in newest["nodes"]] == ["5", "4", "3", "2", "1", "0"]
    assert newest["totalCount"] == 6
    assert statements == 2
    assert await titles(viewer, order="CREATED_AT_ASC") == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("size", [1, 2, 4, 5])
async def test_pages_both_ways_meet_each_document_once(
    graphql: Client, people: People, library: Library, size: int
) -> None:
    viewer = graphql.of(people.viewer)
    forward: list[str] = []
    backward: list[str] = []

    cursor, more = None, True
    while more:
        page = (await viewer(LIST, first=size, after=cursor))["documents"]
        forward += [node["title"] for node in page["nodes"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    cursor, more = None, True
    while more:
        page = (await viewer(LIST, last=size, before=cursor))["documents"]
        backward = [node["title"] for node in page["nodes"]] + backward
        cursor, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]

    assert forward == backward == ["5", "4", "3", "2", "1", "0"]


async def test_filters_hold_for_both(graphql: Client, people: People, library: Library) -> None:
    viewer = graphql.of(people.viewer)

    assert await titles(viewer, filter={"scope": "GLOBAL"}) == ["5", "3", "1"]
    assert await titles(viewer, filter={"scope": "COMPANY"}) == ["4", "2", "0"]
    assert await titles(viewer, filter={"userId": people.user.gid}) == ["4", "2", "0"]
    assert await titles(viewer, filter={"status": "FAILED"}) == []


async def test_a_published_document_is_found_with_what_it_says(
    graphql: Client, people: People, library: Library
) -> None:
    viewer, published = graphql.of(people.viewer), library.published[0]

    parts = [{"content": f"part {index}", "document": {"title": "1"}} for index in (0, 1)]
    assert (await viewer(ONE, id=published.gid))["document"] == {
        "title": "1",
        "scope": "GLOBAL",
        "company": None,
        "uploadedBy": None,
        "chunks": {"totalCount": 2, "nodes": parts},
    }
    assert (await viewer(TEXT, id=published.gid))["documentText"] == "part 0\n\npart 1"
    numbered = [{"chunkIndex": index, "content": f"part {index}"} for index in (0, 1)]
    assert (await viewer(CHUNKS, id=published.gid))["documentChunks"] == {"totalCount": 2, "nodes": numbered}


async def test_nodes_finds_both_and_nothing_else_of_the_platform(
    graphql: Client, people: People, library: Library
) -> None:
    rows = [library.own[0], library.published[0], library.internal, library.chunks[0]]

    answer = await graphql.of(people.viewer)(NODES, ids=[row.gid for row in rows])

    found = [node and node["id"] for node in answer["nodes"]]
    assert found == [rows[0].gid, rows[1].gid, None, rows[3].gid]
    assert await graphql.of(people.viewer).refusals(ONE, id=library.internal.gid) == [("NOT_FOUND", ("id",))]
    assert await graphql.of(people.viewer).refusals(TEXT, id=library.internal.gid) == [("NOT_FOUND", ("id",))]


async def test_the_platforms_people_read_theirs_in_one_statement(
    graphql: Client, platform: Fixture, library: Library
) -> None:
    admin = graphql.of(platform)

    found = await titles(admin, filter={"scope": "GLOBAL"})

    assert found == ["5", "3", "1"]
    assert len([each for each in admin.statements if "ORDER BY" in each]) == 1


async def test_no_other_company_changes_what_is_published(
    graphql: Client, people: People, library: Library, assert_unchanged: Unchanged
) -> None:
    admin, published = graphql.of(people.admin), library.published[0]

    async with assert_unchanged():
        assert await admin.refusals(UPDATE, id=published.gid, input={"title": "mine"}) == [
            ("FORBIDDEN", ("id",))
        ]
        assert await admin.refusals(DELETE, id=published.gid) == [("FORBIDDEN", ("id",))]
        assert await admin.refusals(DELETE, id=library.internal.gid) == [("NOT_FOUND", ("id",))]


async def test_the_platform_publishes_and_takes_back(
    graphql: Client, people: People, platform: Fixture, library: Library
) -> None:
    admin, viewer = graphql.of(platform), graphql.of(people.viewer)
    missing = [("NOT_FOUND", ("id",))]

    assert await viewer.refusals(ONE, id=library.internal.gid) == missing
    await admin(UPDATE, id=library.internal.gid, input={"scope": "GLOBAL"})
    assert (await viewer(ONE, id=library.internal.gid))["document"]["title"] == "internal"
    await admin(UPDATE, id=library.internal.gid, input={"scope": "COMPANY"})
    assert await viewer.refusals(ONE, id=library.internal.gid) == missing


async def test_many_who_read_both_do_not_wait_for_one_another(
    graphql: Client, people: People, library: Library
) -> None:
    published = library.published[0]

    answers = await asyncio.gather(*(graphql.of(people.viewer)(ONE, id=published.gid) for _ in range(40)))

    assert [answer["document"]["title"] for answer in answers] == ["1"] * 40
