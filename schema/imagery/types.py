"""The types of the imagery domain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from db.models import ExportFormat
from schema.context import Info
from schema.declare import node, output
from schema.fields import Connection, connection, relation
from schema.imagery.orders import (
    ExportJobFilter,
    ExportJobOrder,
    ImageFilter,
    ImageOrder,
    ValidationJobFilter,
    ValidationJobOrder,
)
from schema.jobs import Job
from schema.operations import alias, computed, field
from schema.refs import ProjectRef, UserRef
from schema.scalars import BigInt

PICTURES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "tif": "image/tiff", "tiff": "image/tiff"}
"""Media types that are not called as the format is."""

PACKAGES = {
    ExportFormat.ZIP: "application/zip",
    ExportFormat.TAR: "application/x-tar",
    ExportFormat.TAR_GZ: "application/gzip",
    ExportFormat.CSV: "text/csv",
    ExportFormat.JSON: "application/json",
}


@output
class ValidationRules:
    """What an image must be; a rule that is null asks nothing."""

    min_width: int | None
    """In pixels."""

    min_height: int | None
    """In pixels."""

    formats: list[str] | None
    """The formats that pass, such as `png`; a dozen at most."""

    max_size_mb: float | None
    """Of the file, in megabytes."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ValidationRules:
        """From the form that is stored."""
        return cls(**{name: stored.get(name) for name in cls.__annotations__})


@output
class ExportOptions:
    """How a data set is packed; what is null is left to the packer."""

    include_metadata: bool | None
    """Whether a list of the images and what is known of them is packed too."""

    compress: bool | None
    """Whether the package is compressed."""

    delimiter: str | None
    """Between the columns of a CSV file."""

    include_urls: bool | None
    """Whether the addresses that the images came from are listed."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ExportOptions:
        """From the form that is stored."""
        return cls(**{name: stored.get(name) for name in cls.__annotations__})


@node(models.CrawlJob)
class CrawlJob(Job):
    """A search for images by keywords, in chunks."""

    id: relay.NodeID[UUID]

    project: ProjectRef | None = relation(models.CrawlJob.project)
    """The project that it gathers for."""

    requested_by: UserRef | None = relation(models.CrawlJob.requested_by)
    """Who planned it."""

    name: str
    """What people call it."""

    keywords: list[str]
    """What is searched for; 50 at most."""

    max_images: int
    """After how many images it ends."""

    total_images: int
    """Found so far."""

    downloaded_images: int
    """Stored so far."""

    valid_images: int
    """Stored, and passed the last check."""

    total_chunks: int
    """Into how many pieces the work is cut."""

    active_chunks: int
    """Pieces that are worked on."""

    completed_chunks: int
    """Pieces that are done."""

    failed_chunks: int
    """Pieces that were given up."""

    task_ids: list[str]
    """The workers' names for its pieces; no more than there are chunks."""

    updated_at: datetime
    """When anything of this last changed."""

    images: Connection[Image] = connection(models.CrawlJob.images, orders=ImageOrder, filter=ImageFilter)
    """What it found, oldest first."""

    validation_jobs: Connection[ValidationJob] = connection(
        models.CrawlJob.validation_jobs, orders=ValidationJobOrder, filter=ValidationJobFilter
    )
    """Checks of its images, newest first."""

    export_jobs: Connection[ExportJob] = connection(
        models.CrawlJob.export_jobs, orders=ExportJobOrder, filter=ExportJobFilter
    )
    """Exports of its images, newest first."""


@node(models.Image)
class Image(relay.Node):
    """One image that a crawl found."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJob | None = relation(models.Image.crawl_job)
    """The crawl that found it."""

    original_url: str
    """Where it was found."""

    url: str = alias("original_url", "Use `originalUrl`.")
    """Where it was found."""

    filename: str
    """What it is called when it is downloaded."""

    width: int | None
    """In pixels."""

    height: int | None
    """In pixels."""

    file_size: BigInt | None
    """In bytes."""

    format: str | None
    """Such as `jpg`."""

    hash: str | None
    """Of its content; equal for equal files."""

    is_valid: bool | None
    """Whether it passed the last check; null before the first."""

    is_duplicate: bool
    """Whether another image of the crawl is the same picture."""

    created_at: datetime
    """When it was found."""

    @field(needs=("storage_url", "filename", "format"))
    def file_url(self, info: Info) -> str | None:
        """The stored file; the link is signed and expires. Null where it is not stored."""
        row: Any = self
        if row.storage_url is None:
            return None
        kind = (row.format or "").lower()
        mime_type = PICTURES.get(kind, f"image/{kind}") if kind else "application/octet-stream"
        return info.context.links.download_url(row.storage_url, row.filename, mime_type)


@node(models.ValidationJob)
class ValidationJob(Job):
    """A check of a crawl's images against rules."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJob | None = relation(models.ValidationJob.crawl_job)
    """Whose images are checked."""

    requested_by: UserRef | None = relation(models.ValidationJob.requested_by)
    """Who asked for it."""

    name: str
    """What people call it."""

    total_images: int
    """How many there are to look at."""

    validated_images: int
    """How many were looked at so far."""

    invalid_images: int
    """How many of those did not pass."""

    validation_rules: ValidationRules = computed(
        lambda job: ValidationRules.of(job.validation_rules), needs=("validation_rules",)
    )
    """What an image must be."""

    updated_at: datetime
    """When anything of this last changed."""


@node(models.ExportJob)
class ExportJob(Job):
    """A data set packed for download."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJob | None = relation(models.ExportJob.crawl_job)
    """Whose images are packed."""

    user: UserRef | None = relation(models.ExportJob.user)
    """Who asked for it."""

    name: str
    """What people call it."""

    format: ExportFormat
    """What it is packed as."""

    total_images: int
    """How many there are to pack."""

    exported_images: int
    """How many were packed so far."""

    file_size: BigInt | None
    """Of the package, in bytes."""

    export_options: ExportOptions = computed(
        lambda job: ExportOptions.of(job.export_options), needs=("export_options",)
    )
    """How it is packed."""

    expires_at: datetime | None
    """Until when the package can be downloaded; null means for as long as it is there."""

    updated_at: datetime
    """When anything of this last changed."""

    @field(needs=("expires_at",))
    def expired(self) -> bool:
        """Whether the package can no longer be downloaded."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    @field(needs=("download_url", "expires_at", "name", "format"))
    def download_url(self, info: Info) -> str | None:
        """The package; the link is signed and expires. Null before it is packed and once it has expired."""
        row: Any = self
        left = None if row.expires_at is None else row.expires_at - datetime.now(UTC)
        if row.download_url is None or (left is not None and left.total_seconds() <= 0):
            return None
        links, filename = info.context.links, f"{row.name}.{row.format.value}"
        ttl = links.ttl if left is None else min(left, links.ttl)
        return links.download_url(row.download_url, filename, PACKAGES[row.format], ttl)
