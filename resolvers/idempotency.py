"""Asking twice under one key does once."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core.errors import Conflict
from db.base import Model
from db.ids import new_id
from db.models import IdempotencyKey
from db.uow import UnitOfWork
from resolvers import access, validators
from resolvers.access import Viewer

PATH = ("input", "idempotencyKey")


async def once(
    uow: UnitOfWork,
    viewer: Viewer,
    operation: str,
    key: str | None,
    given: Any,
    model: type[Model],
    create: Callable[[], Awaitable[Row[Any]]],
) -> Row[Any]:
    """The row that `create` makes, or the one it made when `operation` was first asked for under `key`.

    A second request waits for the first one's commit. `Conflict` when the key came with other input before.
    """
    if key is None:
        return await create()
    validators.name(key, *PATH)
    fingerprint = hashlib.sha256(json.dumps(given, sort_keys=True, default=str).encode()).digest()
    claim = (
        insert(IdempotencyKey)
        .values(
            id=new_id(),
            user_id=viewer.user_id,
            operation=operation,
            key=key,
            fingerprint=fingerprint,
            result={},
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.id)
    )
    claimed = await uow.scalar(claim)
    if claimed is not None:
        row = await create()
        done = update(IdempotencyKey).where(IdempotencyKey.id == claimed).values(result={"id": str(row.id)})
        await uow.execute(done)
        return row
    earlier = await uow.one(
        select(IdempotencyKey.fingerprint, IdempotencyKey.result).where(
            IdempotencyKey.user_id == viewer.user_id,
            IdempotencyKey.operation == operation,
            IdempotencyKey.key == key,
        )
    )
    if earlier.fingerprint != fingerprint:
        raise Conflict("This key was used for another request.", *PATH)
    return await access.find(uow, viewer, model, UUID(earlier.result["id"]), *PATH)
