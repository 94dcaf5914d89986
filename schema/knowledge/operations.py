"""Queries and mutations of documents and embedding models."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import strawberry
from strawberry import relay

from core.errors import Forbidden, Invalid
from db import models
from db.loaders import ROOT
from db.models import DocumentScope, ProcessingStatus
from db.pagination import Order, Page
from resolvers import access
from resolvers.knowledge import documents, embedding_models
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.fields import Connection, connection, lookup
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    field,
    input_changes,
    input_values,
    mutation,
)
from schema.framework.projection import columns
from schema.knowledge.filters import (
    DocumentChunkFilter,
    DocumentChunkOrder,
    DocumentFilter,
    DocumentOrder,
    EmbeddingModelOrder,
)
from schema.knowledge.types import Document, DocumentChunk, EmbeddingModel

MAX_PENDING_DOCUMENTS = 100
OLDEST_FIRST = Order("created_at")


@output
class KnowledgeQueries:
    document: Document | None = lookup(
        models.Document, "Looks up a document by ID. Includes documents published by the platform."
    )
    document_chunk: DocumentChunk | None = lookup(models.DocumentChunk, "Looks up a document chunk by ID.")
    embedding_model: EmbeddingModel | None = lookup(
        models.EmbeddingModel, "Looks up an embedding model by ID."
    )

    documents: Connection[Document] = connection(models.Document, orders=DocumentOrder, filter=DocumentFilter)
    """Lists the documents of the company and those published by the platform, newest first."""

    document_chunks: Connection[DocumentChunk] = connection(
        models.DocumentChunk, orders=DocumentChunkOrder, filter=DocumentChunkFilter
    )
    """Lists document chunks, in the order of the text within each document."""

    embedding_models: Connection[EmbeddingModel] = connection(
        models.EmbeddingModel, orders=EmbeddingModelOrder
    )
    """Lists all embedding models, by name."""

    @field
    async def pending_documents(self, info: Info, limit: int = 10) -> list[Document]:
        """Documents that wait for processing, oldest first. Default 10, maximum 100."""
        info.context.viewer  # noqa: B018  requires a signed-in viewer
        if not 0 <= limit <= MAX_PENDING_DOCUMENTS:
            raise Invalid(f"limit must be between 0 and {MAX_PENDING_DOCUMENTS} (got {limit}).", "limit")
        model, page = models.Document, Page(size=limit, order=OLDEST_FIRST)
        wanted = columns(info, model, extra=page.order.columns)
        pending = info.context.loaders.page(model, page, wanted, pending_condition, "pending")
        rows: Any = await pending.load(ROOT)
        return list(page.trim(rows)[0])

    @field
    async def document_text(self, info: Info, id: relay.GlobalID) -> str:
        """Text of a document: its chunks in order, separated by blank lines. Overlapping text is repeated."""
        key = key_of(id, models.Document)
        if await info.context.loaders.one(models.Document, ("id",)).load(key) is None:
            raise access.not_found(models.Document, "id")
        text: str | None = await info.context.loaders.by(documents.texts, models.Document).load(key)
        return text or ""

    @field
    async def active_embedding_model(self, info: Info) -> EmbeddingModel | None:
        """The active embedding model, or null if none has been activated."""
        model = models.EmbeddingModel
        wanted = [getattr(model, name) for name in columns(info, model)]
        active = access.visible(info.context.viewer, model, *wanted).where(model.is_active)
        return cast(EmbeddingModel | None, await info.context.read().first(active))


def pending_condition(document: Any) -> list[Any]:
    """Whether processing has not started."""
    return [document.processing_status == ProcessingStatus.PENDING]


async def own_key(info: Info, id: relay.GlobalID) -> UUID:
    """The key of a document of the viewer's company. Raises `Forbidden` for a document published by the
    platform.
    """
    key = key_of(id, models.Document)
    row = await info.context.loaders.one(models.Document, ("company_id", "id")).load(key)
    if row is not None and row.company_id != info.context.viewer.company_id:
        raise Forbidden("Documents published by the platform cannot be changed.", "id")
    return key


@input
class DocumentUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value."""

    title: strawberry.Maybe[str]
    """Title of the document."""

    scope: strawberry.Maybe[DocumentScope]
    """Visibility of the document. `GLOBAL` requires `documents:publish`."""


