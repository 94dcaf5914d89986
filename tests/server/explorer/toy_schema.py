"""The part of the contract that the explorer's own examples touch, without anything behind it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from hashlib import sha256
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from core.errors import NotAuthenticated
from schema.framework.error_masking import ErrorMasking
from schema.framework.operation_limits import OperationLimits
from server.graphql.view import GraphQLView
from server.http.explorer import assets, explorer
from tests.server.graphql.toy_schema import Context, Contexts, QuietSchema, Viewer

PASSWORD = "a password of the toy"
received: dict[str, bytes] = {}
"""Bytes that were PUT, by the upload's id."""


@strawberry.type
class User:
    """Somebody."""

    id: strawberry.ID
    username: str


@strawberry.type
class UserError:
    """Why a mutation was refused."""

    code: str
    message: str
    path: list[str]


@strawberry.type
class UserSignInPayload:
    """Who signed in."""

    access_token: str | None = None
    refresh_token: str | None = None
    user: User | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class UserSignInInput:
    """Who wants to sign in."""

    login: str
    password: str


@strawberry.input
class TokenRefreshInput:
    """Who wants to stay signed in."""

    refresh_token: str


@strawberry.input
class UploadCreateInput:
    """A file to come."""

    filename: str
    mime_type: str
    size: int
    sha256: str


@strawberry.type
class Header:
    """A header to send."""

    name: str
    value: str


@strawberry.type
class Upload:
    """Where to send a file."""

    id: strawberry.ID
    url: str
    headers: list[Header]
    expires_at: str = "2030-01-01T00:00:00Z"


@strawberry.type
class UploadCreatePayload:
    """The upload."""

    upload: Upload | None
    errors: list[UserError]


@strawberry.type
class Words:
    """Words that stand on one sheet only."""

    removed: list[str]
    added: list[str]


@strawberry.type
class Box:
    """A rectangle."""

    x: int = 1
    y: int = 2
    width: int = 30
    height: int = 40


@strawberry.type
class Change:
    """A changed region."""

    description: str
    kind: str = "ADDED"
    area: int = 1200
    box: Box = strawberry.field(default_factory=Box)
    words: Words = strawberry.field(default_factory=lambda: Words(removed=[], added=["R12"]))


@strawberry.type
class AnalysisResult:
    """What an analyser says."""

    analysis_summary: str | None
    critical_change: str | None
    recommendations: list[str]
    ai_model_used: str
    success: bool
    error_message: str | None


@strawberry.type
class AnalysisResultConnection:
    """A page of analyses."""

    nodes: list[AnalysisResult]


@strawberry.type
class Comparison:
    """A pair of sheets."""

    drawing_name: str
    overlay_url: str | None
    state: str = "DONE"
    error_message: str | None = None
    alignment_score: float | None = 0.97
    low_confidence: bool = False
    changes_detected: bool = True
    change_ratio: float | None = 0.1
    words: Words = strawberry.field(default_factory=lambda: Words(removed=[], added=["R12"]))

    @strawberry.field
    def changes(self) -> list[Change]:
        """One."""
        return [Change(description=f"A wall was added on {self.drawing_name}")]

    @strawberry.field
    def analysis_results(self, first: int) -> AnalysisResultConnection:
        """None."""
        return AnalysisResultConnection(nodes=[])


