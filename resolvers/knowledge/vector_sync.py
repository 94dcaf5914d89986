"""Jobs that propagate changes to the vector store."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from db.models import ProcessingJobType
from db.queue import Job
from db.uow import UnitOfWork
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.jobs import start_processing

SUBJECT = "document vectors"
UPKEEP_DEADLINE = timedelta(days=7)
"""Vectors that are not deleted could be found by searches."""


@dataclass(frozen=True)
class ForgetDocument(Job):
    """Delete the vectors of a deleted document."""

    document_id: UUID
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = UPKEEP_DEADLINE


@dataclass(frozen=True)
class ForgetStaleVectors(Job):
    """Delete the vectors of a document that belong to none of its chunks, unless it is being processed."""

    document_id: UUID
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = UPKEEP_DEADLINE


@dataclass(frozen=True)
class ForgetCompany(Job):
    """Delete the vectors of a deleted company; a job of the platform company."""

    gone_id: UUID
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = UPKEEP_DEADLINE


@dataclass(frozen=True)
class ForgetModel(Job):
    """Delete all vectors of a deleted embedding model; a job of the platform company."""

    model: str
    dimension: int
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = UPKEEP_DEADLINE


@dataclass(frozen=True)
class RescopeDocument(Job):
    """Update the scope of a document's vectors."""

    document_id: UUID
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = UPKEEP_DEADLINE


async def enqueue(
    uow: UnitOfWork,
    viewer: Viewer | None,
    job: ForgetDocument | ForgetStaleVectors | ForgetCompany | ForgetModel | RescopeDocument,
) -> None:
    """Enqueue a vector store job."""
    await start_processing(uow, job, ProcessingJobType.UPKEEP, SUBJECT, requester_id(uow, viewer))
