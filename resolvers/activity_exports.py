"""Exports of the activity log as CSV or JSON Lines, streamed in batches."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_

from core.csv_formulas import escape_formula
from core.errors import Invalid
from db.database import Database
from db.models import ActivityLog, User
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.validators import camel

BATCH_SIZE = 1_000
MAX_LENGTHS = {"action": 100, "resource_type": 50, "resource_id": 50}
"""Characters of conditions, which the link contains."""
COLUMNS = ("timestamp", "action", "userId", "userEmail", "resourceType", "resourceId", "metadata", "id")

SELECTED = tuple(
    getattr(ActivityLog, name).label(name)
    for name in ("id", "timestamp", "action", "user_id", "resource_type", "resource_id", "metadata_")
)


class ActivityFormat(Enum):
    """File format of exported activities."""

    CSV = "csv"
    """Comma-separated values with a header. Cells that would be formulas start with an apostrophe."""
    JSONL = "jsonl"
    """One JSON object a line."""


MEDIA_TYPES = {ActivityFormat.CSV: "text/csv", ActivityFormat.JSONL: "application/x-ndjson"}


@dataclass(frozen=True)
class ActivityConditions:
    """Which activities are meant: those that match all conditions."""

    user_id: UUID | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    timestamp_from: datetime | None = None
    timestamp_to: datetime | None = None

    def where(self, log: Any) -> list[ColumnElement[bool]]:
        """The conditions, for the model or an alias of it."""
        conditions = [
            getattr(log, name) == value
            for name in ("user_id", "action", "resource_type", "resource_id")
            if (value := getattr(self, name)) is not None
        ]
        if self.timestamp_from is not None:
            conditions.append(log.timestamp >= self.timestamp_from)
        if self.timestamp_to is not None:
            conditions.append(log.timestamp < self.timestamp_to)
        return conditions

    def serialize(self) -> str:
        """The conditions as JSON."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return orjson.dumps(values, str).decode()

    @classmethod
    def deserialize(cls, text: str) -> "ActivityConditions":
        """The conditions of `serialize`."""
        values = orjson.loads(text)
        if "user_id" in values:
            values["user_id"] = UUID(values["user_id"])
        for name in ("timestamp_from", "timestamp_to"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        return cls(**values)


async def create(
    uow: UnitOfWork, viewer: Viewer, conditions: ActivityConditions, format: ActivityFormat
) -> ActivityConditions:
    """Record the export; returns its conditions, with an end. Raises `Forbidden` without `activity:read`."""
    access.require(viewer, "activity:read")
    if conditions.user_id is not None:
        await access.find(
            uow, viewer, User, conditions.user_id, "input", "filter", "userId", columns=[User.id]
        )
    for name, limit in MAX_LENGTHS.items():
        if len(getattr(conditions, name) or "") > limit:
            path = "input", "filter", camel(name)
            raise Invalid(f"{camel(name)} must be at most {limit} characters.", *path)
    now = datetime.now(UTC)
    end = min(now, conditions.timestamp_to or now)
    if conditions.timestamp_from is not None and conditions.timestamp_from >= end:
        raise Invalid("timestampFrom must be before timestampTo.", "input", "filter", "timestampFrom")
    bounded = replace(conditions, timestamp_to=end)
    logged = {"format": format.value, "filter": orjson.loads(bounded.serialize())}
    await activity_log.record(uow, viewer.user_id, "ACTIVITY_EXPORT", "Company", viewer.company_id, **logged)
    return bounded


async def chunks(
    database: Database, viewer: Viewer, conditions: ActivityConditions, format: ActivityFormat
) -> AsyncIterator[bytes]:
    """The file, oldest activity first. No transaction is held while a client reads."""
    if format is ActivityFormat.CSV:
        yield _csv_line(COLUMNS)
    position: tuple[datetime, UUID] | None = None
    while True:
        async with database.transaction(viewer.scope, read_only=True) as uow:
            rows = await _read(uow, viewer, conditions, position)
        if rows:
            async with database.platform(read_only=True) as uow:
                ids = {row.user_id for row in rows} - {None}
                users = await uow.all(select(User.id, User.email).where(User.id.in_(ids)))
            emails = {user.id: user.email for user in users}
            yield b"".join(_line(_record(row, emails), format) for row in rows)
        if len(rows) < BATCH_SIZE:
            return
        position = rows[-1].timestamp, rows[-1].id


async def _read(
    uow: UnitOfWork, viewer: Viewer, conditions: ActivityConditions, position: tuple[datetime, UUID] | None
) -> Sequence[Any]:
    statement = access.visible(viewer, ActivityLog, *SELECTED).where(*conditions.where(ActivityLog))
    key = tuple_(ActivityLog.timestamp, ActivityLog.id)
    if position is not None:
        statement = statement.where(key > position)
    return await uow.all(statement.order_by(ActivityLog.timestamp, ActivityLog.id).limit(BATCH_SIZE))


def _record(row: Any, emails: dict[UUID, str]) -> tuple[Any, ...]:
    who = row.user_id, emails.get(row.user_id)
    return (row.timestamp, row.action, *who, row.resource_type, row.resource_id, row.metadata_, row.id)


def _line(record: tuple[Any, ...], format: ActivityFormat) -> bytes:
    if format is ActivityFormat.JSONL:
        return orjson.dumps(dict(zip(COLUMNS, record, strict=True)), str, orjson.OPT_APPEND_NEWLINE)
    timestamp, *cells, metadata, id = record
    encoded = orjson.dumps(metadata).decode() if metadata else ""
    return _csv_line((timestamp.isoformat(), *cells, encoded, id))


def _csv_line(cells: Sequence[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(
        ["" if cell is None else escape_formula(str(cell)) for cell in cells]
    )
    return line.getvalue().encode()


async def purge(uow: UnitOfWork, before: datetime) -> None:
    """Delete activities from before, but for the latest one: numbers of later ones follow its number."""
    latest = select(func.max(ActivityLog.sequence)).scalar_subquery()
    is_earlier = or_(ActivityLog.sequence.is_(None), ActivityLog.sequence < latest)
    await uow.execute(delete(ActivityLog).where(ActivityLog.timestamp < before, is_earlier))
