"""An answer on its way to those who watch: its pieces are written as they come, a few times a second."""

import asyncio
from collections.abc import Awaitable, Callable

WRITE_INTERVAL_SECONDS = 0.05
"""Seconds between two writes, so that pieces which come faster are joined."""
MAX_WRITE_LENGTH = 2_000
"""Characters in one write."""

WriteDelta = Callable[[int, str], Awaitable[None]]
"""Stores a piece, given its offset in code points."""


class DeltaWriter:
    """What a model says, written behind its back; the first piece at once."""

    def __init__(self, write: WriteDelta) -> None:
        self._write = write
        self._waiting = ""
        self._told = 0
        self._writing: asyncio.Task[None] | None = None

    async def tell(self, text: str) -> None:
        """Take the next piece. Raises what went wrong while writing the ones before."""
        self._waiting += text
        if self._writing is not None and self._writing.done():
            self._writing.result()
            self._writing = None
        if self._writing is None and self._waiting:
            self._writing = asyncio.create_task(self._write_out())

    async def finish(self) -> None:
        """Returns when all is written."""
        if self._writing is not None:
            await self._writing

    async def close(self) -> None:
        """Write nothing more."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait({self._writing})

    async def _write_out(self) -> None:
        while self._waiting:
            text, self._waiting = self._waiting[:MAX_WRITE_LENGTH], self._waiting[MAX_WRITE_LENGTH:]
            await self._write(self._told, text)
            self._told += len(text)
            if len(self._waiting) < MAX_WRITE_LENGTH:
                await asyncio.sleep(WRITE_INTERVAL_SECONDS)
