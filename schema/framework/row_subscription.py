"""What subscriptions on one row have in common."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from core.errors import NotFound
from db.base import Model
from db.loaders import Columns
from resolvers.access import model_label
from schema.framework.context import Info
from schema.framework.projection import columns


async def watch_row(info: Info, model: type[Model], key: UUID, topic: str, needed: Columns) -> AsyncIterator[Any]:
    """The row now, and again when `topic` is told or 15 seconds have passed.

    `NotFound` where it is out of sight. A row whose `version` is what it was is not repeated, if `version`
    is among the `needed` columns. Ends when the row is gone. Each event is read in a unit of its own, and
    asks anew whether the viewer may.
    """
    context, seen = info.context, None
    wanted = columns(info, model, extra=needed)
    context.viewer  # noqa: B018  refused before anything is awaited
    async with aclosing(context.services.events.listen(topic)) as changes:
        async for _ in changes:
            await context.refresh()
            row = await context.loaders.one(model, wanted).load(key)
            if row is None:
                if seen is None:
                    raise NotFound(f"There is no such {model_label(model)}.", "id")
                return
            if seen is None or "version" not in needed or row.version != seen.version:
                seen = row
                yield row
            await context.close()
