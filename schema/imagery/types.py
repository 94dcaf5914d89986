"""Types of crawls and images."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from core.ports import SourceKind
from db import models
from db.models import LabelSource, ReviewState
from resolvers.imagery import crawl_outcomes, image_labels
from schema.framework.context import Info
from schema.framework.decorators import enumeration, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.payloads import alias, derived_field, field
from schema.framework.scalars import BigInt
from schema.imagery.crawl_candidates import (
    CrawlCandidate,
    CrawlCandidateFilter,
    CrawlCandidateOrder,
    CrawlOutcome,
    CrawlWarning,
)
from schema.imagery.exports import ExportJob
from schema.imagery.filters import (
    ExportJobFilter,
    ExportJobOrder,
    ImageFilter,
    ImageOrder,
    ValidationJobFilter,
    ValidationJobOrder,
)
from schema.imagery.validation import ValidationJob
from schema.jobs import Job
from schema.lazy_types import DatasetImageRef, ProjectRef, UserRef

enumeration(LabelSource)

ACCEPTED = {ReviewState.PENDING: None, ReviewState.ACCEPTED: True, ReviewState.REJECTED: False}
"""Whether a person accepts an image, by its review."""

MEDIA_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "tif": "image/tiff", "tiff": "image/tiff"}
"""Media types by image format, where they differ."""


def group_id(key: UUID | None) -> relay.GlobalID | None:
    """The global ID of a group of near duplicates."""
    return None if key is None else relay.GlobalID("Image", str(key))


def format_perceptual_hash(hash: int | None) -> str | None:
    """A perceptual hash as 16 hexadecimal digits, most significant bit first."""
    return None if hash is None else f"{hash & 0xFFFF_FFFF_FFFF_FFFF:016x}"


@output
class CrawlSource:
    """A source of images."""

    kind: SourceKind
    """Kind of the source."""

    addresses: list[str]
    """URLs to start from, or of the images. Maximum 100. Empty for sources that are searched by keyword."""

    max_pages: int
    """Maximum number of pages per site."""

    max_depth: int
    """Maximum link depth from the start pages."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> CrawlSource:
        """Build it from its stored JSON."""
        return cls(
            kind=SourceKind(stored["kind"]),
            addresses=stored["addresses"],
            max_pages=stored["pages"],
            max_depth=stored["depth"],
        )


@output
class CrawlProblem:
    """Reason why URLs of a crawl gave no image."""

    code: str
    """Error code."""

    message: str
    """Human-readable error message. An example, if messages differ."""

    count: int
    """Number of URLs."""

    url: str | None
    """Example URL."""


@node(models.CrawlJob)
class CrawlJob(Job):
    """A crawl for images, divided into chunks."""

    id: relay.NodeID[UUID]

    project: ProjectRef | None = relation(models.CrawlJob.project)
    """Project of the crawl."""

    requested_by: UserRef | None = relation(models.CrawlJob.requested_by)
    """User who created the crawl."""

    name: str
    """Name of the crawl."""

    keywords: list[str]
    """Keywords to search for. Maximum 50."""

    sources: list[CrawlSource] = derived_field(
        lambda crawl: [CrawlSource.of(each) for each in crawl.sources], needs=("sources",)
    )
    """Sources to crawl. Maximum 20."""

    max_images: int
    """Maximum number of images."""

    total_images: int
    """Number of images found so far."""

    downloaded_images: int
    """Number of images stored so far."""

    valid_images: int
    """Number of stored images that passed the last validation."""

    total_chunks: int
    """Number of chunks."""

    active_chunks: int
    """Number of chunks in progress."""

    completed_chunks: int
    """Number of completed chunks."""

    failed_chunks: int
    """Number of failed chunks."""

    task_ids: list[str]
    """Task IDs of the chunks."""

    updated_at: datetime
    """Time of the last change."""

    @field(needs=("id",))
    async def problems(self, info: Info) -> list[CrawlProblem]:
        """Reasons why URLs gave no image, most frequent first. One entry per reason."""
        row: Any = self
        rows = await info.context.loaders.by(crawl_outcomes.crawl_problems, models.CrawlJob).load(row.id)
        return [CrawlProblem(**row) for row in rows or ()]

    @field(needs=("id",))
    async def outcome(self, info: Info) -> CrawlOutcome:
        """What became of all image addresses that the crawl has seen. The numbers add up exactly."""
        row: Any = self
        found = await info.context.loaders.by(crawl_outcomes.crawl_outcomes, models.CrawlJob).load(row.id)
        return CrawlOutcome.of(found or crawl_outcomes.CrawlOutcome())

    @field(needs=("id",))
    async def warnings(self, info: Info) -> list[CrawlWarning]:
        """What is missing, as a limit or a source that failed left it out. One entry per reason."""
        row: Any = self
        rows = await info.context.loaders.by(crawl_outcomes.crawl_warnings, models.CrawlJob).load(row.id)
        return [CrawlWarning(**row) for row in rows or ()]

    candidates: Connection[CrawlCandidate] = connection(
        models.CrawlJob.candidates, orders=CrawlCandidateOrder, filter=CrawlCandidateFilter
    )
    """Addresses that the crawl has seen, oldest first."""

    images: Connection[Image] = connection(
        models.CrawlJob.images, orders=ImageOrder, filter=ImageFilter, filtered=True
    )
    """Images of the crawl that are not in quarantine, oldest first."""

    validation_jobs: Connection[ValidationJob] = connection(
        models.CrawlJob.validation_jobs, orders=ValidationJobOrder, filter=ValidationJobFilter
    )
    """Validations of the crawl, newest first."""

    export_jobs: Connection[ExportJob] = connection(
        models.CrawlJob.export_jobs, orders=ExportJobOrder, filter=ExportJobFilter
    )
    """Exports of the crawl, newest first."""


