"""Which responses are compressed, how, and where."""

import asyncio
import threading
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard
from httpx import AsyncClient, Response

from server.graphql import compression
from server.graphql.compression import MAX_INLINE_BYTES, MIN_COMPRESSED_BYTES, accepted_encoding

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstandard.decompress,
    "br": brotli.decompress,
    "gzip": lambda body: zlib.decompress(body, 31),
}


async def say(http: AsyncClient, size: int, encoding: str | None) -> tuple[Response, bytes]:
    """The response to an operation, and its body as it was sent."""
    http.headers.pop("accept-encoding", None)
    headers = {} if encoding is None else {"accept-encoding": encoding}
    body = {"query": "query($n: String!) { hello(name: $n) }", "variables": {"n": "x" * size}}
    async with http.stream("POST", "/graphql", json=body, headers=headers) as response:
        return response, b"".join([part async for part in response.aiter_raw()])


@pytest.mark.parametrize("encoding", DECODERS)
@pytest.mark.parametrize("size", [MIN_COMPRESSED_BYTES, 2 * MAX_INLINE_BYTES])
async def test_a_large_response_is_compressed(http: AsyncClient, encoding: str, size: int) -> None:
    plain, expected = await say(http, size, None)
    response, body = await say(http, size, encoding)

    assert DECODERS[encoding](body) == expected
    assert len(body) < len(expected) / 5
    assert (response.headers["content-encoding"], response.headers["content-length"]) == (
        encoding,
        str(len(body)),
    )
    assert "content-encoding" not in plain.headers
    for sent in (plain, response):
        assert (sent.headers["vary"], sent.headers["cache-control"]) == (
            "Accept, Accept-Encoding",
            "no-store",
        )


async def test_a_small_response_is_sent_as_it_is(http: AsyncClient) -> None:
    response, body = await say(http, 1, "gzip, br, zstd")

    assert body.startswith(b'{"data":{"hello":"Hello x"}')
    assert "content-encoding" not in response.headers
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.5, zstd;q=0.4", "gzip"),
        ("gzip;q=0, br;q=0", None),
        ("*", "zstd"),
        ("*;q=0.1, zstd;q=0", "br"),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=nonsense", None),
        ("x" * 300 + ", gzip", "gzip"),
    ],
)
def test_the_header_chooses_the_coding(header: str | None, encoding: str | None) -> None:
    assert accepted_encoding(header) == encoding


@pytest.mark.parametrize(("size", "inline"), [(MAX_INLINE_BYTES, True), (MAX_INLINE_BYTES + 1, False)])
async def test_threads_compress_large_bodies(
    monkeypatch: pytest.MonkeyPatch, size: int, inline: bool
) -> None:
    threads = list[Any]()

    def note(body: bytes) -> bytes:
        threads.append(threading.current_thread())
        return body

    monkeypatch.setitem(compression.ENCODINGS, "gzip", note)
    await asyncio.gather(*(compression.compress(b"x" * size, "gzip") for _ in range(2)))

    assert [thread is threading.main_thread() for thread in threads] == [inline] * 2


async def test_streams_are_not_compressed(http: AsyncClient) -> None:
    headers = {"accept": "text/event-stream", "accept-encoding": "gzip"}
    body = {"query": "subscription { count(to: 1) }"}
    response = await http.post("/graphql", json=body, headers=headers)

    assert response.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in response.headers
    assert "event: complete" in response.text
