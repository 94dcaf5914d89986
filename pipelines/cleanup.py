"""Cleanup of stored objects of deleted rows, and of expired rows."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete

from core import working_folders
from db.company_move.execution import repair as repair_moves
from db.databases.changes import repair
from db.databases.company_databases import CompanyDatabases
from db.models import IdempotencyKey, Invitation, OneTimeToken, RefreshToken
from pipelines.runtime.handlers import Run, Services, handles
from pipelines.runtime.periodic import periodic
from resolvers import activity_exports, files
from resolvers.identity import sign_in_limits
from resolvers.object_removal import RemoveObjects, delete_objects

log = structlog.get_logger(__name__)

INVITATIONS_KEPT = timedelta(days=90)
"""Time after its expiry for which an invitation is listed."""

IDEMPOTENCY_KEY_TTL = timedelta(days=7)


@handles(RemoveObjects)
async def remove_objects(job: RemoveObjects, run: Run) -> None:
    """Deletes the objects with these keys, and all objects under prefixes that end in `/`. Idempotent."""
    for done, prefix in enumerate(job.prefixes, 1):
        await delete_objects(run.services.store, prefix)
        await run.report(done / len(job.prefixes))


@periodic("partial writes", timedelta(minutes=15))
async def purge_partial_writes(services: Services) -> None:
    """Deletes what interrupted writes have left in the object store."""
    await files.purge_partial_writes(services.store, datetime.now(UTC))


@periodic("expired uploads", timedelta(minutes=15), per_company=True)
async def purge_uploads(services: Services, company_id: UUID) -> None:
    """Deletes expired uploads that were never sent."""
    await files.purge(services.database, services.store, company_id, datetime.now(UTC))


@periodic("tokens and sign-ins", timedelta(hours=1))
async def purge_tokens(services: Services) -> None:
    """Deletes expired refresh tokens, and what the limits of sign-ins do not need any more.

    Refresh tokens tell whether their session has ended: they outlive its access tokens.
    """
    now = datetime.now(UTC)
    access_token_ttl = timedelta(seconds=services.settings.access_token_ttl)
    async with services.database.platform() as uow:
        await uow.execute(delete(RefreshToken).where(RefreshToken.expires_at < now - access_token_ttl))
        await sign_in_limits.purge(uow, now)
        await uow.execute(delete(OneTimeToken).where(OneTimeToken.expires_at < now))
        await uow.execute(delete(Invitation).where(Invitation.expires_at < now - INVITATIONS_KEPT))


@periodic("idempotency keys", timedelta(hours=6), per_company=True)
async def purge_keys(services: Services, company_id: UUID) -> None:
    """Deletes expired idempotency keys."""
    async with services.database.tenant(company_id) as uow:
        expired = IdempotencyKey.created_at < datetime.now(UTC) - IDEMPOTENCY_KEY_TTL
        await uow.execute(delete(IdempotencyKey).where(expired))


@periodic("old activity", timedelta(hours=6), per_company=True)
async def purge_activity(services: Services, company_id: UUID) -> None:
    """Deletes activity that is older than `ACTIVITY_TTL`."""
    if services.settings.activity_ttl:
        before = datetime.now(UTC) - timedelta(seconds=services.settings.activity_ttl)
        async with services.database.tenant(company_id) as uow:
            await activity_exports.purge(uow, before)


@periodic("working folders", timedelta(hours=1), per_worker=True)
async def purge_working_folders(services: Services) -> None:
    """Deletes working folders that killed workers have left on this host."""
    await asyncio.to_thread(working_folders.purge)


@periodic("placement of companies", timedelta(minutes=1))
async def repair_placement(services: Services) -> None:
    """Finishes or undoes interrupted changes of placement, and drops databases of deleted companies."""
    if services.settings.database_admin_url is not None:
        databases = CompanyDatabases.of(services.settings)
        await repair(databases, report)
        await repair_moves(databases, report=report)


def report(line: str) -> None:
    """Logs what a repair does."""
    log.info("placement_repaired", action=line)
