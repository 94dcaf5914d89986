"""The types of the imagery domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from core.ports import SourceKind
from db import models
from resolvers.imagery import crawl_results
from schema.framework.context import Info
from schema.framework.decorators import node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.payloads import alias, computed, field
from schema.framework.scalars import BigInt
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
from schema.lazy_types import ProjectRef, UserRef

PICTURES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "tif": "image/tiff", "tiff": "image/tiff"}
"""Media types that are not called as the format is."""


def group_id(key: UUID | None) -> relay.GlobalID | None:
    """What names a group of images that look alike."""
    return None if key is None else relay.GlobalID("Image", str(key))


def perceptual(hash: int | None) -> str | None:
    """A perceptual hash as it is written: 64 bits, most significant first."""
    return None if hash is None else f"{hash & 0xFFFF_FFFF_FFFF_FFFF:016x}"


@output
class CrawlSource:
    """A place to look for images."""

    kind: SourceKind
    """What kind of place it is."""

    addresses: list[str]
    """Where it begins, or the images themselves; 100 at most, and none where it searches."""

    max_pages: int
    """How many pages of each site are read."""

    max_depth: int
    """How many links away from the start."""

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
    """Why addresses that a crawl looked at gave no image."""

    code: str
    """One word for the reason."""

    message: str
    """The reason in a sentence; of one of them, where they differ."""

    count: int
    """How many addresses."""

    url: str | None
    """One of them."""


@node(models.CrawlJob)
class CrawlJob(Job):
    """A search for images, in chunks."""

    id: relay.NodeID[UUID]

    project: ProjectRef | None = relation(models.CrawlJob.project)
    """The project that it gathers for."""

    requested_by: UserRef | None = relation(models.CrawlJob.requested_by)
    """Who planned it."""

    name: str
    """Display name."""

    keywords: list[str]
    """What is searched for; 50 at most."""

    sources: list[CrawlSource] = computed(
        lambda crawl: [CrawlSource.of(each) for each in crawl.sources], needs=("sources",)
    )
    """Where it looks; 20 at most."""

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
    """Time of the last change."""

    @field(needs=("id",))
    async def problems(self, info: Info) -> list[CrawlProblem]:
        """Why there is no image where one was looked for, the most frequent first; one for each reason."""
        row: Any = self
        rows = await info.context.loaders.by(crawl_results.crawl_problems, models.CrawlJob).load(row.id)
        return [CrawlProblem(**row) for row in rows or ()]

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
    """Size in bytes."""

    format: str | None
    """Such as `jpg`."""

    hash: str | None
    """SHA-256 of its content; equal for equal files."""

    perceptual_hash: str | None = computed(
        lambda image: perceptual(image.perceptual_hash), needs=("perceptual_hash",)
    )
    """Of how it looks, as 16 hexadecimal digits: the fewer bits differ, the more alike two pictures are."""

    page_url: str | None
    """The page that it stands on, where the source tells it."""

    licence: str | None
    """Its name or address, where the source tells it."""

    attribution: str | None
    """Whom to name, where the source tells it."""

    caption: str | None
    """What the source says of it."""

    is_valid: bool | None
    """Whether it passed the last check; null before the first."""

    duplicate_group: relay.GlobalID | None = computed(
        lambda image: group_id(image.duplicate_group), needs=("duplicate_group",)
    )
    """The first image of the crawl that looks like it; equal for all that look alike, null for loners."""

    is_duplicate: bool
    """Whether another image of the crawl is the same picture."""

    issues: list[str]
    """What the last check found wrong with it; one word each, a dozen at most."""

    quarantined: bool
    """Whether it is kept out of exports."""

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

    @field(needs=("thumbnail_key", "filename"))
    def thumbnail_url(self, info: Info) -> str | None:
        """It in 256 pixels at most, upright and without metadata; the link is signed and expires."""
        row: Any = self
        if row.thumbnail_key is None:
            return None
        name = f"{row.filename.rpartition('.')[0] or row.filename}.webp"
        return info.context.links.download_url(row.thumbnail_key, name, "image/webp")
