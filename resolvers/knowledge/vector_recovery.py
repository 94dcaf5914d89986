"""Recovery of vectors that the vector store has lost, from the rows of the chunks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from db.models import TERMINAL, Company, Document, ProcessingJob, ProcessingJobType
from db.queue import Job
from db.uow import UnitOfWork
from resolvers.jobs import start_processing
from resolvers.knowledge.documents import SEARCHABLE

SUBJECT = "lost vectors"


@dataclass(frozen=True)
class RecoverVectors(Job):
    """Store the vectors of a company's documents again that the vector store has lost."""

    queue: ClassVar[str] = "documents"
    retry_deadline: ClassVar[timedelta] = timedelta(hours=1)  # searches of all companies wait for it


async def count_chunks(uow: UnitOfWork) -> int:
    """Number of chunks of the company's searchable documents."""
    return int(await uow.scalar(select(func.coalesce(func.sum(Document.chunk_count), 0)).where(SEARCHABLE)))


async def next_document(uow: UnitOfWork, after: UUID | None) -> Document | None:
    """The next searchable document by id."""
    columns = (Document.id, Document.uploaded_by_id, Document.scope, Document.processed_at)
    statement = select(*columns, Document.chunk_count).where(SEARCHABLE).order_by(Document.id).limit(1)
    found: Document | None = await uow.first(statement.where(Document.id > after) if after else statement)
    return found


async def is_unchanged(uow: UnitOfWork, document: Document) -> bool:
    """Whether the document is as it was when it was read."""
    now = await uow.first(select(Document.scope, Document.processed_at).where(Document.id == document.id))
    return now is not None and (now.scope, now.processed_at) == (document.scope, document.processed_at)


async def is_running(uow: UnitOfWork) -> bool:
    """Whether a recovery of the company waits or runs."""
    return bool(await uow.scalar(select(_jobs().where(ProcessingJob.status.not_in(TERMINAL)).exists())))


async def enqueue(uow: UnitOfWork, since: datetime) -> UUID | None:
    """Enqueue the recovery of the company, unless one is live or was enqueued since; the new job's id."""
    company = select(Company.id).where(Company.id == uow.company_id).with_for_update(key_share=True)
    if await uow.scalar(company) is None:
        return None
    live = ProcessingJob.status.not_in(TERMINAL)
    if await uow.scalar(select(_jobs().where(or_(live, ProcessingJob.created_at >= since)).exists())):
        return None
    return await start_processing(uow, RecoverVectors(), ProcessingJobType.UPKEEP, SUBJECT, None)


def _jobs() -> Select[Any]:
    return select(ProcessingJob.id).where(
        ProcessingJob.job_type == ProcessingJobType.UPKEEP, ProcessingJob.task == RecoverVectors.__name__
    )
