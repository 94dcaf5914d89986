"""Documents and embedding models."""

from typing import Any

from db.models import Document, DocumentChunk, DocumentScope, EmbeddingModel, ProcessingStatus
from tests.factories import Made, made, numbers


def a_document(user: Made, upload: Made | None = None, **values: Any) -> Made:
    """A document of this person's for their company, without chunks, that can be searched."""
    name = f"document-{next(numbers)}.pdf"
    usual: dict[str, Any] = {
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
    return made(Document, [user, upload], values, **usual)


def a_chunk(document: Made, chunk_index: int = 0, **values: Any) -> Made:
    """A piece of the document."""
    usual = {
        "document_id": document.id,
        "chunk_index": chunk_index,
        "content": f"Piece {chunk_index} of {document.title}.",
        "token_count": 5,
    }
    return made(DocumentChunk, [document], values, **usual)


def an_embedding_model(user: Made, **values: Any) -> Made:
    """A model that is not active."""
    usual: dict[str, Any] = {
        "name": f"model-{next(numbers)}-{user.id}",
        "provider": "test",
        "dimension": 384,
        "max_tokens": 512,
        "is_active": False,
    }
    return made(EmbeddingModel, [user], values, **usual)
