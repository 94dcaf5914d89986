"""The fence of a company in a database: while it is closed, writing units of the company are refused."""

import asyncio
import time

from db.company_move.site import Site
from db.provision import APPLICATION

CLOSE = "INSERT INTO platform.departures (company_id) VALUES ($1) ON CONFLICT DO NOTHING"
REOPEN = "DELETE FROM platform.departures WHERE company_id = $1"
WAIT = "SELECT pg_advisory_xact_lock(hashtextextended('place ' || $1::text, 0))"

READERS = f"""
SELECT array_agg(l.virtualtransaction) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND a.datname = current_database() AND a.usename = '{APPLICATION}'
"""
"""Transactions of the application in this database. What it reads there is hidden from other roles."""

POLL_SECONDS = 0.2


async def close_fence(site: Site) -> None:
    """Refuses writers of the company from now on."""
    await site.execute(CLOSE, site.company_id)


async def open_fence(site: Site) -> None:
    """Admits writers of the company."""
    await site.execute(REOPEN, site.company_id)


async def wait_for_writers(site: Site, seconds: float) -> None:
    """Waits until all writers have ended that passed the fence while it was open.

    Raises asyncpg's `LockNotAvailableError` if that takes longer.
    """
    async with site.connection.transaction():
        await site.execute(f"SET LOCAL lock_timeout = {int(seconds * 1000)}")
        await site.execute(WAIT, str(site.company_id))


async def wait_for_readers(site: Site, grace: float, seconds: float) -> bool:
    """Waits for all transactions of the application that began until `grace` seconds from now.

    By then every process reads the company elsewhere. Returns whether they have ended in time.
    """
    await asyncio.sleep(grace)
    readers = set(await _readers(site))
    deadline = time.monotonic() + seconds
    while readers and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        readers &= set(await _readers(site))
    return not readers


async def _readers(site: Site) -> list[str]:
    return await site.connection.fetchval(READERS) or []
