"""Bodies as they were before they were compressed, in bounded pieces."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator

from core.ports import FetchErrorCode, FetchError

MAX_CHUNK_BYTES = 256 * 1024
"""Of one piece, however well it was compressed."""
GZIP_OR_ZLIB_WBITS = 32 + zlib.MAX_WBITS
"""Takes gzip's format and zlib's own."""
IDENTITY_ENCODINGS, ZLIB_ENCODINGS = ("", "identity"), ("gzip", "x-gzip", "deflate")


async def decode(chunks: AsyncIterable[bytes], encoding: str, limit: int) -> AsyncIterator[bytes]:
    """What was sent in this encoding, of at most `limit` bytes. Raises `FetchError` as soon as it is more."""
    decoded_chunks = chunks if encoding in IDENTITY_ENCODINGS else inflate(chunks, encoding)
    size = 0
    async for chunk in decoded_chunks:
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


def too_large(limit: int) -> FetchError:
    """What is refused for its size."""
    return FetchError(FetchErrorCode.TOO_LARGE, f"It is larger than {limit} bytes.")


async def inflate(chunks: AsyncIterable[bytes], encoding: str) -> AsyncIterator[bytes]:
    if encoding not in ZLIB_ENCODINGS:
        raise invalid_encoding()
    decompressor = zlib.decompressobj(GZIP_OR_ZLIB_WBITS)
    try:
        async for chunk in chunks:
            remaining = chunk
            while remaining:
                if decompressor.eof:  # files of gzip may follow one another
                    decompressor = zlib.decompressobj(GZIP_OR_ZLIB_WBITS)
                if output := decompressor.decompress(remaining, MAX_CHUNK_BYTES):
                    yield output
                remaining = decompressor.unconsumed_tail or decompressor.unused_data
    except zlib.error as error:
        raise invalid_encoding() from error
    if not decompressor.eof:
        raise invalid_encoding()


def invalid_encoding() -> FetchError:
    return FetchError(FetchErrorCode.INVALID_ANSWER, "What the server sent can't be unpacked.")
