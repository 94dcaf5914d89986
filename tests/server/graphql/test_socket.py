"""GraphQL over WebSocket: the messages of graphql-transport-ws, and every way in which a socket is closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from server.graphql.admission import Admission
from server.graphql.limits import TransportLimits
from server.graphql.socket import SocketAdapter
from tests.server.graphql.conftest import serve_app, until
from tests.server.graphql.toy_schema import Context, Contexts, application

PROTOCOL = Subprotocol("graphql-transport-ws")


class Socket:
    """A client that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        """Send one message."""
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next message, within 5 seconds."""
        async with asyncio.timeout(5):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def subscribe(self, query: str, id: str = "1", **payload: Any) -> None:
        """Start an operation."""
        await self.send(type="subscribe", id=id, payload={"query": query, **payload})

    async def answers(self, query: str, id: str = "1", **payload: Any) -> list[dict[str, Any]]:
        """All messages of an operation."""
        await self.subscribe(query, id, **payload)
        messages = [await self.receive()]
        while messages[-1]["type"] == "next":
            messages.append(await self.receive())
        assert {message["id"] for message in messages} == {id}
        return messages

    async def closing(self) -> tuple[int, str]:
        """Code and reason with which the server closes; messages before it are left unread."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            frame = closed.rcvd
        assert frame is not None
        return frame.code, frame.reason


@asynccontextmanager
async def open_socket(
    contexts: Contexts,
    token: str | None = "ann",
    *,
    init: bool = True,
    limits: TransportLimits | None = None,
    admission: Admission | None = None,
) -> AsyncIterator[Socket]:
    """A socket, greeted unless `init` is false; when it has gone, every context must have been closed."""
    async with serve_app(application(contexts, limits, admission=admission)) as address:
        async with connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL]) as connection:
            socket = Socket(connection)
            if init:
                await socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
                assert (await socket.receive())["type"] == "connection_ack"
            yield socket
        await until(lambda: all(context.closed for context in contexts.opened))


async def test_an_operation_answers_and_completes(contexts: Contexts) -> None:
    async with open_socket(contexts) as socket:
        query, subscription = (
            "query Q($n: String!) { hello(name: $n) viewer }",
            "subscription { count(to: 2) }",
        )
        first, last = await socket.answers(query, variables={"n": "you"}, operationName="Q")
        counted = await socket.answers(subscription)

    assert first["payload"]["data"] == {"hello": "Hello you", "viewer": "ann"}
    assert last == {"type": "complete", "id": "1"}
    assert [message["payload"]["data"] for message in counted[:-1]] == [{"count": 1}, {"count": 2}]
    assert [message["payload"].get("extensions") is None for message in counted[:-1]] == [False, True]


