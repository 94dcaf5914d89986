"""Crawl rate limit per host, shared by all workers."""

from datetime import timedelta

from sqlalchemy import text

from db.base import PLATFORM
from db.database import Database

RESERVE_SLOT = text(
    f"""
    INSERT INTO {PLATFORM}.host_turns AS slot (host, free_at) VALUES (:host, clock_timestamp() + :interval)
    ON CONFLICT (host) DO UPDATE SET free_at = greatest(slot.free_at, clock_timestamp()) + :interval
    RETURNING extract(epoch FROM free_at - :interval - clock_timestamp())
    """
)
PURGE_SLOTS = text(f"DELETE FROM {PLATFORM}.host_turns WHERE free_at < now() - interval '1 hour'")


async def reserve_slot(database: Database, host: str, interval: float) -> float:
    """Reserves the next request to `host`, `interval` seconds after the last. Returns the seconds to wait."""
    async with database.platform() as uow:
        wait = await uow.scalar(RESERVE_SLOT, {"host": host, "interval": timedelta(seconds=interval)})
    return max(0.0, float(wait))


async def purge_slots(database: Database) -> None:
    """Deletes hosts without a request in the last hour."""
    async with database.platform() as uow:
        await uow.execute(PURGE_SLOTS)
