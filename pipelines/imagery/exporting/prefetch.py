"""Images on their way into a package: rows page by page, and their files a little ahead."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from core.ports import ObjectStore
from pipelines.imagery.exporting.records import COLUMNS, Item, described
from pipelines.runtime.handlers import Run
from resolvers.imagery import exports

PAGE = 200
"""Rows that are read at a time."""
AHEAD, AHEAD_BYTES = 8, 24 * 1024 * 1024
"""Files that are fetched before they are packed, and how large they may be together; one always is."""


class Reader:
    """The images of an export in order, from after `after`. `missing` counts those whose file is gone.

    `index` is the number of the last image that was given, `after` its id: where the next shard goes on.
    """

    def __init__(self, run: Run, export: Row[Any], *, contents: bool, urls: bool) -> None:
        self._run, self._export = run, export
        self._contents, self._urls = contents, urls
        self.after: UUID | None = None
        self.index = 0
        self.missing = 0

    async def items(self, limit: int) -> AsyncGenerator[Item, None]:
        """The next images, at most so many."""
        waiting: deque[tuple[Row[Any], asyncio.Task[bytes | None]]] = deque()
        last = self.index + limit
        rows = self._rows()
        try:
            more = True
            while self.index < last:
                most = min(AHEAD, last - self.index)
                while more and len(waiting) < most and (not waiting or ahead(waiting) < AHEAD_BYTES):
                    row = await anext(rows, None)
                    more = row is not None
                    if row is not None:
                        waiting.append((row, asyncio.create_task(self._content(row))))
                if not waiting:
                    return
                row, content = waiting[0]
                found = await content
                waiting.popleft()
                self.after = row.id
                if found is None:
                    self.missing += 1
                    continue
                self.index += 1
                yield Item(self.index, described(self.index, row, urls=self._urls), found)
        finally:
            await rows.aclose()
            for _, content in waiting:
                content.cancel()
            await asyncio.gather(*(content for _, content in waiting), return_exceptions=True)

    async def _rows(self) -> AsyncGenerator[Row[Any], None]:
        after = self.after
        while True:
            async with self._run.read() as uow:
                page = await exports.list_images(uow, self._export, COLUMNS, after, PAGE)
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def _content(self, row: Row[Any]) -> bytes | None:
        return await read(self._run.services.store, row.storage_url) if self._contents else b""


def ahead(waiting: deque[tuple[Row[Any], asyncio.Task[bytes | None]]]) -> int:
    """Bytes of what is fetched and not yet packed."""
    return sum(row.file_size or AHEAD_BYTES for row, _ in waiting)


async def read(store: ObjectStore, key: str) -> bytes | None:
    """An object's content; none where it is gone."""
    try:
        return b"".join([chunk async for chunk in store.read(key)])
    except FileNotFoundError:
        return None
