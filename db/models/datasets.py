"""Data sets of images: selections over crawls, and their frozen versions."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Count,
    Flag,
    Instant,
    Str100,
    TenantKey,
    TenantModel,
    UpdatedAt,
    enum_column,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)

if TYPE_CHECKING:
    from db.models.identity import User
    from db.models.imagery import ExportJob, Image
    from db.models.projects import Project


class DatasetSplit(Enum):
    """Part of a data set version that an image belongs to."""

    TRAIN = "train"
    """Images to train with."""
    VALIDATION = "validation"
    """Images to choose models and parameters with."""
    TEST = "test"
    """Images to measure the final model with."""


class Dataset(TenantKey, TenantModel):
    """A data set: which images it selects, and how its versions are split.

    `selection` and `split_fractions` are JSON forms of `resolvers.imagery.datasets`. `version_count` is the
    number of its latest version.
    """

    __tablename__ = "datasets"
    __table_args__ = (
        tenant_foreign_key("projects", "project_id"),
        tenant_foreign_key("members", "created_by_id", "SET NULL"),
        tenant_index("created_at", "id"),
        tenant_index("project_id", "created_at", "id"),
        tenant_index("created_by_id"),
    )

    project_id: Mapped[UUID]
    created_by_id: Mapped[UUID | None]
    name: Mapped[Str100]
    description: Mapped[str | None]
    selection: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    split_fractions: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(server_default="0")
    version_count: Mapped[Count]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    project: Mapped[Project] = view_relationship("foreign(Dataset.project_id) == Project.id")
    created_by: Mapped[User | None] = view_relationship("foreign(Dataset.created_by_id) == User.id")
    versions: Mapped[list[DatasetVersion]] = view_relationship(
        "Dataset.id == foreign(DatasetVersion.dataset_id)"
    )


class DatasetVersion(TenantKey, TenantModel):
    """A frozen version of a data set. Its rows and those of its images never change.

    `duplicate_count` are selected images that were left out, as another one has the same content, and
    `moved_count` those whose split differs from that in an earlier version. `splits` are counts by split and
    label. `digest` covers the images and their metadata, in order.
    """

    __tablename__ = "dataset_versions"
    __table_args__ = (
        tenant_foreign_key("datasets", "dataset_id"),
        tenant_foreign_key("members", "created_by_id", "SET NULL"),
        sa.CheckConstraint("number > 0 AND image_count > 0", name="counts"),
        tenant_index("dataset_id", "number", unique=True),
        tenant_index("created_by_id"),
    )

    dataset_id: Mapped[UUID]
    created_by_id: Mapped[UUID | None]
    number: Mapped[int]
    name: Mapped[Str100]
    description: Mapped[str | None]
    note: Mapped[str | None]
    selection: Mapped[dict[str, Any]]
    split_fractions: Mapped[dict[str, Any]]
    seed: Mapped[int]
    image_count: Mapped[int]
    group_count: Mapped[int]
    duplicate_count: Mapped[Count]
    moved_count: Mapped[Count]
    content_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    splits: Mapped[list[Any]]
    digest: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[Instant]

    dataset: Mapped[Dataset] = view_relationship("foreign(DatasetVersion.dataset_id) == Dataset.id")
    created_by: Mapped[User | None] = view_relationship("foreign(DatasetVersion.created_by_id) == User.id")
    images: Mapped[list[DatasetImage]] = view_relationship(
        "DatasetVersion.id == foreign(DatasetImage.version_id)"
    )
    export_jobs: Mapped[list[ExportJob]] = view_relationship(
        "DatasetVersion.id == foreign(ExportJob.dataset_version_id)"
    )


class DatasetImage(TenantKey, TenantModel):
    """An image of a version, with its metadata as it was when the version was frozen.

    `image_id` is null once the image is deleted. The file is kept as long as a version lists it. Images with
    the same `group_number` are near duplicates and have the same split.
    """

    __tablename__ = "dataset_images"
    __table_args__ = (
        tenant_foreign_key("dataset_versions", "version_id"),
        tenant_foreign_key("images", "image_id", "SET NULL"),
        sa.CheckConstraint("position > 0 AND group_number > 0", name="numbers"),
        tenant_index("version_id", "position", unique=True),
        tenant_index("version_id", "split", "position"),
        tenant_index("image_id", "id"),
        tenant_index("hash"),
    )

    version_id: Mapped[UUID]
    image_id: Mapped[UUID | None]
    position: Mapped[int]
    split: Mapped[DatasetSplit] = enum_column(DatasetSplit)
    group_number: Mapped[int]
    labels: Mapped[list[str]]
    storage_url: Mapped[str]
    original_url: Mapped[str]
    page_url: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    file_size: Mapped[int | None]
    format: Mapped[str | None] = mapped_column(sa.String(10))
    hash: Mapped[str | None] = mapped_column(sa.String(64))
    perceptual_hash: Mapped[int | None] = mapped_column(sa.BigInteger)
    licence: Mapped[str | None]
    attribution: Mapped[str | None]
    caption: Mapped[str | None]
    is_valid: Mapped[bool | None]
    is_duplicate: Mapped[Flag]
    issues: Mapped[list[str]] = mapped_column(server_default="[]")
    created_at: Mapped[Instant]

    version: Mapped[DatasetVersion] = view_relationship(
        "foreign(DatasetImage.version_id) == DatasetVersion.id"
    )
    image: Mapped[Image | None] = view_relationship("foreign(DatasetImage.image_id) == Image.id")
