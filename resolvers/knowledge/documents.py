"""Documents: updating, reading and deleting them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.errors import Conflict, Forbidden
from db.arrays import any_id
from db.models import Document, DocumentChunk, DocumentScope, DrawingSession, ProcessingStatus, Upload
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.files.uploads import folder
from resolvers.knowledge import vector_sync
from resolvers.knowledge.vector_sync import ForgetDocument, RescopeDocument
from resolvers.object_removal import remove_objects
from resolvers.rows import update_row

SEARCHABLE = Document.processed_at.is_not(None)
"""Documents whose processing has completed once. Their chunks are searched, also while it runs again."""
GLOBAL_SCOPE = "Only documents of the platform company can have the scope GLOBAL."


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, changes: Mapping[str, Any]) -> Document:
    """Update a document's title or scope. Only the platform's administrators publish to every company."""
    document = await find_editable(uow, viewer, id, "documents:update")
    values = validators.values(Document, changes, "input")
    if "scope" in values:
        _check_scope(viewer, document.scope, values["scope"])
    updated = await update_row(uow, viewer, Document, document, values, "DOCUMENT_UPDATE")
    if updated.scope is not document.scope:
        await vector_sync.enqueue(uow, viewer, RescopeDocument(id))
    return updated


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete a document with its chunks. Jobs delete its vectors, and its file if it is used nowhere else."""
    document = await find_editable(uow, viewer, id, "documents:delete")
    if document.processing_status is ProcessingStatus.PROCESSING:
        raise Conflict("This document is being processed. Cancel its job first.", "id")
    await uow.execute(sa.delete(Document).where(Document.id == id))
    await vector_sync.enqueue(uow, viewer, ForgetDocument(id))
    if prefix := await _delete_unused_upload(uow, document):
        await remove_objects(uow, viewer, prefix)
    await activity_log.record(uow, viewer.user_id, "DOCUMENT_DELETE", "Document", id)
    return id


async def texts(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, str]:
    """The text of each document: its chunks in order, separated by blank lines; overlaps appear twice.

    Does not check whether the viewer sees the documents.
    """
    joined = func.string_agg(
        DocumentChunk.content, aggregate_order_by(literal("\n\n"), DocumentChunk.chunk_index)
    )
    statement = (
        select(DocumentChunk.document_id, joined.label("text"))
        .where(DocumentChunk.document_id == any_id(ids))
        .group_by(DocumentChunk.document_id)
    )
    return {row.document_id: row.text for row in await uow.all(statement)}


async def find_editable(
    uow: UnitOfWork, viewer: Viewer, id: UUID, permission: str, *, lock: bool = True
) -> Document:
    """A document that the viewer may change: their own, or any with `documents:oversee`."""
    access.require(viewer, permission)
    document = await access.find(uow, viewer, Document, id, lock=lock)
    if document.scope is DocumentScope.GLOBAL:
        access.require(viewer, "documents:publish")
    if document.uploaded_by_id != viewer.user_id and not viewer.has_permission("documents:oversee"):
        raise Forbidden(
            "Only the owner of this document, or a user with documents:oversee, can do this.", "id"
        )
    return document


def _check_scope(viewer: Viewer, old: DocumentScope, new: DocumentScope) -> None:
    if new is DocumentScope.GLOBAL and old is not new:
        access.require(viewer, "documents:publish")
        if viewer.company_id != viewer.platform_id:
            raise Conflict(GLOBAL_SCOPE, "input", "scope")


async def _delete_unused_upload(uow: UnitOfWork, document: Document) -> str | None:
    """Delete the document's upload if it is used nowhere else; returns the prefix of the unused files."""
    if document.upload_id is not None:
        upload = document.upload_id
        await uow.execute(select(Upload.id).where(Upload.id == upload).with_for_update())
        used = (
            select(Document.id).where(Document.upload_id == upload).exists()
            | select(DrawingSession.id).where(DrawingSession.old_upload_id == upload).exists()
            | select(DrawingSession.id).where(DrawingSession.new_upload_id == upload).exists()
        )
        if await uow.scalar(select(used)):
            return None
        await uow.execute(sa.delete(Upload).where(Upload.id == upload))
        return f"{folder(uow.company_id, upload)}/"
    own = f"{uow.company_id}/documents/{document.id}/"
    return own if document.file_path.startswith(own) else None
