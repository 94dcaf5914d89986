"""What can be watched in the identity domain."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

import strawberry

from core.errors import Invalid
from db import models
from db.paging import Order, decode_cursor, encode_cursor
from resolvers import activity_log
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.payloads import subscription
from schema.framework.projection import columns
from schema.identity.types import ActivityLog

IN_ORDER = Order("sequence")
AT_ONCE = 100
"""How many rows are read before the first of them is sent."""

From = Annotated[
    str | None, strawberry.argument(description="Begin after this `cursor`; from now on unless told.")
]


@output
class CompanyActivity:
    """Something that was done in the company, and its place in what is done there."""

    cursor: str
    """Opaque; pass it as `after` to go on from here."""

    activity: ActivityLog
    """What was done."""


@output
class IdentitySubscriptions:
    @subscription
    async def company_activity(self, info: Info, after: From = None) -> AsyncGenerator[CompanyActivity, None]:
        """What is done in the company, as it is done, and nothing left out: everybody's for who may read it,
        else one's own.
        """
        context, model = info.context, models.ActivityLog
        wanted = columns(info, model, ("activity",), extra=IN_ORDER.columns)
        topic = f"company:{context.viewer.company_id}"
        position: int | None = None
        async with aclosing(context.services.events.listen(topic)) as changes:
            async for _ in changes:
                await context.refresh()
                if position is None:
                    position = await start(info, after)
                until = await activity_log.latest(context.read())
                while position < until:
                    rows = await activity_log.between(
                        context.read(), context.viewer, wanted, position, until, AT_ONCE
                    )
                    for row in rows:
                        await context.close()
                        yield event_of(row)
                    position = rows[-1].sequence if len(rows) == AT_ONCE else until
                await context.close()


def event_of(row: Any) -> CompanyActivity:
    """The event that tells of this activity."""
    return CompanyActivity(cursor=encode_cursor(models.ActivityLog, IN_ORDER, row), activity=row)


async def start(info: Info, after: str | None) -> int:
    """The number after which to begin; `Invalid` for a cursor that the company's stream did not give."""
    if after is None:
        return await activity_log.latest(info.context.read())
    sequence, id = decode_cursor(models.ActivityLog, IN_ORDER, after, "after")
    if not await activity_log.happened(info.context.read(), id, sequence):
        raise Invalid("`after` is not a cursor that this stream gave.", "after")
    return int(sequence)
