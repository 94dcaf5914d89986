"""Turns at other people's hosts, shared by every worker: who asks is told how long to wait."""

from datetime import timedelta

from sqlalchemy import text

from db.base import PLATFORM
from db.uow import Database

RESERVE_SLOT = text(
    f"""
    INSERT INTO {PLATFORM}.host_turns AS turn (host, free_at) VALUES (:host, clock_timestamp() + :apart)
    ON CONFLICT (host) DO UPDATE SET free_at = greatest(turn.free_at, clock_timestamp()) + :apart
    RETURNING extract(epoch FROM free_at - :apart - clock_timestamp())
    """
)
PURGE_SLOTS = text(f"DELETE FROM {PLATFORM}.host_turns WHERE free_at < now() - interval '1 hour'")


async def reserve_slot(database: Database, host: str, interval: float) -> float:
    """Reserve the next turn at `host`, `apart` seconds after the last one; in how many seconds it is."""
    async with database.platform() as uow:
        wait = await uow.scalar(RESERVE_SLOT, {"host": host, "apart": timedelta(seconds=interval)})
    return max(0.0, float(wait))


async def purge_slots(database: Database) -> None:
    """Forget hosts that nobody asked for an hour ago."""
    async with database.platform() as uow:
        await uow.execute(PURGE_SLOTS)
