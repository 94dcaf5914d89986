"""Any object, by its global id."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from strawberry import relay

from core.errors import Invalid
from schema.framework.context import Info
from schema.framework.decorators import TypedRow, output
from schema.framework.global_ids import model_of
from schema.framework.payloads import MAX_LIST_SIZE, field
from schema.framework.projection import columns


async def load_rows(info: Info, ids: list[relay.GlobalID], *path: str) -> list[Any]:
    """The objects in the order of their ids; None where there is none in sight."""
    wanted = [model_of(id, *path) for id in ids]
    keys = defaultdict(list)
    for model, key in wanted:
        keys[model].append(key)
    loaders = {model: info.context.loaders.one(model, columns(info, model)) for model in keys}
    rows = {}
    for model, wanted_keys in keys.items():
        rows[model] = dict(zip(wanted_keys, await loaders[model].load_many(wanted_keys), strict=True))
    found = [(model, rows[model][key]) for model, key in wanted]
    return [None if row is None else TypedRow(model, row) for model, row in found]


@output
class NodeQueries:
    @field
    async def node(self, info: Info, id: relay.GlobalID) -> relay.Node | None:
        """Any object, by its id; null where there is none in sight."""
        info.context.viewer  # noqa: B018  refused before anything is read
        (row,) = await load_rows(info, [id], "id")
        found: relay.Node | None = row
        return found

    @field
    async def nodes(self, info: Info, ids: list[relay.GlobalID]) -> list[relay.Node | None]:
        """Any objects, by their ids, in their order; null where there is none in sight. 100 at most."""
        info.context.viewer  # noqa: B018  refused before anything is read
        if len(ids) > MAX_LIST_SIZE:
            raise Invalid(f"At most {MAX_LIST_SIZE} ids.", "ids")
        found: list[relay.Node | None] = await load_rows(info, ids, "ids")
        return found
