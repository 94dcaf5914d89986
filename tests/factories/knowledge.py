"""Documents and embedding models."""

from datetime import UTC, datetime
from typing import Any

from db.models import Document, DocumentChunk, DocumentScope, EmbeddingModel, ProcessingStatus
from tests.factories import Fixture, build, numbers


def a_document(user: Fixture, upload: Fixture | None = None, **values: Any) -> Fixture:
    """A document of this person's for their company, without chunks, that can be searched."""
    name = f"document-{next(numbers)}.pdf"
    defaults: dict[str, Any] = {
        "uploaded_by_id": user.id,
        "upload_id": upload and upload.id,
        "title": name,
        "filename": name,
        "original_filename": name,
        "file_path": upload.storage_key if upload else f"{user.company.id}/documents/{name}",
        "file_size": 1000,
        "file_type": "pdf",
        "mime_type": "application/pdf",
        "scope": DocumentScope.COMPANY,
        "processing_status": ProcessingStatus.COMPLETED,
    }
    if values.get("processing_status", ProcessingStatus.COMPLETED) is ProcessingStatus.COMPLETED:
        defaults["processed_at"] = datetime.now(UTC)
    return build(Document, [user, upload], values, **defaults)


def a_chunk(document: Fixture, chunk_index: int = 0, **values: Any) -> Fixture:
    """A piece of the document."""
    defaults = {
        "document_id": document.id,
        "chunk_index": chunk_index,
        "content": f"Piece {chunk_index} of {document.title}.",
        "token_count": 5,
    }
    return build(DocumentChunk, [document], values, **defaults)


def an_embedding_model(user: Fixture, **values: Any) -> Fixture:
    """A model that is not active."""
    defaults: dict[str, Any] = {
        "name": f"model-{next(numbers)}-{user.id}",
        "provider": "test",
        "dimension": 384,
        "max_tokens": 512,
        "is_active": False,
    }
    return build(EmbeddingModel, [user], values, **defaults)
