"""Versions of a data set: freezing the images that it selects, with their splits."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, distinct_on

from core.errors import Conflict
from db.arrays import TEXTS, UUIDS, any_id
from db.ids import new_id
from db.models import Dataset, DatasetImage, DatasetSplit, DatasetVersion, Image, ImageLabel
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.imagery import datasets, images
from resolvers.imagery.dataset_splits import SplitAssignment, SplitImage, assign_splits
from resolvers.object_removal import remove_datasets_files

MAX_VERSION_IMAGES = 100_000
INTEGERS = ARRAY(sa.Integer())
SPLIT_ORDER = {split: number for number, split in enumerate(DatasetSplit)}
COPIED_COLUMNS = (
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
"""Columns of images that a version copies."""


async def freeze(uow: UnitOfWork, viewer: Viewer, id: UUID, *, note: str | None) -> DatasetVersion:
    """Freeze the images that a data set selects now as its next version.

    Of images with the same content, the oldest is listed. Their files cannot be removed meanwhile.
    """
    access.require(viewer, "images:create")
    note = None if note is None else validators.text(note, "input", "note", limit=2000)
    dataset = await datasets.find_open(uow, viewer, id)
    await images.lock_image_files(uow)
    selected = await _list_selected(uow, dataset)
    listed = distinct_contents(selected)
    labels = merge_labels(selected, listed, await _labels(uow, dataset))
    splits = await asyncio.to_thread(
        assign_splits,
        [split_image(row, names) for row, names in zip(listed, labels, strict=True)],
        datasets.fractions(dataset.split_fractions),
        dataset.seed,
        await _earlier_splits(uow, dataset),
    )
    version_id = new_id()
    values = {
        "id": version_id,
        "dataset_id": dataset.id,
        "created_by_id": viewer.user_id,
        "number": dataset.version_count + 1,
        "name": dataset.name,
        "description": dataset.description,
        "note": note,
        "selection": dataset.selection,
        "split_fractions": dataset.split_fractions,
        "seed": dataset.seed,
        "image_count": len(listed),
        "group_count": max(splits.groups),
        "duplicate_count": len(selected) - len(listed),
        "moved_count": splits.moved,
        "content_bytes": sum(row.file_size or 0 for row in listed),
        "splits": split_counts(labels, splits),
        "digest": "",
    }
    await uow.execute(insert(DatasetVersion).values(values))
    await _insert_images(uow, version_id, listed, labels, splits)
    digest = sa.update(DatasetVersion).where(DatasetVersion.id == version_id)
    version = await uow.one(digest.values(digest=content_digest(version_id)).returning(DatasetVersion))
    counted = {"version_count": version.number, "updated_at": Dataset.updated_at}
    await uow.execute(sa.update(Dataset).where(Dataset.id == dataset.id).values(counted))
    await activity_log.record(uow, viewer.user_id, "DATASET_FREEZE", "DatasetVersion", version_id)
    return version


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a version with its exports. Its number is not used again."""
    access.require(viewer, "images:delete")
    version = await access.find(uow, viewer, DatasetVersion, id)
    await access.find(uow, viewer, Dataset, version.dataset_id, lock=True)
    await access.find(uow, viewer, DatasetVersion, id, lock=True)
    await remove_datasets_files(uow, viewer, version_id=id)
    await uow.execute(sa.delete(DatasetVersion).where(DatasetVersion.id == id))
    await activity_log.record(uow, viewer.user_id, "DATASET_VERSION_DELETE", "DatasetVersion", id)


