"""Sort orders and filters of the knowledge domain."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, literal
from strawberry import relay

from db import models
from db.models import DocumentScope, ProcessingStatus
from db.pagination import Order
from schema.framework.decorators import enumeration, input
from schema.framework.global_ids import key_of

for kind in (DocumentScope, ProcessingStatus):
    enumeration(kind)


@enumeration
class DocumentOrder(Enum):
    """Sort orders of documents."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class DocumentChunkOrder(Enum):
    """Sort orders of document chunks."""

    CHUNK_INDEX_ASC = Order("document_id", "chunk_index", unique=True)
    CHUNK_INDEX_DESC = Order("document_id", "chunk_index", descending=True, unique=True)


@enumeration
class EmbeddingModelOrder(Enum):
    """Sort orders of embedding models."""

    NAME_ASC = Order("name")
    NAME_DESC = Order("name", descending=True)


@input
class DocumentFilter:
    """Conditions for listing documents."""

    status: ProcessingStatus | None = None
    """Matches items in this state."""

    is_processed: bool | None = None
    """If true, matches searchable documents. If false, matches documents that are not searchable yet."""

    scope: DocumentScope | None = None
    """Matches documents with this visibility."""

    user_id: relay.GlobalID | None = None
    """Matches documents uploaded by this user."""

    def where(self, document: Any) -> list[ColumnElement[bool]]:
        found = [document.processing_status == self.status] if self.status else []
        if self.is_processed is not None:
            completed = literal(ProcessingStatus.COMPLETED, literal_execute=True)  # as its index has it
            done = document.processing_status == completed
            found.append(done if self.is_processed else ~done)
        if self.scope:
            found.append(document.scope == self.scope)
        if self.user_id:
            found.append(document.uploaded_by_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@input
class DocumentChunkFilter:
    """Conditions for listing document chunks."""

    document_id: relay.GlobalID | None = None
    """Matches chunks of this document."""

    def where(self, chunk: Any) -> list[ColumnElement[bool]]:
        if not self.document_id:
            return []
        return [chunk.document_id == key_of(self.document_id, models.Document, "filter", "documentId")]
