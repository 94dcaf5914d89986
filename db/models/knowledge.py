"""Documents, their chunks, and embedding models."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Count,
    Instant,
    PlatformModel,
    PrimaryKey,
    Str50,
    Str100,
    Str500,
    TenantKey,
    TenantModel,
    UpdatedAt,
    company_foreign_key,
    enum_column,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)
from db.readers import ReaderKey
from db.rls import CURRENT_COMPANY

if TYPE_CHECKING:
    from db.models.identity import Company, User
    from db.models.jobs import ProcessingJob


class DocumentScope(Enum):
    """Visibility of a document."""

    GLOBAL = "global"
    """Visible to all companies."""
    COMPANY = "company"
    """Visible to the users of the company."""
    USER = "user"
    """Visible to the user who uploaded it."""


class ProcessingStatus(Enum):
    """Processing state of a document. Completed documents are searchable."""

    PENDING = "pending"
    """The document waits for processing."""
    PROCESSING = "processing"
    """The document is being processed."""
    COMPLETED = "completed"
    """The document is searchable."""
    FAILED = "failed"
    """Processing has failed."""


class EmbeddingModel(PrimaryKey, PlatformModel):
    """An embedding model; at most one is active."""

    __tablename__ = "embedding_models"
    __table_args__ = (
        sa.CheckConstraint("dimension > 0 AND max_tokens > 0", name="sizes"),
        sa.Index(
            "uq_embedding_models_active", "is_active", unique=True, postgresql_where=sa.text("is_active")
        ),
    )

    name: Mapped[Str100] = mapped_column(unique=True)
    provider: Mapped[Str50]
    dimension: Mapped[int]
    max_tokens: Mapped[int]
    is_active: Mapped[bool] = mapped_column(server_default=sa.true())
    activated_at: Mapped[datetime | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]


class CachedVectors(TenantModel):
    """Cached embeddings of a text: the vectors of its windows, concatenated, as 32-bit floats.

    The fingerprint is of the model and the text. Not shared between companies.
    """

    __tablename__ = "cached_vectors"
    __table_args__ = (company_foreign_key(), tenant_index("used_at"))

    company_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=sa.text(CURRENT_COMPANY))
    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    vectors: Mapped[bytes]
    used_at: Mapped[Instant]


class Document(TenantKey, TenantModel):
    """A searchable text document."""

    __tablename__ = "documents"
    __table_args__ = (
        tenant_foreign_key("members", "uploaded_by_id"),
        tenant_foreign_key("uploads", "upload_id", "SET NULL"),
        sa.CheckConstraint("file_size >= 0 AND chunk_count >= 0", name="sizes"),
        tenant_index("uploaded_by_id", "processing_status", "created_at", "id"),
        tenant_index("uploaded_by_id", "created_at", "id"),
        tenant_index("processing_status", "created_at", "id"),
        tenant_index("scope", "created_at", "id"),
        tenant_index("created_at", "id"),
        tenant_index("upload_id"),
        sa.Index(
            "ix_documents_unprocessed",
            *("company_id", "created_at", "id"),
            postgresql_where=sa.text("processing_status <> 'completed'"),
        ),
    )

    uploaded_by_id: Mapped[UUID]
    upload_id: Mapped[UUID | None]
    title: Mapped[Str500]
    filename: Mapped[Str500]
    original_filename: Mapped[Str500]
    file_path: Mapped[str] = mapped_column(sa.String(1000))
    file_size: Mapped[int | None] = mapped_column(sa.BigInteger)
    file_type: Mapped[Str50 | None]
    mime_type: Mapped[Str100 | None]
    content_category: Mapped[Str50 | None]
    scope: Mapped[DocumentScope] = enum_column(DocumentScope, DocumentScope.USER)
    processing_status: Mapped[ProcessingStatus] = enum_column(ProcessingStatus, ProcessingStatus.PENDING)
    error_message: Mapped[str | None]
    extracted_text: Mapped[str | None]
    summary: Mapped[str | None]
    keywords: Mapped[list[str]] = mapped_column(server_default="[]")
    topics: Mapped[list[str]] = mapped_column(server_default="[]")
    warnings: Mapped[list[str]] = mapped_column(server_default="[]")
    embedding_model: Mapped[Str100 | None]
    chunk_count: Mapped[Count]
    processed_at: Mapped[datetime | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    uploaded_by: Mapped[User | None] = view_relationship("foreign(Document.uploaded_by_id) == User.id")
    company: Mapped[Company | None] = view_relationship("foreign(Document.company_id) == Company.id")
    chunks: Mapped[list[DocumentChunk]] = view_relationship(
        "Document.id == foreign(DocumentChunk.document_id)"
    )
    job: Mapped[ProcessingJob | None] = view_relationship("foreign(Document.id) == ProcessingJob.id")


class DocumentChunk(TenantKey, ReaderKey, TenantModel):
    """A chunk of a document, which is embedded and cited."""

    __tablename__ = "document_chunks"
    __table_args__ = (
        tenant_foreign_key("documents", "document_id"),
        sa.CheckConstraint("chunk_index >= 0 AND token_count >= 0", name="counts"),
        tenant_index("document_id", "chunk_index", unique=True),
        tenant_index("reader_id", "document_id", "chunk_index"),
        tenant_index("vector_id", unique=True, where="vector_id IS NOT NULL"),
    )

    document_id: Mapped[UUID]
    chunk_index: Mapped[int]
    content: Mapped[str]
    token_count: Mapped[int | None]
    vector_id: Mapped[Str100 | None]
    embedding_model: Mapped[Str100 | None]
    page_number: Mapped[int | None]
    chunk_metadata: Mapped[dict[str, Any] | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    document: Mapped[Document] = view_relationship("foreign(DocumentChunk.document_id) == Document.id")
