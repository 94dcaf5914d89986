"""Images of an export: rows page by page, with their files prefetched."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from uuid import UUID

from core.ports import ObjectStore
from db.models import ExportJob, Image
from pipelines.imagery.exporting.records import IMAGE_COLUMNS, ImageRecord, image_metadata
from pipelines.runtime.handlers import Run
from resolvers.imagery import exports

PAGE_SIZE = 200
"""Rows per query."""
MAX_PREFETCH_FILES, MAX_PREFETCH_BYTES = 8, 24 * 1024 * 1024
"""Maximum number and total size of prefetched files; one file is always fetched."""


class PrefetchReader:
    """The images of an export, in order. `missing` counts images whose file no longer exists.

    `index` is the number of the last image returned and `after` its id, from which the next shard continues.
    """

    def __init__(self, run: Run, export: ExportJob, *, with_content: bool, urls: bool) -> None:
        self._run, self._export = run, export
        self._with_content, self._urls = with_content, urls
        self.after: UUID | None = None
        self.index = 0
        self.missing = 0

    async def records(self, limit: int) -> AsyncGenerator[ImageRecord, None]:
        """The next images, at most `limit`."""
        waiting: deque[tuple[Image, asyncio.Task[bytes | None]]] = deque()
        last = self.index + limit
        rows = self._rows()
        try:
            more = True
            while self.index < last:
                max_waiting = min(MAX_PREFETCH_FILES, last - self.index)
                while (
                    more
                    and len(waiting) < max_waiting
                    and (not waiting or prefetched_bytes(waiting) < MAX_PREFETCH_BYTES)
                ):
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

    async def _rows(self) -> AsyncGenerator[Image, None]:
        after = self.after
        while True:
            async with self._run.read() as uow:
                page = await exports.list_images(uow, self._export, IMAGE_COLUMNS, after, PAGE_SIZE)
            for row in page:
                yield row
            if len(page) < PAGE_SIZE:
                return
            after = page[-1].id

    async def _content(self, row: Image) -> bytes | None:
        return (
            await read_object(self._run.services.store, str(row.storage_url)) if self._with_content else b""
        )


def prefetched_bytes(waiting: deque[tuple[Image, asyncio.Task[bytes | None]]]) -> int:
    """Total size of prefetched files in bytes."""
    return sum(row.file_size or MAX_PREFETCH_BYTES for row, _ in waiting)


async def read_object(store: ObjectStore, key: str) -> bytes | None:
    """Content of an object; None if it does not exist."""
    try:
        return b"".join([chunk async for chunk in store.read(key)])
    except FileNotFoundError:
        return None
