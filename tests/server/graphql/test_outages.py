"""What clients are told while something that the server depends on is away."""

import json

import asyncpg
import pytest
from httpx import AsyncClient
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import Unavailable
from core.ports import ModelFailure, RunErrorCode, StoreFull, StoreUnavailable, VectorsUnavailable
from db.errors import DATABASE_UNAVAILABLE, SERVER_BUSY
from schema.framework.outages import MODEL_UNAVAILABLE, SEARCH_UNAVAILABLE, STORE_UNAVAILABLE, outage
from server.graphql.limits import TransportLimits
from tests.server.graphql.test_socket import open_socket
from tests.server.graphql.toy_schema import Contexts

MEDIA = ("application/json", "application/graphql-response+json")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Unavailable("Later."), "Later."),
        (PoolTimeout("secret"), SERVER_BUSY),
        (ConnectionRefusedError("secret"), DATABASE_UNAVAILABLE),
        (asyncpg.InterfaceError("secret"), DATABASE_UNAVAILABLE),
        (asyncpg.LockNotAvailableError("secret"), DATABASE_UNAVAILABLE),
        (asyncpg.QueryCanceledError("secret"), SERVER_BUSY),
        (DBAPIError("secret", None, asyncpg.CannotConnectNowError("secret")), DATABASE_UNAVAILABLE),
        (StoreUnavailable("secret"), STORE_UNAVAILABLE),
        (VectorsUnavailable("secret"), SEARCH_UNAVAILABLE),
        (ModelFailure(RunErrorCode.SERVICE_UNAVAILABLE, "Busy.", is_transient=True), MODEL_UNAVAILABLE),
    ],
)
def test_what_a_retry_may_cure_is_unavailable(error: Exception, message: str) -> None:
    found = outage(error)

    assert found is not None
    assert (found.code.value, found.message) == ("UNAVAILABLE", message)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a bug"),
        StoreFull("no space left"),
        asyncpg.UniqueViolationError("twice"),
        ModelFailure(RunErrorCode.SERVICE_UNAVAILABLE, "The key is wrong."),
    ],
)
def test_what_a_retry_does_not_cure_is_no_outage(error: Exception) -> None:
    assert outage(error) is None


@pytest.mark.parametrize("accept", MEDIA)
@pytest.mark.parametrize(
    ("token", "query", "message"),
    [
        ("away", "{ hello }", SERVER_BUSY),
        ("ann", "{ away }", SEARCH_UNAVAILABLE),
        ("ann", "{ away refused }", SEARCH_UNAVAILABLE),
        ("ann", "mutation { lose }", DATABASE_UNAVAILABLE),
    ],
)
async def test_nothing_answered_is_503(
    http: AsyncClient, accept: str, token: str, query: str, message: str
) -> None:
    headers = {"authorization": f"Bearer {token}", "accept": accept}
    response = await http.post("/graphql", json={"query": query}, headers=headers)
    error = response.json()["errors"][0]

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.headers["content-type"] == accept
    assert (error["message"], error["extensions"]) == (message, {"code": "UNAVAILABLE"})
    assert "secret" not in response.text


@pytest.mark.parametrize("accept", MEDIA)
async def test_a_part_of_an_answer_is_an_answer(http: AsyncClient, accept: str) -> None:
    response = await http.post("/graphql", json={"query": "{ hello away }"}, headers={"accept": accept})
    (error,) = response.json()["errors"]

    assert (response.status_code, response.headers.get("retry-after")) == (200, None)
    assert response.json()["data"] == {"hello": "Hello world", "away": None}
    assert (error["path"], error["extensions"]) == (["away"], {"code": "UNAVAILABLE"})


@pytest.mark.parametrize("accept", MEDIA)
async def test_a_spent_budget_is_429(http: AsyncClient, accept: str) -> None:
    response = await http.post("/graphql", json={"query": "{ budget }"}, headers={"accept": accept})

    assert (response.status_code, response.json()["data"]) == (429, None)
    assert response.json()["errors"][0]["extensions"] == {"code": "EXHAUSTED"}


async def test_an_event_stream_ends_with_the_error(http: AsyncClient) -> None:
    headers = {"accept": "text/event-stream"}
    query = {"query": "subscription { dropping }"}
    response = await http.post("/graphql", json=query, headers=headers)
    data = [line.removeprefix("data: ") for line in response.text.split("\n") if line.startswith("data: {")]
    first, second = map(json.loads, data)

    assert first["data"] == {"dropping": 1}
    assert (second["errors"][0]["message"], second["errors"][0]["extensions"]) == (
        SERVER_BUSY,
        {"code": "UNAVAILABLE"},
    )


@pytest.mark.parametrize("query", ["{ away }", "mutation { lose }", "subscription { dropping }"])
async def test_a_socket_says_error_and_stays(contexts: Contexts, query: str) -> None:
    async with open_socket(contexts) as socket:
        messages = await socket.answers(query)
        others = await socket.answers("{ hello }")

    assert messages[-1]["type"] == "error"
    assert messages[-1]["payload"][0]["extensions"] == {"code": "UNAVAILABLE"}
    assert others[0]["payload"]["data"] == {"hello": "Hello world"}
    assert len(messages) == (2 if "dropping" in query else 1)


async def test_an_operation_of_a_viewer_that_cannot_be_loaded_is_an_error(contexts: Contexts) -> None:
    async with open_socket(contexts) as socket:
        contexts.away.add("ann")
        (message,) = await socket.answers("{ hello }")
        contexts.away.clear()
        first, _ = await socket.answers("{ hello }")

    assert (message["type"], message["payload"][0]["message"]) == ("error", SERVER_BUSY)
    assert first["payload"]["data"] == {"hello": "Hello world"}


@pytest.mark.parametrize(("token", "code"), [("away", 1013), ("bug", 1011)])
async def test_a_socket_that_cannot_be_authenticated_is_closed(
    contexts: Contexts, token: str, code: int
) -> None:
    async with open_socket(contexts, init=False) as socket:
        await socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        closing = await socket.closing()

    assert closing == (code, SERVER_BUSY if code == 1013 else "Internal error")


async def test_an_outage_does_not_close_sockets(contexts: Contexts) -> None:
    async with open_socket(contexts, limits=TransportLimits(recheck_seconds=0.02)) as socket:
        contexts.away.add("ann")
        await socket.subscribe("subscription { count(to: 4, seconds: 0.1) }", id="2")
        assert (await socket.receive())["type"] == "error"
        contexts.away.clear()
        first, _ = await socket.answers("{ hello }")

    assert first["payload"]["data"] == {"hello": "Hello world"}
