"""Images of an export: rows page by page, with their files prefetched."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.ports import ObjectStore
from db.models import DatasetSplit, ExportJob
from pipelines.imagery.exporting.formats import ExportPlan
from pipelines.imagery.exporting.records import ImageRecord, image_metadata
from pipelines.imagery.exporting.resizing import ResizedImage, resize_image
from pipelines.runtime.handlers import Run
from resolvers.imagery import export_images

PAGE_SIZE = 200
"""Rows per query."""
MAX_PREFETCH_FILES, MAX_PREFETCH_BYTES = 8, 24 * 1024 * 1024
"""Maximum number and total size of prefetched files; one file is always fetched."""
RESIZE_SECONDS = 60.0
"""CPU seconds for one image."""

Content = bytes | ResizedImage | None
Waiting = deque[tuple[Any, asyncio.Task[Content]]]


@dataclass
class ReaderPosition:
    """Where the next file of an export continues: `seen` rows of `split` are read, up to the cursor `after`.

    `index` is the number of the last image returned. `missing` counts images whose file no longer exists, and
    `unreadable` those that could not be resized.
    """

    split: str | None = None
    after: str | None = None
    seen: int = 0
    index: int = 0
    missing: int = 0
    unreadable: int = 0


class PrefetchReader:
    """The images of an export, split by split, in order."""

    def __init__(self, run: Run, export: ExportJob, plan: ExportPlan) -> None:
        self._run, self._export, self._plan = run, export, plan
        self.position = ReaderPosition()

    def enter(self, split: DatasetSplit | None) -> None:
        """Continue with the first image of another split. No effect within the current split."""
        name = None if split is None else split.value
        if self.position.split != name:
            self.position.split, self.position.after, self.position.seen = name, None, 0

    async def records(self, split: DatasetSplit | None, limit: int) -> AsyncGenerator[ImageRecord, None]:
        """The next images of the split, at most `limit`."""
        position = self.position
        waiting: Waiting = deque()
        last = position.index + limit
        rows = self._rows(split)
        try:
            more = True
            while position.index < last:
                max_waiting = min(MAX_PREFETCH_FILES, last - position.index)
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
                row, task = waiting[0]
                content = await task
                waiting.popleft()
                position.after, position.seen = str(row.cursor), position.seen + 1
                if content is None:
                    position.missing += 1
                elif isinstance(content, ResizedImage) and not content.content:
                    position.unreadable += 1
                else:
                    position.index += 1
                    yield self._record(row, content)
        finally:
            await rows.aclose()
            for _, task in waiting:
                task.cancel()
            await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)

    def _record(self, row: Any, content: bytes | ResizedImage) -> ImageRecord:
        index = self.position.index
        metadata = image_metadata(index, row, self._plan)
        host = urlsplit(row.original_url).hostname or ""
        if isinstance(content, bytes):
            return ImageRecord(index, metadata, content, host)
        return ImageRecord(index, content.describe(metadata), content.content, host)

    async def _rows(self, split: DatasetSplit | None) -> AsyncGenerator[Any, None]:
        after = self.position.after
        while True:
            async with self._run.read() as uow:
                page = await export_images.list_images(uow, self._export, split, after, PAGE_SIZE)
            for row in page:
                yield row
            if len(page) < PAGE_SIZE:
                return
            after = str(page[-1].cursor)

    async def _content(self, row: Any) -> Content:
        if not self._plan.includes_images:
            return b""
        content = await read_object(self._run.services.store, str(row.storage_url))
        resize = self._plan.resize
        if content is None or resize is None:
            return content
        return await self._run.cpu_within(RESIZE_SECONDS, resize_image, content, resize)


def prefetched_bytes(waiting: Waiting) -> int:
    """Total size of prefetched files in bytes."""
    return sum(row.file_size or MAX_PREFETCH_BYTES for row, _ in waiting)


async def read_object(store: ObjectStore, key: str) -> bytes | None:
    """Content of an object; None if it does not exist."""
    try:
        return b"".join([chunk async for chunk in store.read(key)])
    except FileNotFoundError:
        return None
