"""Usage statistics. Viewers without permission to read analytics see only their own usage."""

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
    """Requests to models on one day, in UTC."""

    date: date
    """The day, in UTC."""

    runs: int
    """Number of requests."""

    tokens: BigInt
    """Number of tokens used."""

    errors: int
    """Number of failed requests."""

    active_users: int
    """Number of users with at least one request."""


@output
class TokenTotal:
    """Total of tokens used and their cost."""

    total: BigInt
    """Total number of tokens."""

    prompt_tokens: BigInt
    """Number of prompt tokens."""

    completion_tokens: BigInt
    """Number of completion tokens."""

    cost: float
    """Estimated cost in US dollars. Operations without an estimate count as zero."""

    operations: int
    """Number of operations."""


@output
class ProviderTokens(TokenTotal):
    """Tokens used per provider."""

    llm_provider: LlmProvider | None
    """Provider of the models. Null if unknown."""


@output
class OperationTokens(TokenTotal):
    """Tokens used per type of operation."""

    operation_type: str | None
    """Type of the operation, such as `chat`. Null if unknown."""


@output
class UserTokens(TokenTotal):
    """Tokens used per user."""

    user_id: strawberry.Private[UUID | None]

    @field
    async def user(self, info: Info) -> UserRef | None:
        """The user. Null if the user is deleted or not visible to the viewer."""
        if self.user_id is None:
            return None
        loader = info.context.loaders.one(models.User, columns(info, models.User))
        return cast("UserRef | None", await loader.load(self.user_id))


@output
class DayTokens(TokenTotal):
    """Tokens used per day, in UTC."""

    date: date
    """The day, in UTC."""


def usage_filter(user_id: relay.GlobalID | None, since: datetime | None) -> UsageFilter:
    """The filter as resolvers take it. Raises `Invalid` for a time out of range or without an offset."""
    key = optional_key(user_id, models.User, "userId")
    if since is None:
        return UsageFilter(key)
    try:
        if since.tzinfo is None:
            raise ValueError(since)
        return UsageFilter(key, since.astimezone(UTC))
    except (ValueError, OverflowError):
        raise Invalid("since must be a time with an offset, such as `Z`.", "since") from None


@output
class UsageQueries:
    @field
    async def usage_analytics(self, info: Info, days: int = 30, fill_gaps: bool = False) -> list[UsageDay]:
        """Requests to models per day for the last `days` days in UTC, including today, in ascending order.
        Maximum 366 days. Days without requests are omitted unless `fillGaps` is true.
        """
        viewer = info.context.viewer
        return await usage.runs_by_day(info.context.read(), viewer, days, fill_gaps=fill_gaps)

    @field
    async def token_usage_total(
        self, info: Info, user_id: relay.GlobalID | None = None, since: datetime | None = None
    ) -> TokenTotal:
        """Total of tokens used and their cost."""
        viewer, usage_totals_filter = info.context.viewer, usage_filter(user_id, since)
        return cast(TokenTotal, await usage.total_usage(info.context.read(), viewer, usage_totals_filter))

    @field
    async def token_usage_by_provider(
        self, info: Info, user_id: relay.GlobalID | None = None, since: datetime | None = None
    ) -> list[ProviderTokens]:
        """Tokens and cost per provider, most used first. Not paginated."""
        return await usage_by_group(info, UsageGrouping.PROVIDER, usage_filter(user_id, since))

    @field
    async def token_usage_by_operation(
        self, info: Info, user_id: relay.GlobalID | None = None, since: datetime | None = None
    ) -> list[OperationTokens]:
        """Tokens and cost per type of operation, most used first. Maximum 100."""
        return await usage_by_group(info, UsageGrouping.OPERATION, usage_filter(user_id, since))

    @field
    async def token_usage_by_user(
        self, info: Info, since: datetime | None = None, limit: int = 10
    ) -> list[UserTokens]:
        """Tokens and cost of the users with the highest usage. Default 10, maximum 100."""
        return await usage_by_group(info, UsageGrouping.USER, usage_filter(None, since), limit)

    @field
    async def token_usage_by_day(
        self, info: Info, user_id: relay.GlobalID | None = None, days: int = 30, fill_gaps: bool = False
    ) -> list[DayTokens]:
        """Tokens and cost per day for the last `days` days in UTC, including today, in ascending order.
        Maximum 366 days. Days without usage are omitted unless `fillGaps` is true.
        """
        viewer, key = info.context.viewer, optional_key(user_id, models.User, "userId")
        return await usage.tokens_by_day(info.context.read(), viewer, days, key, fill_gaps=fill_gaps)


async def usage_by_group(
    info: Info, by: UsageGrouping, filter: UsageFilter, limit: int = usage.MAX_GROUPS
) -> list[Any]:
    """The usage per group, as rows in place of the declared types."""
    return list(await usage.usage_by_group(info.context.read(), info.context.viewer, by, filter, limit))