@input
class EmbeddingModelCreateInput(IdempotentInput):
    """Input of `embeddingModelCreate`."""

    name: str
    """Name of the model at its provider."""

    provider: str
    """Name of the provider."""

    dimension: int
    """Number of dimensions of a vector."""

    max_tokens: int
    """Maximum length of a text, in tokens."""


@input
class EmbeddingModelUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value. Only `maxTokens` of a model in use can
    change.
    """

    name: strawberry.Maybe[str]
    """Name of the model at its provider."""

    provider: strawberry.Maybe[str]
    """Name of the provider."""

    dimension: strawberry.Maybe[int]
    """Number of dimensions of a vector."""

    max_tokens: strawberry.Maybe[int]
    """Maximum length of a text, in tokens."""


@output
class DocumentUpdatePayload(Payload):
    document: Document | None = None
    """The updated document."""


@output
class DocumentDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class EmbeddingModelCreatePayload(Payload):
    embedding_model: EmbeddingModel | None = None
    """The new embedding model."""


@output
class EmbeddingModelUpdatePayload(Payload):
    embedding_model: EmbeddingModel | None = None
    """The updated embedding model."""


@output
class EmbeddingModelActivatePayload(Payload):
    embedding_model: EmbeddingModel | None = None
    """The updated embedding model."""


@output
class EmbeddingModelDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class KnowledgeMutations:
    @mutation
    async def document_update(
        self, info: Info, id: relay.GlobalID, input: DocumentUpdateInput
    ) -> DocumentUpdatePayload:
        """Update the title or visibility of a document."""
        key, values = await own_key(info, id), input_changes(input)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.Document, key, input.expected_updated_at
            )
            document = await documents.update(uow, info.context.viewer, key, values)
        return DocumentUpdatePayload.of(document=document)

    @mutation
    async def document_delete(self, info: Info, id: relay.GlobalID) -> DocumentDeletePayload:
        """Delete a document with its chunks and its file. This cannot be undone."""
        key = await own_key(info, id)
        async with info.context.write() as uow:
            await documents.delete(uow, info.context.viewer, key)
        return DocumentDeletePayload.of(deleted_id=id)

    @mutation(idempotent=True)
    async def embedding_model_create(
        self, info: Info, input: EmbeddingModelCreateInput
    ) -> EmbeddingModelCreatePayload:
        """Create an embedding model. Activate it with `embeddingModelActivate`."""
        async with info.context.write() as uow:
            model = await embedding_models.create(uow, info.context.viewer, input_values(input))
        return EmbeddingModelCreatePayload.of(embedding_model=model)

    @mutation
    async def embedding_model_update(
        self, info: Info, id: relay.GlobalID, input: EmbeddingModelUpdateInput
    ) -> EmbeddingModelUpdatePayload:
        """Update an embedding model."""
        values = input_changes(input)
        key = key_of(id, models.EmbeddingModel)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.EmbeddingModel, key, input.expected_updated_at
            )
            model = await embedding_models.update(uow, info.context.viewer, key, values)
        return EmbeddingModelUpdatePayload.of(embedding_model=model)

    @mutation
    async def embedding_model_activate(self, info: Info, id: relay.GlobalID) -> EmbeddingModelActivatePayload:
        """Activate an embedding model.

        Jobs embed the documents of every company again. Until those of a company are done, its searches use
        the previous model. Has no effect on the active model.
        """
        context, key = info.context, key_of(id, models.EmbeddingModel)
        async with context.write(context.viewer.platform_id) as uow:
            model = await embedding_models.activate(uow, context.viewer, key, context.services.embedders)
        return EmbeddingModelActivatePayload.of(embedding_model=model)

    @mutation
    async def embedding_model_delete(self, info: Info, id: relay.GlobalID) -> EmbeddingModelDeletePayload:
        """Delete an embedding model that is neither active nor in use by any company."""
        async with info.context.write(info.context.viewer.platform_id) as uow:
            await embedding_models.delete(uow, info.context.viewer, key_of(id, models.EmbeddingModel))
        return EmbeddingModelDeletePayload.of(deleted_id=id)
