"""Texts of this product's own making, filed as documents so that people can ask about them."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, func, insert, select

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
    """Where the text of an upload is stored."""
    return f"{folder(company_id, upload_id)}/text.md"


async def create(
    uow: UnitOfWork, user_id: UUID | None, upload_id: UUID, title: str, *, size: int, sha256: str
) -> UUID | None:
    """A document for the company from a text that is stored under `text_key`; none where the user is gone."""
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
    upload: Row[Any] = await uow.one(insert(Upload).values(values).returning(Upload))
    document = await processing.add(uow, user_id, upload, title, DocumentScope.COMPANY)
    found: UUID = document.id
    return found


async def delete(uow: UnitOfWork, viewer: Viewer | None, document_id: UUID | None) -> None:
    """Delete such a document with its text, its vectors and the job that may be reading it."""
    if document_id is None:
        return
    gone = sa.delete(Document).where(Document.id == document_id).returning(Document.upload_id)
    job = select(ProcessingJob.id).where(ProcessingJob.id == document_id)
    if await uow.scalar(job) is not None:
        await queue.cancel(uow, ProcessingJob, document_id)
    upload_id = await uow.scalar(gone)
    await vector_sync.enqueue(uow, viewer, ForgetDocument(document_id))
    if upload_id is not None:
        await uow.execute(sa.delete(Upload).where(Upload.id == upload_id))
        await enqueue_removal(uow, requester_id(uow, viewer), f"{folder(uow.company_id, upload_id)}/")
