"""Pushes of exports to buckets and hubs."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from core.errors import Conflict, Invalid
from core.ports import PushKind
from db.models import ExportJob, ProcessingJob, ProcessingJobType
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.imagery.exports import PackedFile
from resolvers.jobs import start_processing

SUBJECT = "data set push"
FOLDER = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
REPOSITORY = re.compile(
    r"(?!.*(--|\.\.))(?P<namespace>[A-Za-z0-9][\w.-]{0,95})/[A-Za-z0-9][\w.-]{0,95}(?<!\.git)", re.ASCII
)


@dataclass(frozen=True)
class PushDataset(Job):
    """Push the files of an export to a folder of a bucket, or to a repository of the hub."""

    export_job_id: UUID
    kind: str
    path: str
    bucket: str
    is_private: bool
    queue: ClassVar[str] = "imagery"


@dataclass(frozen=True)
class Bucket:
    """A folder of a bucket."""

    url: str
    folder: str


@dataclass(frozen=True)
class Repository:
    """A repository of the hub, and whether it is private if it is new."""

    name: str
    is_private: bool


@dataclass(frozen=True)
class AllowedTargets:
    """What the operator allows."""

    buckets: Collection[str]
    namespaces: Collection[str]
    has_token: bool


async def push(
    uow: UnitOfWork,
    viewer: Viewer,
    id: UUID,
    *,
    bucket: Bucket | None,
    repository: Repository | None,
    allowed: AllowedTargets,
) -> ProcessingJob:
    """Push an export to the company's folder of a bucket, or to a repository of the hub."""
    access.require(viewer, "images:create")
    export = await access.find(uow, viewer, ExportJob, id, "input", "exportJobId", lock=True)
    if not export.shards or _has_expired(export):
        raise Conflict("The export is not complete, or has expired.", "input", "exportJobId")
    if (bucket is None) == (repository is None):
        raise Invalid("Give either bucket or hub.", "input")
    if bucket is not None:
        _validate_bucket(bucket, allowed)
        job = PushDataset(id, PushKind.BUCKET.value, bucket.folder, bucket.url, True)
    else:
        assert repository is not None
        _validate_repository(repository, allowed)
        job = PushDataset(id, PushKind.HUB.value, repository.name, "", repository.is_private)
    job_id = await start_processing(uow, job, ProcessingJobType.DATASET_PUSH, SUBJECT, viewer.user_id)
    await activity_log.record(uow, viewer.user_id, "DATASET_PUSH", "ExportJob", id, path=job.path)
    return await uow.one(select(ProcessingJob).where(ProcessingJob.id == job_id))


def _validate_bucket(bucket: Bucket, allowed: AllowedTargets) -> None:
    path = "input", "bucket"
    if bucket.url not in allowed.buckets:
        raise Invalid("url must be one of PUSH_BUCKETS.", *path, "url")
    if not FOLDER.fullmatch(bucket.folder):
        message = (
            "folder must have 1 to 100 letters, digits, dots, _ and -, and start with a letter or digit."
        )
        raise Invalid(message, *path, "folder")


def _validate_repository(repository: Repository, allowed: AllowedTargets) -> None:
    path = "input", "hub", "repository"
    name = REPOSITORY.fullmatch(repository.name)
    if name is None:
        raise Invalid("repository must have the form namespace/name.", *path)
    if name["namespace"] not in allowed.namespaces:
        raise Invalid("The namespace must be one of HF_NAMESPACES.", *path)
    if not allowed.has_token:
        raise Conflict("HF_TOKEN is not set: ask the operator of this installation.", *path)


async def files_to_push(uow: UnitOfWork, export_job_id: UUID) -> Sequence[PackedFile]:
    """The files of a complete export. Raises `Conflict` if they are gone."""
    export = await uow.first(select(ExportJob).where(ExportJob.id == export_job_id))
    if export is None or not export.shards or _has_expired(export):
        raise Conflict("The export has expired or was deleted. Export it again.")
    return [PackedFile(**stored) for stored in export.shards]


async def complete(uow: UnitOfWork, job_id: UUID, url: str, files: int) -> None:
    """Store where the files are."""
    metadata = sa.update(ProcessingJob).where(ProcessingJob.id == job_id)
    await uow.execute(metadata.values(job_metadata={"url": url, "files": files}))


def _has_expired(export: ExportJob) -> bool:
    return export.expires_at is not None and export.expires_at <= datetime.now(UTC)
