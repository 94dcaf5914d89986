"""Leases of all jobs: heartbeats, lost entries, and the periods of periodic tasks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select, text, update

from db.base import PLATFORM
from db.models import Lease, LeaseState
from db.queue import entries
from db.queue.entries import Entry
from db.uow import Database

NO_ENTRY = text(f"NOT EXISTS (SELECT FROM {PLATFORM}.pgqueuer entry WHERE entry.id = leases.entry_id)")
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


async def heartbeat(database: Database, worker: str, ids: Collection[UUID]) -> Heartbeat:
    """Renews the worker's leases on these jobs."""
    alive = update(Lease).where(
        Lease.id == any_(bindparam("ids", list(ids), type_=ARRAY(Uuid))), Lease.worker == worker
    )
    async with database.platform() as uow:
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


async def purge(database: Database) -> None:
    """Deletes old log entries of pgqueuer, and the fair shares of empty queues."""
    async with database.platform() as uow:
        for statement in PURGE_STATEMENTS:
            await uow.execute(text(statement))


async def claim_period(database: Database, name: str, every: timedelta) -> bool:
    """Whether this process runs the periodic task now: one process claims each period."""
    async with database.platform() as uow:
        return await uow.scalar(CLAIM_PERIOD, {"name": name, "every": every}) is not None
