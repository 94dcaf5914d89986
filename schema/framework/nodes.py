"""Lookup of any object by its global ID."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from strawberry import relay

from core.errors import Invalid
from schema.framework.context import Info
from schema.framework.decorators import TypedRow, output
from schema.framework.global_ids import resolve_model
from schema.framework.payloads import MAX_LIST_SIZE, field
from schema.framework.projection import columns


async def load_rows(info: Info, ids: list[relay.GlobalID], *path: str) -> list[Any]:
    """The objects in the order of their IDs. None for each that the viewer does not see."""
    wanted = [resolve_model(id, *path) for id in ids]
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
        """Looks up any object by its global ID. Null if it does not exist or is not visible to the viewer."""
        info.context.viewer  # noqa: B018  requires a signed-in viewer
        (row,) = await load_rows(info, [id], "id")
        found: relay.Node | None = row
        return found

    @field
    async def nodes(self, info: Info, ids: list[relay.GlobalID]) -> list[relay.Node | None]:
        """Looks up objects by their global IDs, in the given order. Maximum 100.

        Null for each object that does not exist or is not visible to the viewer.
        """
        info.context.viewer  # noqa: B018  requires a signed-in viewer
        if len(ids) > MAX_LIST_SIZE:
            raise Invalid(f"ids must have at most {MAX_LIST_SIZE} items (got {len(ids)}).", "ids")
        found: list[relay.Node | None] = await load_rows(info, ids, "ids")
        return found
