"""Images as crawls find them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay

from core.errors import Invalid, NotFound
from db import models
from db.models import TERMINAL
from db.paging import Order, decode_cursor, encode_cursor
from resolvers.imagery import crawl_results
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import key_of
from schema.framework.payloads import subscription
from schema.framework.projection import columns
from schema.imagery.types import Image

IN_ORDER = Order("crawl_job_id", "sequence", unique=True)
AT_ONCE = 100
APART = 0.25
"""Seconds at least between two events that are not full."""

Crawl = Annotated[relay.GlobalID, strawberry.argument(description="Which crawl.")]
From = Annotated[
    str | None,
    strawberry.argument(description="Begin after this `cursor`; with the first image unless told."),
]


@output
class ImagesAdded:
    """Images that a crawl found since the last event."""

    cursor: str
    """Opaque; pass it as `after` to go on from here."""

    images: list[Image]
    """In the order in which they were found; 100 at most."""


@output
class GallerySubscriptions:
    @subscription
    async def images_added(
        self, info: Info, crawl_job_id: Crawl, after: From = None
    ) -> AsyncGenerator[ImagesAdded, None]:
        """A crawl's images as they are found, a few times a second, until it has ended."""
        context, crawl = info.context, key_of(crawl_job_id, models.CrawlJob, "crawlJobId")
        wanted = columns(info, models.Image, ("images",), extra=IN_ORDER.columns)
        position = 0 if after is None else position_of(crawl, after)
        context.viewer  # noqa: B018  refused before anything is awaited
        async with aclosing(context.services.events.listen(f"images:{crawl}")) as changes:
            async for _ in changes:
                rows: Any = None
                while rows is None or len(rows) == AT_ONCE:
                    await context.refresh()
                    over = await ended(info, crawl)
                    rows = await crawl_results.added(
                        context.read(), context.viewer, wanted, crawl, position, AT_ONCE
                    )
                    await context.close()
                    if rows:
                        position = rows[-1].sequence
                        yield ImagesAdded(cursor=encode_cursor(models.Image, IN_ORDER, rows[-1]), images=rows)
                if over:
                    return
                await asyncio.sleep(APART)


async def ended(info: Info, crawl: UUID) -> bool:
    """Whether the crawl finds nothing more. `NotFound` where it is out of sight."""
    row = await info.context.loaders.one(models.CrawlJob, ("id", "status")).load(crawl)
    if row is None:
        raise NotFound("There is no such crawl job.", "crawlJobId")
    return row.status in TERMINAL


def position_of(crawl: UUID, cursor: str) -> int:
    """The number after which to begin; `Invalid` for a cursor that this crawl's images did not give."""
    of, sequence = decode_cursor(models.Image, IN_ORDER, cursor, "after")
    if of != crawl:
        raise Invalid("`after` is not a cursor that this stream gave.", "after")
    return int(sequence)
