"""Totals of what models did and cost: the viewer's own, or everybody's for who may read analytics."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

import strawberry
from strawberry import relay

from core.errors import Invalid
from db import models
from db.models import LlmProvider
from resolvers.chat import usage
from resolvers.chat.usage import UsageFilter, UsageGrouping
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import optional_key
from schema.framework.payloads import field
from schema.framework.projection import columns
from schema.framework.scalars import BigInt
from schema.lazy_types import UserRef


@output
class UsageDay:
    """One UTC day's requests to models."""

    date: date
    """The day."""

    runs: int
    """Requests."""

    tokens: BigInt
    """What they used."""

    errors: int
    """Requests that failed."""

    active_users: int
    """How many people asked."""


@output
class TokenTotal:
    """Tokens used, and what they cost."""

    total: BigInt
    """All tokens."""

    prompt_tokens: BigInt
    """What models were asked."""

    completion_tokens: BigInt
    """What models answered."""

    cost: float
    """In US dollars, as estimated; operations without an estimate count as nothing."""

    operations: int
    """How many operations used them."""


@output
class ProviderTokens(TokenTotal):
    """Tokens used where models run."""

    llm_provider: LlmProvider | None
    """Where; null where that is not known."""


@output
class OperationTokens(TokenTotal):
    """Tokens used for one kind of operation."""

    operation_type: str | None
    """For what, such as `chat`; null where that is not known."""


@output
class UserTokens(TokenTotal):
    """Tokens used by one person."""

    user_id: strawberry.Private[UUID | None]

    @field
    async def user(self, info: Info) -> UserRef | None:
        """Who; null when they are gone, or out of the viewer's sight."""
        if self.user_id is None:
            return None
        loader = info.context.loaders.one(models.User, columns(info, models.User))
        return cast("UserRef | None", await loader.load(self.user_id))


@output
class DayTokens(TokenTotal):
    """Tokens used on one UTC day."""

    date: date
    """The day."""


def span(user_id: relay.GlobalID | None, since: datetime | None) -> UsageFilter:
    """As resolvers know it; `Invalid` for an instant without a time zone, or outside of the calendar."""
    key = optional_key(user_id, models.User, "userId")
    if since is None:
        return UsageFilter(key)
    try:
        if since.tzinfo is None:
            raise ValueError(since)
        return UsageFilter(key, since.astimezone(UTC))
    except (ValueError, OverflowError):
        raise Invalid("This is not an instant with a time zone, such as `Z`.", "since") from None


@output
class UsageQueries:
    @field
    async def usage_analytics(self, info: Info, days: int = 30, fill_gaps: bool = False) -> list[UsageDay]:
        """Requests to models on each of the last `days` UTC days with today, 366 at most, ascending.

        Days without any are left out unless `fillGaps`.
        """
        viewer = info.context.viewer
        return await usage.runs_by_day(info.context.read(), viewer, days, fill_gaps=fill_gaps)

    @field
    async def token_usage_total(
        self, info: Info, user_id: relay.GlobalID | None = None, since: datetime | None = None
    ) -> TokenTotal:
        """Tokens and cost; zeros where nothing was used."""
        viewer, asked = info.context.viewer, span(user_id, since)
        return cast(TokenTotal, await usage.total_usage(info.context.read(), viewer, asked))

    @field
    async def token_usage_by_provider(
        self, info: Info, user_id: relay.GlobalID | None = None, since: datetime | None = None
    ) -> list[ProviderTokens]:
        """Tokens and cost wherever models run, the most used first; as many as there are providers."""
        return await shares(info, UsageGrouping.PROVIDER, span(user_id, since))

    @field
    async def token_usage_by_operation(
        self, info: Info, user_id: relay.GlobalID | None = None, since: datetime | None = None
    ) -> list[OperationTokens]:
        """Tokens and cost of each kind of operation, the most used first; 100 at most."""
        return await shares(info, UsageGrouping.OPERATION, span(user_id, since))

    @field
    async def token_usage_by_user(
        self, info: Info, since: datetime | None = None, limit: int = 10
    ) -> list[UserTokens]:
        """Tokens and cost of the people who used most: 10 unless told, at most 100."""
        return await shares(info, UsageGrouping.USER, span(None, since), limit)

    @field
    async def token_usage_by_day(
        self, info: Info, user_id: relay.GlobalID | None = None, days: int = 30, fill_gaps: bool = False
    ) -> list[DayTokens]:
        """Tokens and cost on each of the last `days` UTC days with today, 366 at most, ascending.

        Days without any are left out unless `fillGaps`.
        """
        viewer, key = info.context.viewer, optional_key(user_id, models.User, "userId")
        return await usage.tokens_by_day(info.context.read(), viewer, days, key, fill_gaps=fill_gaps)


async def shares(
    info: Info, by: UsageGrouping, asked: UsageFilter, limit: int = usage.MAX_GROUPS
) -> list[Any]:
    """Rows where the contract promises types."""
    return list(await usage.usage_by_group(info.context.read(), info.context.viewer, by, asked, limit))
