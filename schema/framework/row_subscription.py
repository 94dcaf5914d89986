"""Subscriptions to one row."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from db.base import Model
from db.loaders import Columns
from resolvers.access import not_found
from schema.framework.context import Info
from schema.framework.projection import columns


async def watch_row(
    info: Info, model: type[Model], key: UUID, topic: str, needed: Columns
) -> AsyncIterator[Any]:
    """The row immediately, after each change of `topic`, and at least every 15 seconds.

    Raises `NotFound` if the viewer does not see the row, and ends when it is gone. If `version` is among the
    `needed` columns, an unchanged row is not repeated. Each event is read in a unit of work of its own, after
    the viewer's access is checked.
    """
    context, seen = info.context, None
    wanted = columns(info, model, extra=needed)
    context.viewer  # noqa: B018  requires a signed-in viewer
    async with aclosing(context.services.events.listen(topic)) as changes:
        async for _ in changes:
            await context.refresh()
            row = await context.loaders.one(model, wanted).load(key)
            if row is None:
                if seen is None:
                    raise not_found(model, "id")
                return
            if seen is None or "version" not in needed or row.version != seen.version:
                seen = row
                yield row
            await context.close()
