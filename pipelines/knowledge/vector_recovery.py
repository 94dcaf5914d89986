"""Recovery of a company's lost vectors."""

from uuid import UUID

from sqlalchemy import insert

from core.ports import Embedder
from db.models import Document, TokenUsage
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.knowledge.indexing import index_document
from pipelines.runtime.handlers import Run, handles
from resolvers import token_usage
from resolvers.knowledge import model_rollout, vector_recovery
from resolvers.knowledge.vector_recovery import RecoverVectors


@handles(RecoverVectors)
async def recover_vectors(job: RecoverVectors, run: Run) -> CompletionHook | None:
    """Index each document of which the store holds another number of chunks. Resumable, safe to repeat.

    Documents that change meanwhile are indexed again, or by the job that changes them.
    """
    checkpoint = run.checkpoint or {}
    after = UUID(checkpoint["after"]) if "after" in checkpoint else None
    tokens: dict[str, int] = dict(checkpoint.get("tokens", {}))
    async with run.write() as uow:
        embedders = await model_rollout.indexing_embedders(uow, run.services.embedders)
        expected = await vector_recovery.count_chunks(uow)
    done = 0
    while (document := await next_document(run, after)) is not None:
        for embedder in embedders:
            used = await recover_document(run, embedder, document)
            tokens[embedder.model] = tokens.get(embedder.model, 0) + used
        async with run.read() as uow:
            unchanged = await vector_recovery.is_unchanged(uow, document)
            deleted = not unchanged and await model_rollout.is_deleted(uow, document.id)
        if deleted:
            await run.services.vectors.delete(run.company_id, document.id)
        if unchanged or deleted:
            after = document.id
            done += document.chunk_count
        await run.save({"tokens": tokens} | ({"after": str(after)} if after else {}))
        await run.report(done / max(expected, 1))

    async def finish(uow: UnitOfWork) -> None:
        for embedder in embedders:
            if used := tokens.get(embedder.model):
                columns = token_usage.embedding_usage_columns(run.services.prices, embedder, used)
                await uow.execute(insert(TokenUsage).values(operation_id=str(run.id), **columns))

    return finish


async def next_document(run: Run, after: UUID | None) -> Document | None:
    """The next searchable document by id."""
    async with run.read() as uow:
        return await vector_recovery.next_document(uow, after)


async def recover_document(run: Run, embedder: Embedder, document: Document) -> int:
    """Index a document unless the store holds all its chunks. Returns the number of tokens embedded."""
    store = run.services.vectors.of(embedder.model, embedder.dimension)
    if await store.count(run.company_id, document.id) == document.chunk_count:
        return 0
    async with run.read() as uow:
        chunks = await model_rollout.list_chunks(uow, document.id)

    async def report(share: float) -> None:
        """Progress is reported per document."""

    ids, texts = [chunk.id for chunk in chunks], [chunk.content for chunk in chunks]
    return await index_document(run, embedder, document, texts, ids, report)
