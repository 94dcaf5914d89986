"""Bodies as they were before they were compressed, in bounded pieces."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator

from core.ports import FetchErrorCode, FetchError

MAX_CHUNK_BYTES = 256 * 1024
"""Of one piece, however well it was compressed."""
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""Takes gzip's format and zlib's own."""
PLAIN, SQUEEZED = ("", "identity"), ("gzip", "x-gzip", "deflate")


async def decode(chunks: AsyncIterable[bytes], encoding: str, limit: int) -> AsyncIterator[bytes]:
    """What was sent in this encoding, of at most `limit` bytes. Raises `Refused` as soon as it is more."""
    pieces = chunks if encoding in PLAIN else inflate(chunks, encoding)
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        yield piece


def too_large(limit: int) -> FetchError:
    """What is refused for its size."""
    return FetchError(FetchErrorCode.TOO_LARGE, f"It is larger than {limit} bytes.")


async def inflate(chunks: AsyncIterable[bytes], encoding: str) -> AsyncIterator[bytes]:
    if encoding not in SQUEEZED:
        raise invalid_encoding()
    decompressor = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        async for chunk in chunks:
            remaining = chunk
            while remaining:
                if decompressor.eof:  # files of gzip may follow one another
                    decompressor = zlib.decompressobj(GZIP_OR_ZLIB)
                if piece := decompressor.decompress(remaining, MAX_CHUNK_BYTES):
                    yield piece
                remaining = decompressor.unconsumed_tail or decompressor.unused_data
    except zlib.error as error:
        raise invalid_encoding() from error
    if not decompressor.eof:
        raise invalid_encoding()


def invalid_encoding() -> FetchError:
    return FetchError(FetchErrorCode.INVALID_ANSWER, "What the server sent can't be unpacked.")
