"""The load generator: exact counts, and what is counted as good, refused and wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.load import operation_request, percentile, send_exactly

GOOD, REFUSED = b'{"data":{}}', b'{"errors":[{"extensions":{"code":"UNAVAILABLE"}}]}'


@asynccontextmanager
async def endpoint(status: int, body: bytes, headers: str = "") -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that gives one answer to all. Yields its port and the bodies that it receives."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                received.append(
                    await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split()[0]))
                )
                writer.write(
                    f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body
                )
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], received


def test_a_request_holds_the_operation_and_the_token() -> None:
    head, _, body = operation_request("query Q { a }", {"id": "1"}, "Q", "secret").partition(b"\r\n\r\n")

    assert head.split(b"\r\n")[0] == b"POST /graphql HTTP/1.1"
    assert head.split(b"\r\n")[-2:] == [b"Authorization: Bearer secret", b"Content-Length: %d" % len(body)]
    assert json.loads(body) == {"query": "query Q { a }", "operationName": "Q", "variables": {"id": "1"}}


def test_a_request_without_a_token_is_not_signed_in() -> None:
    assert b"Authorization" not in operation_request("{ a }", {})


async def test_exactly_so_many_requests_are_sent_in_turn() -> None:
    requests = [operation_request("{ a }", {"number": number}) for number in range(3)]
    async with endpoint(200, GOOD) as (port, received):
        outcomes = await send_exactly(port, requests, 30, 4)

    assert (len(outcomes.good), outcomes.refused, outcomes.wrong) == (30, [], [])
    assert len(received) == 30
    assert {json.loads(body)["variables"]["number"] for body in received} == {0, 1, 2}


async def test_refusals_are_counted_and_not_repeated() -> None:
    async with endpoint(503, REFUSED) as (port, received):
        outcomes = await send_exactly(port, [operation_request("{ a }", {})], 5, 2)

    assert (outcomes.good, len(outcomes.refused), outcomes.wrong, len(received)) == ([], 5, [], 5)


async def test_answers_with_errors_are_wrong() -> None:
    async with endpoint(200, b'{"data":null,"errors":[{"message":"x"}]}') as (port, _):
        outcomes = await send_exactly(port, [operation_request("{ a }", {})], 2, 1)

    wrong = """200 b'{"data":null,"errors":[{"message":"x"}]}'"""
    assert (outcomes.good, outcomes.wrong) == ([], [wrong, wrong])


async def test_a_closed_connection_is_opened_again() -> None:
    async with endpoint(200, GOOD, "connection: close\r\n") as (port, received):
        outcomes = await send_exactly(port, [operation_request("{ a }", {})], 3, 1)

    assert (len(outcomes.good), len(received)) == (3, 3)


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 3), (0.99, 4), (1, 4)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([4, 1, 3, 2], share) == value


def test_no_values_have_percentile_0() -> None:
    assert percentile([], 0.5) == 0
