"""Refused permissions in the activity log: so many an hour that nobody fills it.

What was asked for or sent is not recorded, only the name of the mutation.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, ScalarSelect, func, select

from db.database import Database
from db.models import ActivityLog
from db.uow import UnitOfWork
from resolvers import activity_log
from resolvers.access import Viewer

log = structlog.get_logger(__name__)

WINDOW = timedelta(hours=1)
MAX_USER_RECORDS, MAX_COMPANY_RECORDS = 20, 500
"""Refusals within the window that are recorded, of a user and of a company. Concurrent ones may exceed them
by their number."""

PERMISSION_REFUSE = "PERMISSION_REFUSE"


async def record_permission(database: Database, viewer: Viewer, operation: str) -> None:
    """Record that a mutation was refused to the viewer. Without effect on the answer if that fails."""
    try:
        async with database.tenant(viewer.company_id, viewer.user_id) as uow:
            await _record(uow, viewer.user_id, operation)
    except Exception as error:
        log.warning("refusal_not_recorded", action=PERMISSION_REFUSE, cause=error)


async def _record(uow: UnitOfWork, user_id: UUID, operation: str) -> None:
    own = _count(ActivityLog.user_id == user_id, limit=MAX_USER_RECORDS)
    everybody = _count(limit=MAX_COMPANY_RECORDS)
    counted = await uow.one(select(own.label("own"), everybody.label("everybody")))
    left = min(MAX_USER_RECORDS - counted.own, MAX_COMPANY_RECORDS - counted.everybody)
    if left > 0:
        last = {"furtherRefusals": "not recorded within the hour"} if left == 1 else {}
        await activity_log.record(uow, user_id, PERMISSION_REFUSE, "Mutation", operation, **last)


def _count(*conditions: ColumnElement[bool], limit: int) -> ScalarSelect[int]:
    recent = ActivityLog.timestamp > datetime.now(UTC) - WINDOW
    rows = select(ActivityLog.id).where(ActivityLog.action == PERMISSION_REFUSE, recent, *conditions)
    return select(func.count()).select_from(rows.limit(limit).subquery()).scalar_subquery()
