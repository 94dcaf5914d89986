"""Exports of images, as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from db.models import ExportFormat
from resolvers.imagery import exports
from schema.context import Info
from schema.declare import node, output
from schema.fields import relation
from schema.ids import key_of
from schema.jobs import Job
from schema.operations import Payload, computed, field, mutation
from schema.refs import CrawlJobRef, UserRef
from schema.scalars import BigInt

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

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ExportOptions:
        """From the form that is stored."""
        return cls(**{name: stored.get(name) for name in cls.__annotations__})


@node(models.ExportJob)
class ExportJob(Job):
    """A data set packed for download."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJobRef | None = relation(models.ExportJob.crawl_job)
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


@output
class ExportJobDeletePayload(Payload):
    """What `exportJobDelete` answers."""

    deleted_id: relay.GlobalID | None = None
    """The id of what is gone."""


@output
class ExportMutations:
    @mutation
    async def export_job_delete(self, info: Info, id: relay.GlobalID) -> ExportJobDeletePayload:
        """Delete an export that is not under way, with its package."""
        async with info.context.write() as uow:
            await exports.remove(uow, info.context.viewer, key_of(id, models.ExportJob))
        return ExportJobDeletePayload.of(deleted_id=id)
