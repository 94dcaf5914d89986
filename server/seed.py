"""What every installation has before it serves: roles, permissions, and somebody who runs the platform."""

import structlog

from core.settings import Settings
from db.uow import Database
from providers.embeddings import ConfiguredEmbedders
from resolvers.identity import accounts, roles
from resolvers.knowledge import embedding_models, model_rollout

log = structlog.get_logger(__name__)

ADMIN = "admin@seshat.local"


async def seed(database: Database) -> None:
    """Make roles and permissions what this release says; the first time, print the new super admin."""
    async with database.platform() as uow:
        await roles.seed(uow)
    password = await accounts.create_first_admin(database, ADMIN)
    if password is not None:
        print(f"Super admin, shown this once:\n  {ADMIN}  {password}", flush=True)


async def seed_embedding_model(database: Database, settings: Settings) -> None:
    """Make known which model embeds, and warn where the active one is not among those that run here."""
    embedders = ConfiguredEmbedders(settings)
    embedder = embedders.default
    try:
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
