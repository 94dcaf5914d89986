"""Data sets of images, and their frozen versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from db.models import DatasetSplit
from resolvers.imagery import dataset_versions, datasets
from schema.framework.context import Info
from schema.framework.decorators import input, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.global_ids import keys_of
from schema.framework.payloads import derived_field, field
from schema.framework.scalars import BigInt
from schema.imagery.exports import ExportJob
from schema.imagery.filters import (
    DatasetImageFilter,
    DatasetImageOrder,
    DatasetVersionOrder,
    ExportJobOrder,
)
from schema.imagery.types import MEDIA_TYPES, Image
from schema.lazy_types import ProjectRef, UserRef


@output
class DatasetSelection:
    """Which images a data set selects. Images without a stored file, in quarantine or
    rejected by a person are never selected.
    """

    crawl_job_ids: list[relay.GlobalID] | None
    """Global IDs of the crawls, of any project. Null means all crawls of the project. Maximum 100."""

    only_valid: bool
    """Whether images that failed the last validation are left out."""

    labels: list[str] | None
    """Labels of which images have at least one. Null means any or none. Maximum 100."""

    only_accepted: bool
    """Whether only images that a person accepted are selected. Rejected images never are."""

    licences: list[str] | None
    """Licences of the images. Null means any. Maximum 100."""

    formats: list[str] | None
    """Formats of the images, such as `jpg`. Null means any. Maximum 100."""

    min_side: int | None
    """Minimum width and height in pixels."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> DatasetSelection:
        """Build it from its stored JSON."""
        crawls = stored.get("crawl_job_ids")
        return cls(
            crawl_job_ids=None if crawls is None else [relay.GlobalID("CrawlJob", crawl) for crawl in crawls],
            only_valid=stored.get("only_valid") is not False,
            labels=stored.get("labels"),
            only_accepted=bool(stored.get("only_accepted")),
            licences=stored.get("licences"),
            formats=stored.get("formats"),
            min_side=stored.get("min_side"),
        )


@input
class DatasetSelectionInput:
    """Which images a data set selects. An image is selected if it meets all conditions that are given."""

    crawl_job_ids: list[relay.GlobalID] | None = None
    """Global IDs of crawls of any project. Default all crawls of the data set's project. Maximum 100."""

    only_valid: bool | None = None
    """Whether images that failed the last validation are left out. Default true. Images that were never
    validated are selected.
    """

    labels: list[str] | None = None
    """Labels of which images have at least one. Default any or none. Maximum 100."""

    only_accepted: bool | None = None
    """Whether only images that a person accepted are selected. Default false. Rejected images never are."""

    licences: list[str] | None = None
    """Licences, exactly as the images have them. Default any. Maximum 100."""

    formats: list[str] | None = None
    """Formats, such as `jpg`. Default any. Maximum 100."""

    min_side: int | None = None
    """Minimum width and height in pixels."""

    def values(self) -> dict[str, Any]:
        """The conditions by name, with keys instead of global IDs."""
        values = dict(vars(self))
        if self.crawl_job_ids is not None:
            path = "input", "selection", "crawlJobIds"
            values["crawl_job_ids"] = keys_of(self.crawl_job_ids, models.CrawlJob, *path)
        return values


@output
class SplitFractions:
    """Fractions of the images in each split."""

    train: float
    """Fraction of images to train with."""

    validation: float
    """Fraction of images to choose models and parameters with."""

    test: float
    """Fraction of images to measure the final model with."""


@input
class SplitFractionsInput:
    """Fractions of the images in each split. They add up to 1."""

    train: float = 0.8
    """Fraction of images to train with."""

    validation: float = 0.1
    """Fraction of images to choose models and parameters with."""

    test: float = 0.1
    """Fraction of images to measure the final model with."""


@output
class LabelCount:
    """Number of images with a label."""

    label: str
    """The label."""

    image_count: int
    """Number of images that have it."""


@output
class DatasetSplitCount:
    """Numbers of images in a split of a data set version."""

    split: DatasetSplit
    """The split."""

    image_count: int
    """Number of images."""

    group_count: int
    """Number of groups of near duplicates, single images included."""

    unlabelled_count: int
    """Number of images without a label."""

    labels: list[LabelCount]
    """Number of images by label. An image with several labels counts for each. Not paginated."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> DatasetSplitCount:
        """Build it from its stored JSON."""
        values = {**stored, "split": DatasetSplit(stored["split"])}
        return cls(**values | {"labels": [LabelCount(**label) for label in stored["labels"]]})


@node(models.Dataset)
class Dataset(relay.Node):
    """A data set of images from one or more crawls. Its versions are frozen with `datasetFreeze`."""

    id: relay.NodeID[UUID]

    project: ProjectRef | None = relation(models.Dataset.project)
    """Project of the data set."""

    created_by: UserRef | None = relation(models.Dataset.created_by)
    """User who created it. Null if not visible to the viewer."""

    name: str
    """Name of the data set."""

    description: str | None
    """Description, for the dataset card."""

    selection: DatasetSelection = derived_field(
        lambda dataset: DatasetSelection.of(dataset.selection), needs=("selection",)
    )
    """Which images the next version lists."""

    split_fractions: SplitFractions = derived_field(
        lambda dataset: SplitFractions(**dataset.split_fractions), needs=("split_fractions",)
    )
    """Fractions of the splits in the next version."""

    seed: int
    """Seed of the splits."""

    version_count: int
    """Number of the latest version. 0 before the first."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    versions: Connection[DatasetVersion] = connection(models.Dataset.versions, orders=DatasetVersionOrder)
    """Frozen versions, newest first."""

    @field(needs=("id",))
    async def selected_image_count(self, info: Info) -> int:
        """Number of images that the data set selects now, including images with the same content."""
        row: Any = self
        return await info.context.loaders.by(datasets.selected_counts, models.Dataset).load(row.id) or 0


