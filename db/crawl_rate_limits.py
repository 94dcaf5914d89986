"""Turns at other people's hosts, shared by every worker: who asks is told how long to wait."""

from datetime import timedelta

from sqlalchemy import text

from db.base import PLATFORM
from db.uow import Database

TAKE = text(
    f"""
    INSERT INTO {PLATFORM}.host_turns AS turn (host, free_at) VALUES (:host, clock_timestamp() + :apart)
    ON CONFLICT (host) DO UPDATE SET free_at = greatest(turn.free_at, clock_timestamp()) + :apart
    RETURNING extract(epoch FROM free_at - :apart - clock_timestamp())
    """
)
FORGET = text(f"DELETE FROM {PLATFORM}.host_turns WHERE free_at < now() - interval '1 hour'")


async def take_turn(database: Database, host: str, apart: float) -> float:
    """Reserve the next turn at `host`, `apart` seconds after the last one; in how many seconds it is."""
    async with database.platform() as uow:
        wait = await uow.scalar(TAKE, {"host": host, "apart": timedelta(seconds=apart)})
    return max(0.0, float(wait))


async def forget_turns(database: Database) -> None:
    """Forget hosts that nobody asked for an hour ago."""
    async with database.platform() as uow:
        await uow.execute(FORGET)
