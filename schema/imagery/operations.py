"""What can be asked and done in the imagery domain."""

from __future__ import annotations

from dataclasses import asdict

import strawberry
from strawberry import relay

from core.ports import SourceKind
from db import models
from resolvers import access
from resolvers.imagery import crawl_jobs, images
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    input_changes,
    input_values,
    mutation,
)
from schema.imagery.exports import ExportJob, ExportMutations
from schema.imagery.filters import (
    CrawlJobFilter,
    CrawlJobOrder,
    ExportJobFilter,
    ExportJobOrder,
    ImageFilter,
    ImageOrder,
    ValidationJobFilter,
    ValidationJobOrder,
)
from schema.imagery.types import CrawlJob, Image
from schema.imagery.validation import ValidationJob, ValidationMutations


@output
class ImageryQueries:
    crawl_job: CrawlJob | None = lookup(models.CrawlJob, "A crawl, by id.")
    image: Image | None = lookup(models.Image, "An image, by id.")
    validation_job: ValidationJob | None = lookup(models.ValidationJob, "A check of images, by id.")
    export_job: ExportJob | None = lookup(models.ExportJob, "An export of images, by id.")

    crawl_jobs: Connection[CrawlJob] = connection(
        models.CrawlJob, orders=CrawlJobOrder, filter=CrawlJobFilter
    )
    """The company's crawls, newest first."""

    images: Connection[Image] = connection(models.Image, orders=ImageOrder, filter=ImageFilter)
    """Every image of every crawl, oldest first."""

    validation_jobs: Connection[ValidationJob] = connection(
        models.ValidationJob, orders=ValidationJobOrder, filter=ValidationJobFilter
    )
    """Every check of images, newest first."""

    export_jobs: Connection[ExportJob] = connection(
        models.ExportJob, orders=ExportJobOrder, filter=ExportJobFilter
    )
    """Every export of images, newest first."""


@input
class CrawlSourceInput:
    """A place to look for images. Each kind takes what belongs to it, and needs what comes first there."""

    kind: SourceKind
    """What kind of place it is; those that search are asked for every keyword."""

    start_urls: list[str] | None = None
    """For SITE: pages, or sitemaps, to start from; 100 at most."""

    max_pages: int | None = None
    """For SITE: how many pages of each site are read, 1,000 unless said; 10,000 at most."""

    max_depth: int | None = None
    """For SITE: how many links away from the start, 3 unless said; 10 at most."""

    urls: list[str] | None = None
    """For URLS: the images; 100 at most."""

    feed_urls: list[str] | None = None
    """For FEED: RSS or Atom feeds; 100 at most."""

    bucket: str | None = None
    """For S3: a bucket that the installation allows."""

    prefix: str | None = None
    """For S3: only what is called so in the beginning."""


@input
class CrawlJobCreateInput(IdempotentInput):
    """A crawl to plan."""

    project_id: relay.GlobalID
    """The project that it gathers for."""

    name: str
    """What people call it: at most 100 letters, digits, spaces, `_` and `-`."""

    keywords: list[str]
    """What is searched for, where a source searches; else what it is about: 1 to 50, no two alike."""

    sources: list[CrawlSourceInput] | None = None
    """Where it looks; 20 at most. Left out: Openverse and Wikimedia Commons, which tell the licences."""

    max_images: int = 1000
    """After how many images it ends: 1 to 100,000."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@input
class CrawlJobUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value."""

    name: strawberry.Maybe[str]
    """What people call it: at most 100 letters, digits, spaces, `_` and `-`."""

    keywords: strawberry.Maybe[list[str]]
    """Replaces all keywords: 1 to 50, no two alike but for case."""

    max_images: strawberry.Maybe[int]
    """After how many images it ends: 1 to 100,000."""


@output
class CrawlJobCreatePayload(Payload):
    crawl_job: CrawlJob | None = None
    """The new crawl."""


@output
class CrawlJobUpdatePayload(Payload):
    crawl_job: CrawlJob | None = None
    """The updated crawl."""


@output
class CrawlJobDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class ImageDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class ImageryMutations(ValidationMutations, ExportMutations):
    @mutation(idempotent=True)
    async def crawl_job_create(self, info: Info, input: CrawlJobCreateInput) -> CrawlJobCreatePayload:
        """Plan a crawl, and begin it."""
        context, project = info.context, key_of(input.project_id, models.Project, "input", "projectId")
        values = input_values(input, omit=("project_id", "start"))
        values["sources"] = [asdict(source) for source in input.sources or ()]
        async with context.write() as uow:
            crawl = await crawl_jobs.create(
                uow, context.viewer, project, values, context.services.sources, start=input.start
            )
        return CrawlJobCreatePayload.of(crawl_job=crawl)

    @mutation
    async def crawl_job_update(
        self, info: Info, id: relay.GlobalID, input: CrawlJobUpdateInput
    ) -> CrawlJobUpdatePayload:
        """Rename a crawl; before it is started, also change what it looks for."""
        given = input_changes(input)
        key = key_of(id, models.CrawlJob)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.CrawlJob, key, input.expected_updated_at
            )
            crawl = await crawl_jobs.update(uow, info.context.viewer, key, given)
        return CrawlJobUpdatePayload.of(crawl_job=crawl)

    @mutation
    async def crawl_job_delete(self, info: Info, id: relay.GlobalID) -> CrawlJobDeletePayload:
        """Delete a crawl with its images, checks and exports. There is no way back."""
        async with info.context.write() as uow:
            await crawl_jobs.delete(uow, info.context.viewer, key_of(id, models.CrawlJob))
        return CrawlJobDeletePayload.of(deleted_id=id)

    @mutation
    async def image_delete(self, info: Info, id: relay.GlobalID) -> ImageDeletePayload:
        """Take an image out of its data set. There is no way back."""
        async with info.context.write() as uow:
            await images.delete(uow, info.context.viewer, key_of(id, models.Image))
        return ImageDeletePayload.of(deleted_id=id)
