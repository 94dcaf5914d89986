"""Streaming of an answer's text: deltas are batched, and have no markers until citations are checked."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from core.markup import neutral_text
from pipelines.chat.markers import strip_markers

WRITE_INTERVAL_SECONDS = 0.05
MAX_WRITE_LENGTH = 2_000
"""Characters in one write."""

MAX_MARKER_LENGTH = 120
"""Characters of a marker that may still be incomplete."""
UNSPACED_SCRIPTS = 0x2E80
"""Code point from which scripts are written without blanks."""
BLANKS = re.compile(r"[ \t]*$")

WriteDelta = Callable[[int, str], Awaitable[None]]
"""Stores a delta, given its offset in code points."""


class DeltaWriter:
    """Writes appended text in the background, the first part immediately. `text` is all of it."""

    def __init__(self, write: WriteDelta) -> None:
        self._write = write
        self.text = ""
        self._buffer = ""
        self._offset = 0
        self._task: asyncio.Task[None] | None = None

    async def append(self, text: str) -> None:
        """Buffer text for writing. Raises the error of an earlier write."""
        self._buffer += text
        self.text += text
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


class DisplayFilter:
    """Text of an answer as shown while it is generated: with neutral markup and without citation markers.

    The end of the text is withheld as long as it may be part of a marker, a tag or a link.
    """

    def __init__(self, source_count: int) -> None:
        self._source_count = source_count
        self._buffer = ""

    def feed(self, text: str) -> str:
        """The text that can be shown with the next delta."""
        self._buffer += text
        return self._take(_complete_length(self._buffer))

    def finish(self) -> str:
        """The rest of the text."""
        return self._take(len(self._buffer))

    def _take(self, length: int) -> str:
        text, self._buffer = self._buffer[:length], self._buffer[length:]
        return strip_markers(neutral_text(text), self._source_count)


def _complete_length(text: str) -> int:
    """The length of a text without its last word, the blanks before it, and a bracket that is not closed."""
    end = len(text)
    if not text[-1:].isspace():
        while end and not text[end - 1].isspace() and ord(text[end - 1]) < UNSPACED_SCRIPTS:
            end -= 1
    for bracket, closing in (("[", "]"), ("(", ")"), ("\u3010", "\u3011")):
        start = text.rfind(bracket, max(0, end - MAX_MARKER_LENGTH), end)
        if start >= 0 and closing not in text[start:end]:
            end = start
    blanks = BLANKS.search(text, 0, end)
    return blanks.start() if blanks else end