@node(models.DatasetVersion)
class DatasetVersion(relay.Node):
    """A frozen version of a data set: a fixed list of images with their metadata.

    Nothing changes it but its deletion. The files of its images are kept as long as it exists, even if the
    images are deleted.
    """

    id: relay.NodeID[UUID]

    dataset: Dataset | None = relation(models.DatasetVersion.dataset)
    """Data set of the version."""

    created_by: UserRef | None = relation(models.DatasetVersion.created_by)
    """User who froze it. Null if not visible to the viewer."""

    number: int
    """Number of the version in the data set, from 1."""

    name: str
    """Name of the data set when the version was frozen."""

    description: str | None
    """Description of the data set when the version was frozen."""

    note: str | None
    """Note on the version."""

    selection: DatasetSelection = derived_field(
        lambda version: DatasetSelection.of(version.selection), needs=("selection",)
    )
    """Which images were selected."""

    split_fractions: SplitFractions = derived_field(
        lambda version: SplitFractions(**version.split_fractions), needs=("split_fractions",)
    )
    """Fractions of the splits that were asked for."""

    seed: int
    """Seed of the splits."""

    image_count: int
    """Number of images."""

    group_count: int
    """Number of groups of near duplicates, single images included. A group is never split."""

    duplicate_count: int
    """Number of selected images that are not listed, because an older image has the same content."""

    moved_count: int
    """Number of images whose split differs from that in an earlier version with the same seed and fractions,
    because they turned out to be near duplicates of images with another split.
    """

    content_bytes: BigInt
    """Total size of the image files in bytes."""

    splits: list[DatasetSplitCount] = derived_field(
        lambda version: [DatasetSplitCount.of(split) for split in version.splits], needs=("splits",)
    )
    """Numbers of images by split and label. Three items."""

    digest: str
    """SHA-256 digest of the content hashes, splits, labels and other metadata of all images, in order. Equal
    digests mean equal content.
    """

    created_at: datetime
    """Time at which it was frozen."""

    images: Connection[DatasetImage] = connection(
        models.DatasetVersion.images, orders=DatasetImageOrder, filter=DatasetImageFilter
    )
    """Images of the version, by split and then by content hash."""

    export_jobs: Connection[ExportJob] = connection(models.DatasetVersion.export_jobs, orders=ExportJobOrder)
    """Exports of the version, newest first."""

    @field(needs=("id",))
    async def deleted_image_count(self, info: Info) -> int:
        """Number of listed images that were deleted since. The version and its exports still contain them."""
        row: Any = self
        counts = info.context.loaders.by(dataset_versions.withdrawn_counts, models.DatasetVersion)
        return (await counts.load(row.id) or (0, 0))[0]

    @field(needs=("id",))
    async def quarantined_image_count(self, info: Info) -> int:
        """Number of listed images in quarantine now. The version and its exports still contain them."""
        row: Any = self
        counts = info.context.loaders.by(dataset_versions.withdrawn_counts, models.DatasetVersion)
        return (await counts.load(row.id) or (0, 0))[1]


@node(models.DatasetImage)
class DatasetImage(relay.Node):
    """An image of a data set version, with its metadata as it was when the version was frozen."""

    id: relay.NodeID[UUID]

    version: DatasetVersion | None = relation(models.DatasetImage.version)
    """Version that lists the image."""

    image: Image | None = relation(models.DatasetImage.image)
    """The image of the crawl as it is now. Null once it is deleted."""

    position: int
    """Position in the version, from 1."""

    split: DatasetSplit
    """Split of the image."""

    group_number: int
    """Number of its group of near duplicates in the version, from 1."""

    labels: list[str]
    """Labels of the image. Not paginated."""

    original_url: str
    """Source URL of the image."""

    page_url: str | None
    """URL of the page that contains the image, if the source provides it."""

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

    licence: str | None
    """Name or URL of the license, if the source provides it."""

    attribution: str | None
    """Attribution, if the source provides it."""

    caption: str | None
    """Caption of the image."""

    @field(needs=("storage_url", "format", "position"))
    def file_url(self, info: Info) -> str:
        """Signed, expiring URL of the image."""
        row: Any = self
        kind = (row.format or "bin").lower()
        mime_type = MEDIA_TYPES.get(kind, f"image/{kind}") if row.format else "application/octet-stream"
        return info.context.links.download_url(row.storage_url, f"{row.position:06d}.{kind}", mime_type)
