"""How lists of the knowledge domain are ordered and filtered."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, literal
from strawberry import relay

from db import models
from db.models import DocumentScope, ProcessingStatus
from db.paging import Order
from schema.framework.decorators import enumeration, input
from schema.framework.global_ids import key_of

for kind in (DocumentScope, ProcessingStatus):
    enumeration(kind)


@enumeration
class DocumentOrder(Enum):
    """How to order documents."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class DocumentChunkOrder(Enum):
    """How to order pieces of documents: each document's in the order of its text."""

    CHUNK_INDEX_ASC = Order("document_id", "chunk_index", unique=True)
    CHUNK_INDEX_DESC = Order("document_id", "chunk_index", descending=True, unique=True)


@enumeration
class EmbeddingModelOrder(Enum):
    """How to order embedding models."""

    NAME_ASC = Order("name")
    NAME_DESC = Order("name", descending=True)


@input
class DocumentFilter:
    """Which documents to list."""

    status: ProcessingStatus | None = None
    """Matches items in this state."""

    is_processed: bool | None = None
    """Only those that can be searched, or only those that cannot yet."""

    scope: DocumentScope | None = None
    """Only those that may be read so far."""

    user_id: relay.GlobalID | None = None
    """Only those that this user added."""

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
    """Which pieces to list."""

    document_id: relay.GlobalID | None = None
    """Only this document's."""

    def where(self, chunk: Any) -> list[ColumnElement[bool]]:
        if not self.document_id:
            return []
        return [chunk.document_id == key_of(self.document_id, models.Document, "filter", "documentId")]
