"""Stock Strawberry on the floor's rows: objects of SQLAlchemy's ORM, and relations by aiodataloader.

What a careful project would write without an executor or loaders of its own: one statement for each level,
and a field resolver only for relations.
"""

import os
from asyncio import Lock
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import strawberry
from aiodataloader import DataLoader
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.scalars import JSON

from benchmarks.server.floor import DATABASE, ready


class Row(DeferredReflection, DeclarativeBase):
    """A row of a table; columns that are not declared are those of the database."""

    __abstract__ = True


class BaseRow:
    """Columns of every table that is asked for."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]


class UserRow(BaseRow, Row):
    __tablename__ = "users"


class ProjectRow(BaseRow, Row):
    __tablename__ = "projects"


class SessionRow(BaseRow, Row):
    __tablename__ = "sessions"
    project_id: Mapped[UUID]


class DrawingRow(BaseRow, Row):
    __tablename__ = "drawings"


class ComparisonRow(BaseRow, Row):
    __tablename__ = "comparisons"
    session_id: Mapped[UUID]


class AnalysisRow(BaseRow, Row):
    __tablename__ = "analysis_results"
    comparison_id: Mapped[UUID]


class ConversationRow(BaseRow, Row):
    __tablename__ = "conversations"


class MessageRow(BaseRow, Row):
    __tablename__ = "messages"
    conversation_id: Mapped[UUID]
    position: Mapped[int]


class CitationRow(BaseRow, Row):
    __tablename__ = "citations"
    message_id: Mapped[UUID]
    position: Mapped[int]


class Rows:
    """An ORM session that one statement at a time may use."""

    def __init__(self, session: AsyncSession) -> None:
        self.session, self.lock = session, Lock()

    async def all(self, statement: Select[Any]) -> Sequence[Any]:
        """The objects that a statement selects."""
        async with self.lock:
            return (await self.session.scalars(statement)).all()


class ById(DataLoader[UUID, Any]):
    """Objects by their key."""

    def __init__(self, rows: Rows, model: type[BaseRow]) -> None:
        super().__init__()
        self.rows, self.model = rows, model

    async def batch_load_fn(self, keys: Sequence[UUID]) -> list[Any]:
        found = {
            row.id: row for row in await self.rows.all(select(self.model).where(self.model.id.in_(keys)))
        }
        return [found.get(key) for key in keys]


class ByParent(DataLoader[UUID, list[Any]]):
    """Objects by a foreign key, in order, and the first `limit` of each parent."""

    def __init__(self, rows: Rows, column: Any, order: Sequence[Any], limit: int | None = None) -> None:
        super().__init__()
        self.rows, self.column, self.order, self.limit = rows, column, order, limit

    async def batch_load_fn(self, keys: Sequence[UUID]) -> list[list[Any]]:
        model, parent = self.column.class_, self.column.key
        statement = select(model).where(self.column.in_(keys)).order_by(*self.order)
        if self.limit is not None:
            number = func.row_number().over(partition_by=self.column, order_by=self.order)
            numbered = select(model, number.label("number")).where(self.column.in_(keys)).subquery()
            first = aliased(model, numbered)
            statement = select(first).where(numbered.c.number <= self.limit).order_by(numbered.c.number)
        found = defaultdict[UUID, list[Any]](list)
        for row in await self.rows.all(statement):
            found[getattr(row, parent)].append(row)
        return [found.get(key, []) for key in keys]


class Loaders:
    """The loaders of an operation."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.users, self.drawings, self.sessions = (
            ById(rows, model) for model in (UserRow, DrawingRow, SessionRow)
        )
        self.comparisons = ByParent(
            rows, ComparisonRow.session_id, (ComparisonRow.created_at, ComparisonRow.id)
        )
        self.analyses = ByParent(rows, AnalysisRow.comparison_id, (AnalysisRow.created_at, AnalysisRow.id))
        self.citations = ByParent(rows, CitationRow.message_id, (CitationRow.position, CitationRow.id))
        self.pages: dict[tuple[str, int], ByParent] = {}

    def page(self, column: Any, order: Sequence[Any], limit: int) -> ByParent:
        """The loader of the first `limit` objects of each parent."""
        key = (column.key, limit)
        if key not in self.pages:
            self.pages[key] = ByParent(self.rows, column, order, limit)
        return self.pages[key]


Info = strawberry.Info[dict[str, Any], None]


def loaders(info: Info) -> Loaders:
    """The operation's loaders."""
    return cast(Loaders, info.context["loaders"])


@strawberry.type
class User:
    id: strawberry.ID
    name: str


@strawberry.type
class Drawing:
    id: strawberry.ID
    name: str
    file_url: str
    page_number: int
    width: int
    height: int


