"""Images of an export: those of a crawl as they are, or those of a data set version as they were frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select

from db.models import DatasetImage, DatasetSplit, ExportJob, Image, ReviewState
from db.uow import UnitOfWork

METADATA_COLUMNS = (
    "id",
    "storage_url",
    "original_url",
    "page_url",
    "width",
    "height",
    "file_size",
    "format",
    "hash",
    "perceptual_hash",
    "licence",
    "attribution",
    "caption",
    "is_valid",
    "is_duplicate",
    "issues",
    "created_at",
)
"""Columns that images of crawls and of versions have."""
UNLABELLED, MULTI_LABEL = "unlabelled", "multi_label"
"""Options that say what happens to images without a label, and with several."""
OMIT = "omit"


@dataclass(frozen=True)
class LabelSummary:
    """All labels in order, and how many images have none, and several."""

    names: tuple[str, ...]
    unlabelled: int
    multiple: int

    @property
    def is_single(self) -> bool:
        """Whether every image has exactly one label."""
        return bool(self.names) and not self.unlabelled and not self.multiple


def crawl_images(crawl_job_id: UUID, options: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    """Conditions for a crawl's images: stored, not quarantined or rejected and, by default, not invalid."""
    conditions = (
        Image.crawl_job_id == crawl_job_id,
        Image.storage_url.is_not(None),
        Image.quarantined.is_(False),
        Image.review != ReviewState.REJECTED,
    )
    return conditions if options.get("only_valid") is False else (*conditions, Image.is_valid.is_not(False))


def version_images(version_id: UUID, options: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    """Conditions for a version's images; without those that the options omit."""
    conditions: tuple[ColumnElement[bool], ...] = (DatasetImage.version_id == version_id,)
    if options.get(UNLABELLED) == OMIT:
        conditions = (*conditions, label_count() > 0)
    if options.get(MULTI_LABEL) == OMIT:
        conditions = (*conditions, label_count() <= 1)
    return conditions


def label_count() -> ColumnElement[int]:
    """Number of labels of an image of a version."""
    return func.jsonb_array_length(DatasetImage.labels)


def exported_images(export: ExportJob) -> tuple[ColumnElement[bool], ...]:
    """Conditions for the images of an export."""
    if export.dataset_version_id is not None:
        return version_images(export.dataset_version_id, export.export_options)
    assert export.crawl_job_id is not None
    return crawl_images(export.crawl_job_id, export.export_options)


async def count_images(uow: UnitOfWork, export: ExportJob) -> dict[DatasetSplit | None, int]:
    """Number of images by split, in the order of the export. None is the only split of a crawl."""
    if export.dataset_version_id is None:
        counted = select(func.count()).select_from(Image).where(*exported_images(export))
        total = await uow.scalar(counted) or 0
        return {None: total} if total else {}
    by_split = select(DatasetImage.split, func.count().label("total")).where(*exported_images(export))
    counts = {row.split: row.total for row in await uow.all(by_split.group_by(DatasetImage.split))}
    return {split: counts[split] for split in DatasetSplit if split in counts}


async def image_formats(uow: UnitOfWork, export: ExportJob) -> set[str]:
    """Formats of the exported images."""
    entity: Any = Image if export.dataset_version_id is None else DatasetImage
    statement = select(entity.format).where(*exported_images(export)).distinct()
    return {row.format or "" for row in await uow.all(statement)}


async def label_summary(uow: UnitOfWork, export: ExportJob) -> LabelSummary:
    """The labels of the exported images of a version."""
    assert export.dataset_version_id is not None
    return await version_labels(uow, version_images(export.dataset_version_id, export.export_options))


async def version_labels(uow: UnitOfWork, conditions: tuple[ColumnElement[bool], ...]) -> LabelSummary:
    """The labels of the images of versions that meet the conditions."""
    label = func.jsonb_array_elements_text(DatasetImage.labels).label("label")
    names = await uow.all(select(label).where(*conditions).distinct())
    numbers = select(
        func.count().filter(label_count() == 0).label("unlabelled"),
        func.count().filter(label_count() > 1).label("multiple"),
    ).where(*conditions)
    counted = await uow.one(numbers)
    return LabelSummary(tuple(sorted(row.label for row in names)), counted.unlabelled, counted.multiple)


async def list_images(
    uow: UnitOfWork, export: ExportJob, split: DatasetSplit | None, after: str | None, limit: int
) -> Sequence[Any]:
    """The next images of a split. `cursor` is a row's position, from which the next call continues."""
    if export.dataset_version_id is None:
        columns = [getattr(Image, name) for name in METADATA_COLUMNS]
        statement = select(*columns, Image.id.label("cursor"), literal(None).label("split"))
        statement = statement.where(*exported_images(export)).order_by(Image.id)
        return await uow.all(
            (statement if after is None else statement.where(Image.id > UUID(after))).limit(limit)
        )
    columns = [getattr(DatasetImage, name) for name in METADATA_COLUMNS if name != "id"]
    listed = (DatasetImage.id, DatasetImage.split, DatasetImage.labels, DatasetImage.group_number)
    statement = select(*columns, *listed, DatasetImage.position.label("cursor"))
    statement = statement.where(*exported_images(export), DatasetImage.split == split)
    statement = statement.order_by(DatasetImage.position)
    return await uow.all(
        (statement if after is None else statement.where(DatasetImage.position > int(after))).limit(limit)
    )
