"""Adding documents, and finding what they say."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import relay

from core.errors import Invalid
from db import models
from db.models import DocumentScope, ProcessingStatus
from resolvers.knowledge import processing, retrieval
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of, keys_of
from schema.framework.payloads import IdempotentInput, Payload, check_text, field, mutation
from schema.framework.projection import columns
from schema.knowledge.operations import own
from schema.knowledge.types import Document, DocumentChunk

MOST_FOUND = 100

Query = Annotated[str, strawberry.argument(description="What to look for, in at most 8,000 characters.")]
First = Annotated[int, strawberry.argument(description="How many at most: 10 unless told, up to 100.")]


@output
class DocumentSearchHit:
    """A piece of a document that was found."""

    chunk: DocumentChunk
    """The piece."""

    score: float
    """Orders the hits of one search; it means nothing beside another's."""

    similarity: float | None
    """How near its meaning is to the query's, -1 to 1; null where it was found by its words alone."""


@input
class DocumentSearchFilter:
    """Where to search."""

    document_ids: list[relay.GlobalID] | None = None
    """Only in these documents, 100 at most."""


@output
class SearchQueries:
    @field
    async def document_search(
        self, info: Info, query: Query, filter: DocumentSearchFilter | None = None, first: First = 10
    ) -> list[DocumentSearchHit]:
        """Pieces of documents by meaning and by words, the best first, of all documents that the viewer
        sees; `first` of them at most.
        """
        context, model = info.context, models.DocumentChunk
        check_text({"query": query, "filter": filter})
        if not 0 <= first <= MOST_FOUND:
            raise Invalid(f"`first` is from 0 to {MOST_FOUND}.", "first")
        ids = filter.document_ids if filter else None
        chosen = None if ids is None else keys_of(ids, models.Document, "filter", "documentIds")
        viewer, services = context.viewer, context.services
        await context.read().release()
        hits = await retrieval.asked(
            services.database,
            viewer,
            services.embedders,
            services.vectors,
            query,
            document_ids=chosen,
            limit=first,
            prices=services.prices,
        )
        wanted = columns(info, model, ("chunk",), extra=("document_id",))
        rows: Any = await context.loaders.one(model, wanted).load_many([hit.chunk_id for hit in hits])
        loader = context.loaders.one(models.Document, ("id", "processing_status"))
        documents: Any = await loader.load_many([hit.document_id for hit in hits])
        return [
            DocumentSearchHit(chunk=row, score=hit.score, similarity=hit.similarity)
            for hit, row, document in zip(hits, rows, documents, strict=True)
            if row is not None and document.processing_status is ProcessingStatus.COMPLETED
        ]


@input
class DocumentCreateInput(IdempotentInput):
    """A file to be asked about."""

    upload_id: relay.GlobalID
    """The upload with the file: PDF, Word, PowerPoint, Excel, HTML, Markdown, CSV or text."""

    title: str | None = None
    """What people call it; the file's name unless given."""

    scope: DocumentScope | None = None
    """Who may read it: nobody else unless given. `GLOBAL` is for the platform to say."""


@output
class DocumentCreatePayload(Payload):
    document: Document | None = None
    """The new document, not searchable yet."""


@output
class DocumentReprocessPayload(Payload):
    document: Document | None = None
    """The document, to be worked on."""


@output
class ProcessingMutations:
    @mutation(idempotent=True)
    async def document_create(self, info: Info, input: DocumentCreateInput) -> DocumentCreatePayload:
        """Add an uploaded file as a document; a job reads it and makes it searchable."""
        upload, scope = key_of(input.upload_id, models.Upload, "input", "uploadId"), input.scope
        async with info.context.write() as uow:
            document = await processing.create(
                uow,
                info.context.viewer,
                upload_id=upload,
                title=input.title,
                scope=scope or DocumentScope.USER,
            )
        return DocumentCreatePayload.of(document=document)

    @mutation
    async def document_reprocess(self, info: Info, id: relay.GlobalID) -> DocumentReprocessPayload:
        """Read a document anew, after a failure or with other settings. Meanwhile it cannot be searched."""
        key = await own(info, id)
        async with info.context.write() as uow:
            document = await processing.reprocess(uow, info.context.viewer, key)
        return DocumentReprocessPayload.of(document=document)