@strawberry.type
class AnalysisResult:
    id: strawberry.ID
    kind: str
    severity: str
    confidence: float


@strawberry.type
class Comparison:
    id: strawberry.ID
    status: str
    score: float
    threshold: float
    change_count: int
    summary: str
    options: JSON
    created_at: datetime
    updated_at: datetime
    session_id: strawberry.Private[UUID]
    old_drawing_id: strawberry.Private[UUID]
    new_drawing_id: strawberry.Private[UUID]

    @strawberry.field
    async def session(self, info: Info) -> "Session":
        return cast(Session, await loaders(info).sessions.load(self.session_id))

    @strawberry.field
    async def analysis_results(self, info: Info) -> list[AnalysisResult]:
        return await loaders(info).analyses.load(UUID(str(self.id)))

    @strawberry.field
    async def old_drawing(self, info: Info) -> Drawing:
        return cast(Drawing, await loaders(info).drawings.load(self.old_drawing_id))

    @strawberry.field
    async def new_drawing(self, info: Info) -> Drawing:
        return cast(Drawing, await loaders(info).drawings.load(self.new_drawing_id))


@strawberry.type
class Session:
    id: strawberry.ID
    name: str
    status: str
    notes: str
    progress: float
    started_at: datetime
    finished_at: datetime | None
    created_at: datetime
    user_id: strawberry.Private[UUID]

    @strawberry.field
    async def user(self, info: Info) -> User:
        return cast(User, await loaders(info).users.load(self.user_id))

    @strawberry.field
    async def comparisons(self, info: Info) -> list[Comparison]:
        return await loaders(info).comparisons.load(UUID(str(self.id)))


@strawberry.type
class Project:
    id: strawberry.ID
    name: str
    code: str
    status: str
    description: str
    budget: float
    archived: bool
    created_at: datetime
    owner_id: strawberry.Private[UUID]

    @strawberry.field
    async def owner(self, info: Info) -> User:
        return cast(User, await loaders(info).users.load(self.owner_id))

    @strawberry.field
    async def sessions(self, info: Info, first: int) -> list[Session]:
        page = loaders(info).page(SessionRow.project_id, (SessionRow.created_at, SessionRow.id), first)
        return await page.load(UUID(str(self.id)))


@strawberry.type
class Citation:
    id: strawberry.ID
    label: str
    quote: str
    page: int
    score: float


@strawberry.type
class Message:
    id: strawberry.ID
    role: str
    content: str
    token_count: int
    created_at: datetime

    @strawberry.field
    async def citations(self, info: Info) -> list[Citation]:
        return await loaders(info).citations.load(UUID(str(self.id)))


@strawberry.type
class Conversation:
    id: strawberry.ID
    title: str

    @strawberry.field
    async def messages(self, info: Info, first: int) -> list[Message]:
        page = loaders(info).page(MessageRow.conversation_id, (MessageRow.position, MessageRow.id), first)
        return await page.load(UUID(str(self.id)))


@strawberry.type
class Query:
    @strawberry.field
    async def projects(self, info: Info, first: int) -> list[Project]:
        statement = select(ProjectRow).order_by(ProjectRow.created_at, ProjectRow.id).limit(first)
        return cast(list[Project], await loaders(info).rows.all(statement))

    @strawberry.field
    async def comparison(self, info: Info, id: strawberry.ID) -> Comparison:
        statement = select(ComparisonRow).where(ComparisonRow.id == UUID(id))
        return cast(list[Comparison], await loaders(info).rows.all(statement))[0]

    @strawberry.field
    async def conversation(self, info: Info, id: strawberry.ID) -> Conversation:
        statement = select(ConversationRow).where(ConversationRow.id == UUID(id))
        return cast(list[Conversation], await loaders(info).rows.all(statement))[0]


engine: AsyncEngine = create_async_engine(
    os.environ[DATABASE].replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=16
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Endpoint(GraphQL[dict[str, Any], None]):
    """Strawberry's own endpoint."""

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {"loaders": Loaders(Rows(request.state.session))}


schema = strawberry.Schema(Query)
endpoint = Endpoint(schema)


async def answer(request: Request) -> Response:
    """Answers an operation with a database session of its own."""
    async with sessions() as session:
        request.state.session = session
        return await endpoint.run(request)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Reads the columns of all tables."""
    async with engine.connect() as connection:
        await connection.run_sync(lambda bind: Row.prepare(bind))
    yield
    await engine.dispose()


app = Starlette(
    routes=[Route("/graphql", answer, methods=["POST"]), Route("/readyz", ready)], lifespan=lifespan
)
