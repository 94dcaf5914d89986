"""Token usage and cost, as totals over what the viewer may see. Days are in UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Date, Row, cast, distinct, func

from core.errors import Invalid
from db.models import RunLog, RunStatus, TokenUsage
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

MAX_DAYS, MAX_GROUPS = 366, 100


class UsageGrouping(Enum):
    """What token usage is grouped by."""

    PROVIDER = "llm_provider"
    OPERATION = "operation_type"
    USER = "user_id"


@dataclass(frozen=True)
class UsageFilter:
    """Usage of a user from `since` (inclusive) to `until` (exclusive); None does not filter."""

    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """The conditions on token usage."""
        conditions = [TokenUsage.user_id == self.user_id] if self.user_id else []
        if self.since is not None:
            conditions.append(TokenUsage.created_at >= self.since)
        if self.until is not None:
            conditions.append(TokenUsage.created_at < self.until)
        return conditions


@dataclass(frozen=True)
class EmptyDay:
    """A day without usage."""

    date: date
    runs: int = 0
    tokens: int = 0
    errors: int = 0
    active_users: int = 0
    total: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    operations: int = 0


TOTALS = (
    func.coalesce(func.sum(cast(TokenUsage.total_tokens, BigInteger)), 0).cast(BigInteger).label("total"),
    func.coalesce(func.sum(TokenUsage.prompt_tokens), 0).cast(BigInteger).label("prompt_tokens"),
    func.coalesce(func.sum(TokenUsage.completion_tokens), 0).cast(BigInteger).label("completion_tokens"),
    func.coalesce(func.sum(TokenUsage.estimated_cost), 0.0).label("cost"),
    func.count().label("operations"),
)


async def runs_by_day(uow: UnitOfWork, viewer: Viewer, days: int, *, fill_gaps: bool) -> list[Any]:
    """Runs, tokens, errors and active users per day for the last `days` days including today, ascending."""
    first, last = _day_range(days)
    day = _utc_date(RunLog.created_at)
    statement = access.visible(
        viewer,
        RunLog,
        day,
        func.count().label("runs"),
        func.coalesce(func.sum(RunLog.tokens_used), 0).cast(BigInteger).label("tokens"),
        func.count().filter(RunLog.status == RunStatus.ERROR).label("errors"),
        func.count(distinct(RunLog.user_id)).label("active_users"),
    )
    recent = statement.where(
        RunLog.created_at >= _start_of_day(first), RunLog.created_at < _start_of_day(last)
    )
    rows = await uow.all(recent.group_by(day).order_by(day))
    return _fill_gaps(rows, first, last) if fill_gaps else list(rows)


async def total_usage(uow: UnitOfWork, viewer: Viewer, span: UsageFilter) -> Any:
    """Total tokens and cost; zeros without usage."""
    return await uow.one(access.visible(viewer, TokenUsage, *TOTALS).where(*span.where()))


async def usage_by_group(
    uow: UnitOfWork, viewer: Viewer, by: UsageGrouping, span: UsageFilter, limit: int = MAX_GROUPS
) -> Sequence[Row[Any]]:
    """Tokens and cost per value of `by`, most used first."""
    if not 0 <= limit <= MAX_GROUPS:
        raise Invalid(f"limit must be between 0 and {MAX_GROUPS} (got {limit}).", "limit")
    key = getattr(TokenUsage, by.value)
    statement = access.visible(viewer, TokenUsage, key.label(by.value), *TOTALS).where(*span.where())
    return await uow.all(statement.group_by(key).order_by(TOTALS[0].desc(), key).limit(limit))


async def tokens_by_day(
    uow: UnitOfWork, viewer: Viewer, days: int, user_id: UUID | None, *, fill_gaps: bool
) -> list[Any]:
    """Tokens and cost per day for the last `days` days including today, ascending."""
    first, last = _day_range(days)
    day = _utc_date(TokenUsage.created_at)
    span = UsageFilter(user_id, _start_of_day(first), _start_of_day(last))
    statement = access.visible(viewer, TokenUsage, day, *TOTALS).where(*span.where())
    rows = await uow.all(statement.group_by(day).order_by(day))
    return _fill_gaps(rows, first, last) if fill_gaps else list(rows)


def _utc_date(instant: Any) -> Any:
    return cast(func.timezone("UTC", instant), Date).label("date")


def _start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day_range(days: int) -> tuple[date, date]:
    """The first of the last `days` days, and tomorrow."""
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(f"days must be between 1 and {MAX_DAYS} (got {days}).", "days")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    return tomorrow - timedelta(days=days), tomorrow


def _fill_gaps(rows: Sequence[Row[Any]], first: date, last: date) -> list[Any]:
    """The rows, with empty days added."""
    by_date = {row.date: row for row in rows}
    days = [first + timedelta(days=number) for number in range((last - first).days)]
    return [by_date.get(day) or EmptyDay(day) for day in days]
