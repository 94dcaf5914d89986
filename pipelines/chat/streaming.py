"""Streaming of an answer's text: deltas are batched and written several times a second."""

import asyncio
from collections.abc import Awaitable, Callable

WRITE_INTERVAL_SECONDS = 0.05
MAX_WRITE_LENGTH = 2_000
"""Characters in one write."""

WriteDelta = Callable[[int, str], Awaitable[None]]
"""Stores a delta, given its offset in code points."""


class DeltaWriter:
    """Writes appended text in the background, the first part immediately."""

    def __init__(self, write: WriteDelta) -> None:
        self._write = write
        self._buffer = ""
        self._offset = 0
        self._task: asyncio.Task[None] | None = None

    async def append(self, text: str) -> None:
        """Buffer text for writing. Raises the error of an earlier write."""
        self._buffer += text
        if self._task is not None and self._task.done():
            self._task.result()
            self._task = None
        if self._task is None and self._buffer:
            self._task = asyncio.create_task(self._write_out())

    async def flush(self) -> None:
        """Wait until all text is written."""
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Cancel pending writes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _write_out(self) -> None:
        while self._buffer:
            text, self._buffer = self._buffer[:MAX_WRITE_LENGTH], self._buffer[MAX_WRITE_LENGTH:]
            await self._write(self._offset, text)
            self._offset += len(text)
            if len(self._buffer) < MAX_WRITE_LENGTH:
                await asyncio.sleep(WRITE_INTERVAL_SECONDS)
