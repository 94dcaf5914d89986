"""Document upload and search."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import relay

from core.errors import Invalid
from db import models
from db.models import DocumentScope
from resolvers.knowledge import processing, retrieval
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of, keys_of
from schema.framework.payloads import IdempotentInput, Payload, field, mutation, validate_arguments
from schema.framework.projection import columns
from schema.knowledge.operations import own_key
from schema.knowledge.types import Document, DocumentChunk

MAX_SEARCH_HITS = 100
SEARCHES = 3
"""Searches until no hit is replaced between the search and the reading of its chunk."""

Query = Annotated[str, strawberry.argument(description="Text to search for, of at most 8,000 characters.")]
First = Annotated[int, strawberry.argument(description="Maximum number of hits. Default 10, maximum 100.")]


@output
class DocumentSearchHit:
    """A document chunk found by a search."""

    chunk: DocumentChunk
    """The document chunk."""

    score: float
    """Relevance score. Comparable only within one search."""

    similarity: float | None
    """Cosine similarity of the embeddings, from -1 to 1. Null if found by lexical search only."""


@input
class DocumentSearchFilter:
    """Conditions for searching documents."""

    document_ids: list[relay.GlobalID] | None = None
    """Global IDs of the documents to search. Maximum 100."""


@output
class SearchQueries:
    @field
    async def document_search(
        self, info: Info, query: Query, filter: DocumentSearchFilter | None = None, first: First = 10
    ) -> list[DocumentSearchHit]:
        """Hybrid semantic and lexical search in all documents that are visible to the viewer, best hits
        first.
        """
        context, model = info.context, models.DocumentChunk
        validate_arguments({"query": query, "filter": filter})
        if not 0 <= first <= MAX_SEARCH_HITS:
            raise Invalid(f"first must be between 0 and {MAX_SEARCH_HITS} (got {first}).", "first")
        ids = filter.document_ids if filter else None
        chosen = None if ids is None else keys_of(ids, models.Document, "filter", "documentIds")
        viewer, services = context.viewer, context.services
        await context.read().release()
        wanted = columns(info, model, ("chunk",), extra=("document_id",))
        found: list[DocumentSearchHit] = []
        for _ in range(SEARCHES):
            hits = await retrieval.search_for_viewer(
                services.database,
                viewer,
                services.embedders,
                services.vectors,
                query,
                document_ids=chosen,
                limit=first,
                prices=services.prices,
            )
            rows: Any = await context.loaders.one(model, wanted).load_many([hit.chunk_id for hit in hits])
            found = [
                DocumentSearchHit(chunk=row, score=hit.score, similarity=hit.similarity)
                for hit, row in zip(hits, rows, strict=True)
                if row is not None
            ]
            if len(found) == len(hits):
                break
        return found


@input
class DocumentCreateInput(IdempotentInput):
    """Input of `documentCreate`."""

    upload_id: relay.GlobalID
    """Global ID of the upload: a PDF, Word, PowerPoint, Excel, HTML, Markdown, CSV or text file."""

    title: str | None = None
    """Title of the document. Defaults to the filename."""

    scope: DocumentScope | None = None
    """Visibility of the document. Default USER. `GLOBAL` requires `documents:publish`."""


@output
class DocumentCreatePayload(Payload):
    document: Document | None = None
    """The new document. It becomes searchable once processed."""


@output
class DocumentReprocessPayload(Payload):
    document: Document | None = None
    """The document, pending processing."""


@output
class ProcessingMutations:
    @mutation(idempotent=True)
    async def document_create(self, info: Info, input: DocumentCreateInput) -> DocumentCreatePayload:
        """Create a document from an uploaded file. A job extracts its text and makes it searchable."""
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
        """Process a document again, after a failure or with other settings. It is not searchable in the
        meantime.
        """
        key = await own_key(info, id)
        async with info.context.write() as uow:
            document = await processing.reprocess(uow, info.context.viewer, key)
        return DocumentReprocessPayload.of(document=document)
