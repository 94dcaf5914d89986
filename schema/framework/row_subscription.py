"""Subscriptions to one row."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from db.base import Model
from db.rows import Columns
from resolvers.access import not_found
from schema.framework.context import Info
from schema.framework.projection import columns


async def watch_row(
    info: Info, model: type[Model], key: UUID, topic: str, needed: Columns
) -> AsyncIterator[Any]:
    """One pass: the row, unless its `version` is among the `needed` columns and has not changed.

    The next pass follows a change of `topic`. Raises `NotFound` if the viewer does not see the row, and ends
    the subscription when it is gone.
    """
    context = info.context
    progress = context.listen(topic)
    progress.is_state = True
    row = await context.loaders.one(model, columns(info, model, extra=needed)).load(key)
    if row is None and progress.position is None:
        raise not_found(model, "id")
    if row is None:
        return
    position = ("version", row.version) if "version" in needed else ("row",)
    if position != progress.position or "version" not in needed:
        yield row
    progress.advance(position)
