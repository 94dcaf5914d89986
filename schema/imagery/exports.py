"""Exports of images, as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from db.models import ExportFormat
from resolvers.imagery import exports
from resolvers.imagery.exports import INDEX_FILENAME, PackedFile
from schema.framework.context import Info
from schema.framework.decorators import input, node, output
from schema.framework.fields import relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, computed, field, input_values, mutation
from schema.framework.scalars import BigInt
from schema.jobs import Job
from schema.lazy_types import CrawlJobRef, UserRef

PACKAGES = {
    ExportFormat.ZIP: "application/zip",
    ExportFormat.TAR: "application/x-tar",
    ExportFormat.TAR_GZ: "application/gzip",
    ExportFormat.CSV: "text/csv",
    ExportFormat.JSON: "application/json",
    ExportFormat.IMAGEFOLDER: "application/zip",
    ExportFormat.COCO: "application/zip",
    ExportFormat.WEBDATASET: "application/x-tar",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}


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

    only_valid: bool | None
    """Whether images that did not pass the last check are left out."""

    shard_size: int | None
    """How many images a file of WEBDATASET or PARQUET has at most."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ExportOptions:
        """Build it from its stored JSON."""
        return cls(**{name: stored.get(name) for name in cls.__annotations__})


@input
class ExportOptionsInput:
    """How a data set is packed; what a format has no use for is refused."""

    include_metadata: bool | None = None
    """ZIP, TAR, TAR_GZ: whether a list of the images and what is known of them is packed too. It is, unless
    told.
    """

    compress: bool | None = None
    """ZIP, IMAGEFOLDER, COCO: whether pictures are compressed once more. They are not, unless told."""

    delimiter: str | None = None
    """CSV: what is between two columns: `,` unless told, `;`, a tab or `|`."""

    include_urls: bool | None = None
    """Whether the addresses that the images came from are listed. They are, unless told."""

    only_valid: bool | None = None
    """Whether images that did not pass the last check are left out; they are, unless told. Images that were
    never checked are packed, and quarantined ones never are.
    """

    shard_size: int | None = None
    """WEBDATASET, PARQUET: how many images a file has at most: 5,000 unless told."""


@output
class ExportFile:
    """A file of a package."""

    name: str
    """What it is called when it is downloaded."""

    file_size: BigInt
    """Size in bytes."""

    image_count: int
    """How many images it has; 0 for the data card."""

    download_url: str | None
    """The file; the link is signed and expires. Null once the export has expired."""


@node(models.ExportJob)
class ExportJob(Job):
    """A data set packed for download."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJobRef | None = relation(models.ExportJob.crawl_job)
    """Whose images are packed."""

    user: UserRef | None = relation(models.ExportJob.user)
    """User who requested it."""

    name: str
    """Display name."""

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
    """Options of the package."""

    expires_at: datetime | None
    """Until when the package can be downloaded; null means for as long as it is there."""

    updated_at: datetime
    """Time of the last change."""

    @field(needs=("expires_at",))
    def expired(self) -> bool:
        """Whether the package can no longer be downloaded."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    @field(needs=("download_url", "shards", "expires_at", "name", "format"))
    def download_url(self, info: Info) -> str | None:
        """The package; the link is signed and expires. Null before it is packed and once it has expired.

        A package of several files comes as one TAR file of them all.
        """
        row: Any = self
        lasting = left(row, info)
        if row.download_url is None or lasting is None:
            return None
        links = info.context.links
        if row.download_url.endswith(f"/{INDEX_FILENAME}"):
            return links.bundle_url(row.download_url, f"{row.name}.tar", lasting)
        suffix = row.shards[0]["key"].rpartition("/")[2].partition(".")[2] if row.shards else row.format.value
        filename = f"{row.name}.{suffix}"
        return links.download_url(row.download_url, filename, PACKAGES[row.format], lasting)

    @field(needs=("shards", "expires_at", "format"))
    def files(self, info: Info) -> list[ExportFile]:
        """The files of the package, the data card last if it is one of its own; a thousand at most."""
        row: Any = self
        lasting = left(row, info)
        return [
            ExportFile(
                name=file.name,
                file_size=BigInt(file.size),
                image_count=file.images,
                download_url=None if lasting is None else link(info, row.format, file, lasting),
            )
            for file in (PackedFile(**stored) for stored in row.shards)
        ]


def link(info: Info, format: ExportFormat, file: PackedFile, lasting: timedelta) -> str:
    """Where a file of a package is read, for so long."""
    media = PACKAGES[format] if file.images else "text/markdown"
    return info.context.links.download_url(file.key, file.name, media, lasting)


def left(export: Any, info: Info) -> timedelta | None:
    """For how long a link to a package is good; none once it has expired."""
    links = info.context.links
    if export.expires_at is None:
        return links.ttl
    lasting = export.expires_at - links.clock()
    return min(lasting, links.ttl) if lasting.total_seconds() > 0 else None


@input
class ExportJobCreateInput(IdempotentInput):
    """A data set to pack."""

    crawl_job_id: relay.GlobalID
    """Whose images are packed; it is not under way."""

    name: str
    """What people call it, and what its file is called, in at most 100 characters."""

    format: ExportFormat | None = None
    """What it is packed as: ZIP unless told."""

    options: ExportOptionsInput | None = None
    """Options of the package."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class ExportJobCreatePayload(Payload):
    export_job: ExportJob | None = None
    """The new export."""


@output
class ExportJobDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class ExportMutations:
    @mutation(idempotent=True)
    async def export_job_create(self, info: Info, input: ExportJobCreateInput) -> ExportJobCreatePayload:
        """Pack the images of a crawl, with a data card, as a file to download."""
        viewer = info.context.viewer
        crawl = key_of(input.crawl_job_id, models.CrawlJob, "input", "crawlJobId")
        values = input_values(input, omit=("crawl_job_id",)) | {
            "format": input.format or ExportFormat.ZIP,
            "options": vars(input.options) if input.options else {},
        }
        async with info.context.write() as uow:
            job = await exports.create(uow, viewer, crawl, **values)
        return ExportJobCreatePayload.of(export_job=job)

    @mutation
    async def export_job_delete(self, info: Info, id: relay.GlobalID) -> ExportJobDeletePayload:
        """Delete an export that is not under way, with its package."""
        async with info.context.write() as uow:
            await exports.delete(uow, info.context.viewer, key_of(id, models.ExportJob))
        return ExportJobDeletePayload.of(deleted_id=id)
