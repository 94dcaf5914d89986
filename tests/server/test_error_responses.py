"""Errors that no route handles, and probes while the database is away."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from core.settings import Settings
from db.database import Database
from db.errors import DATABASE_UNAVAILABLE, SERVER_BUSY
from db.ids import new_id
from db.placement import Placement
from resolvers.identity.viewers import Viewers
from schema.contract import Contract
from schema.framework.context import Services
from server.app import AppState, readiness
from server.graphql.view import GraphQLView
from server.http.authentication import Authentication
from server.http.error_responses import ErrorResponses


class Connection:
    """A connection that notes its end."""

    aborted = False

    def abort(self) -> None:
        """Notes it."""
        self.aborted = True


async def busy(request: Request) -> Response:
    raise PoolTimeout("secret")


async def bug(request: Request) -> Response:
    raise RuntimeError("secret")


async def half(request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("secret")

    return StreamingResponse(chunks())


APP = Starlette(
    middleware=[Middleware(ErrorResponses)],
    routes=[Route("/busy", busy), Route("/bug", bug), Route("/half", half)],
)


@pytest.mark.parametrize(
    ("path", "status", "code", "message"),
    [
        ("/busy", 503, "UNAVAILABLE", SERVER_BUSY),
        ("/bug", 500, "INTERNAL_SERVER_ERROR", "Internal error"),
    ],
)
async def test_errors_are_coded(path: str, status: int, code: str, message: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://seshat.test") as client:
        response = await client.get(path)
    (error,) = response.json()["errors"]

    assert (response.status_code, error["extensions"]["code"], error["message"]) == (status, code, message)
    assert response.headers.get("retry-after") == ("1" if status == 503 else None)


async def test_a_response_that_has_begun_is_broken_off() -> None:
    connection, sent = Connection(), list[Message]()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/half", "headers": [], "query_string": b""}
    await APP({**scope, "state": {"connection": connection}, "asgi": {"spec_version": "2.4"}}, receive, send)

    assert connection.aborted
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


@pytest.fixture
def away(services: Services) -> Services:
    """The services, without their database."""
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    database = Database(Placement(settings, str(settings.database_url)))
    return replace(services, database=database, viewers=Viewers(database))


async def test_a_server_without_its_database_is_not_ready(away: Services) -> None:
    app = Starlette(routes=[Route("/readyz", readiness(AppState(services=away)))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://seshat.test") as client:
        response = await client.get("/readyz")

    assert (response.status_code, response.text) == (503, "the database is not available\n")


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize(
    ("signed_in", "query"),
    [
        (True, "{ projects { nodes { id } } }"),
        (True, '{ companyName: __typename project(id: "x") { id } }'),
        (
            False,
            'mutation { userSignIn(input: { login: "a", password: "b" }) { accessToken errors { code } } }',
        ),
    ],
)
async def test_operations_without_the_database_are_unavailable(
    away: Services, contract: Contract, accept: str, signed_in: bool, query: str
) -> None:
    authentication = Authentication(lambda: away)
    view = GraphQLView(contract, authentication.open_context, identify_caller=authentication.identify_caller)
    headers = {"accept": accept}
    if signed_in:
        headers["authorization"] = f"Bearer {away.token_signer.access_token(new_id())}"
    transport = httpx.ASGITransport(Starlette(routes=[Route("/graphql", view)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://seshat.test") as client:
        response = await client.post("/graphql", json={"query": query}, headers=headers)
    (error,) = response.json()["errors"]

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert (error["message"], error["extensions"]) == (DATABASE_UNAVAILABLE, {"code": "UNAVAILABLE"})
