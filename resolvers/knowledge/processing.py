"""Processing of documents: creating, chunking, completing and reprocessing them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict
from db.arrays import all_ids
from db.ids import new_id
from db.models import (
    TERMINAL,
    Document,
    DocumentChunk,
    DocumentScope,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    ProcessingStatus,
    TokenUsage,
    Upload,
)
from db.queue import Job, restart
from db.uow import UnitOfWork
from resolvers import access, activity_log, files, validators
from resolvers.access import Viewer
from resolvers.jobs import start_processing
from resolvers.knowledge import vector_sync
from resolvers.knowledge.documents import GLOBAL_SCOPE, find_editable
from resolvers.knowledge.vector_sync import ForgetStaleVectors

SUBJECT = "document"
PURGE_BATCH_SIZE = 100
INSERT_BATCH_SIZE = 1_000
"""Chunks that are inserted with one statement."""
FREE_INDEX = 1_000_000_000
"""Added to the indexes of present chunks while they are replaced."""


@dataclass(frozen=True)
class ProcessDocument(Job):
    """Read, chunk and index a document. The job row has the document's id."""

    document_id: UUID
    queue: ClassVar[str] = "documents"

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Mark the document as failed. What the attempts have stored is forgotten; earlier chunks stay."""
        values = {"processing_status": ProcessingStatus.FAILED, "error_message": reason}
        await uow.execute(update(Document).where(Document.id == self.document_id).values(values))
        await vector_sync.enqueue(uow, None, ForgetStaleVectors(self.document_id))

    async def restarted(self, uow: UnitOfWork) -> None:
        """Mark the document as pending."""
        values = {"processing_status": ProcessingStatus.PENDING, "error_message": None}
        await uow.execute(update(Document).where(Document.id == self.document_id).values(values))


async def create(
    uow: UnitOfWork, viewer: Viewer, *, upload_id: UUID, title: str | None, scope: DocumentScope
) -> Document:
    """Create a document from an upload of the viewer's, and enqueue its processing."""
    access.require(viewer, "documents:create")
    if scope is DocumentScope.GLOBAL:
        access.require(viewer, "documents:publish")
        if viewer.company_id != viewer.platform_id:
            raise Conflict(GLOBAL_SCOPE, "input", "scope")
    upload = await files.find_stored(uow, viewer, upload_id, "input", "uploadId")
    values = {"title": (title or "").strip() or upload.filename}
    title = validators.values(Document, values, "input")["title"]
    document = await add(uow, viewer.user_id, upload, title, scope)
    await activity_log.record(uow, viewer.user_id, "DOCUMENT_CREATE", "Document", document.id)
    return document


async def add(uow: UnitOfWork, user_id: UUID, upload: Upload, title: str, scope: DocumentScope) -> Document:
    """Insert a document of a user from a stored upload, and enqueue its processing."""
    values = {
        "id": new_id(),
        "uploaded_by_id": user_id,
        "upload_id": upload.id,
        "title": title,
        "filename": upload.filename,
        "original_filename": upload.filename,
        "file_path": upload.storage_key,
        "file_size": upload.size,
        "file_type": upload.filename.rpartition(".")[2].lower()[:50] if "." in upload.filename else None,
        "mime_type": upload.mime_type,
        "scope": scope,
    }
    document = await uow.one(insert(Document).values(values).returning(Document))
    await _enqueue(uow, document.id, user_id)
    return document


