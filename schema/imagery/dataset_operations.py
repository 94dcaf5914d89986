"""Data sets: creating, changing, freezing and exporting them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import strawberry
from strawberry import relay

from db import models
from db.models import ExportFormat
from resolvers import access
from resolvers.imagery import dataset_versions, datasets, exports
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    input_changes,
    input_values,
    mutation,
)
from schema.imagery.datasets import (
    Dataset,
    DatasetImage,
    DatasetSelectionInput,
    DatasetVersion,
    SplitFractionsInput,
)
from schema.imagery.exports import ExportJob, ExportOptionsInput
from schema.imagery.filters import DatasetOrder


@input
class DatasetCreateInput(IdempotentInput):
    """Input of `datasetCreate`."""

    project_id: relay.GlobalID
    """Global ID of the project."""

    name: str
    """Name of at most 100 characters."""

    description: str | None = None
    """Description, for the dataset card."""

    selection: DatasetSelectionInput | None = None
    """Which images the data set selects. Default all valid images of the project's crawls."""

    split_fractions: SplitFractionsInput | None = None
    """Fractions of the splits. Default 0.8, 0.1 and 0.1."""

    seed: int = 0
    """Seed of the splits, from 0 to 2,147,483,647."""


@input
class DatasetUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value. Versions stay as they are."""

    name: strawberry.Maybe[str]
    """Name of at most 100 characters."""

    description: strawberry.Maybe[str | None]
    """Description, for the dataset card."""

    selection: strawberry.Maybe[DatasetSelectionInput]
    """Which images the data set selects. Replaces all conditions."""

    split_fractions: strawberry.Maybe[SplitFractionsInput]
    """Fractions of the splits. The next version assigns all images anew."""

    seed: strawberry.Maybe[int]
    """Seed of the splits. The next version assigns all images anew."""


@input
class DatasetFreezeInput(IdempotentInput):
    """Input of `datasetFreeze`."""

    note: str | None = None
    """Note on the version, of at most 2,000 characters."""


@input
class DatasetVersionExportInput(IdempotentInput):
    """Input of `datasetVersionExport`."""

    name: str
    """Name of the export and of its file, of at most 100 characters."""

    format: ExportFormat | None = None
    """Format of the package. Default PARQUET."""

    options: ExportOptionsInput | None = None
    """Options of the package."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class DatasetVersionExportPayload(Payload):
    export_job: ExportJob | None = None
    """The new export."""


@output
class DatasetCreatePayload(Payload):
    dataset: Dataset | None = None
    """The new data set."""


@output
class DatasetUpdatePayload(Payload):
    dataset: Dataset | None = None
    """The updated data set."""


@output
class DatasetDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class DatasetFreezePayload(Payload):
    dataset_version: DatasetVersion | None = None
    """The new version."""


@output
class DatasetVersionDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class DatasetQueries:
    dataset: Dataset | None = lookup(models.Dataset, "Looks up a data set by ID.")
    dataset_version: DatasetVersion | None = lookup(
        models.DatasetVersion, "Looks up a version of a data set by ID."
    )
    dataset_image: DatasetImage | None = lookup(
        models.DatasetImage, "Looks up an image of a data set version by ID."
    )

    datasets: Connection[Dataset] = connection(models.Dataset, orders=DatasetOrder)
    """Lists the image data sets of the company, newest first."""


@output
class DatasetMutations:
    @mutation(idempotent=True)
    async def dataset_create(self, info: Info, input: DatasetCreateInput) -> DatasetCreatePayload:
        """Create an image data set over crawls."""
        project = key_of(input.project_id, models.Project, "input", "projectId")
        values = _stored_values(input_values(input, omit=("project_id",)))
        async with info.context.write() as uow:
            dataset = await datasets.create(uow, info.context.viewer, project, values)
        return DatasetCreatePayload.of(dataset=dataset)

    @mutation
    async def dataset_update(
        self, info: Info, id: relay.GlobalID, input: DatasetUpdateInput
    ) -> DatasetUpdatePayload:
        """Update a data set. Versions that are frozen stay as they are."""
        key, values = key_of(id, models.Dataset), _stored_values(input_changes(input))
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.Dataset, key, input.expected_updated_at
            )
            dataset = await datasets.update(uow, info.context.viewer, key, values)
        return DatasetUpdatePayload.of(dataset=dataset)

    @mutation
    async def dataset_delete(self, info: Info, id: relay.GlobalID) -> DatasetDeletePayload:
        """Delete a data set with its versions and their exports. The crawls and their images stay."""
        async with info.context.write() as uow:
            await datasets.delete(uow, info.context.viewer, key_of(id, models.Dataset))
        return DatasetDeletePayload.of(deleted_id=id)

    @mutation(idempotent=True)
    async def dataset_freeze(
        self, info: Info, id: relay.GlobalID, input: DatasetFreezeInput | None = None
    ) -> DatasetFreezePayload:
        """Freeze the images that a data set selects now as its next version, and split them.

        Near duplicates and images with the same content have the same split, also across crawls. Images keep
        the split of earlier versions with the same seed and fractions.
        """
        note = input.note if input else None
        async with info.context.write() as uow:
            version = await dataset_versions.freeze(
                uow, info.context.viewer, key_of(id, models.Dataset), note=note
            )
        return DatasetFreezePayload.of(dataset_version=version)

    @mutation(idempotent=True)
    async def dataset_version_export(
        self, info: Info, id: relay.GlobalID, input: DatasetVersionExportInput
    ) -> DatasetVersionExportPayload:
        """Export a version of a data set with a dataset card as a downloadable package."""
        values = input_values(input) | {
            "format": input.format or ExportFormat.PARQUET,
            "options": input.options.values() if input.options else {},
        }
        key = key_of(id, models.DatasetVersion)
        async with info.context.write() as uow:
            job = await exports.create_of_version(uow, info.context.viewer, key, **values)
        return DatasetVersionExportPayload.of(export_job=job)

    @mutation
    async def dataset_version_delete(self, info: Info, id: relay.GlobalID) -> DatasetVersionDeletePayload:
        """Delete a version of a data set with its exports, and image files that only it has kept."""
        async with info.context.write() as uow:
            await dataset_versions.delete(uow, info.context.viewer, key_of(id, models.DatasetVersion))
        return DatasetVersionDeletePayload.of(deleted_id=id)


def _stored_values(values: dict[str, Any]) -> dict[str, Any]:
    """The values with those of nested inputs."""
    stored = dict(values)
    if "selection" in values:
        stored["selection"] = {} if values["selection"] is None else values["selection"].values()
    if "split_fractions" in values:
        fractions = values["split_fractions"] or SplitFractionsInput()
        stored["split_fractions"] = asdict(fractions)
    return stored
