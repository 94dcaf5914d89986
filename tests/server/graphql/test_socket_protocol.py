"""Pings of sockets: who replies stays, who does not is gone."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from server.http import socket_protocol
from tests.server.graphql.conftest import serve_app
from tests.server.graphql.toy_schema import Contexts, application

PROTOCOL = Subprotocol("graphql-transport-ws")
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def open_client(address: str) -> connect:
    """A client that replies to pings, and offers to compress messages."""
    return connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL], ping_interval=None)


@pytest.fixture(autouse=True)
def quick_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ping every 0.3 seconds."""
    monkeypatch.setattr(socket_protocol, "SLOTS", 3)
    monkeypatch.setattr(socket_protocol, "SLOT_SECONDS", 0.1)


async def test_a_client_that_replies_to_pings_stays(contexts: Contexts) -> None:
    async with serve_app(application(contexts)) as address, open_client(address) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 1.5)
        await client.send('{"type": "ping"}')
        assert await asyncio.wait_for(client.recv(), 5) == '{"type":"pong"}'


async def test_a_client_that_does_not_reply_is_gone(contexts: Contexts) -> None:
    async with serve_app(application(contexts)) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(HANDSHAKE.format(address).encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        async with asyncio.timeout(5):
            received = await reader.read()
        writer.close()

    assert received.startswith(socket_protocol.PING)
    assert b"keepalive ping timeout" in received


async def test_messages_are_not_compressed(contexts: Contexts) -> None:
    async with serve_app(application(contexts)) as address, open_client(address) as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
