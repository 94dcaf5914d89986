"""Indexing of documents: embed their chunks, with a cache per company, and store the vectors."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from core.ports import Embedder, EmbeddingResult, Vector, VectorChunk
from db.models import Document
from pipelines.runtime.handlers import Run
from resolvers.knowledge import embedding_cache

BATCH_SIZE = 32
"""Chunks that are embedded before progress is reported."""

Report = Callable[[float], Awaitable[None]]


async def index_document(
    run: Run,
    embedder: Embedder,
    document: Document,
    texts: Sequence[str],
    ids: Sequence[UUID],
    report: Report,
) -> int:
    """Embed a document's chunks and store their vectors. Returns the number of tokens embedded."""
    store = run.services.vectors.of(embedder.model, embedder.dimension)
    tokens = 0
    for start in range(0, len(texts), BATCH_SIZE):
        batch = texts[start : start + BATCH_SIZE]
        embedded = await embed_cached(run, embedder, batch)
        tokens += embedded.tokens
        points = [
            VectorChunk(
                id=id,
                document_id=document.id,
                user_id=document.uploaded_by_id,
                scope=document.scope.value,
                text=text,
                vectors=vectors,
            )
            for id, text, vectors in zip(ids[start : start + BATCH_SIZE], batch, embedded, strict=True)
        ]
        await store.upsert(run.company_id, points)
        await report(min(1.0, (start + BATCH_SIZE) / len(texts)))
    return tokens


async def embed_cached(run: Run, embedder: Embedder, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
    """The vectors of each text's windows; `tokens` excludes texts from the cache."""
    fingerprints = [embedding_cache.fingerprint(embedder, text) for text in texts]
    async with run.write() as uow:
        cached = await embedding_cache.load(uow, embedder, fingerprints)
    new = {key: text for key, text in zip(fingerprints, texts, strict=True) if key not in cached}
    if not new:
        return EmbeddingResult((cached[key] for key in fingerprints), 0)
    computed = await embedder.embed_windows(list(new.values()))
    fresh = dict(zip(new, computed, strict=True))
    async with run.write() as uow:
        await embedding_cache.store(uow, fresh)
        await run.mark_progress(uow)
    return EmbeddingResult(((cached | fresh)[key] for key in fingerprints), computed.tokens)
