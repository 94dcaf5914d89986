"""Cleanup of expired conversation events and cached answers."""

from datetime import timedelta
from uuid import UUID

from pipelines.runtime.handlers import Services
from pipelines.runtime.periodic import periodic
from resolvers.chat import answer_cache, events


@periodic("conversation events", timedelta(hours=1), per_company=True)
async def purge_events(services: Services, company_id: UUID) -> None:
    """Delete expired conversation events of every company."""
    async with services.database.tenant(company_id) as uow:
        await events.purge(uow)


@periodic("cached answers", timedelta(hours=1), per_company=True)
async def purge_cached_answers(services: Services, company_id: UUID) -> None:
    """Delete expired answers of every company."""
    async with services.database.tenant(company_id) as uow:
        await answer_cache.purge(uow, timedelta(seconds=services.settings.answer_cache_ttl))
