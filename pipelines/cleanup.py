"""Clearing away: stored objects of deleted rows, and rows that time has made worthless."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from db.models import Company, IdempotencyKey, RefreshToken, SignInAttempt
from pipelines.runtime import workdirs
from pipelines.runtime.handlers import Run, Services, handles
from pipelines.runtime.periodic import periodic
from resolvers import files
from resolvers.identity.accounts import ATTEMPT_WINDOW
from resolvers.object_removal import RemoveObjects

DELETE_BATCH_SIZE = 500
IDEMPOTENCY_KEY_TTL = timedelta(days=7)
WORKING_FOLDER_TTL = timedelta(days=1)


@handles(RemoveObjects)
async def remove_objects(job: RemoveObjects, run: Run) -> None:
    """Delete everything stored under the prefixes, and what they name themselves. Safe to repeat."""
    for done, prefix in enumerate(job.prefixes, 1):
        batch = [prefix] if not prefix.endswith("/") else []
        async for stored in run.services.store.list(prefix):
            batch.append(stored.key)
            if len(batch) == DELETE_BATCH_SIZE:
                await run.services.store.delete(batch)
                batch.clear()
        await run.services.store.delete(batch)
        await run.report(done / len(job.prefixes))


@periodic("expired uploads", timedelta(minutes=15))
async def purge_uploads(services: Services) -> None:
    """Uploads that were announced and never sent."""
    await files.purge(services.database, services.store, datetime.now(UTC))


@periodic("tokens and sign-ins", timedelta(hours=1))
async def purge_tokens(services: Services) -> None:
    """Refresh tokens past their end, and refused sign-ins that count no more."""
    now = datetime.now(UTC)
    async with services.database.platform() as uow:
        await uow.execute(delete(RefreshToken).where(RefreshToken.expires_at < now))
        await uow.execute(delete(SignInAttempt).where(SignInAttempt.created_at < now - ATTEMPT_WINDOW))


@periodic("idempotency keys", timedelta(hours=6))
async def purge_keys(services: Services) -> None:
    """Keys of a week ago: nobody asks again that late."""
    async with services.database.platform(read_only=True) as uow:
        companies = [row.id for row in await uow.all(select(Company.id))]
    for company_id in companies:
        async with services.database.tenant(company_id) as uow:
            old = IdempotencyKey.created_at < datetime.now(UTC) - IDEMPOTENCY_KEY_TTL
            await uow.execute(delete(IdempotencyKey).where(old))


@periodic("working folders", timedelta(hours=1))
async def purge_working_folders(services: Services) -> None:
    """What killed workers left on this host."""
    await asyncio.to_thread(workdirs.purge, WORKING_FOLDER_TTL)
