"""Images on their way into a package: rows page by page, and their files a little ahead."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from core.ports import ObjectStore
from pipelines.imagery.exporting.records import IMAGE_COLUMNS, ImageRecord, image_metadata
from pipelines.runtime.handlers import Run
from resolvers.imagery import exports

PAGE_SIZE = 200
"""Rows that are read at a time."""
MAX_PREFETCH_FILES, MAX_PREFETCH_BYTES = 8, 24 * 1024 * 1024
"""Files that are fetched before they are packed, and how large they may be together; one always is."""


class PrefetchReader:
    """The images of an export in order, from after `after`. `missing` counts those whose file is gone.

    `index` is the number of the last image that was given, `after` its id: where the next shard goes on.
    """

    def __init__(self, run: Run, export: Row[Any], *, with_content: bool, urls: bool) -> None:
        self._run, self._export = run, export
        self._contents, self._urls = with_content, urls
        self.after: UUID | None = None
        self.index = 0
        self.missing = 0

    async def records(self, limit: int) -> AsyncGenerator[ImageRecord, None]:
        """The next images, at most so many."""
        waiting: deque[tuple[Row[Any], asyncio.Task[bytes | None]]] = deque()
        last = self.index + limit
        rows = self._rows()
        try:
            more = True
            while self.index < last:
                window = min(MAX_PREFETCH_FILES, last - self.index)
                while more and len(waiting) < window and (not waiting or prefetched_bytes(waiting) < MAX_PREFETCH_BYTES):
                    row = await anext(rows, None)
                    more = row is not None
                    if row is not None:
                        waiting.append((row, asyncio.create_task(self._content(row))))
                if not waiting:
                    return
                row, content = waiting[0]
                data = await content
                waiting.popleft()
                self.after = row.id
                if data is None:
                    self.missing += 1
                    continue
                self.index += 1
                yield ImageRecord(self.index, image_metadata(self.index, row, urls=self._urls), data)
        finally:
            await rows.aclose()
            for _, content in waiting:
                content.cancel()
            await asyncio.gather(*(content for _, content in waiting), return_exceptions=True)

    async def _rows(self) -> AsyncGenerator[Row[Any], None]:
        after = self.after
        while True:
            async with self._run.read_() as uow:
                page = await exports.list_images(uow, self._export, IMAGE_COLUMNS, after, PAGE_SIZE)
            for row in page:
                yield row
            if len(page) < PAGE_SIZE:
                return
            after = page[-1].id

    async def _content(self, row: Row[Any]) -> bytes | None:
        return await read_(self._run.services.store, row.storage_url) if self._contents else b""


def prefetched_bytes(waiting: deque[tuple[Row[Any], asyncio.Task[bytes | None]]]) -> int:
    """Bytes of what is fetched and not yet packed."""
    return sum(row.file_size or MAX_PREFETCH_BYTES for row, _ in waiting)


async def read_(store: ObjectStore, key: str) -> bytes | None:
    """An object's content; none where it is gone."""
    try:
        return b"".join([chunk async for chunk in store.read_(key)])
    except FileNotFoundError:
        return None
