"""Generated texts, stored as documents so that chat can answer questions about them."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, insert, select

from db import queue
from db.models import Document, DocumentScope, Member, ProcessingJob, Upload, UploadState
from db.uow import UnitOfWork
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.files.uploads import folder
from resolvers.knowledge import processing, vector_sync
from resolvers.knowledge.vector_sync import ForgetDocument
from resolvers.object_removal import enqueue_removal

MARKDOWN = "text/markdown"


def text_key(company_id: UUID, upload_id: UUID) -> str:
    """Storage key of the text of an upload."""
    return f"{folder(company_id, upload_id)}/text.md"


async def create(
    uow: UnitOfWork, user_id: UUID | None, upload_id: UUID, title: str, *, size: int, sha256: str
) -> UUID | None:
    """Create a company document from a text stored under `text_key`; None if the user was deleted."""
    if user_id is None or await uow.scalar(select(Member.id).where(Member.id == user_id)) is None:
        return None
    values = {
        "id": upload_id,
        "user_id": user_id,
        "filename": f"{title[:200]}.md",
        "mime_type": MARKDOWN,
        "size": size,
        "sha256": sha256,
        "state": UploadState.STORED,
        "storage_key": text_key(uow.company_id, upload_id),
        "expires_at": func.now(),
    }
    upload = await uow.one(insert(Upload).values(values).returning(Upload))
    document = await processing.add(uow, user_id, upload, title, DocumentScope.COMPANY)
    return document.id


async def delete(uow: UnitOfWork, viewer: Viewer | None, document_id: UUID | None) -> None:
    """Delete a document with its text and vectors, and cancel its processing."""
    if document_id is None:
        return
    deletion = sa.delete(Document).where(Document.id == document_id).returning(Document.upload_id)
    job = select(ProcessingJob.id).where(ProcessingJob.id == document_id)
    if await uow.scalar(job) is not None:
        await queue.cancel(uow, ProcessingJob, document_id)
    upload_id = await uow.scalar(deletion)
    await vector_sync.enqueue(uow, viewer, ForgetDocument(document_id))
    if upload_id is not None:
        await uow.execute(sa.delete(Upload).where(Upload.id == upload_id))
        await enqueue_removal(uow, requester_id(uow, viewer), f"{folder(uow.company_id, upload_id)}/")