@output
class ImageLabel:
    """A label of an image."""

    name: str
    """Text of the label."""

    source: LabelSource
    """Where the label comes from."""

    created_at: datetime
    """Time at which the image got the label."""


@node(models.Image)
class Image(relay.Node):
    """An image found by a crawl."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJob | None = relation(models.Image.crawl_job)
    """Crawl that found the image."""

    original_url: str
    """Source URL of the image."""

    url: str = alias("original_url", "Use `originalUrl`.")
    """Source URL of the image."""

    filename: str
    """Filename of the download."""

    width: int | None
    """Width in pixels."""

    height: int | None
    """Height in pixels."""

    file_size: BigInt | None
    """Size in bytes."""

    format: str | None
    """Format, such as `jpg`."""

    hash: str | None
    """SHA-256 digest of the content."""

    perceptual_hash: str | None = derived_field(
        lambda image: format_perceptual_hash(image.perceptual_hash), needs=("perceptual_hash",)
    )
    """Perceptual hash as 16 hexadecimal digits. The Hamming distance of two hashes measures how different the
    images look.
    """

    page_url: str | None
    """URL of the page that contains the image, if the source provides it."""

    licence: str | None
    """Name or URL of the license, if the source provides it."""

    attribution: str | None
    """Attribution, if the source provides it."""

    caption: str | None
    """Caption from the source or from a person."""

    keyword: str | None
    """Keyword that found the image. Null for sources that are not searched by keyword."""

    source: SourceKind | None = derived_field(
        lambda image: None if image.source is None else SourceKind(image.source), needs=("source",)
    )
    """Kind of the source that found the image."""

    review: ReviewState
    """What people think of the image."""

    accepted: bool | None = derived_field(lambda image: ACCEPTED[image.review], needs=("review",))
    """Whether a person accepts the image. Null if nobody has reviewed it."""

    note: str | None
    """Note by a person."""

    @field(needs=("id",))
    async def labels(self, info: Info) -> list[ImageLabel]:
        """Labels by name. Maximum 50."""
        row: Any = self
        rows = await info.context.loaders.by(image_labels.labels_of_images, models.Image).load(row.id)
        return [ImageLabel(name=row.name, source=row.source, created_at=row.created_at) for row in rows or ()]

    is_valid: bool | None
    """Whether the image passed the last validation. Null if it was never validated."""

    duplicate_group: relay.GlobalID | None = derived_field(
        lambda image: group_id(image.duplicate_group), needs=("duplicate_group",)
    )
    """Group of near duplicates in the crawl, named by the global ID of its best image. Null without near
    duplicates.
    """

    duplicates: Connection[Image] = connection(
        models.Image.duplicates, orders=ImageOrder, filter=ImageFilter, filtered=True
    )
    """Images of the group whose best image this is, itself among them. Empty for all other images."""

    is_duplicate: bool
    """Whether another image of the crawl shows the same picture."""

    issues: list[str]
    """Codes of the issues found by the last validation. Not paginated."""

    quarantined: bool
    """Whether the image is in quarantine: not exported, and not listed by default."""

    quarantine_reason: str | None
    """Code of the issue for which the image is in quarantine, or `person`."""

    quarantined_at: datetime | None
    """Time at which the image was moved to the quarantine."""

    restored: bool
    """Whether a person has restored the image from the quarantine. Rules do not move it there again."""

    created_at: datetime
    """Creation time."""

    dataset_images: Connection[DatasetImageRef] = connection(models.Image.dataset_images)
    """Entries of the image in versions of data sets."""

    @field(needs=("storage_url", "filename", "format"))
    def file_url(self, info: Info) -> str | None:
        """Signed, expiring URL of the image. Null if it is not stored."""
        row: Any = self
        if row.storage_url is None:
            return None
        kind = (row.format or "").lower()
        mime_type = MEDIA_TYPES.get(kind, f"image/{kind}") if kind else "application/octet-stream"
        return info.context.links.download_url(row.storage_url, row.filename, mime_type)

    @field(needs=("thumbnail_key", "filename"))
    def thumbnail_url(self, info: Info) -> str | None:
        """Signed, expiring URL of a thumbnail of at most 256 pixels, upright and without metadata."""
        row: Any = self
        if row.thumbnail_key is None:
            return None
        name = f"{row.filename.rpartition('.')[0] or row.filename}.webp"
        return info.context.links.download_url(row.thumbnail_key, name, "image/webp")
