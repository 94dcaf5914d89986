"""Decoding of response bodies (`Content-Encoding`) with a size limit."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator

from core.ports import FetchError, FetchErrorCode

MAX_CHUNK_BYTES = 256 * 1024
"""Maximum size of a decoded chunk."""
GZIP_OR_ZLIB_WBITS = 32 + zlib.MAX_WBITS
"""Window bits with which zlib detects the gzip and zlib formats."""
IDENTITY_ENCODINGS, ZLIB_ENCODINGS = ("", "identity"), ("gzip", "x-gzip", "deflate")


async def decode(chunks: AsyncIterable[bytes], encoding: str, limit: int) -> AsyncIterator[bytes]:
    """Yields the decoded body. Raises `FetchError` as soon as it exceeds `limit` bytes."""
    decoded_chunks = chunks if encoding in IDENTITY_ENCODINGS else inflate(chunks, encoding)
    size = 0
    async for chunk in decoded_chunks:
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


def too_large(limit: int) -> FetchError:
    """The error for a response over `limit` bytes."""
    return FetchError(FetchErrorCode.TOO_LARGE, f"The response is larger than {limit} bytes.")


async def inflate(chunks: AsyncIterable[bytes], encoding: str) -> AsyncIterator[bytes]:
    if encoding not in ZLIB_ENCODINGS:
        raise invalid_encoding()
    decompressor = zlib.decompressobj(GZIP_OR_ZLIB_WBITS)
    try:
        async for chunk in chunks:
            remaining = chunk
            while remaining:
                if decompressor.eof:  # a gzip stream may have several members
                    decompressor = zlib.decompressobj(GZIP_OR_ZLIB_WBITS)
                if output := decompressor.decompress(remaining, MAX_CHUNK_BYTES):
                    yield output
                remaining = decompressor.unconsumed_tail or decompressor.unused_data
    except zlib.error as error:
        raise invalid_encoding() from error
    if not decompressor.eof:
        raise invalid_encoding()


def invalid_encoding() -> FetchError:
    return FetchError(FetchErrorCode.INVALID_ANSWER, "The response body cannot be decompressed.")