async def test_each_operation_has_its_own_context(contexts: Contexts) -> None:
    async with open_socket(contexts) as socket:
        for id in ("a", "b"):
            await socket.subscribe("subscription { contextName }", id)
        seen: dict[str, set[str]] = {"a": set(), "b": set()}
        while min(len(names) for names in seen.values()) < 1 or len(seen["a"] | seen["b"]) < 2:
            message = await socket.receive()
            seen[message["id"]].add(message["payload"]["data"]["contextName"])

        assert [len(names) for names in seen.values()] == [1, 1]
        greeting, *operations = contexts.opened
        assert (greeting.closed, [context.closed for context in operations]) == (True, [False, False])

        await socket.send(type="complete", id="a")
        await until(lambda: operations[0].closed)
        assert not operations[1].closed


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($n: Int!) { count(to: $n) }", "BAD_USER_INPUT"),
        ("query A { hello } query B { hello }", "OPERATION_RESOLUTION_FAILURE"),
        ("fragment F on Query { hello }", "OPERATION_RESOLUTION_FAILURE"),
        ("{ " + "hello " * 2000 + "}", "QUERY_TOO_COMPLEX"),
    ],
)
async def test_a_document_that_cannot_run_is_an_error(contexts: Contexts, query: str, code: str) -> None:
    async with open_socket(contexts) as socket:
        (message,) = await socket.answers(query)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == code

        assert (await socket.answers("{ hello }"))[0]["payload"]["data"] == {"hello": "Hello world"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { breaking }", "INTERNAL_SERVER_ERROR"),
        ("subscription { refusing }", "CONFLICT"),
        ("{ refused }", "CONFLICT"),
        ("{ box { broken } }", "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_errors_are_worded_here_too(contexts: Contexts, query: str, code: str) -> None:
    async with open_socket(contexts) as socket:
        messages = await socket.answers(query)

    assert messages[-1]["type"] == "complete"
    assert messages[-2]["payload"]["errors"][0]["extensions"]["code"] == code
    assert "secret" not in str(messages)


JSON, TYPE = "WebSocket message must be valid JSON", "A message must be an object with a type"
BYTES, ID = "WebSocket message type must be text", "`id` must be a string"
PAYLOAD = "The payload must be an operation"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", JSON),
        ("{", JSON),
        ("null", TYPE),
        ("5", TYPE),
        ("[]", TYPE),
        ("{}", TYPE),
        (b"{}", BYTES),
        ('{"type": 1}', TYPE),
        ('{"type": "nonsense"}', "Unknown message type: nonsense"),
        ('{"type": "' + "x" * 1000 + '"}', "Unknown message type: " + "x" * 98),
        ('{"type": "connection_init", "payload": 1}', "Invalid connection init payload"),
        ('{"type": "complete"}', ID),
        ('{"type": "complete", "id": 1}', ID),
        ('{"type": "subscribe"}', ID),
        ('{"type": "subscribe", "id": "1"}', PAYLOAD),
        ('{"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}}', ID),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}', ID),
        ('{"type": "subscribe", "id": "1", "payload": null}', PAYLOAD),
        ('{"type": "subscribe", "id": "1", "payload": {}}', PAYLOAD),
        ('{"type": "subscribe", "id": "1", "payload": {"query": 1}}', PAYLOAD),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": []}}', PAYLOAD),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "operationName": 1}}', PAYLOAD),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "\\ud800"}}', JSON),
        ("[" * 100_000, JSON),
    ],
)
async def test_malformed_frames_close_4400(contexts: Contexts, frame: str | bytes, reason: str) -> None:
    init = "connection_init" not in str(frame)
    async with open_socket(contexts, init=init) as socket:
        await socket.connection.send(frame)
        closing = await socket.closing()

    assert closing == (4400, reason)


async def test_a_huge_frame_closes_1009(contexts: Contexts) -> None:
    async with open_socket(contexts, limits=TransportLimits(frame_characters=1000)) as socket:
        await socket.subscribe("{ hello }" + " " * 1000)
        assert await socket.closing() == (1009, "Message too large")


async def test_the_handshake_is_kept(contexts: Contexts) -> None:
    async with open_socket(contexts, init=False) as socket:
        await socket.subscribe("{ hello }")
        assert (await socket.closing())[0] == 4401
    async with open_socket(contexts) as socket:
        await socket.send(type="connection_init")
        assert (await socket.closing())[0] == 4429
    async with open_socket(contexts) as socket:
        for _ in range(2):
            await socket.subscribe("subscription { contextName }")
        assert (await socket.closing())[0] == 4409
    async with open_socket(contexts, init=False, limits=TransportLimits(init_seconds=0.05)) as socket:
        assert (await socket.closing())[0] == 4408


async def test_ping_is_answered_with_its_payload(contexts: Contexts) -> None:
    async with open_socket(contexts, init=False) as socket:
        await socket.send(type="ping", payload={"n": 1})
        assert await socket.receive() == {"type": "pong", "payload": {"n": 1}}
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.send(type="pong")
        await socket.send(type="connection_init", payload=None)
        assert await socket.receive() == {"type": "connection_ack"}


async def test_a_bad_token_closes_4403(contexts: Contexts) -> None:
    async with open_socket(contexts, init=False) as socket:
        await socket.send(type="connection_init", payload={"Authorization": "Bearer bad"})
        assert (await socket.closing())[0] == 4403


async def test_expiry_closes_4403_and_ends_operations(contexts: Contexts) -> None:
    async with open_socket(contexts, init=False) as socket:
        await socket.send(type="connection_init", payload={"Authorization": "Bearer ann/0.3"})
        acknowledgement = await socket.receive()
        await socket.subscribe("subscription { contextName }")
        assert await socket.closing() == (4403, "Token expired")

    assert (
        datetime.fromisoformat(acknowledgement["payload"]["expiresAt"])
        == contexts.opened[0].viewer.expires_at
    )


async def test_a_client_is_warned_and_goes_on_with_a_new_token(contexts: Contexts) -> None:
    async with open_socket(contexts, "ann/1") as socket:
        warning = await socket.receive()
        assert warning["type"] == "ping"
        assert 0 <= warning["payload"]["expiresIn"] <= 1
        await socket.send(type="ping", payload={"authorization": "Bearer ann/60"})
        renewed = await socket.receive()
        assert (renewed["type"], renewed["payload"]["expiresIn"]) == ("pong", 60)
        await asyncio.sleep(1)

        assert [message["type"] for message in await socket.answers("{ hello }", "2")] == ["next", "complete"]


