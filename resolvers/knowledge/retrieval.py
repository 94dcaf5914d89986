"""Retrieval: hybrid search over the documents that the viewer sees."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, insert, select

from core.errors import Invalid, Unavailable
from core.ports import (
    Embedder,
    Embedders,
    Hit,
    ModelFailure,
    Passage,
    SearchScope,
    SimilarityScale,
    UnknownEmbedder,
    VectorStores,
    VectorsUnavailable,
)
from core.prices import Prices
from db.arrays import any_id
from db.database import Database
from db.models import Document, DocumentChunk, TokenUsage
from db.uow import UnitOfWork
from resolvers import access, token_usage, validators
from resolvers.access import Conditions, Viewer
from resolvers.knowledge import model_rollout
from resolvers.knowledge.documents import SEARCHABLE

log = structlog.get_logger(__name__)

MAX_QUERY_LENGTH = 8_000
"""Maximum length of a query in characters."""
DEEPER, MAX_DEPTH = 4, 4_096
"""How many times deeper the next search of a store is, and the greatest depth."""


@dataclass(frozen=True)
class SearchResult:
    """Hits, best first, with the embedder of the query and the tokens it used."""

    hits: Sequence[Hit]
    passages: Sequence[Passage]
    """The passage of each hit."""
    embedder: Embedder
    tokens: int


async def search(
    database: Database,
    viewer: Viewer,
    embedder: Embedder,
    stores: VectorStores,
    query: str,
    *,
    document_ids: Collection[UUID] | None = None,
    limit: int,
) -> SearchResult:
    """The best chunks by vector and lexical similarity; `document_ids` restricts the search.

    The store may hold vectors that are not found: of chunks that are being replaced, or were. It is searched
    deeper until there are enough chunks that the viewer sees, or it has no more. `embedder` is that of
    `model_rollout.search_embedder`. Hold no unit of work while it runs. Raises `VectorsUnavailable` and
    `ModelFailure`.
    """
    if document_ids is not None and not document_ids:
        return SearchResult((), (), embedder, 0)
    embedded = await embedder.embed([query], "query")
    reach = SearchScope(
        viewer.company_id,
        None if viewer.has_permission("documents:oversee") else viewer.user_id,
        viewer.platform_id,
        None if document_ids is None else frozenset(document_ids),
    )
    store = stores.of(embedder.model, embedder.dimension)
    depth, passages = limit, dict[UUID, Passage]()
    hits: Sequence[Hit] = ()
    while depth:
        hits = await store.search(reach, vector=embedded[0], text=query, limit=depth)
        passages = await _load_passages(database, viewer, hits, embedder.similarity_scale)
        if len(passages) >= limit or len(hits) < depth:
            break
        if depth == MAX_DEPTH:
            log.warning("search_cut_off", company=str(viewer.company_id), hits=len(passages), of=limit)
            break
        depth = min(DEEPER * depth, MAX_DEPTH)
    visible = [hit for hit in hits if hit.chunk_id in passages][:limit]
    return SearchResult(visible, [passages[hit.chunk_id] for hit in visible], embedder, embedded.tokens)


async def search_for_viewer(
    database: Database,
    viewer: Viewer,
    embedders: Embedders,
    stores: VectorStores,
    query: str,
    *,
    document_ids: Collection[UUID] | None,
    limit: int,
    prices: Prices,
) -> Sequence[Hit]:
    """Search for a user: validates the query, reports errors as refusals, and records token usage."""
    access.require(viewer, "documents:read")
    if not query.strip():
        raise Invalid("query cannot be blank.", "query")
    validators.text(query, "query", limit=MAX_QUERY_LENGTH)
    try:
        async with database.tenant(viewer.company_id, viewer.user_id, read_only=True) as uow:
            embedder = await model_rollout.search_embedder(uow, embedders)
        found = await search(
            database, viewer, embedder, stores, query, document_ids=document_ids, limit=limit
        )
    except (VectorsUnavailable, ModelFailure, UnknownEmbedder) as error:
        raise Unavailable("Document search is temporarily unavailable. Try again later.") from error
    if found.tokens:
        usage = token_usage.embedding_usage_columns(prices, found.embedder, found.tokens)
        async with database.tenant(viewer.company_id, viewer.user_id) as uow:
            await uow.execute(insert(TokenUsage).values(user_id=viewer.user_id, **usage))
    return found.hits


async def _load_passages(
    database: Database, viewer: Viewer, hits: Sequence[Hit], scale: SimilarityScale
) -> dict[UUID, Passage]:
    """The passages of the hits that the viewer sees and that are searchable now, by the chunks' ids.

    `scale` is that of the embedder of the search.
    """
    ids = [hit.chunk_id for hit in hits]
    if not ids:
        return {}
    async with database.transaction(viewer.scope, read_only=True) as uow:
        found = await _rows(uow, ids, access.visibility(viewer, Document, Document))
    if viewer.platform_scope is not None and len(found) < len(ids):
        async with database.transaction(viewer.platform_scope, read_only=True) as uow:
            found |= await _rows(uow, ids, access.platform_visibility(viewer, Document, Document))
    return {hit.chunk_id: _passage(found[hit.chunk_id], hit, scale) for hit in hits if hit.chunk_id in found}


async def _rows(uow: UnitOfWork, ids: list[UUID], seen: Conditions) -> dict[UUID, Row[Any]]:
    statement = (
        select(
            DocumentChunk.id,
            DocumentChunk.document_id,
            DocumentChunk.content,
            DocumentChunk.page_number,
            DocumentChunk.chunk_metadata,
            Document.title,
        )
        .join(Document, Document.id == DocumentChunk.document_id)
        .where(DocumentChunk.id == any_id(ids))
        .where(SEARCHABLE, *seen)
    )
    return {row.id: row for row in await uow.all(statement)}


def _passage(row: Row[Any], hit: Hit, scale: SimilarityScale) -> Passage:
    location = row.chunk_metadata or {}
    start = location.get("start", 0)
    return Passage(
        document_id=row.document_id,
        source=row.title,
        page=row.page_number,
        start=start,
        end=start + len(row.content),
        text=row.content,
        similarity=scale.of(hit.similarity),
        chunk_id=row.id,
    )
