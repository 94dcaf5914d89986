"""Documents on their way to being searched: added, worked on, worked on again, forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict
from db.ids import new_id
from db.models import (
    Document,
    DocumentChunk,
    DocumentScope,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    ProcessingStatus,
    TokenUsage,
)
from db.queue import Job, enqueue, restart
from db.uow import UnitOfWork
from resolvers import access, activity_log, files, validators
from resolvers.access import Viewer
from resolvers.knowledge.documents import LONGEST_TITLE, to_change

SUBJECT = "document"


@dataclass(frozen=True)
class ProcessDocument(Job):
    """Read a document, cut it into chunks, and make them searchable. The job has the document's id."""

    document_id: UUID
    queue: ClassVar[str] = "documents"

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """The document cannot be searched, and says why."""
        values = {"processing_status": ProcessingStatus.FAILED, "error_message": reason}
        await uow.execute(update(Document).where(Document.id == self.document_id).values(values))

    async def restarted(self, uow: UnitOfWork) -> None:
        values = {"processing_status": ProcessingStatus.PENDING, "error_message": None}
        await uow.execute(update(Document).where(Document.id == self.document_id).values(values))


async def create(
    uow: UnitOfWork, viewer: Viewer, *, upload_id: UUID, title: str | None, scope: DocumentScope
) -> Row[Any]:
    """A document from an upload of the viewer's, and the job that makes it searchable."""
    access.require(viewer, "documents:create")
    if scope is DocumentScope.GLOBAL:
        access.require(viewer, "documents:publish")
        if viewer.company_id != viewer.platform_id:
            raise Conflict("Only the platform's own company has documents for all.", "input", "scope")
    upload = await files.stored(uow, viewer, upload_id, "input", "uploadId")
    name = validators.optional(title, "input", "title", limit=LONGEST_TITLE) or upload.filename
    document = await add(uow, viewer.user_id, upload, name, scope)
    await activity_log.record(uow, viewer.user_id, "DOCUMENT_CREATE", "Document", document.id)
    return document


async def add(uow: UnitOfWork, user_id: UUID, upload: Row[Any], name: str, scope: DocumentScope) -> Row[Any]:
    """A document of a user's from a stored upload, and the job that makes it searchable."""
    values = {
        "id": new_id(),
        "uploaded_by_id": user_id,
        "upload_id": upload.id,
        "title": name,
        "filename": upload.filename,
        "original_filename": upload.filename,
        "file_path": upload.storage_key,
        "file_size": upload.size,
        "file_type": upload.filename.rpartition(".")[2].lower()[:50] if "." in upload.filename else None,
        "mime_type": upload.mime_type,
        "scope": scope,
    }
    document = await uow.one(insert(Document).values(values).returning(Document))
    job = {
        "id": document.id,
        "job_type": ProcessingJobType.DOCUMENT_PROCESSING,
        "subject": SUBJECT,
        "requested_by_id": user_id,
    }
    await uow.execute(insert(ProcessingJob).values(job))
    await enqueue(uow, ProcessDocument(document.id), document.id)
    return document


async def reprocess(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Work on a document anew. Raises `Conflict` while it is worked on, or without a file."""
    document = await to_change(uow, viewer, id, "documents:update", lock=False)
    job = await uow.first(select(ProcessingJob).where(ProcessingJob.id == id).with_for_update())
    if job is not None and job.status in (JobStatus.PENDING, JobStatus.RUNNING):
        raise Conflict("It is being worked on.", "id")
    if document.upload_id is None:
        raise Conflict("The file of this document is gone.", "id")
    if job is None:
        row = {
            "id": id,
            "job_type": ProcessingJobType.DOCUMENT_PROCESSING,
            "subject": SUBJECT,
            "requested_by_id": viewer.user_id,
        }
        await uow.execute(insert(ProcessingJob).values(row))
        await ProcessDocument(id).restarted(uow)
        await enqueue(uow, ProcessDocument(id), id)
    else:
        await restart(uow, ProcessingJob, id)
    await activity_log.record(uow, viewer.user_id, "DOCUMENT_REPROCESS", "Document", id)
    return await access.find(uow, viewer, Document, id)


async def begin(uow: UnitOfWork, document_id: UUID) -> Row[Any] | None:
    """The document, marked as worked on; none where it is gone."""
    values = {"processing_status": ProcessingStatus.PROCESSING, "error_message": None}
    begun = update(Document).where(Document.id == document_id).values(values)
    return await uow.first(begun.returning(Document))


async def keep_chunks(uow: UnitOfWork, document_id: UUID, chunks: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """Store the chunks under their index, and no others. Answers their ids, in the same order."""
    ids = []
    for chunk in chunks:
        values = {"document_id": document_id, **chunk}
        id = new_id()
        row = upsert(DocumentChunk).values(id=id, vector_id=str(id), **values)
        kept = row.on_conflict_do_update(
            index_elements=["company_id", "document_id", "chunk_index"],
            set_={**values, "updated_at": func.now()},
        )
        ids.append(await uow.scalar(kept.returning(DocumentChunk.id)))
    beyond = DocumentChunk.document_id == document_id, DocumentChunk.chunk_index >= len(chunks)
    await uow.execute(delete(DocumentChunk).where(*beyond))
    return ids


async def complete(
    uow: UnitOfWork, document: Row[Any], values: Mapping[str, Any], usage: Sequence[Mapping[str, Any]]
) -> None:
    """The document can be searched."""
    done = {"processing_status": ProcessingStatus.COMPLETED, "processed_at": func.now(), **values}
    await uow.execute(update(Document).where(Document.id == document.id).values(done))
    whose = {"user_id": document.uploaded_by_id, "operation_id": str(document.id)}
    for used in usage:
        await uow.execute(insert(TokenUsage).values({**whose, **used}))
