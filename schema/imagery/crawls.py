"""Mutations of crawls that run again."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import relay

from db import models
from resolvers.imagery import crawl_repetition
from resolvers.imagery.crawl_repetition import RetryScope
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, mutation
from schema.lazy_types import CrawlJobRef

enumeration(RetryScope)


What = Annotated[RetryScope, strawberry.argument(description="What the crawl requests.")]


@output
class CrawlRetryPayload(Payload):
    crawl_job: CrawlJobRef | None = None
    """The crawl, which runs again."""


@output
class CrawlRepeatPayload(Payload):
    crawl_job: CrawlJobRef | None = None
    """The new crawl."""


@output
class CrawlMutations:
    @mutation
    async def crawl_retry(self, info: Info, id: relay.GlobalID, what: What) -> CrawlRetryPayload:
        """Let a crawl that has ended go on. It keeps its images."""
        context = info.context
        async with context.write() as uow:
            crawl = await crawl_repetition.retry(
                uow,
                context.viewer,
                key_of(id, models.CrawlJob),
                what,
                context.services.settings.crawl_company_chunks,
            )
        return CrawlRetryPayload.of(crawl_job=crawl)

    @mutation
    async def crawl_repeat(self, info: Info, id: relay.GlobalID) -> CrawlRepeatPayload:
        """Start a new crawl with the sources and limits of this one. Images that their servers say are
        unchanged are not downloaded again.
        """
        context = info.context
        async with context.write() as uow:
            crawl = await crawl_repetition.repeat(uow, context.viewer, key_of(id, models.CrawlJob))
        return CrawlRepeatPayload.of(crawl_job=crawl)
