"""Activity log: what users did, recorded in the transaction that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.base import TENANT
from db.events import publish
from db.ids import new_id
from db.models import ActivityLog, Member
from db.outbox import Message, send
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

TABLE: Any = ActivityLog.__table__
COLUMNS = ("id", "user_id", "action", "resource_type", "resource_id", "metadata")


def requester_id(uow: UnitOfWork, viewer: Viewer | None) -> UUID | None:
    """The viewer's id if they are a member of the unit's company."""
    return viewer.user_id if viewer and viewer.company_id == uow.company_id else None


def outsider(uow: UnitOfWork, viewer: Viewer) -> dict[str, str]:
    """Metadata that names a viewer who is not a member of the unit's company."""
    return {} if uow.company_id == viewer.company_id else {"by": str(viewer.user_id)}


@dataclass(frozen=True)
class RecordActivity(Message):
    """Record an action by a member of the company, unless it is recorded, and notify subscribers."""

    plane = TENANT
    id: UUID
    company_id: UUID
    user_id: UUID | None
    action: str
    resource_type: str
    resource_id: str
    metadata: dict[str, Any] | None

    async def deliver(self, source: UnitOfWork, target: UnitOfWork) -> None:
        values = {name: getattr(self, name) for name in COLUMNS}
        statement = insert(TABLE).values(values)
        if source is not target:
            member = select(Member.id).where(Member.id == self.user_id).scalar_subquery()
            statement = statement.values(user_id=member).on_conflict_do_nothing()
        await target.execute(statement)
        await publish(target, f"company:{self.company_id}")


async def record(
    uow: UnitOfWork,
    user_id: UUID | None,
    action: str,
    resource_type: str,
    resource_id: UUID | str,
    **metadata: Any,
) -> None:
    """Record an action such as `PROJECT_CREATE` by a member of the unit's company, and notify subscribers."""
    activity = RecordActivity(
        new_id(), uow.company_id, user_id, action, resource_type, str(resource_id), metadata or None
    )
    await send(uow, activity)


async def latest_sequence(uow: UnitOfWork) -> int:
    """The sequence number of the company's latest activity; 0 if there is none."""
    sequenced = select(ActivityLog.sequence).where(ActivityLog.sequence.is_not(None))
    return await uow.scalar(sequenced.order_by(ActivityLog.sequence.desc()).limit(1)) or 0


async def exists(uow: UnitOfWork, id: UUID, sequence: int) -> bool:
    """Whether the activity has this sequence number."""
    activity = select(ActivityLog.id).where(ActivityLog.id == id, ActivityLog.sequence == sequence)
    return await uow.scalar(activity) is not None


async def list_between(
    uow: UnitOfWork, viewer: Viewer, columns: Sequence[str], after: int, until: int, limit: int
) -> Sequence[ActivityLog]:
    """The activity that the viewer sees with sequence numbers above `after` and up to `until`, in order."""
    selected = [getattr(ActivityLog, name).label(name) for name in columns]
    statement = access.visible(viewer, ActivityLog, *selected)
    statement = statement.where(ActivityLog.sequence > after, ActivityLog.sequence <= until)
    rows: Sequence[ActivityLog] = await uow.all(statement.order_by(ActivityLog.sequence).limit(limit))
    return rows
