"""Seed data of an installation: roles, permissions, a super admin and the embedding model."""

import structlog

from core.settings import Settings
from db.database import Database
from providers.embeddings import ConfiguredEmbedders
from resolvers.identity import accounts, roles
from resolvers.knowledge import embedding_models, model_rollout

log = structlog.get_logger(__name__)

ADMIN = "admin@seshat.local"


async def seed(database: Database, settings: Settings) -> None:
    """Updates roles and permissions to this release. Creates and prints the first super admin."""
    async with database.platform() as uow:
        await roles.seed(uow)
    password = await accounts.create_first_admin(database, settings, ADMIN)
    if password is not None:
        print(f"Super admin (the password is shown only once):\n  {ADMIN}  {password}", flush=True)


async def seed_embedding_model(database: Database, settings: Settings) -> None:
    """Registers the default embedding model, and warns if the active model is not available."""
    embedders = ConfiguredEmbedders(settings)
    embedder = embedders.default
    try:
        if embedders.fallback_reason:
            log.warning("embedding_model_replaced", reason=embedders.fallback_reason)
        async with database.platform() as uow:
            await embedding_models.seed(
                uow,
                name=embedder.model,
                provider=embedder.provider,
                dimension=embedder.dimension,
                max_tokens=embedder.max_tokens,
            )
            if reason := await model_rollout.unavailable_reason(uow, embedders):
                log.warning("embedding_model_unavailable", reason=reason)
    finally:
        await embedders.close()
