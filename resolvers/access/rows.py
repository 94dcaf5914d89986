"""Rows that a viewer can read, and the refusals of those they cannot."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, select

from core.errors import Conflict, NotFound
from db.base import Model
from db.uow import UnitOfWork
from resolvers.access.conditions import visibility
from resolvers.access.viewers import Viewer

M = TypeVar("M", bound=Model)


def visible(viewer: Viewer, model: type[Model], *columns: Any) -> Select[Any]:
    """A select of the rows that the viewer can read."""
    return select(*(columns or (model,))).where(*visibility(viewer, model, model))


async def find(
    uow: UnitOfWork,
    viewer: Viewer,
    model: type[M],
    id: UUID,
    *path: str,
    lock: bool = False,
    columns: Sequence[Any] = (),
) -> M:
    """The row, with `lock` locked until the transaction ends. Raises `NotFound` if absent or not visible."""
    statement = visible(viewer, model, *columns).where(model.__table__.c.id == id)
    row = await uow.first(statement.with_for_update(of=model) if lock else statement)
    if row is None:
        raise not_found(model, *(path or ("id",)))
    return cast(M, row)


def not_found(model: type[Model], *path: str) -> NotFound:
    """The error for an object that does not exist or is not visible."""
    return NotFound(f"There is no such {model_label(model)}.", *path)


async def require_unchanged(
    uow: UnitOfWork, viewer: Viewer, model: type[Model], id: UUID, updated_at: datetime | None
) -> None:
    """Locks the row and raises `Conflict` if it has changed since `updated_at`. None skips the check."""
    if updated_at is None:
        return
    row: Any = await find(uow, viewer, model, id, lock=True, columns=[model.__table__.c.updated_at])
    if row.updated_at != updated_at:
        message = f"The {model_label(model)} has changed since it was read."
        raise Conflict(message, "input", "expectedUpdatedAt")


def model_label(model: type[Model]) -> str:
    """The name of a model in prose: `DrawingSession` is `drawing session`."""
    return "".join(" " + c.lower() if c.isupper() else c for c in model.__name__).strip()
