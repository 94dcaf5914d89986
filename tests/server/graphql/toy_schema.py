"""A small schema and the contexts that it is served with."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import strawberry
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import HTTPConnection
from starlette.routing import Route, WebSocketRoute
from strawberry import relay
from strawberry.file_uploads import Upload
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from core.errors import Conflict, LimitExceeded, NotAuthenticated
from core.ports import VectorsUnavailable
from schema.framework.error_masking import ErrorMasking
from schema.framework.introspection_cache import IntrospectionCache
from schema.framework.metered_executor import MeteredExecutor
from schema.framework.operation_limits import OperationLimits
from schema.framework.progress import Progress
from server.graphql.admission import Admission
from server.graphql.limits import TransportLimits
from server.graphql.view import Explorer, GraphQLView


@dataclass(frozen=True)
class Viewer:
    """Who asks."""

    name: str | None
    expires_at: datetime | None = None


@dataclass
class Context:
    """What one operation works with."""

    viewer: Viewer
    contexts: "Contexts"
    closed: bool = False
    audience: None = None
    issued_token: str | None = None
    refused: None = None

    @property
    def identity(self) -> str | None:
        """Who asks."""
        return self.viewer.name

    @property
    def credential(self) -> str | None:
        """What they ask with."""
        return self.viewer.name

    async def refresh(self) -> bool:
        """Refuse whom the contexts refuse now."""
        self.contexts.require_welcome(self.viewer.name or "")
        return False

    def for_pass(self, progress: Progress, *, shared: bool) -> "Context":
        """Nobody shares a context."""
        raise NotImplementedError

    @property
    def expires_at(self) -> datetime | None:
        """When the viewer's token ends."""
        return self.viewer.expires_at

    def require_viewer(self) -> Viewer:
        """Who asks, if anybody."""
        if self.viewer.name is None:
            raise NotAuthenticated("Sign in first.")
        return self.viewer

    async def close(self) -> None:
        """Remember that it was closed."""
        await asyncio.sleep(0)
        assert not self.closed, "closed twice"
        self.closed = True


@dataclass
class Contexts:
    """Opens contexts, and keeps them to be looked at."""

    opened: list[Context] = field(default_factory=list)
    banned: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)

    def require_welcome(self, token: str) -> None:
        """Raises what keeps the token out."""
        if token == "bad" or token in self.banned:
            raise NotAuthenticated("The token is not valid.")
        if token == "full":
            raise LimitExceeded("Try again in a minute.")
        if token == "away" or token in self.away:
            raise PoolTimeout("secret of the pool")
        if token == "bug":
            raise RuntimeError("secret of the context")

    async def open(self, connection: HTTPConnection, parameters: Mapping[str, Any] | None) -> Context:
        """`NAME` is anybody, `NAME/SECONDS` for that long; `bad`, `full`, `away` and `bug` open nothing."""
        values = (parameters or {}).get("Authorization") or connection.headers.get("authorization") or ""
        token = values.removeprefix("Bearer ")
        self.require_welcome(token)
        name, _, seconds = token.partition("/")
        expires_at = datetime.now(UTC) + timedelta(seconds=float(seconds)) if seconds else None
        context = Context(Viewer(name or None, expires_at), self)
        self.opened.append(context)
        return context


@strawberry.type
class Box(relay.Node):
    """Something with more of its kind inside."""

    id: relay.NodeID[int]

    @classmethod
    def resolve_nodes(cls, *, info: strawberry.Info, node_ids: Any, required: bool = False) -> Any:
        """The boxes of these ids."""
        return [cls(id=int(node_id)) for node_id in node_ids]

    @strawberry.field
    def boxes(self) -> list["Box"]:
        """Two of them."""
        return [Box(id=self.id * 2), Box(id=self.id * 2 + 1)]

    @strawberry.field
    def broken(self) -> str:
        """Raises what no client may read."""
        raise RuntimeError("secret of the box")

    @strawberry.field
    def page(self, first: int | None = None, last: int | None = None) -> "BoxConnection":
        """A page of boxes."""
        return BoxConnection(nodes=[Box(id=n) for n in range(first or last or 2)])

    @strawberry.field(description="Boxes by their ids. Maximum 30.")  # type: ignore[untyped-decorator]
    def several(self, ids: list[int]) -> list["Box"]:
        """Boxes by their ids."""
        return [Box(id=id) for id in ids]

    @strawberry.field(description="Some boxes. Default 3, maximum 1,000.")  # type: ignore[untyped-decorator]
    def few(self, limit: int = 3) -> list["Box"]:
        """Some boxes."""
        return [Box(id=n) for n in range(limit)]


