"""Documents: who reads them, what they say, and letting them go."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.errors import Conflict, Forbidden, Invalid
from db.arrays import any_id
from db.models import Document, DocumentChunk, DocumentScope, DrawingSession, ProcessingStatus, Upload
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.files.uploads import folder
from resolvers.knowledge import vector_sync
from resolvers.knowledge.vector_sync import ForgetDocument, RescopeDocument
from resolvers.object_removal import remove_objects

LONGEST_TITLE = 500


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Rename a document, or say who may read it.

    Only the platform's people publish to every company, and take back what they published.
    """
    document = await to_change(uow, viewer, id, "documents:update")
    values = dict(given)
    if "title" in values:
        values["title"] = validators.name(values["title"] or "", "input", "title", limit=LONGEST_TITLE)
    if "scope" in values:
        _may_rescope(viewer, document.scope, values["scope"])
    if not values:
        return document
    changed = await uow.one(update(Document).where(Document.id == id).values(values).returning(Document))
    if changed.scope is not document.scope:
        await vector_sync.queue(uow, viewer, RescopeDocument(id))
    await activity_log.record(uow, viewer.user_id, "DOCUMENT_UPDATE", "Document", id, fields=sorted(given))
    return changed


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete a document with its chunks; its vectors, and its file if nothing else needs it, go by jobs."""
    document = await to_change(uow, viewer, id, "documents:delete")
    if document.processing_status is ProcessingStatus.PROCESSING:
        raise Conflict("Cancel its running job first.", "id")
    await uow.execute(delete(Document).where(Document.id == id))
    await vector_sync.queue(uow, viewer, ForgetDocument(id))
    if prefix := await _unneeded(uow, document):
        await remove_objects(uow, viewer, prefix)
    await activity_log.record(uow, viewer.user_id, "DOCUMENT_DELETE", "Document", id)
    return id


async def texts(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, str]:
    """What each document says: its chunks in order, a blank line between them; overlaps stand twice.

    For documents that the viewer is known to see: no rule is applied.
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


async def to_change(
    uow: UnitOfWork, viewer: Viewer, id: UUID, permission: str, *, lock: bool = True
) -> Row[Any]:
    """A document if the viewer may change it: their own, or any for who oversees documents."""
    access.require(viewer, permission)
    document = await access.find(uow, viewer, Document, id, lock=lock)
    if document.scope is DocumentScope.GLOBAL:
        access.require(viewer, "documents:publish")
    if document.uploaded_by_id != viewer.user_id and not viewer.may("documents:oversee"):
        raise Forbidden("Only who added this document, or who oversees documents, may do this.", "id")
    return document


def _may_rescope(viewer: Viewer, old: DocumentScope, new: DocumentScope | None) -> None:
    if new is None:
        raise Invalid("This cannot be cleared.", "input", "scope")
    if new is DocumentScope.GLOBAL and old is not new:
        access.require(viewer, "documents:publish")
        if viewer.company_id != viewer.platform_id:
            raise Conflict("Only the platform's own company has documents for all.", "input", "scope")


async def _unneeded(uow: UnitOfWork, document: Row[Any]) -> str | None:
    """The prefix of what nobody needs now that the document is gone; its upload goes too."""
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
        await uow.execute(delete(Upload).where(Upload.id == upload))
        return f"{folder(uow.company_id, upload)}/"
    own = f"{uow.company_id}/documents/{document.id}/"
    return own if document.file_path.startswith(own) else None
