"""Subscription to the images of a crawl."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any

import strawberry
from strawberry import relay

from db import models
from db.cursors import encode_cursor
from db.models import TERMINAL
from db.pagination import Order
from resolvers.imagery import crawl_results
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import key_of
from schema.framework.payloads import subscription
from schema.framework.projection import columns
from schema.framework.streams import BATCH_SIZE, Batch, Subject, position_of, stream
from schema.imagery.types import Image

BY_SEQUENCE = Order("crawl_job_id", "sequence", unique=True)
MIN_INTERVAL_SECONDS = 0.25
"""Minimum time between two events that do not hold a full batch of images."""

CrawlJobID = Annotated[relay.GlobalID, strawberry.argument(description="Global ID of the crawl job.")]
After = Annotated[
    str | None,
    strawberry.argument(
        description="Resumes the stream after this cursor. By default it starts with the first image."
    ),
]


@output
class ImagesAdded:
    """Images that a crawl has stored since the previous event."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    images: list[Image]
    """The images, in the order in which they were stored. Maximum 100."""


@output
class ImagerySubscriptions:
    @subscription
    async def images_added(
        self, info: Info, crawl_job_id: CrawlJobID, after: After = None
    ) -> AsyncGenerator[ImagesAdded, None]:
        """Images of a crawl as they are stored, in batches, until the crawl has ended."""
        context, key = info.context, key_of(crawl_job_id, models.CrawlJob, "crawlJobId")
        needed = columns(info, models.Image, ("images",), extra=BY_SEQUENCE.columns)

        async def start() -> int:
            return position_of(models.Image, BY_SEQUENCE, key, after)

        async def read(crawl: models.CrawlJob, position: int) -> Batch:
            uow, viewer = context.read(), context.viewer
            rows: Any = await crawl_results.images_after(uow, viewer, needed, key, position, BATCH_SIZE)
            if not rows:
                return Batch([], position, ended=crawl.status in TERMINAL)
            event = ImagesAdded(cursor=encode_cursor(models.Image, BY_SEQUENCE, rows[-1]), images=rows)
            more = len(rows) == BATCH_SIZE
            ended = crawl.status in TERMINAL and not more
            return Batch([event], rows[-1].sequence, more=more, ended=ended)

        subject = Subject(models.CrawlJob, key, "crawlJobId", ("id", "status"))
        topic = f"images:{key}"
        async for event in stream(info, topic, start, read, subject=subject, interval=MIN_INTERVAL_SECONDS):
            yield event
