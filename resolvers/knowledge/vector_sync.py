"""What the vector store is to learn of what has changed, as jobs."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from db.models import ProcessingJobType
from db.queue import Job
from db.uow import UnitOfWork
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.jobs import start_processing

SUBJECT = "document vectors"


@dataclass(frozen=True)
class ForgetDocument(Job):
    """Remove a deleted document's vectors."""

    document_id: UUID
    queue: ClassVar[str] = "documents"


@dataclass(frozen=True)
class ForgetCompany(Job):
    """Remove a deleted company's vectors; a job of the platform's own company."""

    gone_id: UUID
    queue: ClassVar[str] = "documents"


@dataclass(frozen=True)
class ForgetModel(Job):
    """Remove every vector of a deleted embedding model; a job of the platform's own company."""

    model: str
    dimension: int
    queue: ClassVar[str] = "documents"


@dataclass(frozen=True)
class RescopeDocument(Job):
    """Tell the vector store who may find a document now."""

    document_id: UUID
    queue: ClassVar[str] = "documents"


async def enqueue(
    uow: UnitOfWork,
    viewer: Viewer | None,
    job: ForgetDocument | ForgetCompany | ForgetModel | RescopeDocument,
) -> None:
    """Queue what follows from a change."""
    await start_processing(uow, job, ProcessingJobType.UPKEEP, SUBJECT, requester_id(uow, viewer))
