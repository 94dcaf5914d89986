"""Texts of a company into vectors, and into the store: what was embedded before is not embedded again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from core.errors import Conflict
from core.ports import (
    Embedder,
    EmbeddingResult,
    ModelFailure,
    UnknownEmbedder,
    Vector,
    VectorChunk,
    VectorsUnavailable,
)
from pipelines.runtime.handlers import Retry, Run
from resolvers.knowledge import embedding_cache

BATCH_SIZE = 32
"""Chunks that are embedded before progress is reported."""

Report = Callable[[float], Awaitable[None]]


async def index_document(
    run: Run,
    embedder: Embedder,
    document: Row[Any],
    texts: Sequence[str],
    ids: Sequence[UUID],
    report: Report,
) -> int:
    """Embed a document's chunks and store their vectors, and no others of it. Answers the tokens read.

    Raises `Retry` for what time may cure, and `Conflict` for what it does not.
    """
    store = run.services.vectors.of(embedder.model, embedder.dimension)
    tokens = 0
    try:
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
        await store.delete(run.company_id, document.id, keep=ids)
    except (VectorsUnavailable, ModelFailure, UnknownEmbedder) as error:
        raise outcome(error) from error
    return tokens


async def embed_cached(run: Run, embedder: Embedder, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
    """The windows' vectors of each text; `tokens` counts only what the model read now."""
    fingerprints = [embedding_cache.fingerprint(embedder, text) for text in texts]
    async with run.write() as uow:
        cached = await embedding_cache.load(uow, embedder, fingerprints)
    new = {each: text for each, text in zip(fingerprints, texts, strict=True) if each not in cached}
    if not new:
        return EmbeddingResult((cached[each] for each in fingerprints), 0)
    computed = await embedder.embed_windows(list(new.values()))
    fresh = dict(zip(new, computed, strict=True))
    async with run.write() as uow:
        await embedding_cache.store(uow, fresh)
    return EmbeddingResult(((cached | fresh)[each] for each in fingerprints), computed.tokens)


def outcome(error: VectorsUnavailable | ModelFailure | UnknownEmbedder) -> Exception:
    """What to raise for it: another attempt where that may help, else a sentence for a person."""
    match error:
        case VectorsUnavailable():
            return Retry("The vector store does not answer.")
        case ModelFailure() if error.is_transient:
            return Retry(error.message, after=error.retry_after)
        case _:
            return Conflict(str(error))
