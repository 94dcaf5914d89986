"""Global IDs: decode them, check their type and find the objects they identify."""

from typing import Any
from uuid import UUID

from strawberry import relay

from core.errors import Invalid
from db.base import Model
from resolvers import access
from resolvers.access import model_label
from schema.framework.context import Info
from schema.framework.decorators import STORED_TYPES


def key_of(id: relay.GlobalID, model: type[Model], *path: str) -> UUID:
    """The key in a global ID. Raises `Invalid` unless it is the ID of a `model`."""
    stored = STORED_TYPES.get(id.type_name)
    if stored is None or stored.model is not model:
        path = path or ("id",)
        raise Invalid(f"{'.'.join(path)} must be a global ID of type {model_label(model)}.", *path)
    return _uuid(id, *path)


def resolve_model(id: relay.GlobalID, *path: str) -> tuple[type[Model], UUID]:
    """The model and key in a global ID of any type. Raises `Invalid`."""
    path = path or ("id",)
    if id.type_name not in STORED_TYPES:
        raise Invalid(f"{'.'.join(path)} must be a global ID.", *path)
    return STORED_TYPES[id.type_name].model, _uuid(id, *path)


def keys_of(ids: list[relay.GlobalID], model: type[Model], *path: str) -> list[UUID]:
    """The keys in global IDs of one type."""
    return [key_of(id, model, *path, str(position)) for position, id in enumerate(ids)]


def optional_key(id: Any, model: type[Model], *path: str) -> UUID | None:
    """The key in a global ID, or None if it is omitted or null."""
    return key_of(id, model, *path) if id else None


def _uuid(id: relay.GlobalID, *path: str) -> UUID:
    try:
        key = UUID(id.node_id)
        if str(key) != id.node_id:  # not in canonical form
            raise ValueError(id.node_id)
    except ValueError:
        path = path or ("id",)
        raise Invalid(f"{'.'.join(path)} must be a global ID.", *path) from None
    return key


async def visible_key(info: Info, id: relay.GlobalID, model: type[Model], *path: str) -> UUID:
    """The key of an object that the viewer sees. Raises `NotFound`."""
    key = key_of(id, model, *path)
    await access.find(
        info.context.read(), info.context.viewer, model, key, *path, columns=[model.__table__.c.id]
    )
    return key


async def visible_keys(info: Info, ids: list[relay.GlobalID], model: type[Model], *path: str) -> list[UUID]:
    """The distinct keys of objects. Raises `NotFound` for the first one that the viewer does not see."""
    keys = keys_of(ids, model, *path)
    rows = await info.context.loaders.one(model, ("id",)).load_many(keys)
    for position, row in enumerate(rows):
        if row is None:
            raise access.not_found(model, *path, str(position))
    return list(dict.fromkeys(keys))