@strawberry.type
class PageInfo:
    """Where a page stands."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class ComparisonConnection:
    """A page of comparisons."""

    nodes: list[Comparison]
    page_info: PageInfo


@strawberry.type
class DrawingSession:
    """A comparison under way."""

    id: strawberry.ID
    status: str
    progress: int = 100
    name: str = "old.pdf against new.pdf"
    error_message: str | None = None
    total_time: float | None = 1.5
    only_in_old: list[str] = strawberry.field(default_factory=lambda: ["A-900"])
    only_in_new: list[str] = strawberry.field(default_factory=list)

    @strawberry.field
    def comparisons(self, first: int, after: str | None = None) -> ComparisonConnection:
        """Two of them, one on each page."""
        name = "A-102/b" if after else "A-101"
        found = Comparison(drawing_name=name, overlay_url="/overlays/1" if after is None else None)
        page = PageInfo(has_next_page=after is None, end_cursor="1")
        return ComparisonConnection(nodes=[found], page_info=page)


@strawberry.input
class DrawingSessionCreateInput:
    """Which files to compare."""

    old_upload_id: strawberry.ID
    new_upload_id: strawberry.ID
    name: str | None = None


@strawberry.type
class DrawingSessionPayload:
    """A session."""

    session: DrawingSession | None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    def me(self, info: strawberry.Info) -> User | None:
        """Who asks."""
        name = info.context.viewer.name
        return User(id=strawberry.ID(name), username=name) if name else None

    @strawberry.field
    def drawing_session(self, id: strawberry.ID) -> DrawingSession:
        """The session as it ended."""
        return DrawingSession(id=id, status="ERROR" if id == "failing" else "COMPLETED")


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    def user_sign_in(self, input: UserSignInInput) -> UserSignInPayload:
        """Anybody who knows the password."""
        if input.password != PASSWORD:
            return UserSignInPayload(
                errors=[UserError(code="UNAUTHENTICATED", message="Wrong.", path=["input"])]
            )
        user = User(id=strawberry.ID("1"), username=input.login)
        return UserSignInPayload(access_token=input.login, refresh_token="r", user=user)

    @strawberry.mutation
    def upload_create(self, input: UploadCreateInput) -> UploadCreatePayload:
        """An address for a file."""
        key = input.sha256[:12]
        header = Header(name="content-type", value=input.mime_type)
        upload = Upload(id=strawberry.ID(key), url=f"/uploads/{key}", headers=[header])
        return UploadCreatePayload(upload=upload, errors=[])

    @strawberry.mutation
    def token_refresh(self, input: TokenRefreshInput) -> UserSignInPayload:
        """The same tokens again."""
        return UserSignInPayload(access_token="ann", refresh_token=input.refresh_token)

    @strawberry.mutation
    def drawing_session_create(self, input: DrawingSessionCreateInput) -> DrawingSessionPayload:
        """A session that fails when a file is compared with itself."""
        id = "failing" if input.old_upload_id == input.new_upload_id else "session-1"
        return DrawingSessionPayload(session=DrawingSession(id=strawberry.ID(id), status="ACTIVE"))

    @strawberry.mutation
    def drawing_session_start(self, id: strawberry.ID) -> DrawingSessionPayload:
        """The session, under way."""
        return DrawingSessionPayload(session=DrawingSession(id=id, status="PROCESSING"))


@strawberry.type
class Subscription:
    """What can be watched."""

    @strawberry.subscription
    async def session_progress(
        self, info: strawberry.Info, id: strawberry.ID
    ) -> AsyncGenerator[DrawingSession, None]:
        """Its states, for those who are signed in."""
        if info.context.viewer.name is None:
            raise NotAuthenticated("Sign in first.")
        for progress in (0, 50):
            yield DrawingSession(id=id, status="PROCESSING", progress=progress)
            await asyncio.sleep(0.2)
        yield DrawingSession(id=id, status="ERROR" if id == "failing" else "COMPLETED")


async def open_context(connection: HTTPConnection, parameters: Mapping[str, Any] | None) -> Context:
    """The token is the viewer's name."""
    values = (parameters or {}).get("Authorization") or connection.headers.get("authorization") or ""
    return Context(Viewer(values.removeprefix("Bearer ") or None), Contexts())


async def receive(request: Request) -> Response:
    """Keep the bytes of an upload, if they are those that were announced."""
    body, key = await request.body(), request.path_params["key"]
    if sha256(body).hexdigest()[:12] != key:
        return Response("other bytes", 422)
    received[key] = body
    return Response(status_code=204)


async def overlay(request: Request) -> Response:
    """A picture."""
    return Response(b"a picture", media_type="image/png")


def application() -> Starlette:
    """The toy contract with the explorer at `/graphql`."""
    schema = QuietSchema(Query, Mutation, Subscription, extensions=[OperationLimits, ErrorMasking])
    view = GraphQLView(schema, open_context, explorer=explorer)
    return Starlette(
        routes=[
            Route("/graphql", view),
            WebSocketRoute("/graphql", view),
            Route("/uploads/{key}", receive, methods=["PUT"]),
            Route("/overlays/1", overlay),
            assets(),
        ]
    )
