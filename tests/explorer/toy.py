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

from schema.guard import Guard
from schema.masking import Masking
from server.explorer import assets, explorer
from server.graphql.view import GraphQLView
from tests.transport.toy import Context, QuietSchema, Viewer

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
class DrawingSession:
    """A comparison under way."""

    id: strawberry.ID
    status: str


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    def me(self, info: strawberry.Info) -> User | None:
        """Who asks."""
        name = info.context.viewer.name
        return User(id=strawberry.ID(name), username=name) if name else None


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


@strawberry.type
class Subscription:
    """What can be watched."""

    @strawberry.subscription
    async def session_progress(
        self, info: strawberry.Info, id: strawberry.ID
    ) -> AsyncGenerator[DrawingSession, None]:
        """Its states, for those who are signed in."""
        for status in ("EXTRACTING", "COMPARING", f"COMPLETED for {info.context.viewer.name}"):
            yield DrawingSession(id=id, status=status)
            await asyncio.sleep(0.2)


async def open_context(connection: HTTPConnection, parameters: Mapping[str, Any] | None) -> Context:
    """The token is the viewer's name."""
    given = (parameters or {}).get("Authorization") or connection.headers.get("authorization") or ""
    return Context(Viewer(given.removeprefix("Bearer ") or None))


async def receive(request: Request) -> Response:
    """Keep the bytes of an upload, if they are those that were announced."""
    body, key = await request.body(), request.path_params["key"]
    if sha256(body).hexdigest()[:12] != key:
        return Response("other bytes", 422)
    received[key] = body
    return Response(status_code=204)


def application() -> Starlette:
    """The toy contract with the explorer at `/graphql`."""
    schema = QuietSchema(Query, Mutation, Subscription, extensions=[Guard, Masking])
    view = GraphQLView(schema, open_context, explorer=explorer)
    return Starlette(
        routes=[
            Route("/graphql", view),
            WebSocketRoute("/graphql", view),
            Route("/uploads/{key}", receive, methods=["PUT"]),
            assets(),
        ]
    )
