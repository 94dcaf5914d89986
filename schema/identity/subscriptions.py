"""Subscription to the activity of a company."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import strawberry

from core.errors import Invalid
from db import models
from db.cursors import decode_cursor, encode_cursor
from db.pagination import Order
from resolvers import activity_log
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.payloads import subscription
from schema.framework.projection import columns
from schema.framework.streams import BATCH_SIZE, Batch, stream
from schema.identity.types import ActivityLog

BY_SEQUENCE = Order("sequence")

After = Annotated[
    str | None,
    strawberry.argument(
        description="Resumes the stream after this cursor. By default it starts with the next activity."
    ),
]


@output
class CompanyActivity:
    """An activity in the company, as an event of a stream."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    activity: ActivityLog
    """The activity."""


@output
class IdentitySubscriptions:
    @subscription
    async def company_activity(
        self, info: Info, after: After = None
    ) -> AsyncGenerator[CompanyActivity, None]:
        """Activities of the company, each exactly once and in order.

        Viewers without permission to read all activities receive only their own.
        """
        context, model = info.context, models.ActivityLog
        needed = columns(info, model, ("activity",), extra=BY_SEQUENCE.columns)

        async def read(_: Any, position: int) -> Batch:
            until = await activity_log.latest_sequence(context.read())
            rows: Sequence[Any] = ()
            if position < until:
                rows = await activity_log.list_between(
                    context.read(), context.viewer, needed, position, until, BATCH_SIZE
                )
            batch = Batch.of(rows, event_of, position)
            return batch if batch.more else replace(batch, position=max(position, until))

        topic = f"company:{context.viewer.company_id}"
        async for event in stream(info, topic, partial(start, info, after), read):
            yield event


def event_of(row: Any) -> CompanyActivity:
    """The event of an activity."""
    return CompanyActivity(cursor=encode_cursor(models.ActivityLog, BY_SEQUENCE, row), activity=row)


async def start(info: Info, after: str | None) -> int:
    """The sequence number to start after. Raises `Invalid` for a cursor of another stream."""
    if after is None:
        return await activity_log.latest_sequence(info.context.read())
    sequence, id = decode_cursor(models.ActivityLog, BY_SEQUENCE, after, "after")
    if not await activity_log.exists(info.context.read(), id, sequence):
        raise Invalid("after must be a cursor of this stream.", "after")
    return int(sequence)
