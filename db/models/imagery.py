"""Image data sets: crawls, images, validation and exports."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from db.base import (
    Count,
    Flag,
    Instant,
    PlatformModel,
    Str20,
    Str50,
    Str100,
    Str255,
    TenantKey,
    TenantModel,
    enum_column,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)
from db.models.jobs import JobRow

if TYPE_CHECKING:
    from db.models.datasets import DatasetImage, DatasetVersion
    from db.models.identity import User
    from db.models.projects import Project
    from db.models.validation_findings import ValidationFinding


class ExportFormat(Enum):
    """Format of an image export."""

    ZIP = "zip"
    """ZIP archive of the images."""
    TAR = "tar"
    """TAR archive of the images."""
    TAR_GZ = "tar.gz"
    """Gzip-compressed TAR archive of the images."""
    CSV = "csv"
    """CSV file of the metadata, without the images."""
    JSON = "json"
    """JSON file of the metadata, without the images."""
    IMAGEFOLDER = "imagefolder"
    """ImageFolder dataset for Hugging Face Datasets."""
    COCO = "coco"
    """COCO dataset."""
    WEBDATASET = "webdataset"
    """WebDataset shards."""
    PARQUET = "parquet"
    """Parquet files that hold images and metadata."""
    CLASS_FOLDERS = "class_folders"
    """ZIP archive with a folder of images for each label, below one for each split."""
    YOLO = "yolo"
    """ZIP archive for YOLO classification: class folders below `train`, `val` and `test`."""
    JSONL = "jsonl"
    """JSON lines of the metadata, without the images."""


class CrawlJob(JobRow):
    """A crawl for images, split into chunks. Counters are updated under the row's lock.

    `sources` are JSON objects; `sequence` is the number of its latest image.
    """

    __tablename__ = "crawl_jobs"

    project_id: Mapped[UUID]
    name: Mapped[Str100]
    keywords: Mapped[list[str]]
    sources: Mapped[list[Any]] = mapped_column(server_default="[]")
    sequence: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    total_images: Mapped[Count]
    downloaded_images: Mapped[Count]
    valid_images: Mapped[Count]
    total_chunks: Mapped[Count]
    active_chunks: Mapped[Count]
    completed_chunks: Mapped[Count]
    failed_chunks: Mapped[Count]
    max_images: Mapped[int] = mapped_column(server_default="1000")
    task_ids: Mapped[list[str]] = mapped_column(server_default="[]")

    project: Mapped[Project] = view_relationship("foreign(CrawlJob.project_id) == Project.id")
    requested_by: Mapped[User | None] = view_relationship("foreign(CrawlJob.requested_by_id) == User.id")
    images: Mapped[list[Image]] = view_relationship("CrawlJob.id == foreign(Image.crawl_job_id)")
    candidates: Mapped[list[CrawlCandidate]] = view_relationship(
        "CrawlJob.id == foreign(CrawlCandidate.crawl_job_id)"
    )
    validation_jobs: Mapped[list[ValidationJob]] = view_relationship(
        "CrawlJob.id == foreign(ValidationJob.crawl_job_id)"
    )
    export_jobs: Mapped[list[ExportJob]] = view_relationship("CrawlJob.id == foreign(ExportJob.crawl_job_id)")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *JobRow.__table_args__,
            tenant_foreign_key("projects", "project_id"),
            sa.CheckConstraint("max_images BETWEEN 1 AND 100000", name="max_images"),
            sa.CheckConstraint("jsonb_array_length(keywords) BETWEEN 1 AND 50", name="keywords"),
            sa.CheckConstraint(
                "0 <= valid_images AND valid_images <= downloaded_images "
                "AND downloaded_images <= total_images",
                name="images",
            ),
            sa.CheckConstraint(
                "active_chunks >= 0 AND completed_chunks >= 0 AND failed_chunks >= 0 "
                "AND active_chunks + completed_chunks + failed_chunks <= total_chunks",
                name="chunks",
            ),
            tenant_index("project_id", "created_at", "id"),
            tenant_index("project_id", "status", "created_at", "id"),
        )


class ReviewState(Enum):
    """What people think of an image."""

    PENDING = "pending"
    """Nobody has reviewed the image."""
    ACCEPTED = "accepted"
    """A person accepts the image."""
    REJECTED = "rejected"
    """A person rejects the image."""


def best_indexes() -> tuple[sa.Index, ...]:
    """Indexes of the best images of groups of near duplicates."""
    condition = sa.text("duplicate_group = id")
    lists = ("company_id", "id"), ("company_id", "crawl_job_id", "id")
    return tuple(
        sa.Index("_".join(("ix_images_best", *columns)), *columns, postgresql_where=condition)
        for columns in lists
    )


class Image(TenantKey, TenantModel):
    """An image of a crawl; its content is unique in the crawl.

    Files are stored by content, once per company, and may be shared with other images. `sequence` numbers
    the crawl's images in the order in which they become visible. `url_key` is a digest of `original_url`;
    `etag` and `last_modified` are from its server's response. `source` is the kind of the crawl's source.
    A `quarantined` image is set aside, for a code of an issue or by a person. Rules leave those that a person
    has `restored`. `duplicate_group` is the id of the group's best image.
    """

    __tablename__ = "images"
    __table_args__ = (
        tenant_foreign_key("crawl_jobs", "crawl_job_id"),
        sa.CheckConstraint("width > 0 AND height > 0 AND file_size >= 0", name="measures"),
        tenant_index("crawl_job_id", "id"),
        tenant_index("crawl_job_id", "is_valid", "id"),
        tenant_index("crawl_job_id", "sequence", "id"),
        tenant_index("crawl_job_id", "hash", unique=True, where="hash IS NOT NULL"),
        tenant_index("duplicate_group", "id", where="duplicate_group IS NOT NULL"),
        tenant_index("crawl_job_id", "duplicate_group", "id", where="duplicate_group IS NOT NULL"),
        tenant_index("is_valid", "id"),
        *best_indexes(),
        tenant_index("review", "id"),
        tenant_index("quarantined", "id"),
        tenant_index("crawl_job_id", "review", "id"),
        tenant_index("crawl_job_id", "quarantined", "id"),
        tenant_index("hash"),
        tenant_index("url_key", "id"),
    )

    crawl_job_id: Mapped[UUID]
    original_url: Mapped[str]
    filename: Mapped[Str255]
    storage_url: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    file_size: Mapped[int | None]
    format: Mapped[str | None] = mapped_column(sa.String(10))
    hash: Mapped[str | None] = mapped_column(sa.String(64))
    perceptual_hash: Mapped[int | None] = mapped_column(sa.BigInteger)
    duplicate_group: Mapped[UUID | None]
    thumbnail_key: Mapped[str | None]
    page_url: Mapped[str | None]
    licence: Mapped[str | None]
    attribution: Mapped[str | None]
    caption: Mapped[str | None]
    keyword: Mapped[str | None]
    source: Mapped[Str20 | None]
    review: Mapped[ReviewState] = enum_column(ReviewState, ReviewState.PENDING)
    note: Mapped[str | None]
    url_key: Mapped[UUID | None]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    sequence: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    is_valid: Mapped[bool | None]
    is_duplicate: Mapped[Flag]
    issues: Mapped[list[str]] = mapped_column(server_default="[]")
    quarantined: Mapped[Flag]
    quarantine_reason: Mapped[Str50 | None]
    quarantined_at: Mapped[datetime | None]
    restored: Mapped[Flag]
    created_at: Mapped[Instant]

    crawl_job: Mapped[CrawlJob] = view_relationship("foreign(Image.crawl_job_id) == CrawlJob.id")
    duplicates: Mapped[list[Image]] = view_relationship("Image.id == foreign(remote(Image.duplicate_group))")
    dataset_images: Mapped[list[DatasetImage]] = view_relationship(
        "Image.id == foreign(DatasetImage.image_id)"
    )


class ValidationJob(JobRow):
    """A validation of a crawl's images. `validated_images` counts those validated so far.

    A `preview` changes no image.
    """

    __tablename__ = "validation_jobs"

    crawl_job_id: Mapped[UUID]
    name: Mapped[Str100]
    total_images: Mapped[Count]
    validated_images: Mapped[Count]
    invalid_images: Mapped[Count]
    validation_rules: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    preview: Mapped[Flag]

    crawl_job: Mapped[CrawlJob] = view_relationship("foreign(ValidationJob.crawl_job_id) == CrawlJob.id")
    requested_by: Mapped[User | None] = view_relationship("foreign(ValidationJob.requested_by_id) == User.id")
    findings: Mapped[list[ValidationFinding]] = view_relationship(
        "ValidationJob.id == foreign(ValidationFinding.validation_job_id)"
    )

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *JobRow.__table_args__,
            tenant_foreign_key("crawl_jobs", "crawl_job_id"),
            sa.CheckConstraint(
                "0 <= invalid_images AND invalid_images <= validated_images "
                "AND validated_images <= total_images",
                name="images",
            ),
            tenant_index("crawl_job_id", "created_at", "id"),
            tenant_index("crawl_job_id", "status", "created_at", "id"),
        )


class ExportJob(JobRow):
    """An export of the images of a crawl, or of a data set version."""

    __tablename__ = "export_jobs"

    crawl_job_id: Mapped[UUID | None]
    dataset_version_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    name: Mapped[Str100]
    format: Mapped[ExportFormat] = enum_column(ExportFormat, ExportFormat.ZIP)
    total_images: Mapped[Count]
    exported_images: Mapped[Count]
    file_size: Mapped[int | None] = mapped_column(sa.BigInteger)
    download_url: Mapped[str | None]
    export_options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    shards: Mapped[list[Any]] = mapped_column(server_default="[]")
    expires_at: Mapped[datetime | None]

    crawl_job: Mapped[CrawlJob | None] = view_relationship("foreign(ExportJob.crawl_job_id) == CrawlJob.id")
    dataset_version: Mapped[DatasetVersion | None] = view_relationship(
        "foreign(ExportJob.dataset_version_id) == DatasetVersion.id"
    )
    user: Mapped[User | None] = view_relationship("foreign(ExportJob.user_id) == User.id")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *JobRow.__table_args__,
            tenant_foreign_key("crawl_jobs", "crawl_job_id"),
            tenant_foreign_key("dataset_versions", "dataset_version_id"),
            tenant_foreign_key("members", "user_id"),
            sa.CheckConstraint("num_nonnulls(crawl_job_id, dataset_version_id) = 1", name="subject"),
            sa.CheckConstraint(
                "0 <= exported_images AND exported_images <= total_images AND file_size >= 0", name="images"
            ),
            tenant_index("crawl_job_id", "created_at", "id"),
            tenant_index("crawl_job_id", "user_id", "created_at", "id"),
            tenant_index("dataset_version_id", "created_at", "id"),
            tenant_index("crawl_job_id", "status", "created_at", "id"),
            tenant_index("user_id", "created_at", "id"),
            tenant_index("user_id", "status", "created_at", "id"),
        )


class CrawlChunk(JobRow):
    """A part of a crawl with the given `number`: at most `share` images of the query `wanted`."""

    __tablename__ = "crawl_chunks"

    crawl_job_id: Mapped[UUID]
    number: Mapped[int]
    share: Mapped[int]
    wanted: Mapped[dict[str, Any]]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *JobRow.__table_args__,
            tenant_foreign_key("crawl_jobs", "crawl_job_id"),
            sa.CheckConstraint("share BETWEEN 1 AND 500", name="share"),
            tenant_index("crawl_job_id", "number", unique=True),
            tenant_index("crawl_job_id", "status"),
            tenant_index("number", "id", where="status = 'pending'"),
        )


class CandidateState(Enum):
    """What became of an address that a crawl has seen."""

    WAITING = "found"
    """The address is still to be requested, for the first time or again."""
    STORED = "stored"
    """Its image is stored."""
    DUPLICATE = "duplicate"
    """It has the same content as another image of the crawl."""
    REFUSED = "refused"
    """It gave no image; the code says why."""
    BOUNDED = "left"
    """It lies beyond a limit of the crawl; the code names the limit."""


class CandidateKind(Enum):
    """What a crawl expects at an address."""

    IMAGE = "image"
    """An image."""
    PAGE = "page"
    """A page, sitemap, feed or style sheet that was not read."""


class CrawlCandidate(TenantKey, TenantModel):
    """An address that a crawl has seen, once per crawl; `url_key` is a digest of it.

    `code` and `message` say why it was refused, is beyond a limit, or waits for another attempt at
    `retry_at`; after `retry_until` it is refused. `image_id` is its image, or that which it equals.
    """

    __tablename__ = "crawl_candidates"
    __table_args__ = (
        tenant_foreign_key("crawl_jobs", "crawl_job_id"),
        tenant_foreign_key("crawl_chunks", "chunk_id"),
        tenant_foreign_key("images", "image_id", "SET NULL"),
        sa.CheckConstraint(
            "CASE WHEN state IN ('refused', 'left') THEN code IS NOT NULL "
            "WHEN state IN ('stored', 'duplicate') THEN code IS NULL ELSE true END",
            name="outcome",
        ),
        tenant_index("crawl_job_id", "url_key", unique=True),
        tenant_index("crawl_job_id", "id"),
        tenant_index("crawl_job_id", "state", "id"),
        tenant_index("crawl_job_id", "code", "id", where="code IS NOT NULL"),
        tenant_index("state", "id"),
        tenant_index("code", "id", where="code IS NOT NULL"),
        tenant_index("chunk_id", "id", where="state = 'found'"),
        tenant_index("image_id", where="image_id IS NOT NULL"),
    )

    crawl_job_id: Mapped[UUID]
    chunk_id: Mapped[UUID]
    url: Mapped[str]
    url_key: Mapped[UUID]
    page_url: Mapped[str | None]
    licence: Mapped[str | None]
    attribution: Mapped[str | None]
    caption: Mapped[str | None]
    kind: Mapped[CandidateKind] = enum_column(CandidateKind, CandidateKind.IMAGE)
    state: Mapped[CandidateState] = enum_column(CandidateState, CandidateState.WAITING)
    code: Mapped[Str50 | None]
    message: Mapped[str | None]
    image_id: Mapped[UUID | None]
    attempts: Mapped[Count]
    retry_at: Mapped[datetime | None]
    retry_until: Mapped[datetime | None]

    crawl_job: Mapped[CrawlJob] = view_relationship("foreign(CrawlCandidate.crawl_job_id) == CrawlJob.id")
    image: Mapped[Image | None] = view_relationship("foreign(CrawlCandidate.image_id) == Image.id")


class HostTurn(PlatformModel):
    """The time of the next request to a host (`name:port`), across all workers."""

    __tablename__ = "host_turns"

    host: Mapped[str] = mapped_column(primary_key=True)
    free_at: Mapped[datetime]
