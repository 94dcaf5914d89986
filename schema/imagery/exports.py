"""Image exports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from db.models import ExportFormat
from resolvers.imagery import exports
from resolvers.imagery.exports import INDEX_FILENAME, PackedFile
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, derived_field, field, input_values, mutation
from schema.framework.scalars import BigInt
from schema.jobs import Job
from schema.lazy_types import CrawlJobRef, DatasetVersionRef, UserRef

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
    ExportFormat.CLASS_FOLDERS: "application/zip",
    ExportFormat.YOLO: "application/zip",
    ExportFormat.JSONL: "application/jsonl",
}


class UnlabelledAction(Enum):
    """What happens to images without a label in formats with class folders."""

    OMIT = "omit"
    """They are left out."""
    CLASS = "class"
    """They are in the folder `unlabelled`."""


class MultiLabelAction(Enum):
    """What happens to images with several labels in formats with class folders."""

    OMIT = "omit"
    """They are left out."""
    FIRST = "first"
    """They are in the folder of their first label, in alphabetical order."""
    EACH = "each"
    """They are in the folder of each of their labels."""


class ResizeMode(Enum):
    """How an image is resized."""

    FIT = "fit"
    """The whole image, with its longest side at most as long as given. Images are never enlarged."""
    CROP = "crop"
    """The middle of the image, as a square of exactly this side. Small images are enlarged."""


class ImageEncoding(Enum):
    """File format of resized images."""

    JPEG = "jpeg"
    """JPEG."""
    PNG = "png"
    """PNG, without loss."""
    WEBP = "webp"
    """WebP."""


for kind in (UnlabelledAction, MultiLabelAction, ResizeMode, ImageEncoding):
    enumeration(kind)


@output
class ExportResize:
    """How exported images are resized. They are upright, in RGB on white, and without metadata."""

    longest_side: int
    """Longest side in pixels."""

    mode: ResizeMode
    """Whether the image fits into the side or is cropped."""

    format: ImageEncoding
    """File format."""

    quality: int
    """Quality of JPEG and WebP, from 1 to 100."""

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> ExportResize | None:
        """Build it from its stored JSON."""
        if not stored:
            return None
        return cls(
            longest_side=stored["longest_side"],
            mode=ResizeMode(stored.get("mode", "fit")),
            format=ImageEncoding(stored.get("format", "jpeg")),
            quality=stored.get("quality", 90),
        )


@input
class ExportResizeInput:
    """How exported images are resized. They are upright, in RGB on white, and without metadata."""

    longest_side: int
    """Longest side in pixels, from 16 to 8,192."""

    mode: ResizeMode | None = None
    """Whether the image fits into the side or is cropped. Default FIT."""

    format: ImageEncoding | None = None
    """File format. Default JPEG."""

    quality: int | None = None
    """Quality of JPEG and WebP, from 1 to 100. Default 90."""


@output
class ExportOptions:
    """Options of an image export. Null means the default of the format."""

    include_metadata: bool | None
    """Whether a metadata file is included."""

    compress: bool | None
    """Whether the package is compressed."""

    delimiter: str | None
    """Column delimiter of the CSV file."""

    include_urls: bool | None
    """Whether the source URLs of the images are included."""

    only_valid: bool | None
    """Whether images that failed the last validation are omitted."""

    shard_size: int | None
    """Maximum number of images per file, for WEBDATASET and PARQUET."""

    resize: ExportResize | None
    """How images are resized. Null if they are exported as they are stored."""

    unlabelled: UnlabelledAction | None
    """What happens to images without a label, for CLASS_FOLDERS and YOLO."""

    multi_label: MultiLabelAction | None
    """What happens to images with several labels, for CLASS_FOLDERS and YOLO."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ExportOptions:
        """Build it from its stored JSON."""
        values = {name: stored.get(name) for name in cls.__annotations__}
        for name, kind in (("unlabelled", UnlabelledAction), ("multi_label", MultiLabelAction)):
            values[name] = kind(values[name]) if values[name] else None
        return cls(**values | {"resize": ExportResize.of(values["resize"])})


@input
class ExportOptionsInput:
    """Options of an image export. Options that do not apply to the format are rejected."""

    include_metadata: bool | None = None
    """ZIP, TAR, TAR_GZ: whether a metadata file is included. Default true."""

    compress: bool | None = None
    """ZIP, IMAGEFOLDER, COCO: whether images are compressed. Default false."""

    delimiter: str | None = None
    """CSV: column delimiter, one of `,`, `;`, tab and `|`. Default `,`."""

    include_urls: bool | None = None
    """Whether the source URLs of the images are included. Default true."""

    only_valid: bool | None = None
    """Exports of crawls: whether images that failed the last validation are omitted. Default true. Images
    that were never validated are included. Images in quarantine or rejected by a person are always
    omitted.
    """

    shard_size: int | None = None
    """WEBDATASET, PARQUET: maximum number of images per file. Default 5,000."""

    resize: ExportResizeInput | None = None
    """Formats with images: how images are resized. Default as they are stored."""

    unlabelled: UnlabelledAction | None = None
    """CLASS_FOLDERS, YOLO: what happens to images without a label. Required if there are any."""

    multi_label: MultiLabelAction | None = None
    """CLASS_FOLDERS, YOLO: what happens to images with several labels. Required if there are any."""

    def values(self) -> dict[str, Any]:
        """The options by name, as they are stored."""
        options = {name: stored_value(value) for name, value in vars(self).items()}
        if self.resize is not None:
            options["resize"] = {name: stored_value(value) for name, value in vars(self.resize).items()}
        return options


