"""Bodies as they were before they were compressed, in bounded pieces."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator

from core.ports import RefusalCode, Refused

PIECE_BYTES = 256 * 1024
"""Of one piece, however well it was compressed."""
EITHER = 32 + zlib.MAX_WBITS
"""Takes gzip's format and zlib's own."""
PLAIN, SQUEEZED = ("", "identity"), ("gzip", "x-gzip", "deflate")


async def unpacked(chunks: AsyncIterable[bytes], encoding: str, limit: int) -> AsyncIterator[bytes]:
    """What was sent in this encoding, of at most `limit` bytes. Raises `Refused` as soon as it is more."""
    pieces = chunks if encoding in PLAIN else _inflated(chunks, encoding)
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        yield piece


def too_large(limit: int) -> Refused:
    """What is refused for its size."""
    return Refused(RefusalCode.TOO_LARGE, f"It is larger than {limit} bytes.")


async def _inflated(chunks: AsyncIterable[bytes], encoding: str) -> AsyncIterator[bytes]:
    if encoding not in SQUEEZED:
        raise _broken()
    machine = zlib.decompressobj(EITHER)
    try:
        async for chunk in chunks:
            left = chunk
            while left:
                if machine.eof:  # files of gzip may follow one another
                    machine = zlib.decompressobj(EITHER)
                if piece := machine.decompress(left, PIECE_BYTES):
                    yield piece
                left = machine.unconsumed_tail or machine.unused_data
    except zlib.error as error:
        raise _broken() from error
    if not machine.eof:
        raise _broken()


def _broken() -> Refused:
    return Refused(RefusalCode.INVALID_ANSWER, "What the server sent can't be unpacked.")
