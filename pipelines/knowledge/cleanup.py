"""Reembedding by a newer model, recovery of lost vectors, and cleanup of unused chunks and vectors."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from core.ports import UnknownEmbedder, VectorsUnavailable
from pipelines.runtime.handlers import Services
from pipelines.runtime.periodic import company_ids, periodic
from resolvers.knowledge import embedding_cache, model_rollout, processing, vector_recovery

log = structlog.get_logger(__name__)

RECOVERY_INTERVAL = timedelta(hours=1)
"""Minimum time between two recoveries of a company whose number of chunks is wrong."""


@periodic("embedding models", timedelta(minutes=1))
async def enqueue_reembedding(services: Services) -> None:
    """Enqueue reembedding for companies that an earlier model serves."""
    await model_rollout.enqueue_overdue(services.database)


@periodic("unused vectors", timedelta(hours=1))
async def purge_unused_vectors(services: Services) -> None:
    """Deletes the vectors of models that no company uses.

    The models stay locked meanwhile, so that none is activated.
    """
    async with services.database.platform() as uow:
        for model in await model_rollout.unused_models(uow):
            await services.vectors.drop(model.name, model.dimension)


@periodic("chunks of failed documents", timedelta(hours=1), per_company=True)
async def purge_orphan_chunks(services: Services, company_id: UUID) -> None:
    """Deletes the chunks and vectors that documents whose processing has failed have left."""
    async with services.database.tenant(company_id) as uow:
        await processing.purge_orphan_chunks(uow)


@periodic("cached embeddings", timedelta(hours=1), per_company=True)
async def purge_cached_embeddings(services: Services, company_id: UUID) -> None:
    """Deletes cached embeddings that are no longer used."""
    async with services.database.tenant(company_id) as uow:
        await embedding_cache.purge(uow)


@periodic("damaged vectors", timedelta(seconds=5))
async def recover_damaged_vectors(services: Services) -> None:
    """Enqueue the recovery of every company if a store was damaged; allow searches when all have ended."""
    try:
        damaged = await services.vectors.incomplete()
    except VectorsUnavailable:
        return
    if not damaged:
        return
    since = max(damaged.values())
    recovering = 0
    for company_id in await company_ids(services):
        async with services.database.tenant(company_id) as uow:
            if await vector_recovery.count_chunks(uow):
                started = await vector_recovery.enqueue(uow, since) is not None
                recovering += started or await vector_recovery.is_running(uow)
    log.warning("vectors_incomplete", stores=sorted(damaged), companies=recovering)
    if not recovering:
        for name in damaged:
            await services.vectors.mark_complete(name)


@periodic("lost vectors", timedelta(minutes=5), per_company=True)
async def recover_lost_vectors(services: Services, company_id: UUID) -> None:
    """Enqueue the recovery of a company of which a store holds fewer chunks than there are rows."""
    try:
        async with services.database.tenant(company_id) as uow:
            expected = await vector_recovery.count_chunks(uow)
            if not expected:
                return
            embedders = await model_rollout.indexing_embedders(uow, services.embedders)
        stores = [services.vectors.of(embedder.model, embedder.dimension) for embedder in embedders]
        if all([await store.count(company_id) >= expected for store in stores]):
            return
    except (UnknownEmbedder, VectorsUnavailable):
        return
    async with services.database.tenant(company_id) as uow:
        if await vector_recovery.enqueue(uow, datetime.now(UTC) - RECOVERY_INTERVAL):
            log.warning("vectors_lost", company=str(company_id))
