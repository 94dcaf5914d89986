"""The reader that is stored in a row says what the conversation or document above it says."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import aliased

from db.loaders import Loaders, RowSource
from db.models import (
    Citation,
    Conversation,
    ConversationStatus,
    Document,
    DocumentChunk,
    DocumentScope,
    Feedback,
    Message,
    RoleName,
)
from db.pagination import Order, Page
from db.uow import UnitOfWork
from resolvers.access import Viewer, Visibility, platform_visibility, visible
from resolvers.access.rules import conversations, documents
from resolvers.identity.roles import GRANTS
from schema.framework.context import Services
from tests import factories
from tests.factories import Fixture, a_company, a_session, a_user
from tests.factories.chat import a_citation, a_conversation, a_feedback, an_answer
from tests.factories.knowledge import a_chunk, a_document

WITHIN: tuple[type[Any], ...] = (Message, Citation, Feedback, DocumentChunk)
ORDERS: dict[Any, Order] = {
    Message: Order("created_at"),
    Citation: Order("id"),
    Feedback: Order("created_at", descending=True),
    DocumentChunk: Order("document_id", "chunk_index", unique=True),
}


class Neighbours(NamedTuple):
    """People of a company, and rows of each in every state."""

    people: list[Fixture]
    session: Fixture
    conversations: list[Fixture]
    documents: list[Fixture]
    rows: list[Fixture]


@pytest_asyncio.fixture
async def neighbours(services: Services) -> AsyncIterator[Neighbours]:
    me = a_user(a_company())
    people = [me, *(a_user(me.company) for _ in range(2))]
    session = a_session(me)
    talks = [
        a_conversation(user, about, status=status)
        for user, about, status in itertools.product(people, (None, session), ConversationStatus)
    ]
    talks.append(a_conversation(me, session, user_id=None))
    papers = [a_document(user, scope=scope) for user, scope in itertools.product(people, DocumentScope)]
    answers = [an_answer(talk) for talk in talks for _ in range(2)]
    rows = [
        *answers,
        *(a_citation(answer, number) for answer in answers for number in (1, 2)),
        *(a_feedback(answer, people[1]) for answer in answers),
        *(a_chunk(paper, number) for paper in papers for number in range(3)),
    ]
    await factories.save(services.database, *people, session, *talks, *papers, *rows)
    yield Neighbours(people, session, talks, papers, rows)


def viewers(user: Fixture) -> list[Viewer]:
    """The person in each role, and with each permission to oversee alone."""
    every = [Viewer(user.id, user.company.id, role, frozenset(GRANTS[role])) for role in RoleName]
    read = frozenset({"chat:history", "documents:read"})
    partly = [read, read | {"chat:oversee"}, read | {"documents:oversee"}, frozenset({"chat:history"})]
    return every + [Viewer(user.id, user.company.id, RoleName.VIEWER, some) for some in partly]


def by_parent(viewer: Viewer, model: type[Any]) -> list[ColumnElement[bool]]:
    """The conditions for reading rows of the model, of what they are within."""
    conversation, message, document = aliased(Conversation), aliased(Message), aliased(Document)
    if model is DocumentChunk:
        within = [model.document_id == document.id, *documents(viewer, document)]
        return within if viewer.has_permission("documents:read") else [model.id.is_(None)]
    of_conversation = conversations(viewer, conversation)
    if not viewer.has_permission("chat:history"):
        return [model.id.is_(None)]
    if model is Message:
        return [model.conversation_id == conversation.id, *of_conversation]
    return [model.message_id == message.id, message.conversation_id == conversation.id, *of_conversation]


async def assert_readers(uow: UnitOfWork, people: Sequence[Fixture]) -> None:
    """Everybody reads of each model what the conversations and documents permit."""
    for viewer, model in itertools.product(itertools.chain.from_iterable(map(viewers, people)), WITHIN):
        key = model.__table__.c.id
        found = set(await uow.all(visible(viewer, model, key)))
        assert found == set(await uow.all(select(key).where(*by_parent(viewer, model)))), (viewer, model)
    chunk, document = DocumentChunk.id, Document.scope == DocumentScope.GLOBAL
    published = platform_visibility(viewers(people[0])[0], DocumentChunk, DocumentChunk)
    expected = select(chunk).where(DocumentChunk.document_id.in_(select(Document.id).where(document)))
    assert set(await uow.all(select(chunk).where(*published))) == set(await uow.all(expected)) != set()


async def test_rows_have_the_reader_of_what_they_are_within(
    services: Services, neighbours: Neighbours
) -> None:
    company = neighbours.people[0].company
    async with services.database.tenant(company.id, kind="company", read_only=True) as uow:
        await assert_readers(uow, neighbours.people)


@pytest.mark.parametrize("seed", range(3))
async def test_readers_follow_every_change_above(
    services: Services, neighbours: Neighbours, seed: int
) -> None:
    draw = random.Random(seed)
    company, owners = neighbours.people[0].company, [person.id for person in neighbours.people]
    async with services.database.tenant(company.id, kind="company") as uow:
        for _ in range(4):
            for talk in draw.sample(neighbours.conversations, 8):
                values: dict[str, Any] = {"status": draw.choice(list(ConversationStatus))}
                if draw.random() < 0.5:
                    values |= {"user_id": draw.choice(owners), "session_id": None}
                    values |= {"session_id": neighbours.session.id} if draw.random() < 0.5 else {}
                await uow.execute(update(Conversation).where(Conversation.id == talk.id).values(values))
            several = [paper.id for paper in draw.sample(neighbours.documents, 4)]
            values = {"scope": draw.choice([DocumentScope.USER, DocumentScope.COMPANY])}
            values |= {"uploaded_by_id": draw.choice(owners)} if draw.random() < 0.5 else {}
            await uow.execute(update(Document).where(Document.id.in_(several)).values(values))
            await uow.execute(
                update(Document).where(Document.id == several[0]).values(scope=DocumentScope.GLOBAL)
            )
            await assert_readers(uow, neighbours.people)


async def test_nothing_but_the_row_above_decides_who_reads(
    services: Services, neighbours: Neighbours
) -> None:
    """Not a value that is inserted, and a row that moves takes the reader of where it goes."""
    me, other, third = neighbours.people
    private = {paper.uploaded_by_id: paper for paper in neighbours.documents if paper.scope.value == "user"}
    chunk = a_chunk(private[me.id], 9, reader_id=other.id)
    await factories.save(services.database, chunk)
    async with services.database.tenant(me.company.id, kind="company") as uow:
        mine = select(DocumentChunk.reader_id).where(DocumentChunk.id == chunk.id)
        assert await uow.scalar(mine) == me.id
        moved = update(DocumentChunk).where(DocumentChunk.id == chunk.id)
        await uow.execute(moved.values(document_id=private[third.id].id))
        assert await uow.scalar(mine) == third.id


@pytest.mark.parametrize("model", WITHIN, ids=lambda model: model.__name__)
async def test_a_list_of_several_readers_is_in_one_order(
    services: Services, neighbours: Neighbours, model: type[Any]
) -> None:
    """Pages of any size, from either end, tell the same as all visible rows in order."""
    me, order = neighbours.people[0], ORDERS[model]
    columns = tuple(dict.fromkeys(("id", *order.columns)))
    async with services.database.tenant(me.company.id, kind="company", read_only=True) as uow:
        for viewer in viewers(me):
            source = RowSource(uow, Visibility.of(viewer), viewer.parameters)
            loaders = Loaders(lambda model, source=source: [source])  # type: ignore[misc]
            names = [model.__mapper__.columns[name] for name in order.columns]
            ordered = visible(viewer, model, *(model.__mapper__.columns[name] for name in columns))
            ordered = ordered.order_by(*(name.desc() if order.descending else name for name in names))
            expected = [tuple(row) for row in await uow.all(ordered)]
            keys = [tuple(row[columns.index(name)] for name in order.columns) for row in expected]

            async def read(loaders: Loaders = loaders, **page: Any) -> list[UUID]:
                (found,) = await loaders.pages(model, Page(order=order, **page), columns, None, [UUID(int=0)])
                return [record[0] for record in found]

            ids = [row[0] for row in expected]
            assert await read(size=1000) == ids
            assert await read(size=1000, backward=True) == ids[::-1]
            for at in range(0, len(ids), 5):
                assert await read(size=3, after=keys[at]) == ids[at + 1 : at + 5]
                assert await read(size=3, before=keys[at], backward=True) == ids[max(at - 4, 0) : at][::-1]


@pytest.mark.parametrize("first", ["row", "change"])
@pytest.mark.parametrize("model", WITHIN, ids=lambda model: model.__name__)
async def test_a_row_and_a_change_above_it_wait_for_each_other(
    services: Services, model: type[Any], first: str
) -> None:
    """Whichever begins first: the row has the reader of after the change."""
    me = a_user(a_company())
    talk, paper = a_conversation(me), a_document(me, scope=DocumentScope.COMPANY)
    answer = an_answer(talk)
    await factories.save(services.database, talk, paper, answer)
    rows: dict[Any, Fixture] = {
        Message: an_answer(talk),
        Citation: a_citation(answer),
        Feedback: a_feedback(answer, me),
        DocumentChunk: a_chunk(paper),
    }
    row = rows[model]
    insertion: Any = insert(model).values(row.values)
    hidden = {"status": ConversationStatus.DELETED}
    change: Any = update(Conversation).where(Conversation.id == talk.id).values(hidden)
    if model is DocumentChunk:
        change = update(Document).where(Document.id == paper.id).values(scope=DocumentScope.USER)

    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(services.database.tenant(me.company.id))
        statements = [insertion, change] if first == "row" else [change, insertion]
        await one.execute(statements[0])

        async def go_on() -> None:
            async with services.database.tenant(me.company.id) as other:
                await other.execute(statements[1])

        waiting = asyncio.create_task(go_on())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await stack.aclose()
        await waiting

    async with services.database.tenant(me.company.id, read_only=True) as uow:
        reader = await uow.scalar(select(model.reader_id).where(model.id == row.id))
    assert reader == (me.id if model is DocumentChunk else None)


async def test_messages_do_not_wait_for_each_other(services: Services) -> None:
    me = a_user(a_company())
    talk = a_conversation(me)
    await factories.save(services.database, talk)
    async with services.database.tenant(me.company.id) as one:
        await one.execute(insert(Message).values(an_answer(talk).values))
        async with services.database.tenant(me.company.id) as other, asyncio.timeout(2):
            await other.execute(insert(Message).values(an_answer(talk).values))
