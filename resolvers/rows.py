"""Updates of rows that are recorded in the activity log."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import update

from db.base import Model
from db.events import publish
from db.uow import UnitOfWork
from resolvers import activity_log
from resolvers.access import Viewer

M = TypeVar("M", bound=Model)


async def update_row(
    uow: UnitOfWork,
    viewer: Viewer,
    model: type[M],
    row: M,
    values: Mapping[str, Any],
    action: str,
    *,
    fields: Iterable[str] | None = None,
    topic: str | None = None,
) -> M:
    """Update a row, publish `topic` and record `action`; returns the row as it is now.

    The activity names the changed `fields`, by default those of the values. Without values nothing happens.
    """
    if not values:
        return row
    id: UUID = row.id  # type: ignore[attr-defined]
    statement = update(model).where(model.__table__.c.id == id).values(values)
    changed = await uow.one(statement.returning(model))
    if topic is not None:
        await publish(uow, topic)
    logged: dict[str, Any] = activity_log.outsider(uow, viewer)
    if names := sorted(values if fields is None else fields):
        logged |= {"fields": names}
    user_id = activity_log.requester_id(uow, viewer)
    await activity_log.record(uow, user_id, action, model.__name__, id, **logged)
    return changed
