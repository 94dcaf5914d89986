"""Compression of single responses by `Accept-Encoding`.

The length of a compressed response leaks a secret in it, if an attacker chooses another part of it and makes
the victim's browser repeat the request (BREACH). Pages of other origins cannot do that: requests are
authenticated by a token in a header, never by what a browser sends on its own. Streams are not compressed.
"""

import asyncio
import zlib
from collections.abc import Callable
from functools import lru_cache

import brotli
from zstandard import ZstdCompressor

from server.graphql.headers import MAX_CACHED_LENGTH
from server.graphql.negotiation import quality_by_range

MIN_COMPRESSED_BYTES = 1_400
"""Size of a body that is worth it: a shorter one fits into a packet."""

MAX_INLINE_BYTES = 50_000
"""Size up to which a body is compressed at once, which takes less time than to ask a thread."""

GZIP_LEVEL, GZIP_WINDOW = 4, 31
BROTLI_QUALITY = 4
ZSTD_LEVEL = 3

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: ZstdCompressor(level=ZSTD_LEVEL).compress(body),
    "br": lambda body: bytes(brotli.compress(body, quality=BROTLI_QUALITY)),
    "gzip": lambda body: zlib.compress(body, GZIP_LEVEL, GZIP_WINDOW),
}
"""Content codings, the preferred ones first."""


def accepted_encoding(header: str | None) -> str | None:
    """The coding for an `Accept-Encoding` header; None to send the body as it is."""
    if header is None:
        return None
    return choose(header) if len(header) > MAX_CACHED_LENGTH else choose_short(header)


def choose(header: str) -> str | None:
    """The coding with the highest q-value, unless that of `identity` is higher."""
    weights = quality_by_range(header)
    best = max(ENCODINGS, key=lambda encoding: weights.get(encoding, weights.get("*", 0)))
    weight = weights.get(best, weights.get("*", 0))
    return best if weight > 0 and weight >= weights.get("identity", 0) else None


choose_short = lru_cache(maxsize=256)(choose)


async def compress(body: bytes, encoding: str) -> bytes:
    """The encoded body. A thread compresses large ones."""
    if len(body) <= MAX_INLINE_BYTES:
        return ENCODINGS[encoding](body)
    return await asyncio.to_thread(ENCODINGS[encoding], body)
