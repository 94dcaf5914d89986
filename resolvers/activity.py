"""What somebody did, written in the transaction that does it."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert

from db.events import publish
from db.ids import new_id
from db.models import ActivityLog
from db.uow import UnitOfWork

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
