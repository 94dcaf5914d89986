"""Leases of all jobs: heartbeats, lost entries, and the periods of periodic tasks."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select, text, update

from db import outbox
from db.base import PLATFORM
from db.database import Database
from db.models import Lease, LeaseState
from db.queue import entries
from db.queue.entries import Entry
from db.queue.messages import UNASSIGNED, AddEntry

log = structlog.get_logger(__name__)

NO_ENTRY = text(f"NOT EXISTS (SELECT FROM {PLATFORM}.pgqueuer entry WHERE entry.id = leases.entry_id)")
ENTRIES = text(f"SELECT id FROM {PLATFORM}.pgqueuer WHERE id = ANY(CAST(:ids AS bigint[]))")
REQUEUE_BATCH_SIZE = 100

CLAIM_PERIOD = text(
    f"""
    INSERT INTO {PLATFORM}.pgqueuer_schedules AS schedule (expression, entrypoint, next_run, last_run)
    VALUES ('upkeep', :name, now() + :every, now())
    ON CONFLICT (expression, entrypoint)
    DO UPDATE SET next_run = excluded.next_run, last_run = excluded.last_run, updated = now()
    WHERE schedule.next_run <= now()
    RETURNING id
    """
)

PURGE_STATEMENTS = (
    f"DELETE FROM {PLATFORM}.pgqueuer_log WHERE created < now() - interval '1 day'",
    f"DELETE FROM {PLATFORM}.pgqueuer_statistics WHERE created < now() - interval '30 days'",
    f"DELETE FROM {PLATFORM}.fair_shares share WHERE NOT EXISTS "
    f"(SELECT FROM {PLATFORM}.pgqueuer WHERE entrypoint = share.queue)",
)


@dataclass(frozen=True)
class Heartbeat:
    """Result of a heartbeat: the jobs that the worker still owns, and those to be cancelled."""

    owned: frozenset[UUID]
    cancelling: frozenset[UUID]


async def heartbeat(database: Database, worker: str, jobs: Mapping[UUID, UUID]) -> Heartbeat:
    """Renews the worker's leases on these jobs, given with the companies that they are of.

    Jobs in a database that does not answer count as owned, unless none answers.
    """
    groups: dict[UUID | None, list[UUID]] = {}
    for id, company_id in jobs.items():
        is_pooled = await database.placement.locate(company_id) is None
        groups.setdefault(None if is_pooled else company_id, []).append(id)
    beats = [_heartbeat(database, worker, company_id, ids) for company_id, ids in groups.items()]
    results = await asyncio.gather(*beats, return_exceptions=True)
    heartbeats = [result for result in results if isinstance(result, Heartbeat)]
    owned = frozenset(id for each in heartbeats for id in each.owned)
    for ids, result in zip(groups.values(), results, strict=True):
        if isinstance(result, BaseException):
            log.warning("heartbeat_failed", error=result)
            if not heartbeats or not isinstance(result, Exception):
                raise result
            owned |= frozenset(ids)
    return Heartbeat(owned, cancelling=frozenset(id for each in heartbeats for id in each.cancelling))


async def _heartbeat(
    database: Database, worker: str, company_id: UUID | None, ids: Collection[UUID]
) -> Heartbeat:
    alive = update(Lease).where(
        Lease.id == any_(bindparam("ids", list(ids), type_=ARRAY(Uuid))), Lease.worker == worker
    )
    async with database.platform() if company_id is None else database.tenant(company_id) as uow:
        held = await uow.all(alive.values(heartbeat_at=func.now()).returning(Lease.id, Lease.state))
    return Heartbeat(
        owned=frozenset(row.id for row in held),
        cancelling=frozenset(row.id for row in held if row.state is LeaseState.CANCELLING),
    )


async def requeue_lost(database: Database, stale: timedelta) -> int:
    """Requeues jobs without a heartbeat for `stale` whose queue entry is gone. Returns their number.

    An entry is lost when a stalled worker whose job was taken over resumes and ends the entry.
    """
    lost = (
        select(Lease)
        .where(Lease.heartbeat_at < func.now() - stale, NO_ENTRY)
        .limit(REQUEUE_BATCH_SIZE)
        .with_for_update(skip_locked=True)
    )
    async with database.platform() as uow:
        leases = await uow.all(lost)
        for lease in leases:
            entry_id = await entries.add(uow, Entry(lease.id, lease.company_id, lease.task), lease.queue)
            await uow.execute(update(Lease).where(Lease.id == lease.id).values(entry_id=entry_id))
    return len(leases)


async def requeue_lost_of(database: Database, company_id: UUID, stale: timedelta) -> int:
    """Does the same for the jobs of a company with a database of its own."""
    async with database.tenant(company_id, kind="platform") as uow:
        if not await uow.is_split():
            return 0
        silent = select(Lease).where(Lease.heartbeat_at < func.now() - stale).limit(REQUEUE_BATCH_SIZE)
        leases = await uow.all(silent.with_for_update(skip_locked=True))
        entry_ids = [lease.entry_id for lease in leases]
        existing = {row.id for row in await uow.all(ENTRIES, {"ids": entry_ids})} if leases else set()
        lost = [lease for lease in leases if lease.entry_id not in existing]
        for lease in lost:
            await uow.execute(update(Lease).where(Lease.id == lease.id).values(entry_id=UNASSIGNED))
            await outbox.send(uow, AddEntry(lease.id, company_id, lease.task, lease.queue))
    return len(lost)


async def purge(database: Database) -> None:
    """Deletes old log entries of pgqueuer, and the fair shares of empty queues."""
    async with database.platform() as uow:
        for statement in PURGE_STATEMENTS:
            await uow.execute(text(statement))


async def claim_period(database: Database, name: str, every: timedelta) -> bool:
    """Whether this process runs the periodic task now: one process claims each period."""
    async with database.platform() as uow:
        return await uow.scalar(CLAIM_PERIOD, {"name": name, "every": every}) is not None
