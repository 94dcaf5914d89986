"""Embedding what is there by another model, while the one before it serves."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert

from core.ports import Embedder, UnknownEmbedder, VectorsUnavailable
from db.models import TokenUsage
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.knowledge.indexing import index_document, outcome
from pipelines.runtime.handlers import Retry, Run, Services, handles
from pipelines.runtime.periodic import periodic
from resolvers import token_usage
from resolvers.knowledge import embedding_cache, model_rollout
from resolvers.knowledge.model_rollout import EmbedAnew
from resolvers.knowledge.vector_sync import ForgetModel


@handles(EmbedAnew)
async def reembed_company(job: EmbedAnew, run: Run) -> CompletionHook | None:
    """Document after document, then have the company searched by the model. Goes on where it was.

    What is uploaded or changed meanwhile is embedded by the model before, and caught up with at the end.
    """
    checkpoint = run.checkpoint or {}
    tokens = checkpoint.get("tokens", 0)
    async with run.write() as uow:
        model = await model_rollout.begin_reembedding(uow, job.model_id, anew=not checkpoint)
        await run.save({"tokens": tokens}, uow)
    if model is None:
        return None
    try:
        embedder = model_rollout.embedder_of(run.services.embedders, model)
    except UnknownEmbedder as error:
        raise outcome(error) from error
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
    run: Run, embedder: Embedder, model: Row[Any], document: Row[Any], tokens: int
) -> int:
    """Store the document's vectors; what has changed meanwhile is still left. Answers the tokens read."""
    async with run.read() as uow:
        chunks = await model_rollout.list_chunks(uow, document.id)

    async def report(share: float) -> None:
        """A document is the smallest step that is told."""

    ids, texts = [chunk.id for chunk in chunks], [chunk.content for chunk in chunks]
    used_tokens = await index_document(run, embedder, document, texts, ids, report)
    async with run.write() as uow:
        stored = await model_rollout.mark_embedded(uow, document, model)
        deleted = not stored and await model_rollout.is_deleted(uow, document.id)
        await run.save({"tokens": tokens + used_tokens}, uow)
    if deleted:
        try:
            await run.services.vectors.delete(run.company_id, document.id)
        except VectorsUnavailable as error:
            raise outcome(error) from error
    return used_tokens


@handles(ForgetModel)
async def delete_model_vectors(job: ForgetModel, run: Run) -> None:
    """Remove its vectors. Safe to repeat."""
    try:
        await run.services.vectors.drop(job.model, job.dimension)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error


@periodic("embedding models", timedelta(minutes=1))
async def enqueue_reembedding(services: Services) -> None:
    """Companies that are searched by an earlier model get their job."""
    await model_rollout.enqueue_overdue(services.database)


@periodic("unused vectors", timedelta(hours=1))
async def purge_unused_vectors(services: Services) -> None:
    """Deletes the vectors of models that no company uses.

    The models stay locked meanwhile, so that none is activated.
    """
    async with services.database.platform() as uow:
        for model in await model_rollout.unused_models(uow):
            await services.vectors.drop(model.name, model.dimension)


@periodic("cached embeddings", timedelta(hours=1), per_company=True)
async def purge_cached_embeddings(services: Services, company_id: UUID) -> None:
    """Deletes cached embeddings that are no longer used."""
    async with services.database.tenant(company_id) as uow:
        await embedding_cache.purge(uow)
