"""The stored types of the knowledge domain."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from strawberry import relay

from db import models
from db.models import DocumentScope, ProcessingStatus
from schema.framework.decorators import node
from schema.framework.fields import Connection, connection, relation, signed_link
from schema.framework.payloads import alias, computed
from schema.framework.scalars import BigInt
from schema.knowledge.filters import DocumentChunkOrder
from schema.lazy_types import CompanyRef, ProcessingJobRef, UserRef


@node(models.Document)
class Document(relay.Node):
    """A file of text that can be asked about."""

    id: relay.NodeID[UUID]

    uploaded_by: UserRef | None = relation(models.Document.uploaded_by)
    """Who added it; null where the viewer may not see them."""

    user: UserRef | None = relation(models.Document.uploaded_by)
    """Who added it, by another name."""

    company: CompanyRef | None = relation(models.Document.company)
    """Whose it is; null for what the platform publishes to every company."""

    title: str
    """Display name."""

    filename: str
    """Under which name it is kept."""

    original_filename: str
    """The name of the file as it was uploaded."""

    file_size: BigInt | None
    """Size in bytes."""

    file_type: str | None
    """The extension, such as `pdf`."""

    mime_type: str | None
    """The media type, as its content tells."""

    content_category: str | None
    """What kind of text it is, such as `report` or `manual`."""

    scope: DocumentScope
    """Who may read it."""

    processing_status: ProcessingStatus
    """Whether it can be searched yet."""

    is_processed: bool = computed(
        lambda document: document.processing_status is ProcessingStatus.COMPLETED,
        needs=("processing_status",),
    )
    """Whether it can be searched."""

    error_message: str | None
    """Reason of the failure, or null."""

    extracted_text: str | None
    """All of its text, as it was read from the file."""

    summary: str | None
    """What it says, in a few sentences."""

    keywords: list[str]
    """Words that matter in it; ten at most."""

    topics: list[str]
    """What it is about; five at most."""

    embedding_model: str | None
    """The name of the model that its vectors are of."""

    chunk_count: int
    """Into how many pieces it was cut."""

    processed_at: datetime | None
    """When it was last worked on to an end."""

    created_at: datetime
    """Creation time."""

    uploaded_at: datetime = alias("created_at", "Use `createdAt`.")
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    job: ProcessingJobRef | None = relation(models.Document.job)
    """The job that makes it searchable, as it was last asked for; null for what was never worked on."""

    file_url: str | None = signed_link("file_path", name="original_filename", type="mime_type")
    """The file; the link is signed and expires."""

    chunks: Connection[DocumentChunk] = connection(models.Document.chunks, orders=DocumentChunkOrder)
    """Its pieces, in the order of its text."""


@node(models.DocumentChunk)
class DocumentChunk(relay.Node):
    """A piece of a document, as it is embedded and cited."""

    id: relay.NodeID[UUID]

    document: Document | None = relation(models.DocumentChunk.document)
    """The document it is of."""

    chunk_index: int
    """Its place among the document's pieces, from 0."""

    content: str
    """What it says; neighbours overlap."""

    token_count: int | None
    """Its length in tokens of the embedding model."""

    vector_id: str | None
    """Under which key its vector is kept."""

    embedding_id: str | None = alias("vector_id", "Use `vectorId`.")
    """Under which key its vector is kept."""

    embedding_model: str | None
    """The name of the model that its vector is of."""

    page_number: int | None
    """The page on which it begins, from 1, where there are pages."""

    created_at: datetime
    """When it was cut."""

    updated_at: datetime
    """Time of the last change."""


@node(models.EmbeddingModel)
class EmbeddingModel(relay.Node):
    """A model that turns text into vectors, for every company alike."""

    id: relay.NodeID[UUID]

    name: str
    """As its provider calls it."""

    provider: str
    """Who runs it."""

    dimension: int
    """How many numbers a vector has."""

    max_tokens: int
    """The longest text that it reads."""

    is_active: bool
    """Whether it is the one that embeds; at most one is."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""
