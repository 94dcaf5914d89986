"""Types of documents, document chunks and embedding models."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from strawberry import relay

from db import models
from db.models import DocumentScope, ProcessingStatus
from schema.framework.decorators import node
from schema.framework.fields import Connection, connection, relation, signed_link
from schema.framework.payloads import alias, derived_field
from schema.framework.scalars import BigInt
from schema.knowledge.filters import DocumentChunkOrder
from schema.lazy_types import CompanyRef, ProcessingJobRef, UserRef


@node(models.Document)
class Document(relay.Node):
    """A document of the knowledge base."""

    id: relay.NodeID[UUID]

    uploaded_by: UserRef | None = relation(models.Document.uploaded_by)
    """User who uploaded the document. Null if not visible to the viewer."""

    user: UserRef | None = relation(models.Document.uploaded_by)
    """User who uploaded the document. Same as `uploadedBy`."""

    company: CompanyRef | None = relation(models.Document.company)
    """Company that owns the document. Null for documents published by the platform."""

    title: str
    """Title of the document."""

    filename: str
    """Filename in the object store."""

    original_filename: str
    """Filename of the uploaded file."""

    file_size: BigInt | None
    """Size in bytes."""

    file_type: str | None
    """Filename extension, such as `pdf`."""

    mime_type: str | None
    """Media type, as detected from the content."""

    content_category: str | None
    """Category of the content, such as `report` or `manual`."""

    scope: DocumentScope
    """Visibility of the document."""

    processing_status: ProcessingStatus
    """Processing state of the document."""

    is_processed: bool = derived_field(
        lambda document: document.processing_status is ProcessingStatus.COMPLETED,
        needs=("processing_status",),
    )
    """Whether the document is searchable."""

    error_message: str | None
    """Reason of the failure, or null."""

    extracted_text: str | None
    """Text extracted from the file."""

    summary: str | None
    """Summary in a few sentences."""

    keywords: list[str]
    """Keywords. Maximum 10."""

    topics: list[str]
    """Topics. Maximum 5."""

    warnings: list[str]
    """What of the file was not read, such as hidden sheets or scanned pages. Maximum 50."""

    embedding_model: str | None
    """Name of the embedding model of the chunks."""

    chunk_count: int
    """Number of chunks."""

    processed_at: datetime | None
    """Time at which processing last completed."""

    created_at: datetime
    """Creation time."""

    uploaded_at: datetime = alias("created_at", "Use `createdAt`.")
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    job: ProcessingJobRef | None = relation(models.Document.job)
    """The latest processing job, or null."""

    file_url: str | None = signed_link("file_path", name="original_filename", type="mime_type")
    """Signed, expiring URL of the file."""

    chunks: Connection[DocumentChunk] = connection(models.Document.chunks, orders=DocumentChunkOrder)
    """Chunks of the document, in the order of the text."""


@node(models.DocumentChunk)
class DocumentChunk(relay.Node):
    """A chunk of a document, the unit of embedding and citation."""

    id: relay.NodeID[UUID]

    document: Document | None = relation(models.DocumentChunk.document)
    """Document of the chunk."""

    chunk_index: int
    """Position in the document, from 0."""

    content: str
    """Text of the chunk. Adjacent chunks overlap."""

    token_count: int | None
    """Length in tokens of the embedding model."""

    vector_id: str | None
    """Key of the vector in the vector store."""

    embedding_id: str | None = alias("vector_id", "Use `vectorId`.")
    """Key of the vector in the vector store."""

    embedding_model: str | None
    """Name of the embedding model of the vector."""

    page_number: int | None
    """Number of the page on which the chunk begins, from 1. Null if the document has no pages."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""


@node(models.EmbeddingModel)
class EmbeddingModel(relay.Node):
    """A model that embeds text as vectors. Shared by all companies."""

    id: relay.NodeID[UUID]

    name: str
    """Name of the model at its provider."""

    provider: str
    """Name of the provider."""

    dimension: int
    """Number of dimensions of a vector."""

    max_tokens: int
    """Maximum length of a text, in tokens."""

    is_active: bool
    """Whether the model is the active one. At most one model is active."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""