@strawberry.type
class BoxConnection:
    """A page of boxes."""

    nodes: list[Box]


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    def hello(self, name: str = "world") -> str:
        """A greeting."""
        return f"Hello {name}"

    @strawberry.field
    def viewer(self, info: strawberry.Info) -> str | None:
        """Who asks."""
        name: str | None = info.context.viewer.name
        return name

    @strawberry.field
    def box(self, id: relay.GlobalID | None = None) -> Box | None:
        """A box by its id."""
        return Box(id=int(id.node_id) if id else 1)

    @strawberry.field
    async def node(self, info: strawberry.Info, id: relay.GlobalID) -> relay.Node:
        """A box, by an id of any type."""
        node = await id.resolve_node(info)
        assert node is not None
        return node

    @strawberry.field
    def refused(self) -> str | None:
        """Raises a refusal."""
        raise Conflict("It is taken.", "input", "name")

    @strawberry.field
    def required(self) -> str:
        """Raises a refusal where null is not allowed."""
        raise Conflict("It is taken.")

    @strawberry.field
    def away(self) -> str | None:
        """Meets an outage."""
        raise VectorsUnavailable("secret of the store")

    @strawberry.field
    def budget(self) -> str:
        """Meets a limit where null is not allowed."""
        raise LimitExceeded("The budget is spent.")

    @strawberry.field
    def too_big(self) -> int:
        """Is no 32-bit integer."""
        return 2**40

    @strawberry.field
    def unencodable(self) -> JSON:
        """What the encoder of answers refuses, unchecked by its scalar."""
        deep: Any = 1
        for _ in range(400):
            deep = [deep]
        return JSON({"text": "a\ud800", "long": 2**70, "longest": 10**5000, "deep": deep, "bytes": b"x"})

    @strawberry.field
    async def wait(self, seconds: float) -> str:
        """Takes its time."""
        await asyncio.sleep(seconds)
        return "waited"


@strawberry.input
class SignIn:
    """A password."""

    password: str


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    def lose(self) -> str:
        """Loses its connection."""
        raise ConnectionResetError("secret of the connection")

    @strawberry.mutation
    async def linger(self, seconds: float) -> str:
        """Takes its time."""
        await asyncio.sleep(seconds)
        return "lingered"

    @strawberry.mutation
    def sign_in(self, input: SignIn) -> Box:
        """A box for a password."""
        return Box(id=len(input.password))

    @strawberry.mutation
    def rename(self, name: str) -> str:
        """The new name."""
        return name

    @strawberry.mutation
    async def receive(self, file: Upload) -> str:
        """The file's name and size."""
        assert isinstance(file, UploadFile)
        return f"{file.filename}: {len(await file.read())}"


@strawberry.type
class Subscription:
    """What can be watched."""

    @strawberry.subscription
    async def count(
        self,
        info: strawberry.Info,
        to: int,
        seconds: float = 0,
    ) -> AsyncGenerator[int, None]:
        """Counts from 1, with a pause after each number."""
        for number in range(1, to + 1):
            assert not info.context.closed, "used after it was closed"
            yield number
            await asyncio.sleep(seconds)

    @strawberry.subscription
    async def context_name(self, info: strawberry.Info) -> AsyncGenerator[str, None]:
        """A name that no other context alive has, for ever."""
        while True:
            yield str(id(info.context))
            await asyncio.sleep(0.01)

    @strawberry.subscription
    async def strange(self) -> AsyncGenerator[JSON, None]:
        """What the encoder of answers refuses."""
        yield JSON("a\ud800")

    @strawberry.subscription
    async def breaking(self) -> AsyncGenerator[int, None]:
        """Breaks after the first."""
        yield 1
        raise RuntimeError("secret of the stream")

    @strawberry.subscription
    async def dropping(self) -> AsyncGenerator[int, None]:
        """Meets an outage after the first."""
        yield 1
        raise PoolTimeout("secret of the stream")

    @strawberry.subscription
    async def refusing(self) -> AsyncGenerator[int, None]:
        """Is refused before the first."""
        raise Conflict("It is over.", "id")
        yield 1


class QuietSchema(strawberry.Schema):
    """Leaves logging to the masking of errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Nothing: what is worth a line has one."""


schema = QuietSchema(
    Query,
    Mutation,
    Subscription,
    extensions=[OperationLimits, IntrospectionCache, ErrorMasking],
    config=StrawberryConfig(enable_experimental_incremental_execution=True),
    execution_context_class=MeteredExecutor,
)


def application(
    contexts: Contexts,
    limits: TransportLimits | None = None,
    explorer: Explorer | None = None,
    admission: Admission | None = None,
) -> Starlette:
    """The toy schema behind the real endpoint, at `/graphql`."""
    view = GraphQLView(schema, contexts.open, limits=limits, explorer=explorer, admission=admission)
    return Starlette(routes=[Route("/graphql", view), WebSocketRoute("/graphql", view)])
