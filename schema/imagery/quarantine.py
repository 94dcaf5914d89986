"""Quarantine of images."""

from __future__ import annotations

from functools import partial

from strawberry import relay

from db import models
from resolvers.imagery import quarantine
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, mutation
from schema.framework.scalars import BigInt
from schema.imagery.filters import ImageFilter, ImageState
from schema.imagery.image_feed import CrawlJobID
from schema.imagery.types import Image


@output
class ImagesQuarantinePayload(Payload):
    quarantined_count: int | None = None
    """Number of images that the filter matched, all of which are in quarantine now."""


@output
class ImagesRestorePayload(Payload):
    restored_count: int | None = None
    """Number of images in quarantine that the filter matched, all of which were restored."""


@output
class ImageRestorePayload(Payload):
    image: Image | None = None
    """The restored image."""


@output
class QuarantineEmptyPayload(Payload):
    deleted_count: int | None = None
    """Number of deleted images."""

    deleted_bytes: BigInt | None = None
    """Size of their files in bytes. A job deletes the files that no other image uses."""

    remaining_count: int | None = None
    """Number of images that are still in quarantine. Repeat the mutation to delete them."""


@output
class QuarantineMutations:
    @mutation
    async def images_quarantine(self, info: Info, filter: ImageFilter) -> ImagesQuarantinePayload:
        """Move all images that match a filter to the quarantine, at most 20,000. If more match, nothing is
        changed. Images in quarantine keep their files, and are neither listed by default nor exported.
        """
        where = partial(filter.where, state=ImageState.ACTIVE)
        async with info.context.write() as uow:
            count = await quarantine.quarantine_all(uow, info.context.viewer, where)
        return ImagesQuarantinePayload(quarantined_count=count)

    @mutation
    async def images_restore(self, info: Info, filter: ImageFilter) -> ImagesRestorePayload:
        """Restore all images in quarantine that match a filter, at most 20,000. If more match, nothing is
        changed. Later validations do not quarantine restored images again.
        """
        where = partial(filter.where, state=ImageState.QUARANTINED)
        async with info.context.write() as uow:
            count = await quarantine.restore_all(uow, info.context.viewer, where)
        return ImagesRestorePayload(restored_count=count)

    @mutation
    async def image_restore(self, info: Info, id: relay.GlobalID) -> ImageRestorePayload:
        """Restore an image from the quarantine."""
        key = key_of(id, models.Image)
        async with info.context.write() as uow:
            image = await quarantine.restore(uow, info.context.viewer, key)
        return ImageRestorePayload.of(image=image)

    @mutation
    async def quarantine_empty(self, info: Info, crawl_job_id: CrawlJobID) -> QuarantineEmptyPayload:
        """Delete the images in the quarantine of a crawl, at most 20,000. This cannot be undone. List them
        before by the state `QUARANTINED`.
        """
        key = key_of(crawl_job_id, models.CrawlJob, "crawlJobId")
        async with info.context.write() as uow:
            emptied = await quarantine.empty(uow, info.context.viewer, key)
        return QuarantineEmptyPayload(
            deleted_count=emptied.images,
            deleted_bytes=BigInt(emptied.bytes),
            remaining_count=emptied.remaining,
        )