async def reprocess(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Document:
    """Process a document again. Raises `Conflict` while it is processed, or if its file was deleted."""
    document = await find_editable(uow, viewer, id, "documents:update", lock=False)
    job = await uow.first(select(ProcessingJob).where(ProcessingJob.id == id).with_for_update())
    if job is not None and job.status in (JobStatus.PENDING, JobStatus.RUNNING):
        raise Conflict("This document is being processed.", "id")
    if document.upload_id is None:
        raise Conflict("The file of this document has been deleted.", "id")
    if job is None:
        await ProcessDocument(id).restarted(uow)
        await _enqueue(uow, id, viewer.user_id)
    else:
        await restart(uow, ProcessingJob, id)
    await activity_log.record(uow, viewer.user_id, "DOCUMENT_REPROCESS", "Document", id)
    return await access.find(uow, viewer, Document, id)


async def _enqueue(uow: UnitOfWork, document_id: UUID, user_id: UUID | None) -> None:
    kind = ProcessingJobType.DOCUMENT_PROCESSING
    await start_processing(uow, ProcessDocument(document_id), kind, SUBJECT, user_id, id=document_id)


async def begin(uow: UnitOfWork, document_id: UUID) -> Document | None:
    """Mark the document as being processed; returns it, or None if it has been deleted."""
    values = {"processing_status": ProcessingStatus.PROCESSING, "error_message": None}
    statement = update(Document).where(Document.id == document_id).values(values)
    return await uow.first(statement.returning(Document))


async def chunk_ids(uow: UnitOfWork, document_id: UUID, texts: Sequence[str]) -> list[UUID]:
    """The ids of a document's new chunks: those of its present chunks with the same text, or new ones."""
    present: dict[str, list[UUID]] = {}
    statement = select(DocumentChunk.id, DocumentChunk.content)
    statement = statement.where(DocumentChunk.document_id == document_id)
    for chunk in await uow.all(statement.order_by(DocumentChunk.chunk_index.desc())):
        present.setdefault(chunk.content, []).append(chunk.id)
    return [present[text].pop() if present.get(text) else new_id() for text in texts]


async def replace_chunks(
    uow: UnitOfWork, document_id: UUID, ids: Sequence[UUID], chunks: Sequence[Mapping[str, Any]]
) -> None:
    """Replace the document's chunks by these, whose ids are those of `chunk_ids`."""
    of_document = DocumentChunk.document_id == document_id
    await uow.execute(delete(DocumentChunk).where(of_document, DocumentChunk.id != all_ids(ids)))
    aside = update(DocumentChunk).where(of_document)
    await uow.execute(aside.values(chunk_index=DocumentChunk.chunk_index + FREE_INDEX))
    for start in range(0, len(chunks), INSERT_BATCH_SIZE):
        end = start + INSERT_BATCH_SIZE
        rows = [
            {"id": id, "vector_id": str(id), "document_id": document_id, **chunk}
            for id, chunk in zip(ids[start:end], chunks[start:end], strict=True)
        ]
        row = upsert(DocumentChunk).values(rows)
        columns = {name: row.excluded[name] for name in rows[0] if name != "id"}
        await uow.execute(
            row.on_conflict_do_update(
                index_elements=["company_id", "id"], set_={**columns, "updated_at": func.now()}
            )
        )


async def remove_chunks(uow: UnitOfWork, document_id: UUID) -> None:
    """Delete the chunks of a document, and enqueue the deletion of their vectors."""
    await uow.execute(delete(DocumentChunk).where(DocumentChunk.document_id == document_id))
    await uow.execute(update(Document).where(Document.id == document_id).values(chunk_count=0))
    await vector_sync.enqueue(uow, None, ForgetStaleVectors(document_id))


async def lock_chunks(uow: UnitOfWork, document_id: UUID) -> list[UUID] | None:
    """The ids of a document's chunks, which stay until the unit ends; None while it is processed."""
    status = await uow.scalar(
        select(ProcessingJob.status).where(ProcessingJob.id == document_id).with_for_update()
    )
    if status is not None and status not in TERMINAL:
        return None
    chunks = select(DocumentChunk.id).where(DocumentChunk.document_id == document_id)
    return [chunk.id for chunk in await uow.all(chunks)]


async def purge_orphan_chunks(uow: UnitOfWork) -> int:
    """Remove the chunks of at most 100 failed documents that were never searchable. Returns their number."""
    left = select(DocumentChunk.id).where(DocumentChunk.document_id == Document.id).exists()
    failed = select(Document.id).where(
        Document.processing_status == ProcessingStatus.FAILED, Document.processed_at.is_(None), left
    )
    locked = failed.order_by(Document.id).limit(PURGE_BATCH_SIZE).with_for_update(skip_locked=True)
    documents = await uow.all(locked)
    for document in documents:
        await remove_chunks(uow, document.id)
    return len(documents)


async def complete(
    uow: UnitOfWork,
    document: Document,
    values: Mapping[str, Any],
    usage: Sequence[Mapping[str, Any]],
    *,
    is_first: bool,
) -> None:
    """Mark the document as processed and record its token usage.

    Unless this is the first attempt of all, vectors of others are forgotten.
    """
    completed = {"processing_status": ProcessingStatus.COMPLETED, "processed_at": func.now(), **values}
    await uow.execute(update(Document).where(Document.id == document.id).values(completed))
    owner = {"user_id": document.uploaded_by_id, "operation_id": str(document.id)}
    for used in usage:
        await uow.execute(insert(TokenUsage).values({**owner, **used}))
    if not is_first:
        await vector_sync.enqueue(uow, None, ForgetStaleVectors(document.id))
