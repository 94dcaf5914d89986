"""Queries and mutations of crawls and images."""

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
from schema.imagery.crawl_candidates import CrawlCandidate, CrawlCandidateFilter, CrawlCandidateOrder
from schema.imagery.crawls import CrawlMutations
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
from schema.imagery.quarantine import QuarantineMutations
from schema.imagery.review import ImageReviewMutations
from schema.imagery.types import CrawlJob, Image
from schema.imagery.validation import ValidationFinding, ValidationJob, ValidationMutations


@output
class ImageryQueries:
    crawl_job: CrawlJob | None = lookup(models.CrawlJob, "Looks up a crawl by ID.")
    image: Image | None = lookup(models.Image, "Looks up an image by ID.")
    crawl_candidate: CrawlCandidate | None = lookup(
        models.CrawlCandidate, "Looks up an address that a crawl has seen by ID."
    )
    validation_job: ValidationJob | None = lookup(models.ValidationJob, "Looks up a validation by ID.")
    validation_finding: ValidationFinding | None = lookup(
        models.ValidationFinding, "Looks up a finding of a validation by ID."
    )
    export_job: ExportJob | None = lookup(models.ExportJob, "Looks up an export by ID.")

    crawl_jobs: Connection[CrawlJob] = connection(
        models.CrawlJob, orders=CrawlJobOrder, filter=CrawlJobFilter
    )
    """Lists the crawls of the company, newest first."""

    crawl_candidates: Connection[CrawlCandidate] = connection(
        models.CrawlCandidate, orders=CrawlCandidateOrder, filter=CrawlCandidateFilter
    )
    """Lists the addresses that crawls have seen, oldest first, with what became of each."""

    images: Connection[Image] = connection(models.Image, orders=ImageOrder, filter=ImageFilter, filtered=True)
    """Lists the images of all crawls that are not in quarantine, oldest first."""

    validation_jobs: Connection[ValidationJob] = connection(
        models.ValidationJob, orders=ValidationJobOrder, filter=ValidationJobFilter
    )
    """Lists all validations, newest first."""

    export_jobs: Connection[ExportJob] = connection(
        models.ExportJob, orders=ExportJobOrder, filter=ExportJobFilter
    )
    """Lists all exports, newest first."""


@input
class CrawlSourceInput:
    """A source of images. Each kind requires and accepts the fields that name it."""

    kind: SourceKind
    """Kind of the source. Search engines and APIs are queried for every keyword."""

    start_urls: list[str] | None = None
    """SITE: URLs of pages or sitemaps to start from. Maximum 100."""

    max_pages: int | None = None
    """SITE: maximum number of pages per site. Default 1,000, maximum 10,000."""

    max_depth: int | None = None
    """SITE: maximum link depth from the start pages. Default 3, maximum 10."""

    urls: list[str] | None = None
    """URLS: URLs of the images. Maximum 100."""

    feed_urls: list[str] | None = None
    """FEED: URLs of RSS or Atom feeds. Maximum 100."""

    bucket: str | None = None
    """S3: name of a bucket that the server allows."""

    prefix: str | None = None
    """S3: key prefix of the objects."""


@input
class CrawlJobCreateInput(IdempotentInput):
    """Input of `crawlJobCreate`."""

    project_id: relay.GlobalID
    """Global ID of the project."""

    name: str
    """Name of at most 100 letters, digits, spaces, `_` and `-`."""

    keywords: list[str]
    """1 to 50 different keywords. Sources that support search are queried for them."""

    sources: list[CrawlSourceInput] | None = None
    """Sources to crawl. Maximum 20. Defaults to Openverse and Wikimedia Commons, which provide licenses."""

    max_images: int = 1000
    """Maximum number of images, from 1 to 100,000."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@input
class CrawlJobUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value."""

    name: strawberry.Maybe[str]
    """Name of at most 100 letters, digits, spaces, `_` and `-`."""

    keywords: strawberry.Maybe[list[str]]
    """1 to 50 keywords that differ in more than case. Replaces all existing ones."""

    max_images: strawberry.Maybe[int]
    """Maximum number of images, from 1 to 100,000."""


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
class ImageryMutations(
    ValidationMutations, ExportMutations, ImageReviewMutations, QuarantineMutations, CrawlMutations
):
    @mutation(idempotent=True)
    async def crawl_job_create(self, info: Info, input: CrawlJobCreateInput) -> CrawlJobCreatePayload:
        """Create a crawl, and start it by default."""
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
        """Update the name of a crawl, or its search before it is started."""
        values = input_changes(input)
        key = key_of(id, models.CrawlJob)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.CrawlJob, key, input.expected_updated_at
            )
            crawl = await crawl_jobs.update(uow, info.context.viewer, key, values)
        return CrawlJobUpdatePayload.of(crawl_job=crawl)

    @mutation
    async def crawl_job_delete(self, info: Info, id: relay.GlobalID) -> CrawlJobDeletePayload:
        """Delete a crawl with its images, validations and exports. This cannot be undone."""
        async with info.context.write() as uow:
            await crawl_jobs.delete(uow, info.context.viewer, key_of(id, models.CrawlJob))
        return CrawlJobDeletePayload.of(deleted_id=id)

    @mutation
    async def image_delete(self, info: Info, id: relay.GlobalID) -> ImageDeletePayload:
        """Delete an image. This cannot be undone."""
        async with info.context.write() as uow:
            await images.delete(uow, info.context.viewer, key_of(id, models.Image))
        return ImageDeletePayload.of(deleted_id=id)