async def test_a_pong_renews_the_token_too(contexts: Contexts) -> None:
    async with open_socket(contexts, "ann/1") as socket:
        assert (await socket.receive())["type"] == "ping"
        await socket.send(type="pong", payload={"Authorization": "Bearer ann/60"})
        await asyncio.sleep(1)

        assert [message["type"] for message in await socket.answers("{ hello }")] == ["next", "complete"]


@pytest.mark.parametrize("token", ["bob/60", "bad", "", "ann/0"])
async def test_another_token_closes_4403(contexts: Contexts, token: str) -> None:
    async with open_socket(contexts, "ann/60") as socket:
        await socket.send(type="ping", payload={"authorization": f"Bearer {token}"})
        assert (await socket.closing())[0] == 4403


async def test_a_suspended_viewer_is_out(contexts: Contexts) -> None:
    async with open_socket(contexts) as socket:
        contexts.banned.add("ann")
        await socket.subscribe("{ hello }")
        assert (await socket.closing())[0] == 4401


async def test_a_suspended_viewer_is_out_of_a_running_subscription(contexts: Contexts) -> None:
    async with open_socket(contexts, limits=TransportLimits(recheck_seconds=0.05)) as socket:
        await socket.subscribe("subscription { contextName }")
        await socket.receive()
        contexts.banned.add("ann")
        assert (await socket.closing())[0] == 4401


async def test_a_broken_recheck_keeps_the_socket(contexts: Contexts, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        calls.append(1)
        raise RuntimeError

    calls: list[int] = []
    async with open_socket(contexts, limits=TransportLimits(recheck_seconds=0.02)) as socket:
        with monkeypatch.context() as patch:
            patch.setattr(Context, "refresh", broken)
            await until(lambda: len(calls) >= 2)
        assert (await socket.answers("{ hello }"))[0]["payload"]["data"] == {"hello": "Hello world"}


async def test_too_many_operations_are_refused_one_by_one(contexts: Contexts) -> None:
    async with open_socket(contexts, limits=TransportLimits(socket_operations=1)) as socket:
        await socket.subscribe("subscription { count(to: 1, seconds: 30) }", "a")
        assert (await socket.receive())["id"] == "a"
        (refusal,) = await socket.answers("{ hello }", "b")
        assert (refusal["type"], refusal["payload"][0]["extensions"]) == ("error", {"code": "EXHAUSTED"})


async def test_persisted_documents_work_here_too(contexts: Contexts) -> None:
    async with open_socket(contexts, limits=TransportLimits(trusted_documents={})) as socket:
        (refusal,) = await socket.answers("{ hello }")
    assert refusal["payload"][0]["extensions"] == {"code": "DOCUMENT_NOT_TRUSTED"}


async def test_a_client_that_vanishes_leaves_nothing_open(contexts: Contexts) -> None:
    async with open_socket(contexts) as socket:
        await socket.subscribe("subscription { contextName }")
        await socket.receive()
        socket.connection.transport.abort()
        await until(lambda: all(context.closed for context in contexts.opened))


async def test_only_graphql_transport_ws_is_spoken(contexts: Contexts) -> None:
    old = [Subprotocol("graphql-ws")]
    async with serve_app(application(contexts)) as address:
        connection = await connect(f"ws://{address}/graphql", subprotocols=old)
        assert (await Socket(connection).closing())[0] == 4406


@pytest.mark.parametrize(("origin", "welcome"), [("http://elsewhere", False), ("http://friend", True)])
async def test_other_origins_need_to_be_named(contexts: Contexts, origin: str, welcome: bool) -> None:
    limits = TransportLimits(allowed_origins=("http://friend",))
    async with serve_app(application(contexts, limits)) as address:
        url = f"ws://{address}/graphql"
        if welcome:
            async with connect(url, subprotocols=[PROTOCOL], origin=Origin(origin)):
                return
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, subprotocols=[PROTOCOL], origin=Origin(origin))
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("error", [WebSocketDisconnect(1006), RuntimeError("closed")])
async def test_closing_a_socket_that_the_client_has_left_does_nothing(error: Exception) -> None:
    socket = AsyncMock(close=AsyncMock(side_effect=error))

    await SocketAdapter(AsyncMock(), AsyncMock(), socket).close(4403, "Forbidden")

    socket.close.assert_awaited_once_with(code=4403, reason="Forbidden")