async def withdrawn_counts(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """By version, how many of its images were deleted since, and how many are in quarantine now."""
    statement = (
        select(
            DatasetImage.version_id,
            func.count().filter(DatasetImage.image_id.is_(None)).label("deleted"),
            func.count().filter(Image.quarantined).label("quarantined"),
        )
        .outerjoin(Image, Image.id == DatasetImage.image_id)
        .where(DatasetImage.version_id == any_id(ids))
        .group_by(DatasetImage.version_id)
    )
    return {row.version_id: (row.deleted, row.quarantined) for row in await uow.all(statement)}


def distinct_contents(selected: Sequence[Any]) -> list[Any]:
    """The oldest image of each content, by content."""
    by_content: dict[str, Any] = {}
    for row in selected:
        by_content.setdefault(content_key(row), row)
    return [by_content[key] for key in sorted(by_content)]


def content_key(row: Any) -> str:
    """What identifies the content of an image: its hash, or its id if that is unknown."""
    return str(row.hash or row.id)


def split_image(row: Any, labels: tuple[str, ...]) -> SplitImage:
    """What the split of an image depends on."""
    return SplitImage(content_key(row), row.duplicate_group, row.perceptual_hash, labels)


def merge_labels(
    selected: Sequence[Any], listed: Sequence[Any], labels: Mapping[UUID, Sequence[str]]
) -> list[tuple[str, ...]]:
    """The labels of each listed image, in order, with those of images that have the same content."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for row in selected:
        names[content_key(row)].update(labels.get(row.id, ()))
    return [tuple(sorted(names[content_key(row)])) for row in listed]


def split_counts(image_labels: Sequence[tuple[str, ...]], assigned: SplitAssignment) -> list[dict[str, Any]]:
    """Counts of images, groups and labels by split."""
    labels: defaultdict[DatasetSplit, Counter[str]] = defaultdict(Counter)
    groups: defaultdict[DatasetSplit, set[int]] = defaultdict(set)
    counts: Counter[DatasetSplit] = Counter(assigned.splits)
    unlabelled: Counter[DatasetSplit] = Counter()
    for names, split, group in zip(image_labels, assigned.splits, assigned.groups, strict=True):
        groups[split].add(group)
        labels[split].update(names)
        unlabelled[split] += not names
    return [
        {
            "split": split.value,
            "image_count": counts[split],
            "group_count": len(groups[split]),
            "unlabelled_count": unlabelled[split],
            "labels": [
                {"label": label, "image_count": count} for label, count in sorted(labels[split].items())
            ],
        }
        for split in DatasetSplit
    ]


async def _list_selected(uow: UnitOfWork, dataset: Dataset) -> Sequence[Any]:
    columns = Image.id, Image.hash, Image.duplicate_group, Image.perceptual_hash, Image.file_size
    conditions = datasets.selected_images(dataset.project_id, dataset.selection)
    statement = select(*columns).where(*conditions).order_by(Image.id).limit(MAX_VERSION_IMAGES + 1)
    selected = await uow.all(statement)
    if not selected:
        raise Conflict("The data set selects no stored image.", "id")
    if len(selected) > MAX_VERSION_IMAGES:
        message = f"The data set selects more than {MAX_VERSION_IMAGES} images. Narrow its selection."
        raise Conflict(message, "id")
    return selected


async def _labels(uow: UnitOfWork, dataset: Dataset) -> dict[UUID, list[str]]:
    """The labels of the images that the data set selects."""
    conditions = datasets.selected_images(dataset.project_id, dataset.selection)
    names = func.array_agg(aggregate_order_by(ImageLabel.name, ImageLabel.name))
    statement = select(ImageLabel.image_id, sa.type_coerce(names, TEXTS).label("names"))
    statement = statement.join(Image, Image.id == ImageLabel.image_id).where(*conditions)
    return {row.image_id: row.names for row in await uow.all(statement.group_by(ImageLabel.image_id))}


async def _earlier_splits(uow: UnitOfWork, dataset: Dataset) -> dict[str, DatasetSplit]:
    """The latest split of each content in versions with the same seed and fractions."""
    content = func.coalesce(DatasetImage.hash, sa.cast(DatasetImage.image_id, sa.Text))
    statement = (
        select(content.label("key"), DatasetImage.split)
        .join(DatasetVersion, DatasetVersion.id == DatasetImage.version_id)
        .where(
            DatasetVersion.dataset_id == dataset.id,
            DatasetVersion.seed == dataset.seed,
            DatasetVersion.split_fractions == dataset.split_fractions,
            content.is_not(None),
        )
        .ext(distinct_on(content))
        .order_by(content, DatasetVersion.number.desc())
    )
    return {row.key: row.split for row in await uow.all(statement)}


async def _insert_images(
    uow: UnitOfWork,
    version_id: UUID,
    listed: Sequence[Any],
    labels: Sequence[tuple[str, ...]],
    assigned: SplitAssignment,
) -> None:
    """List the images, split by split. Raises `Conflict` if one was deleted meanwhile."""
    order = sorted(range(len(listed)), key=lambda place: SPLIT_ORDER[assigned.splits[place]])
    arrays = (
        literal([new_id() for _ in order], UUIDS),
        literal([listed[place].id for place in order], UUIDS),
        literal(list(range(1, len(order) + 1)), INTEGERS),
        literal([assigned.splits[place].value for place in order], TEXTS),
        literal([assigned.groups[place] for place in order], INTEGERS),
        literal([json.dumps(labels[place]) for place in order], TEXTS),
    )
    names = "id", "image_id", "position", "split", "group_number", "labels"
    item = func.unnest(*arrays).table_valued(*names).render_derived(name="item")
    item_columns = [sa.cast(item.c.labels, JSONB) if name == "labels" else item.c[name] for name in names]
    copied = [getattr(Image, name) for name in COPIED_COLUMNS]
    source = select(literal(version_id, sa.Uuid()), *item_columns, *copied).join_from(
        item, Image, Image.id == item.c.image_id
    )
    targets = ["version_id", *names, *COPIED_COLUMNS]
    inserted = await uow.execute(insert(DatasetImage).from_select(targets, source))
    if inserted.rowcount != len(order):
        raise Conflict("Images were deleted while the version was frozen. Try again.", "id")


def content_digest(version_id: UUID) -> Any:
    """The SHA-256 digest of a version's images and their metadata, in order."""
    columns = (getattr(DatasetImage, name) for name in ("split", "group_number", "labels", *COPIED_COLUMNS))
    omitted = "storage_url", "created_at"
    line = sa.cast(func.jsonb_build_array(*(c for c in columns if c.key not in omitted)), sa.Text)
    lines = func.string_agg(line, aggregate_order_by(literal("\n"), DatasetImage.position))
    text = func.convert_to(lines, "UTF8")
    digest = func.encode(func.sha256(text), "hex")
    return select(digest).where(DatasetImage.version_id == version_id).scalar_subquery()
