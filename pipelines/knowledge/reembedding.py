"""Reembedding of a company's documents by another model, while the previous model serves searches."""

from uuid import UUID

from sqlalchemy import insert

from core.ports import Embedder
from db.models import Document, EmbeddingModel, TokenUsage
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.knowledge.indexing import index_document
from pipelines.runtime.handlers import Run, handles
from resolvers import token_usage
from resolvers.knowledge import model_rollout
from resolvers.knowledge.model_rollout import ReembedDocuments
from resolvers.knowledge.vector_sync import ForgetModel


@handles(ReembedDocuments)
async def reembed_company(job: ReembedDocuments, run: Run) -> CompletionHook | None:
    """Embed each document by the new model, then switch the company's searches to it. Resumable.

    Documents that are uploaded or changed meanwhile are indexed by both models or caught up at the end.
    """
    checkpoint = run.checkpoint or {}
    tokens = checkpoint.get("tokens", 0)
    async with run.write() as uow:
        model = await model_rollout.begin_reembedding(uow, job.model_id, restart=not checkpoint)
        await run.save({"tokens": tokens}, uow)
    if model is None:
        return None
    embedder = model_rollout.embedder_of(run.services.embedders, model)
    after: UUID | None = None
    while True:
        async with run.write() as uow:
            document = await model_rollout.next_document(uow, model, after)
            if document is None and await model_rollout.switch_company(uow, model):
                break
            count, done = await model_rollout.count_documents(uow, model)
        if document is not None:
            tokens += await reembed_document(run, embedder, model, document, tokens)
            after = document.id
            await run.report((done + 1) / max(count, 1))
    await model_rollout.enqueue_overdue(run.services.database)

    async def finish(uow: UnitOfWork) -> None:
        used = token_usage.embedding_usage_columns(run.services.prices, embedder, tokens)
        await uow.execute(insert(TokenUsage).values(operation_id=str(run.id), **used))

    return finish


async def reembed_document(
    run: Run, embedder: Embedder, model: EmbeddingModel, document: Document, tokens: int
) -> int:
    """Index a document by the new model. Returns the number of tokens embedded."""
    async with run.read() as uow:
        chunks = await model_rollout.list_chunks(uow, document.id)

    async def report(share: float) -> None:
        """Progress is reported per document."""

    ids, texts = [chunk.id for chunk in chunks], [chunk.content for chunk in chunks]
    used_tokens = await index_document(run, embedder, document, texts, ids, report)
    async with run.write() as uow:
        stored = await model_rollout.mark_embedded(uow, document, model)
        deleted = not stored and await model_rollout.is_deleted(uow, document.id)
        await run.save({"tokens": tokens + used_tokens}, uow)
    if deleted:
        await run.services.vectors.delete(run.company_id, document.id)
    return used_tokens


@handles(ForgetModel)
async def delete_model_vectors(job: ForgetModel, run: Run) -> None:
    """Delete a model's vectors. Safe to repeat."""
    await run.services.vectors.drop(job.model, job.dimension)
