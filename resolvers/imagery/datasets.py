"""Data sets of images: create, update and delete them, and which images they select."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, insert, literal, select
from sqlalchemy.orm import aliased

from core.errors import Invalid
from db.arrays import any_id, any_text
from db.models import CrawlJob, Dataset, DatasetSplit, Image, ImageLabel, ReviewState
from db.uow import UnitOfWork
from resolvers import access, activity_log, projects, validators
from resolvers.access import Viewer
from resolvers.imagery.image_labels import MAX_LABEL_LENGTH
from resolvers.object_removal import remove_datasets_files
from resolvers.rows import update_row

MAX_SEED = 2**31 - 1
FRACTION_TOLERANCE = 1e-6
MAX_SIDE_PIXELS = 100_000
DEFAULT_FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


async def create(uow: UnitOfWork, viewer: Viewer, project_id: UUID, fields: Mapping[str, Any]) -> Dataset:
    """Create a data set in a project."""
    access.require(viewer, "images:create")
    await projects.find_open(uow, viewer, project_id, "input", "projectId")
    values = await _validate(uow, viewer, fields)
    values |= {"project_id": project_id, "created_by_id": viewer.user_id}
    dataset = await uow.one(insert(Dataset).values(values).returning(Dataset))
    await activity_log.record(uow, viewer.user_id, "DATASET_CREATE", "Dataset", dataset.id)
    return dataset


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> Dataset:
    """Update a data set. Its versions stay as they are."""
    access.require(viewer, "images:create")
    dataset = await find_open(uow, viewer, id)
    values = await _validate(uow, viewer, fields)
    return await update_row(uow, viewer, Dataset, dataset, values, "DATASET_UPDATE", fields=fields)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a data set with its versions and their exports; a job deletes the files."""
    access.require(viewer, "images:delete")
    await access.find(uow, viewer, Dataset, id, lock=True)
    await remove_datasets_files(uow, viewer, dataset_id=id)
    await uow.execute(sa.delete(Dataset).where(Dataset.id == id))
    await activity_log.record(uow, viewer.user_id, "DATASET_DELETE", "Dataset", id)


async def find_open(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str) -> Dataset:
    """The locked data set. Raises `Conflict` if its project is archived."""
    dataset = await access.find(uow, viewer, Dataset, id, *path)
    await projects.find_open(uow, viewer, dataset.project_id, *(path or ("id",)))
    return await access.find(uow, viewer, Dataset, id, *path, lock=True)


def selected_images(project_id: UUID, selection: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """The conditions for images to be selected: not set aside, and as `selection` says."""
    conditions: list[ColumnElement[bool]] = [Image.storage_url.is_not(None), Image.quarantined.is_(False)]
    only_accepted = selection.get("only_accepted")
    reviewed = Image.review == ReviewState.ACCEPTED if only_accepted else Image.review != ReviewState.REJECTED
    conditions.append(reviewed)
    if (crawls := selection.get("crawl_job_ids")) is not None:
        conditions.append(Image.crawl_job_id == any_id([UUID(crawl) for crawl in crawls]))
    else:
        conditions.append(
            Image.crawl_job_id.in_(select(CrawlJob.id).where(CrawlJob.project_id == project_id))
        )
    if selection.get("only_valid") is not False:
        conditions.append(Image.is_valid.is_not(False))
    if (labels := selection.get("labels")) is not None:
        label = aliased(ImageLabel)
        same = label.image_id == Image.id, label.crawl_job_id == Image.crawl_job_id
        named = select(label.id).where(*same, label.name == any_text(labels))
        conditions.append(named.exists())
    if (licences := selection.get("licences")) is not None:
        conditions.append(Image.licence == any_text(licences))
    if (formats := selection.get("formats")) is not None:
        conditions.append(Image.format == any_text(formats))
    if (side := selection.get("min_side")) is not None:
        conditions.append(func.least(Image.width, Image.height) >= side)
    return conditions


async def selected_counts(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Number of images that each data set selects now."""
    rows = await uow.all(
        select(Dataset.id, Dataset.project_id, Dataset.selection).where(Dataset.id == any_id(ids))
    )
    counts = [
        select(literal(row.id, sa.Uuid()).label("id"), func.count().label("total"))
        .select_from(Image)
        .where(*selected_images(row.project_id, row.selection))
        for row in rows
    ]
    return {row.id: row.total for row in await uow.all(sa.union_all(*counts))} if counts else {}


def fractions(stored: Mapping[str, Any]) -> dict[DatasetSplit, float]:
    """The fractions of the splits."""
    return {split: float(stored.get(split.value, 0)) for split in DatasetSplit}


async def _validate(uow: UnitOfWork, viewer: Viewer, fields: Mapping[str, Any]) -> dict[str, Any]:
    values = validators.values(Dataset, fields, "input")
    if "selection" in values:
        values["selection"] = await _validate_selection(uow, viewer, values["selection"] or {})
    if "split_fractions" in values:
        values["split_fractions"] = _validate_fractions(values["split_fractions"] or DEFAULT_FRACTIONS)
    if "seed" in values:
        validators.within(values["seed"], 0, MAX_SEED, "input", "seed")
    return values


async def _validate_selection(
    uow: UnitOfWork, viewer: Viewer, selection: Mapping[str, Any]
) -> dict[str, Any]:
    path = "input", "selection"
    values = {name: value for name, value in selection.items() if value is not None}
    for name in ("crawl_job_ids", "labels", "licences", "formats"):
        if name in values and not values[name]:
            raise Invalid(f"{validators.camel(name)} cannot be empty.", *path, validators.camel(name))
    for place, crawl in enumerate(values.get("crawl_job_ids", ())):
        await access.find(
            uow, viewer, CrawlJob, crawl, *path, "crawlJobIds", str(place), columns=[CrawlJob.id]
        )
    if "crawl_job_ids" in values:
        values["crawl_job_ids"] = list(dict.fromkeys(map(str, values["crawl_job_ids"])))
    for place, licence in enumerate(values.get("licences", ())):
        validators.text(licence, *path, "licences", str(place), limit=2000)
    for place, label in enumerate(values.get("labels", ())):
        validators.name(label, *path, "labels", str(place), limit=MAX_LABEL_LENGTH)
    for place, format in enumerate(values.get("formats", ())):
        validators.name(format, *path, "formats", str(place), limit=10)
    if "min_side" in values:
        validators.within(values["min_side"], 1, MAX_SIDE_PIXELS, *path, "minSide")
    return values


def _validate_fractions(split_fractions: Mapping[str, Any]) -> dict[str, float]:
    path = "input", "splitFractions"
    for name, part in split_fractions.items():
        validators.within(part, 0, 1, *path, name)
    total = sum(split_fractions.values())
    if abs(total - 1) > FRACTION_TOLERANCE:
        raise Invalid(f"The fractions must add up to 1 (got {total:.6g}).", *path)
    return dict(split_fractions)