def stored_value(value: Any) -> Any:
    """A value as JSON stores it."""
    return value.value if isinstance(value, Enum) else value


@output
class ExportFile:
    """A file of an image export."""

    name: str
    """Filename of the download."""

    file_size: BigInt
    """Size in bytes."""

    image_count: int
    """Number of images in the file. 0 for the dataset card."""

    download_url: str | None
    """Signed, expiring URL of the file. Null once the export has expired."""


@node(models.ExportJob)
class ExportJob(Job):
    """An export of the images of a crawl, or of a data set version, as a downloadable package.

    The same images, options and name give the same bytes.
    """

    id: relay.NodeID[UUID]

    crawl_job: CrawlJobRef | None = relation(models.ExportJob.crawl_job)
    """Crawl whose images are exported. Null for a data set version."""

    dataset_version: DatasetVersionRef | None = relation(models.ExportJob.dataset_version)
    """Data set version that is exported. Null for a crawl."""

    user: UserRef | None = relation(models.ExportJob.user)
    """User who requested it."""

    name: str
    """Name of the export."""

    format: ExportFormat
    """Format of the package."""

    total_images: int
    """Number of images to export."""

    exported_images: int
    """Number of images exported so far."""

    file_size: BigInt | None
    """Size of the download in bytes."""

    export_options: ExportOptions = derived_field(
        lambda job: ExportOptions.of(job.export_options), needs=("export_options",)
    )
    """Options of the package."""

    expires_at: datetime | None
    """Time until which the package can be downloaded. Null if it does not expire."""

    updated_at: datetime
    """Time of the last change."""

    @field(needs=("expires_at",))
    def expired(self) -> bool:
        """Whether the package has expired."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    @field(needs=("download_url", "shards", "expires_at", "name", "format"))
    def download_url(self, info: Info) -> str | None:
        """Signed, expiring URL of the package. Null until complete and once expired. Several files are served
        as one TAR archive.
        """
        row: Any = self
        lasting = link_lifetime(row, info)
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
        """Files of the package, the dataset card last. Maximum 1,000."""
        row: Any = self
        lasting = link_lifetime(row, info)
        return [
            ExportFile(
                name=file.name,
                file_size=BigInt(file.size),
                image_count=file.images,
                download_url=None if lasting is None else download_link(info, row.format, file, lasting),
            )
            for file in (PackedFile(**stored) for stored in row.shards)
        ]


def download_link(info: Info, format: ExportFormat, file: PackedFile, lasting: timedelta) -> str:
    """A signed URL of a file of the package."""
    media = PACKAGES[format] if file.images else "text/markdown"
    return info.context.links.download_url(file.key, file.name, media, lasting)


def link_lifetime(export: Any, info: Info) -> timedelta | None:
    """The remaining lifetime of a link to the package, or None once it has expired."""
    links = info.context.links
    if export.expires_at is None:
        return links.ttl
    lasting = export.expires_at - links.clock()
    return min(lasting, links.ttl) if lasting.total_seconds() > 0 else None


@input
class ExportJobCreateInput(IdempotentInput):
    """Input of `exportJobCreate`."""

    crawl_job_id: relay.GlobalID
    """Global ID of the crawl. It must not be in progress."""

    name: str
    """Name of the export and of its file, of at most 100 characters."""

    format: ExportFormat | None = None
    """Format of the package. Default ZIP."""

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
        """Export the images of a crawl with a dataset card as a downloadable package."""
        crawl = key_of(input.crawl_job_id, models.CrawlJob, "input", "crawlJobId")
        values = input_values(input, omit=("crawl_job_id",)) | {
            "format": input.format or ExportFormat.ZIP,
            "options": input.options.values() if input.options else {},
        }
        async with info.context.write() as uow:
            job = await exports.create(uow, info.context.viewer, crawl, **values)
        return ExportJobCreatePayload.of(export_job=job)

    @mutation
    async def export_job_delete(self, info: Info, id: relay.GlobalID) -> ExportJobDeletePayload:
        """Delete an export that is not in progress, with its package."""
        async with info.context.write() as uow:
            await exports.delete(uow, info.context.viewer, key_of(id, models.ExportJob))
        return ExportJobDeletePayload.of(deleted_id=id)
