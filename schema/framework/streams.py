"""Resumable event streams: replay the events after a cursor, then deliver new ones until the stream ends."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from core.errors import Invalid
from db.base import Model
from db.cursors import decode_cursor
from db.loaders import Columns
from db.pagination import Order
from resolvers.access import not_found
from schema.framework.context import Info

BATCH_SIZE = 100
"""Maximum number of rows to read before the first event of them is sent."""


@dataclass(frozen=True)
class Subject:
    """The row that a stream is about. `path` is the argument that holds its ID."""

    model: type[Model]
    key: UUID
    path: str = "id"
    columns: Columns = ("id",)


@dataclass(frozen=True)
class Batch:
    """The events after a position, and the position after them. `more` events may be read at once."""

    events: Sequence[Any]
    position: int
    more: bool = False
    ended: bool = False

    @classmethod
    def of(cls, rows: Sequence[Any], event_of: Callable[[Any], Any], position: int, **state: bool) -> Self:
        """The events of numbered rows after a position."""
        position = rows[-1].sequence if rows else position
        return cls([event_of(row) for row in rows], position, more=len(rows) == BATCH_SIZE, **state)


async def stream(
    info: Info,
    topic: str,
    start: Callable[[], Awaitable[int]],
    read: Callable[[Any, int], Awaitable[Batch]],
    *,
    subject: Subject | None = None,
    interval: float = 0,
) -> AsyncGenerator[Any, None]:
    """Events from the position `start()` on: `read` is called at once and after each change of `topic`.

    `read` takes the row of the subject and a position. Each batch is read in a unit of work of its own, after
    the viewer's access is checked, and followed by a pause of `interval` seconds. The stream ends with the
    last batch, or when the subject is gone. Raises `NotFound` if the viewer never saw the subject.
    """
    context, row = info.context, None
    position: int | None = None
    context.viewer  # noqa: B018  requires a signed-in viewer
    async with aclosing(context.services.events.listen(topic)) as changes:
        async for _ in changes:
            more = True
            while more:
                await context.refresh()
                if subject is not None:
                    row = await context.loaders.one(subject.model, subject.columns).load(subject.key)
                    if row is None and position is None:
                        raise not_found(subject.model, subject.path)
                    if row is None:
                        return
                batch = await read(row, await start() if position is None else position)
                position, more = batch.position, batch.more
                for event in batch.events:
                    await context.close()
                    yield event
                await context.close()
                if batch.ended:
                    return
            await asyncio.sleep(interval)


def position_of(model: type[Model], order: Order, key: UUID, cursor: str | None) -> int:
    """The position in a cursor, or 0. Raises `Invalid` if it is not a cursor of the stream about `key`."""
    if cursor is None:
        return 0
    subject, sequence = decode_cursor(model, order, cursor, "after")
    if subject != key:
        raise Invalid("after must be a cursor of this stream.", "after")
    return int(sequence)
