"""What somebody did, written in the transaction that does it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from db.events import publish
from db.ids import new_id
from db.models import ActivityLog
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

TABLE: Any = ActivityLog.__table__


async def record(
    uow: UnitOfWork, user_id: UUID | None, action: str, resource_type: str, resource_id: UUID, **metadata: Any
) -> None:
    """Log `action` (such as `PROJECT_CREATE`) of a user of the unit's company, and tell its watchers."""
    logged = {
        "id": new_id(),
        "user_id": user_id,
        "action": action,
        "resource_type": resource_type,
        "resource_id": str(resource_id),
        "metadata": metadata or None,
    }
    await uow.execute(insert(TABLE).values(logged))
    await publish(uow, f"company:{uow.company_id}")


async def latest(uow: UnitOfWork) -> int:
    """The number of the company's last activity; 0 before the first."""
    numbered = select(ActivityLog.sequence).where(ActivityLog.sequence.is_not(None))
    return await uow.scalar(numbered.order_by(ActivityLog.sequence.desc()).limit(1)) or 0


async def happened(uow: UnitOfWork, id: UUID, sequence: int) -> bool:
    """Whether this activity of the company's has this number."""
    one = select(ActivityLog.id).where(ActivityLog.id == id, ActivityLog.sequence == sequence)
    return await uow.scalar(one) is not None


async def between(
    uow: UnitOfWork, viewer: Viewer, columns: Sequence[str], after: int, until: int, limit: int
) -> Sequence[Row[Any]]:
    """What the viewer may see of the activity numbered above `after`, up to `until`, in that order."""
    wanted = [getattr(ActivityLog, name).label(name) for name in columns]
    seen = access.visible(viewer, ActivityLog, *wanted)
    numbered = seen.where(ActivityLog.sequence > after, ActivityLog.sequence <= until)
    return await uow.all(numbered.order_by(ActivityLog.sequence).limit(limit))
