"""Global ids: which object a client means."""

from typing import Any
from uuid import UUID

from strawberry import relay

from core.errors import Invalid
from db.base import Model
from resolvers.access import model_label
from schema.framework.decorators import STORED_TYPES


def key_of(id: relay.GlobalID, model: type[Model], *path: str) -> UUID:
    """The key inside a global id; `Invalid` unless it is the id of an object of `model`."""
    stored = STORED_TYPES.get(id.type_name)
    if stored is None or stored.model is not model:
        raise Invalid(f"This is not the id of a {model_label(model)}.", *(path or ("id",)))
    return _uuid(id, *path)


def model_of(id: relay.GlobalID, *path: str) -> tuple[type[Model], UUID]:
    """The model and key inside a global id of any stored type; `Invalid` if there is none such."""
    if id.type_name not in STORED_TYPES:
        raise Invalid("This is not the id of any object.", *(path or ("id",)))
    return STORED_TYPES[id.type_name].model, _uuid(id, *path)


def keys_of(ids: list[relay.GlobalID], model: type[Model], *path: str) -> list[UUID]:
    """The keys inside global ids of one type."""
    return [key_of(id, model, *path, str(position)) for position, id in enumerate(ids)]


def optional_key(id: Any, model: type[Model], *path: str) -> UUID | None:
    """The key, or none where the id was left out or is null."""
    return key_of(id, model, *path) if id else None


def _uuid(id: relay.GlobalID, *path: str) -> UUID:
    try:
        key = UUID(id.node_id)
        if str(key) != id.node_id:  # another spelling of a key
            raise ValueError(id.node_id)
    except ValueError:
        raise Invalid("This is not an id.", *(path or ("id",))) from None
    return key
