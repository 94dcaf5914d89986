"""What conversations and models cost, as totals over what the viewer may see. Days are UTC."""

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
    """By what token usage is told apart."""

    PROVIDER = "llm_provider"
    OPERATION = "operation_type"
    USER = "user_id"


@dataclass(frozen=True)
class UsageFilter:
    """Whose usage, and when: from `since` up to, but without, `until`; any where not said."""

    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """As conditions on token usage."""
        found = [TokenUsage.user_id == self.user_id] if self.user_id else []
        if self.since is not None:
            found.append(TokenUsage.created_at >= self.since)
        if self.until is not None:
            found.append(TokenUsage.created_at < self.until)
        return found


@dataclass(frozen=True)
class EmptyDay:
    """A day on which nothing happened."""

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
    """Runs, tokens, errors and active users of each of the last `days` days with today, ascending."""
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
    recent = statement.where(RunLog.created_at >= _start_of_day(first), RunLog.created_at < _start_of_day(last))
    rows = await uow.all(recent.group_by(day).order_by(day))
    return _fill_gaps(rows, first, last) if fill_gaps else list(rows)


async def total_usage(uow: UnitOfWork, viewer: Viewer, span: UsageFilter) -> Row[Any]:
    """Tokens and cost of the span; zeros where nothing was used."""
    return await uow.one(access.visible(viewer, TokenUsage, *TOTALS).where(*span.where()))


async def usage_by_group(
    uow: UnitOfWork, viewer: Viewer, by: UsageGrouping, span: UsageFilter, limit: int = MAX_GROUPS
) -> Sequence[Row[Any]]:
    """Tokens and cost for each value of `by`, the most used first."""
    if not 0 <= limit <= MAX_GROUPS:
        raise Invalid(f"`limit` is from 0 to {MAX_GROUPS}.", "limit")
    key = getattr(TokenUsage, by.value)
    statement = access.visible(viewer, TokenUsage, key.label(by.value), *TOTALS).where(*span.where())
    return await uow.all(statement.group_by(key).order_by(TOTALS[0].desc(), key).limit(limit))


async def tokens_by_day(
    uow: UnitOfWork, viewer: Viewer, days: int, user_id: UUID | None, *, fill_gaps: bool
) -> list[Any]:
    """Tokens and cost of each of the last `days` days with today, ascending."""
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
    """The first of the last days, and the day after today."""
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(f"`days` is from 1 to {MAX_DAYS}.", "days")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    return tomorrow - timedelta(days=days), tomorrow


def _fill_gaps(rows: Sequence[Row[Any]], first: date, last: date) -> list[Any]:
    """The same with the days on which nothing happened."""
    found = {row.date: row for row in rows}
    days = [first + timedelta(days=number) for number in range((last - first).days)]
    return [found.get(day) or EmptyDay(day) for day in days]
