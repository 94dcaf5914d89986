"""Clients that leave, that are slow, and that never finish what they begin."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from server.graphql.admission import Admission, AdmissionLimits
from server.graphql.limits import TransportLimits
from server.http.protocol import HeaderLimits
from tests.server.graphql.conftest import serve_app, until
from tests.server.graphql.toy_schema import Contexts, application

HEAD = b"POST /graphql HTTP/1.1\r\nHost: toy\r\nContent-Type: application/json\r\n"
TIMEOUT = b"HTTP/1.1 408 Request Timeout"


class Wire:
    """A connection, and what is sent and received on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, query: str) -> None:
        """Send an operation."""
        body = json.dumps({"query": query}).encode()
        self.writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def answer(self) -> Any:
        """The body of the next response."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        return json.loads(await self.reader.readexactly(int(length)))

    async def rest(self) -> bytes:
        """Everything until the server closes the connection, within 5 seconds."""
        try:
            async with asyncio.timeout(5):
                return await self.reader.read()
        except ConnectionResetError:  # it had not read everything
            return b""

    def leave(self) -> None:
        """Close at once."""
        self.writer.transport.abort()


@asynccontextmanager
async def open_wires(
    app: Starlette, limits: HeaderLimits | None = None, admission: Admission | None = None, count: int = 1
) -> AsyncIterator[list[Wire]]:
    """Connections to a server of this application."""
    async with serve_app(app, limits, admission) as address:
        host, port = address.split(":")
        wires = [Wire(*await asyncio.open_connection(host, int(port))) for _ in range(count)]
        try:
            yield wires
        finally:
            for wire in wires:
                wire.leave()


@pytest.mark.parametrize("query", ["{ wait(seconds: 30) }", "mutation { linger(seconds: 30) }"])
async def test_an_operation_ends_with_its_client(contexts: Contexts, query: str) -> None:
    admission = Admission(AdmissionLimits(operations=1))
    async with open_wires(application(contexts, admission=admission)) as (wire,):
        wire.send(query)
        await until(lambda: len(contexts.opened) == 1)
        wire.leave()
        await until(lambda: contexts.opened[0].closed)
        await until(lambda: admission.running == 0)


async def test_an_operation_whose_client_leaves_the_queue_is_never_begun(contexts: Contexts) -> None:
    admission = Admission(AdmissionLimits(operations=1))
    async with open_wires(application(contexts, admission=admission), count=3) as (first, second, third):
        first.send("{ wait(seconds: 0.3) }")
        await until(lambda: admission.running == 1)
        second.send("{ hello }")
        await until(lambda: admission.waiting == 1)
        third.send("{ hello }")
        await until(lambda: admission.waiting == 2)
        second.leave()
        await until(lambda: admission.waiting == 1)

        assert (await first.answer())["data"] == {"wait": "waited"}
        assert (await third.answer())["data"] == {"hello": "Hello world"}

    assert len(contexts.opened) == 2


async def test_connections_that_were_answered_come_before_new_ones(contexts: Contexts) -> None:
    admission = Admission(AdmissionLimits(operations=1, held_seconds=5))
    app = application(contexts, admission=admission)
    async with open_wires(app, admission=admission, count=3) as (known, first, new):
        for wire in (known, first):
            wire.send("{ hello }")
            await wire.answer()
        first.send("{ wait(seconds: 0.2) }")
        await until(lambda: admission.running == 1)
        new.send("{ hello }")
        await asyncio.sleep(0.05)
        known.send("{ wait(seconds: 0.1) }")
        await until(lambda: admission.waiting == 1)

        assert (await first.answer())["data"] == {"wait": "waited"}
        assert len(contexts.opened) == 4
        assert (await known.answer())["data"] == {"wait": "waited"}
        assert (await new.answer())["data"] == {"hello": "Hello world"}


async def test_a_connection_that_is_held_back_and_leaves_is_never_begun(contexts: Contexts) -> None:
    admission = Admission(AdmissionLimits(operations=1, held_seconds=0.1))
    app = application(contexts, admission=admission)
    async with open_wires(app, admission=admission, count=2) as (first, new):
        first.send("{ wait(seconds: 0.3) }")
        await until(lambda: admission.running == 1)
        new.send("{ hello }")
        await asyncio.sleep(0.05)
        new.leave()
        assert (await first.answer())["data"] == {"wait": "waited"}

    assert len(contexts.opened) == 1


async def test_a_retry_before_its_time_is_held_back(contexts: Contexts) -> None:
    admission = Admission(AdmissionLimits(operations=1, waiting=0, held_seconds=0))
    app = application(contexts, admission=admission)
    async with open_wires(app, admission=admission, count=2) as (first, hasty):
        for wire in (first, hasty):
            wire.send("{ hello }")
            await wire.answer()
        first.send("{ wait(seconds: 0.3) }")
        await until(lambda: admission.running == 1)
        hasty.send("{ hello }")
        refused = await hasty.answer()
        hasty.send("{ hello }")

        assert refused["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        assert (await hasty.answer())["data"] == {"hello": "Hello world"}
        assert (await first.answer())["data"] == {"wait": "waited"}


@pytest.mark.parametrize("sent", [b"", b"POST /gra", HEAD])
async def test_headers_that_do_not_come_time_out(contexts: Contexts, sent: bytes) -> None:
    limits = HeaderLimits(seconds=0.1, connections=10)
    async with open_wires(application(contexts), limits) as (wire,):
        wire.writer.write(sent)
        rest = await wire.rest()

    assert rest.startswith(TIMEOUT) if sent else rest == b""
    assert limits.incomplete == {}


async def test_headers_of_a_second_request_time_out(contexts: Contexts) -> None:
    limits = HeaderLimits(seconds=0.1, connections=10)
    async with open_wires(application(contexts), limits) as (wire,):
        wire.send("{ wait(seconds: 0.3) }")
        assert (await wire.answer())["data"] == {"wait": "waited"}
        wire.writer.write(HEAD)
        assert (await wire.rest()).startswith(TIMEOUT)


@pytest.mark.parametrize("trickles", [True, False])
async def test_a_small_body_that_does_not_come_times_out(contexts: Contexts, trickles: bool) -> None:
    limits = HeaderLimits(seconds=0.5, connections=10)
    async with open_wires(application(contexts), limits) as (wire,):
        wire.writer.write(HEAD + b"Content-Length: 1000\r\n\r\n{")
        trickle = asyncio.create_task(send_slowly(wire)) if trickles else None
        response = await wire.answer()
        if trickle:
            trickle.cancel()

    assert response["errors"][0]["extensions"] == {"code": "REQUEST_TIMEOUT"}
    assert (contexts.opened, limits.incomplete) == ([], {})


@pytest.mark.parametrize("trickles", [True, False])
async def test_a_large_body_that_does_not_come_times_out(contexts: Contexts, trickles: bool) -> None:
    app = application(contexts, TransportLimits(body_seconds=0.2))
    async with open_wires(app) as (wire,):
        wire.writer.write(HEAD + b"Content-Length: 200000\r\n\r\n" + b" " * 100_000)
        trickle = asyncio.create_task(send_slowly(wire)) if trickles else None
        response = await wire.answer()
        if trickle:
            trickle.cancel()

    assert response["errors"][0]["extensions"] == {"code": "REQUEST_TIMEOUT"}
    assert contexts.opened == []


async def test_a_client_may_wait_for_100_continue(contexts: Contexts) -> None:
    body = b'{"query": "{ hello }"}'
    async with open_wires(application(contexts)) as (wire,):
        wire.writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.writer.write(body)
        assert (await wire.answer())["data"] == {"hello": "Hello world"}


async def test_pipelined_requests_are_answered_in_order(contexts: Contexts) -> None:
    async with open_wires(application(contexts)) as (wire,):
        wire.send("{ wait(seconds: 0.1) }")
        wire.send("{ hello }")

        assert (await wire.answer())["data"] == {"wait": "waited"}
        assert (await wire.answer())["data"] == {"hello": "Hello world"}


async def send_slowly(wire: Wire) -> None:
    """A byte now and then."""
    while True:
        wire.writer.write(b" ")
        await asyncio.sleep(0.02)


async def test_a_body_that_nobody_reads_does_not_keep_the_connection(contexts: Contexts) -> None:
    limits = HeaderLimits(seconds=2, connections=10)
    async with open_wires(application(contexts), limits) as (wire,):
        head = HEAD.replace(b"application/json", b"text/plain")
        wire.writer.write(head + b"Content-Length: 200000\r\n\r\n" + b" " * 100_000)
        assert (await wire.answer())["errors"][0]["extensions"] == {"code": "UNSUPPORTED_MEDIA_TYPE"}
        trickle = asyncio.create_task(send_slowly(wire))
        assert await wire.rest() == b""
        trickle.cancel()


async def test_the_oldest_half_open_connection_gives_way(contexts: Contexts) -> None:
    limits = HeaderLimits(seconds=20, connections=2)
    async with open_wires(application(contexts), limits, count=3) as wires:
        assert await wires[0].rest() == b""
        wires[2].send("{ hello }")

        assert (await wires[2].answer())["data"] == {"hello": "Hello world"}
        assert len(limits.incomplete) == 1
