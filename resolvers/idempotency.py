"""Idempotency keys: a repeated request returns the first request's result."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from core.errors import Conflict
from db.ids import new_id
from db.models import IdempotencyKey
from db.uow import UnitOfWork
from resolvers import validators
from resolvers.access import Viewer

PATH = ("input", "idempotencyKey")
OTHER_INPUT = "This idempotency key was used with a different input."


class AlreadyCompleted(Exception):
    """A request with the same key and arguments has committed; `result` is what it stored."""

    def __init__(self, result: Mapping[str, str]) -> None:
        super().__init__()
        self.result = result


async def claim(
    uow: UnitOfWork, viewer: Viewer, operation: str, key: str, arguments: Mapping[str, Any]
) -> UUID:
    """Claim the viewer's `key` for `operation`; returns the id of the row that `store_result` updates.

    Waits for the commit of a concurrent request with the same key. Raises `AlreadyCompleted` if the key
    belongs to an earlier request, and `Conflict` if that request had other arguments.
    """
    validators.name(key, *PATH)
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True, default=_as_json).encode()).digest()
    values = {
        "id": new_id(),
        "user_id": viewer.user_id,
        "operation": operation,
        "key": key,
        "fingerprint": digest,
        "result": {},
    }
    statement = insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(IdempotencyKey.id)
    claimed: UUID | None = await uow.scalar(statement)
    if claimed is not None:
        return claimed
    earlier = await uow.one(
        select(IdempotencyKey.fingerprint, IdempotencyKey.result).where(
            IdempotencyKey.user_id == viewer.user_id,
            IdempotencyKey.operation == operation,
            IdempotencyKey.key == key,
        )
    )
    if earlier.fingerprint != digest:
        raise Conflict(OTHER_INPUT, *PATH)
    raise AlreadyCompleted(earlier.result)


async def store_result(uow: UnitOfWork, id: UUID, result: Mapping[str, str]) -> None:
    """Store what a repeated request returns."""
    await uow.execute(update(IdempotencyKey).where(IdempotencyKey.id == id).values(result=dict(result)))


def _as_json(value: Any) -> Any:
    """Inputs as objects, without passwords; anything else as text."""
    if is_dataclass(value):
        return {name: inner for name, inner in vars(value).items() if name != "password"}
    return repr(value)
